// Grammars of the calls of declared tools.
#ifndef CARAT_LIB_RUNTIME_TOOL_GRAMMARS_H_
#define CARAT_LIB_RUNTIME_TOOL_GRAMMARS_H_

#include <list>
#include <span>
#include <string>
#include <string_view>

#include "carat/chat.h"
#include "carat/grammar.h"

namespace carat::internal {

// Compiles them once, and keeps those that were asked for last. One thread at a time.
class ToolGrammars {
 public:
  // Calls of these tools, or of the one with this name. Where no grammar can be made of a tool's parameters
  // its arguments are any object, unless it is strict. `closed_objects`: see ReplyOptions. Errors: those of
  // Grammar::FromTools.
  Result<Grammar> For(std::span<const ToolDefinition> tools, std::string_view only, bool closed_objects);

 private:
  struct Known {
    std::string tools;  // their JSON
    bool closed_objects;
    Grammar grammar;
  };
  std::list<Known> known_;  // the latest first
};

}  // namespace carat::internal

#endif  // CARAT_LIB_RUNTIME_TOOL_GRAMMARS_H_
