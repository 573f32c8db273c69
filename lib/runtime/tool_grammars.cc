#include "lib/runtime/tool_grammars.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "lib/base/error.h"

namespace carat::internal {
namespace {

// A conversation rarely has more sets of tools than one; a server's clients have a few.
constexpr std::size_t kMostKept = 8;

constexpr std::string_view kAnyObject = R"({"type":"object"})";

std::string ToolJson(const ToolDefinition& tool, std::string_view parameters) {
  std::string json = R"({"name":)" + JsonQuote(tool.name);
  if (!parameters.empty()) json.append(R"(,"parameters":)").append(parameters);
  if (tool.strict) json += R"(,"strict":true)";
  return json + "}";
}

std::string ListOf(std::span<const std::string> tools) {
  std::string json = "[";
  for (const std::string& tool : tools) json.append(json.size() > 1 ? "," : "").append(tool);
  return json + "]";
}

// For tools of which not all schemas can be kept to: errors are those of the strict ones, and of names.
Result<Grammar> WithAnyObjects(std::span<const ToolDefinition> tools, const ToolGrammarOptions& options) {
  std::vector<std::string> possible, loose;
  for (const ToolDefinition& tool : tools) {
    possible.push_back(ToolJson(tool, tool.parameters));
    loose.push_back(ToolJson(tool, tool.strict ? std::string_view(tool.parameters) : kAnyObject));
    const Status status = Grammar::FromTools(possible.back(), options).status();
    if (status.ok()) continue;
    if (tool.strict) return status;
    possible.back() = loose.back();
  }
  auto grammar = Grammar::FromTools(ListOf(possible), options);
  // Each for itself may be small enough, and all together too large.
  if (grammar.status().code() != StatusCode::kResourceExhausted) return grammar;
  return Grammar::FromTools(ListOf(loose), options);
}

}  // namespace

Result<Grammar> ToolGrammars::For(std::span<const ToolDefinition> tools, std::string_view only,
                                  bool closed_objects) {
  std::vector<ToolDefinition> chosen;
  std::vector<std::string> texts;
  for (const ToolDefinition& tool : tools) {
    if (!only.empty() && tool.name != only) continue;
    chosen.push_back(tool);
    texts.push_back(ToolJson(tool, tool.parameters));
  }
  std::string key = ListOf(texts);
  const auto known = std::find_if(known_.begin(), known_.end(), [&](const Known& entry) {
    return entry.tools == key && entry.closed_objects == closed_objects;
  });
  if (known != known_.end()) {
    known_.splice(known_.begin(), known_, known);
    return known_.front().grammar;
  }
  const ToolGrammarOptions options{.closed_objects = closed_objects};
  auto grammar = Grammar::FromTools(key, options);
  if (!grammar.ok()) grammar = WithAnyObjects(chosen, options);
  if (!grammar.ok()) return grammar;
  if (known_.size() == kMostKept) known_.pop_back();
  known_.push_front({std::move(key), closed_objects, *grammar});
  return grammar;
}

}  // namespace carat::internal
