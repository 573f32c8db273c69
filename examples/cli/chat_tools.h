// Tools of carat chat: functions that the model may call, each a shell command.
#ifndef CARAT_EXAMPLES_CLI_CHAT_TOOLS_H_
#define CARAT_EXAMPLES_CLI_CHAT_TOOLS_H_

#include <map>
#include <set>
#include <string>
#include <vector>

#include "carat/chat.h"

namespace carat::cli {

constexpr char kToolsHelp[] =
    "A tools file is a JSON list of {\"type\": \"function\", \"function\": {\"name\", \"description\", "
    "\"parameters\"},\n"
    "\"command\": SHELL COMMAND}. The command gets the arguments as JSON on its standard input, and each "
    "argument\n"
    "that is no list and no object in the environment as ARG_name; what it prints is the result.\n";

class ChatTools {
 public:
  // Without tools.
  ChatTools() = default;
  // Throws Error for a file that is none.
  explicit ChatTools(const std::string& file);

  const std::vector<ToolDefinition>& definitions() const { return definitions_; }

  // The result of a call. Asks the person before the command runs, unless `yes`, or it was allowed for good;
  // without a terminal to ask on, the answer is no.
  std::string Call(const ToolCall& call, bool yes);

 private:
  bool Allowed(const ToolCall& call, bool yes);

  std::vector<ToolDefinition> definitions_;
  std::map<std::string, std::string> commands_;  // by the function's name
  std::set<std::string> always_;                 // functions that were allowed for good
};

}  // namespace carat::cli

#endif  // CARAT_EXAMPLES_CLI_CHAT_TOOLS_H_
