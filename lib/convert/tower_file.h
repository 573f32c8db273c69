// The vision and audio towers of a folder as a GGUF file of their own.
#ifndef CARAT_LIB_CONVERT_TOWER_FILE_H_
#define CARAT_LIB_CONVERT_TOWER_FILE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "carat/status.h"
#include "lib/convert/output_file.h"
#include "lib/convert/tensor_stream.h"
#include "lib/gguf/gguf_writer.h"
#include "lib/weights/checkpoint.h"
#include "lib/weights/gguf/gguf_towers.h"

namespace carat::internal {

class TowerFile {
 public:
  // Plans the file. Errors: FAILED_PRECONDITION if the checkpoint has no towers; UNIMPLEMENTED for what GGUF
  // cannot say; those of the towers' configurations.
  static Result<TowerFile> Plan(const Checkpoint& checkpoint);

  // Bytes that Write will read.
  std::int64_t source_bytes() const;
  // What a reader of the log wants to know beforehand.
  std::string Description() const;

  // All but giving the file its name.
  Status Write(TensorStream& stream, OutputFile& file) const;

 private:
  struct Planned {
    const TensorEntry* source;
    std::string name;
    std::vector<std::int64_t> shape;
    NumberFormat format;
  };

  Status WriteTensor(const Planned& tensor, TensorStream& stream, OutputFile& file) const;

  GgufTowers towers_;
  GgufHeader header_;
  std::vector<Planned> tensors_;
};

}  // namespace carat::internal

#endif  // CARAT_LIB_CONVERT_TOWER_FILE_H_
