// A file that appears when it is complete, and of which nothing stays behind otherwise.
#ifndef CARAT_LIB_CONVERT_OUTPUT_FILE_H_
#define CARAT_LIB_CONVERT_OUTPUT_FILE_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "carat/status.h"

namespace carat::internal {

class OutputFile {
 public:
  // Whether a file of that name may be written: there is none, or with `overwrite` a regular one. Touches
  // nothing. A link to a regular file stays a link, and the file behind it is replaced. Errors:
  // ALREADY_EXISTS; INVALID_ARGUMENT for a FIFO, a socket, a device, a folder, a link that leads nowhere, and
  // for "-".
  static Status Check(const std::string& path, bool overwrite);

  // Begins a file without a name in the folder of `path`, so that not even a process that is killed leaves
  // anything behind; where the file system cannot do that, a file beside `path`. Errors: those of Check;
  // UNAVAILABLE with the system's reason.
  static Result<OutputFile> Create(const std::string& path, bool overwrite);
  // Takes the unfinished file away.
  ~OutputFile();
  OutputFile(OutputFile&& other) noexcept;
  OutputFile& operator=(OutputFile&&) = delete;

  // Errors: UNAVAILABLE, RESOURCE_EXHAUSTED for a full disk and for more than the process may write into one
  // file (which raises no SIGXFSZ).
  Status Write(const void* bytes, std::size_t size);
  // Gives it its name.
  Status Finish();

 private:
  OutputFile() = default;
  Status Failed(const char* what) const;
  bool OpenNameless();
  bool OpenBeside();
  // Gives the nameless file a name beside `path_`.
  bool NameBeside();

  std::string path_;
  std::string partial_;  // empty while the file has no name
  bool overwrite_ = false;
  int descriptor_ = -1;
  std::uint64_t written_ = 0;
};

}  // namespace carat::internal

#endif  // CARAT_LIB_CONVERT_OUTPUT_FILE_H_
