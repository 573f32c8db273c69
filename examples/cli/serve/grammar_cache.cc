#include "examples/cli/serve/grammar_cache.h"

#include <algorithm>

namespace carat::cli {

Result<Grammar> GrammarCache::JsonSchema(std::string_view schema) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto known = std::find_if(grammars_.begin(), grammars_.end(),
                                  [schema](const auto& entry) { return entry.first == schema; });
  if (known != grammars_.end()) {
    grammars_.splice(grammars_.begin(), grammars_, known);
    return known->second;
  }
  // Clients read it, not people; and a model that likes white space cannot lose itself.
  Result<Grammar> grammar = Grammar::FromJsonSchema(schema, {.max_whitespace = 1});
  if (!grammar.ok()) return grammar;
  if (grammars_.size() == most_) grammars_.pop_back();
  grammars_.emplace_front(schema, *grammar);
  return grammar;
}

}  // namespace carat::cli
