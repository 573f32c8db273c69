// The table of contents of a safetensors file: eight bytes of length, a JSON object that says type, shape and
// place of every tensor, then the tensors' bytes without any gap.
#ifndef CARAT_LIB_WEIGHTS_FOLDER_SAFETENSORS_H_
#define CARAT_LIB_WEIGHTS_FOLDER_SAFETENSORS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "carat/status.h"
#include "lib/base/file_mapping.h"
#include "lib/base/tensor.h"

namespace carat::internal {

// A tensor of any type that the format has.
struct StoredTensor {
  std::string name;
  std::string type;                    // as the file spells it, "BF16"
  std::optional<NumberFormat> format;  // of those that carat computes with
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0;  // from the beginning of the file
  std::uint64_t end = 0;
};

// All tensors of the file, in the order of their bytes, fully checked. Errors: DATA_LOSS naming file, tensor,
// expected and found.
Result<std::vector<StoredTensor>> ReadTableOfContents(const FileMapping& file);

}  // namespace carat::internal

#endif  // CARAT_LIB_WEIGHTS_FOLDER_SAFETENSORS_H_
