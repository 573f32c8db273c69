// Grammars of JSON schemas, compiled once.
#ifndef CARAT_EXAMPLES_CLI_SERVE_GRAMMAR_CACHE_H_
#define CARAT_EXAMPLES_CLI_SERVE_GRAMMAR_CACHE_H_

#include <cstddef>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "carat/grammar.h"

namespace carat::cli {

// A client tends to ask with the same schema again and again. Any thread.
class GrammarCache {
 public:
  // The most grammars that are kept: what was not asked for longest goes.
  explicit GrammarCache(std::size_t most) : most_(most) {}

  // Errors: those of Grammar::FromJsonSchema.
  Result<Grammar> JsonSchema(std::string_view schema);

 private:
  std::size_t most_;
  std::mutex mutex_;
  std::list<std::pair<std::string, Grammar>> grammars_;  // by schema, the latest first
};

}  // namespace carat::cli

#endif  // CARAT_EXAMPLES_CLI_SERVE_GRAMMAR_CACHE_H_
