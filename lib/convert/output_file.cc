#include "lib/convert/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

#include "lib/base/error.h"
#include "lib/base/file_mapping.h"

namespace carat::internal {

Result<OutputFile> OutputFile::Create(const std::string& path, bool overwrite) {
  if (!overwrite && FileExists(path)) return AlreadyExists("%s: there is such a file already", path);
  OutputFile file;
  file.path_ = path;
  file.overwrite_ = overwrite;
  // Two processes never write one file, and what an earlier one left behind is not touched.
  constexpr int kAttempts = 100;
  for (int attempt = 0; attempt < kAttempts && file.descriptor_ < 0; ++attempt) {
    file.partial_ = absl::StrFormat("%s.%d-%d.part", path, getpid(), attempt);
    file.descriptor_ = open(file.partial_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file.descriptor_ < 0 && errno != EEXIST) break;
  }
  if (file.descriptor_ < 0) return file.Failed("cannot be made");
  return file;
}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : path_(std::move(other.path_)),
      partial_(std::move(other.partial_)),
      overwrite_(other.overwrite_),
      descriptor_(std::exchange(other.descriptor_, -1)) {}

OutputFile::~OutputFile() {
  if (descriptor_ < 0) return;
  close(descriptor_);
  unlink(partial_.c_str());
}

Status OutputFile::Failed(const char* what) const {
  const int error = errno;
  const std::string reason = std::generic_category().message(error);
  if (error == ENOSPC || error == EDQUOT) return ResourceExhausted("%s: %s: %s", partial_, what, reason);
  if (error == EACCES || error == EPERM) return PermissionDenied("%s: %s: %s", partial_, what, reason);
  return Unavailable("%s: %s: %s", partial_, what, reason);
}

Status OutputFile::Write(const void* bytes, std::size_t size) {
  const char* at = static_cast<const char*>(bytes);
  while (size > 0) {
    const ssize_t written = write(descriptor_, at, size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Failed("cannot be written");
    at += written;
    size -= static_cast<std::size_t>(written);
  }
  return {};
}

Status OutputFile::Finish() {
  const int descriptor = std::exchange(descriptor_, -1);
  if (close(descriptor) != 0) {
    const Status status = Failed("cannot be written");
    unlink(partial_.c_str());
    return status;
  }
  // A link never replaces what has appeared in the meantime; where the file system has no links, look once
  // more.
  bool named = false;
  if (!overwrite_) {
    named = link(partial_.c_str(), path_.c_str()) == 0;
    if (named || errno == EEXIST || FileExists(path_)) unlink(partial_.c_str());
    if (!named && FileExists(path_)) return AlreadyExists("%s: there is such a file already", path_);
  }
  if (!named && std::rename(partial_.c_str(), path_.c_str()) != 0) {
    const Status status = Failed("cannot be given its name");
    unlink(partial_.c_str());
    return status;
  }
  return {};
}

}  // namespace carat::internal
