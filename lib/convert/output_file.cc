#include "lib/convert/output_file.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include "lib/base/error.h"
#include "lib/base/file_mapping.h"

namespace carat::internal {
namespace {

// Two processes never write one file, and what an earlier one left behind is not touched.
constexpr int kAttempts = 100;

std::string NameOfAttempt(const std::string& path, int attempt) {
  return absl::StrFormat("%s.%d-%d.part", path, getpid(), attempt);
}

std::string FolderOf(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  return folder.empty() ? std::string(".") : folder;
}

// By which a process names a file that it has open.
std::string OpenFileName(int descriptor) {
  return absl::StrFormat("/proc/self/fd/%d", descriptor);
}

// The file that a link leads to; the path itself if there is no such file yet.
std::string FileBehind(const std::string& path) {
  std::error_code error;
  const auto target = std::filesystem::canonical(path, error);
  return error ? path : target.string();
}

}  // namespace

Status OutputFile::Check(const std::string& path, bool overwrite) {
  if (path == "-") {
    return InvalidArgument(
        "'-' is no file to write to: the output must be a regular file, and is written whole");
  }
  struct stat info;
  if (stat(path.c_str(), &info) != 0) {
    if (lstat(path.c_str(), &info) != 0) return {};
    return InvalidArgument("%s: this is a link that leads nowhere, but the output must be a regular file",
                           path);
  }
  if (!S_ISREG(info.st_mode)) {
    return InvalidArgument("%s: this is %s, but the output must be a regular file", path,
                           std::string(SpecialFileName(info.st_mode)));
  }
  if (overwrite) return {};
  return AlreadyExists("%s: there is such a file already", path);
}

Result<OutputFile> OutputFile::Create(const std::string& path, bool overwrite) {
  CARAT_RETURN_IF_ERROR(Check(path, overwrite));
  OutputFile file;
  file.path_ = FileBehind(path);
  file.overwrite_ = overwrite;
  if (!file.OpenNameless() && !file.OpenBeside()) return file.Failed("cannot be made");
  return file;
}

bool OutputFile::OpenNameless() {
  descriptor_ = open(FolderOf(path_).c_str(), O_WRONLY | O_TMPFILE | O_CLOEXEC, 0666);
  if (descriptor_ < 0) return false;
  // Without /proc it could not be named later.
  if (access(OpenFileName(descriptor_).c_str(), F_OK) == 0) return true;
  close(std::exchange(descriptor_, -1));
  return false;
}

bool OutputFile::OpenBeside() {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    partial_ = NameOfAttempt(path_, attempt);
    descriptor_ = open(partial_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor_ >= 0) return true;
    if (errno != EEXIST) return false;
  }
  return false;
}

bool OutputFile::NameBeside() {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    partial_ = NameOfAttempt(path_, attempt);
    if (linkat(AT_FDCWD, OpenFileName(descriptor_).c_str(), AT_FDCWD, partial_.c_str(), AT_SYMLINK_FOLLOW) ==
        0) {
      return true;
    }
    if (errno != EEXIST) break;
  }
  partial_.clear();
  return false;
}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : path_(std::move(other.path_)),
      partial_(std::move(other.partial_)),
      overwrite_(other.overwrite_),
      descriptor_(std::exchange(other.descriptor_, -1)),
      written_(other.written_) {}

OutputFile::~OutputFile() {
  if (descriptor_ < 0) return;
  close(descriptor_);
  if (!partial_.empty()) unlink(partial_.c_str());
}

Status OutputFile::Failed(const char* what) const {
  const int error = errno;
  const std::string reason = std::generic_category().message(error);
  if (error == ENOSPC || error == EDQUOT || error == EFBIG) {
    return ResourceExhausted("%s: %s: %s", path_, what, reason);
  }
  if (error == EACCES || error == EPERM) return PermissionDenied("%s: %s: %s", path_, what, reason);
  return Unavailable("%s: %s: %s", path_, what, reason);
}

Status OutputFile::Write(const void* bytes, std::size_t size) {
  // Beyond this limit the system sends a signal that ends the process, so it is not reached.
  rlimit limit;
  const bool limited = getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
  if (limited && (size > limit.rlim_cur || written_ > limit.rlim_cur - size)) {
    return ResourceExhausted(
        "%s: cannot be written: this process may write %d bytes into one file at most (ulimit -f)", path_,
        limit.rlim_cur);
  }
  const char* at = static_cast<const char*>(bytes);
  while (size > 0) {
    const ssize_t written = write(descriptor_, at, size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Failed("cannot be written");
    at += written;
    written_ += static_cast<std::uint64_t>(written);
    size -= static_cast<std::size_t>(written);
  }
  return {};
}

Status OutputFile::Finish() {
  if (partial_.empty() && !NameBeside()) return Failed("cannot be given its name");
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
