#include "examples/cli/text_file.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "examples/cli/error.h"

namespace carat::cli {

std::string ReadTextFile(const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    throw Error(kExitBadInput, path + ": this is a folder, but must be a file");
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error(kExitBadInput, path + ": cannot be read");
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (file.bad()) throw Error(kExitBadInput, path + ": cannot be read");
  return text;
}

}  // namespace carat::cli
