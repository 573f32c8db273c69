// A file that appears when it is complete.
#ifndef CARAT_LIB_CONVERT_OUTPUT_FILE_H_
#define CARAT_LIB_CONVERT_OUTPUT_FILE_H_

#include <cstddef>
#include <string>

#include "carat/status.h"

namespace carat::internal {

class OutputFile {
 public:
  // Begins a file beside `path`. Errors: ALREADY_EXISTS unless `overwrite`; UNAVAILABLE with the system's
  // reason.
  static Result<OutputFile> Create(const std::string& path, bool overwrite);
  // Takes the unfinished file away.
  ~OutputFile();
  OutputFile(OutputFile&& other) noexcept;
  OutputFile& operator=(OutputFile&&) = delete;

  // Errors: UNAVAILABLE, RESOURCE_EXHAUSTED for a full disk.
  Status Write(const void* bytes, std::size_t size);
  // Gives it its name.
  Status Finish();

 private:
  OutputFile() = default;
  Status Failed(const char* what) const;

  std::string path_;
  std::string partial_;
  bool overwrite_ = false;
  int descriptor_ = -1;
};

}  // namespace carat::internal

#endif  // CARAT_LIB_CONVERT_OUTPUT_FILE_H_
