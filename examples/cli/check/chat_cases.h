// carat check --chat: conversations against the prompts that a reference makes of them.
#ifndef CARAT_EXAMPLES_CLI_CHECK_CHAT_CASES_H_
#define CARAT_EXAMPLES_CLI_CHECK_CHAT_CASES_H_

#include <string>
#include <vector>

namespace carat::cli {

// The file holds {"cases": [{"name", "messages", "tools", "enable_thinking", "preserve_thinking",
// "add_generation_prompt", "expected_small", "expected_large"}, ...]}; a null prompt says that the reference
// refuses the messages. Each folder's tokenizer must also turn every prompt into the ids that its text has.
// Prints a table, and returns how many cases differ. Throws Error for broken files.
int CheckChatCases(const std::string& cases_path, const std::vector<std::string>& tokenizers, bool json);

}  // namespace carat::cli

#endif  // CARAT_EXAMPLES_CLI_CHECK_CHAT_CASES_H_
