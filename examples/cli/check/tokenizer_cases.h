// carat check --tokenizer: a tokenizer against a file of cases.
#ifndef CARAT_EXAMPLES_CLI_CHECK_TOKENIZER_CASES_H_
#define CARAT_EXAMPLES_CLI_CHECK_TOKENIZER_CASES_H_

#include <string>
#include <vector>

namespace carat::cli {

// The file holds {"cases": [{"text", "ids", "decoded", "decoded_skip"}, ...]}. Prints every difference and
// the counts, and returns how many cases differ. Throws Error for broken files.
int CheckTokenizerCases(const std::string& tokenizer_path, const std::string& cases_path, bool json);

}  // namespace carat::cli

#endif  // CARAT_EXAMPLES_CLI_CHECK_TOKENIZER_CASES_H_
