// Paths as terminals and file managers paste them.
#ifndef CARAT_EXAMPLES_CLI_PASTED_PATH_H_
#define CARAT_EXAMPLES_CLI_PASTED_PATH_H_

#include <string>

namespace carat::cli {

// The path that a text means: in single or double quotes, with characters escaped by backslashes as a shell
// understands them, with ~ or ~USER for a home folder, or as a file:// URL. A text that is the name of a file
// as it stands means that file. What leads to no file is returned as a shell would understand it.
std::string FindPastedPath(const std::string& text);

}  // namespace carat::cli

#endif  // CARAT_EXAMPLES_CLI_PASTED_PATH_H_
