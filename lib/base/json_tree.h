// JSON texts as trees, for what hosts, clients and models write: numbers keep their digits, whatever their
// size and precision, and an error says line and column.
#ifndef CARAT_LIB_BASE_JSON_TREE_H_
#define CARAT_LIB_BASE_JSON_TREE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "carat/status.h"

namespace carat::internal {

enum class JsonKind : std::uint8_t { kNull, kFalse, kTrue, kNumber, kString, kArray, kObject };

// "an array", for errors.
std::string_view NameOf(JsonKind kind);

struct JsonTreeData;

// A value in a tree. Light; valid while the tree, or what it was moved to, lives.
class JsonValue {
 public:
  JsonValue(const JsonTreeData* tree, std::uint32_t node) : tree_(tree), node_(node) {}

  JsonKind kind() const;
  bool is_null() const { return kind() == JsonKind::kNull; }
  bool is_boolean() const { return kind() == JsonKind::kTrue || kind() == JsonKind::kFalse; }
  bool is_true() const { return kind() == JsonKind::kTrue; }
  bool is_number() const { return kind() == JsonKind::kNumber; }
  bool is_string() const { return kind() == JsonKind::kString; }
  bool is_array() const { return kind() == JsonKind::kArray; }
  bool is_object() const { return kind() == JsonKind::kObject; }

  // Of a string, what it says; of a number, its digits as they were written; otherwise empty.
  std::string_view text() const;

  // The numbers of the items or members, in the order of the text. A key that comes several times is there
  // once: in its first place, with its last value.
  std::span<const std::uint32_t> children() const;
  std::size_t size() const { return children().size(); }
  JsonValue operator[](std::size_t index) const { return {tree_, children()[index]}; }

  // Of an object's member, its key; otherwise empty.
  std::string_view key() const;
  // A member of an object. Absent in a value of any other kind.
  std::optional<JsonValue> Find(std::string_view key) const;
  // As Find, except that null is absent too.
  std::optional<JsonValue> FindValue(std::string_view key) const;

  // Of numbers. Absent if the value is no number; Integer also if it has a point, an exponent or too many
  // digits. A Double is the nearest one, infinite beyond the largest.
  std::optional<std::int64_t> Integer() const;
  std::optional<double> Double() const;

  // The value's number in its tree.
  std::uint32_t node() const { return node_; }

 private:
  const JsonTreeData* tree_;
  std::uint32_t node_;
};

// A parsed text. Move-only.
class JsonTree {
 public:
  // The text may begin with a byte order mark. Half of a surrogate pair, as an escape or encoded, becomes
  // U+FFFD. `source` names the text in errors. Errors: INVALID_ARGUMENT with line and column for what is not
  // JSON or is nested more than kDeepest deep; RESOURCE_EXHAUSTED for 4 GB and more.
  static Result<JsonTree> Parse(std::string_view text, const std::string& source);

  static constexpr std::size_t kDeepest = 500;

  JsonTree(JsonTree&&) noexcept;
  JsonTree& operator=(JsonTree&&) noexcept;
  ~JsonTree();

  JsonValue root() const { return {data_.get(), 0}; }
  // Node 0 is the root.
  JsonValue operator[](std::uint32_t node) const { return {data_.get(), node}; }

  // The number of nodes, also of those whose place a later value of the same key took.
  std::uint32_t size() const;
  // A member's number.
  std::optional<std::uint32_t> Find(std::uint32_t object, std::string_view key) const;
  // What a node lies in; the root in itself.
  std::uint32_t Parent(std::uint32_t node) const;
  // Follows a JSON pointer, "" or "/a/b~1c/0", from a node.
  std::optional<std::uint32_t> Follow(std::uint32_t from, std::string_view pointer) const;
  // "#/properties/a", for errors.
  std::string PathOf(std::uint32_t node) const;

 private:
  explicit JsonTree(std::unique_ptr<const JsonTreeData> data);
  std::unique_ptr<const JsonTreeData> data_;
};

// The value as compact JSON; numbers with the digits that they came with.
std::string JsonTextOf(const JsonValue& value);

// The members of an object of a host's or a client's, asked for by key. A missing member and null are the
// same: absent. A member of the wrong type is INVALID_ARGUMENT: "message 3: role must be a string, but is a
// number".
class JsonMembers {
 public:
  // `where` names what the object is in: "message 3"; `what` the object itself where it is a part of that.
  static Result<JsonMembers> From(const JsonValue& value, std::string where, std::string_view what = "");

  std::optional<JsonValue> Find(std::string_view key) const { return value_.FindValue(key); }
  Result<std::optional<std::string>> String(std::string_view key) const;
  Result<std::optional<bool>> Boolean(std::string_view key) const;
  Result<std::optional<JsonMembers>> Object(std::string_view key) const;

 private:
  JsonMembers(const JsonValue& value, std::string where) : value_(value), where_(std::move(where)) {}
  Status WrongType(std::string_view key, std::string_view expected, const JsonValue& found) const;

  JsonValue value_;
  std::string where_;
};

}  // namespace carat::internal

#endif  // CARAT_LIB_BASE_JSON_TREE_H_
