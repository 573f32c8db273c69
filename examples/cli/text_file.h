// The text of a file that an argument names.
#ifndef CARAT_EXAMPLES_CLI_TEXT_FILE_H_
#define CARAT_EXAMPLES_CLI_TEXT_FILE_H_

#include <string>

namespace carat::cli {

// Throws an Error that names the file if it is missing, a folder, or cannot be read.
std::string ReadTextFile(const std::string& path);

}  // namespace carat::cli

#endif  // CARAT_EXAMPLES_CLI_TEXT_FILE_H_
