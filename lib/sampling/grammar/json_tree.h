// A JSON text as nodes with numbers, so that a place in it has a name and nothing needs recursion.
#ifndef CARAT_LIB_SAMPLING_GRAMMAR_JSON_TREE_H_
#define CARAT_LIB_SAMPLING_GRAMMAR_JSON_TREE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "carat/status.h"

namespace carat::internal {

struct JsonNode {
  enum class Kind { kNull, kFalse, kTrue, kNumber, kString, kArray, kObject };
  Kind kind = Kind::kNull;
  std::string text;               // of a string; of a number, as JSON writes it
  std::vector<std::string> keys;  // of an object's children
  std::vector<std::uint32_t> children;
  std::uint32_t parent = 0;
  std::string name;  // its key or index in the parent
};

class JsonTree {
 public:
  // `source` names the text in errors. Errors: INVALID_ARGUMENT for what is not JSON, has a key twice, or is
  // nested more than kDeepest deep; RESOURCE_EXHAUSTED.
  static Result<JsonTree> Parse(std::string_view text, const std::string& source);

  static constexpr std::size_t kDeepest = 500;

  // Node 0 is the whole.
  const JsonNode& operator[](std::uint32_t node) const { return nodes_[node]; }
  std::size_t size() const { return nodes_.size(); }

  std::optional<std::uint32_t> Find(std::uint32_t object, std::string_view key) const;
  // Follows a JSON pointer, "" or "/a/b~1c/0", from a node.
  std::optional<std::uint32_t> Follow(std::uint32_t from, std::string_view pointer) const;
  // "#/properties/a", for errors.
  std::string PathOf(std::uint32_t node) const;
  // The same value, objects in any order.
  bool SameValue(std::uint32_t a, std::uint32_t b) const;

 private:
  std::vector<JsonNode> nodes_;
};

// "an array", for errors.
std::string_view NameOf(JsonNode::Kind kind);

}  // namespace carat::internal

#endif  // CARAT_LIB_SAMPLING_GRAMMAR_JSON_TREE_H_
