#include "lib/base/json_tree.h"

#include <charconv>
#include <limits>
#include <utility>
#include <vector>

#include "lib/base/error.h"
#include "lib/base/json_reader.h"
#include "lib/base/json_text.h"

namespace carat::internal {

std::string_view NameOf(JsonKind kind) {
  switch (kind) {
    case JsonKind::kNull:
      return "null";
    case JsonKind::kFalse:
    case JsonKind::kTrue:
      return "true or false";
    case JsonKind::kNumber:
      return "a number";
    case JsonKind::kString:
      return "a string";
    case JsonKind::kArray:
      return "an array";
    case JsonKind::kObject:
      return "an object";
  }
  return "something else";
}

JsonKind JsonValue::kind() const {
  return tree_->nodes[node_].kind;
}

std::string_view JsonValue::text() const {
  const JsonTreeData::Node& node = tree_->nodes[node_];
  if (node.kind != JsonKind::kString && node.kind != JsonKind::kNumber) return {};
  return std::string_view(tree_->texts).substr(node.begin, node.size);
}

std::span<const std::uint32_t> JsonValue::children() const {
  const JsonTreeData::Node& node = tree_->nodes[node_];
  if (node.kind != JsonKind::kArray && node.kind != JsonKind::kObject) return {};
  return std::span(tree_->children).subspan(node.begin, node.size);
}

std::string_view JsonValue::key() const {
  const JsonTreeData::Node& node = tree_->nodes[node_];
  return std::string_view(tree_->texts).substr(node.key_begin, node.key_size);
}

std::optional<JsonValue> JsonValue::Find(std::string_view key) const {
  if (!is_object()) return std::nullopt;
  for (const std::uint32_t child : children()) {
    const JsonValue member(tree_, child);
    if (member.key() == key) return member;
  }
  return std::nullopt;
}

std::optional<JsonValue> JsonValue::FindValue(std::string_view key) const {
  const auto found = Find(key);
  return found && !found->is_null() ? found : std::nullopt;
}

std::optional<std::int64_t> JsonValue::Integer() const {
  if (!is_number()) return std::nullopt;
  const std::string_view digits = text();
  std::int64_t value = 0;
  const auto end = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (end.ec != std::errc() || end.ptr != digits.data() + digits.size()) return std::nullopt;
  return value;
}

std::optional<double> JsonValue::Double() const {
  if (!is_number()) return std::nullopt;
  return JsonDouble(text());
}

JsonTree::JsonTree(std::unique_ptr<const JsonTreeData> data) : data_(std::move(data)) {}
JsonTree::JsonTree(JsonTree&&) noexcept = default;
JsonTree& JsonTree::operator=(JsonTree&&) noexcept = default;
JsonTree::~JsonTree() = default;

Result<JsonTree> JsonTree::Parse(std::string_view text, const std::string& source) {
  if (text.size() >= std::numeric_limits<std::uint32_t>::max()) {
    return ResourceExhausted("%s: a JSON text of %d bytes is too large", source, text.size());
  }
  auto data = std::make_unique<JsonTreeData>();
  JsonReader reader(text, kDeepest, *data);
  if (!reader.Read()) {
    return InvalidArgument("%s: not valid JSON: line %d, column %d: %s", source, reader.line(),
                           reader.column(), reader.problem());
  }
  return JsonTree(std::move(data));
}

std::uint32_t JsonTree::size() const {
  return static_cast<std::uint32_t>(data_->nodes.size());
}

std::optional<std::uint32_t> JsonTree::Find(std::uint32_t object, std::string_view key) const {
  const auto found = (*this)[object].Find(key);
  return found ? std::optional(found->node()) : std::nullopt;
}

std::uint32_t JsonTree::Parent(std::uint32_t node) const {
  return data_->nodes[node].parent;
}

std::optional<std::uint32_t> JsonTree::Follow(std::uint32_t from, std::string_view pointer) const {
  std::uint32_t node = from;
  while (!pointer.empty()) {
    if (pointer[0] != '/') return std::nullopt;
    pointer.remove_prefix(1);
    const std::string_view part = pointer.substr(0, pointer.find('/'));
    pointer.remove_prefix(part.size());
    std::string name;
    for (std::size_t i = 0; i < part.size(); ++i) {
      const bool escaped =
          part[i] == '~' && i + 1 < part.size() && (part[i + 1] == '0' || part[i + 1] == '1');
      name += !escaped ? part[i] : part[i + 1] == '0' ? '~' : '/';
      if (escaped) ++i;
    }
    const JsonValue value = (*this)[node];
    std::optional<JsonValue> child = value.Find(name);
    if (value.is_array()) {
      std::size_t index = 0;
      const auto end = std::from_chars(name.data(), name.data() + name.size(), index);
      const bool whole = end.ec == std::errc() && end.ptr == name.data() + name.size();
      if (whole && index < value.size()) child = value[index];
    }
    if (!child) return std::nullopt;
    node = child->node();
  }
  return node;
}

std::string JsonTree::PathOf(std::uint32_t node) const {
  constexpr std::size_t kLongest = 200;
  std::string path;
  while (node != 0 && path.size() <= kLongest) {
    const std::uint32_t parent = Parent(node);
    std::string step = "/";
    if ((*this)[parent].is_object()) {
      step += (*this)[node].key();
    } else {
      step += std::to_string(data_->nodes[node].index);
    }
    path = std::move(step) + path;
    node = parent;
  }
  if (node == 0) return "#" + path;
  path.replace(0, path.size() - kLongest, "#...");
  return path;
}

std::string JsonTextOf(const JsonValue& value) {
  struct Open {
    JsonValue value;
    std::size_t next = 0;
  };
  std::string json;
  std::vector<Open> open;
  const auto begin = [&](const JsonValue& one) {
    switch (one.kind()) {
      case JsonKind::kNull:
        json += "null";
        return;
      case JsonKind::kFalse:
        json += "false";
        return;
      case JsonKind::kTrue:
        json += "true";
        return;
      case JsonKind::kNumber:
        json += one.text();
        return;
      case JsonKind::kString:
        json += '"';
        AppendJsonText(one.text(), &json);
        json += '"';
        return;
      case JsonKind::kArray:
      case JsonKind::kObject:
        json += one.is_array() ? '[' : '{';
        open.push_back({one});
    }
  };
  begin(value);
  while (!open.empty()) {
    Open& now = open.back();
    if (now.next == now.value.size()) {
      json += now.value.is_array() ? ']' : '}';
      open.pop_back();
      continue;
    }
    if (now.next > 0) json += ',';
    const JsonValue child = now.value[now.next++];
    if (now.value.is_object()) {
      json += '"';
      AppendJsonText(child.key(), &json);
      json += "\":";
    }
    begin(child);
  }
  return json;
}

Result<JsonMembers> JsonMembers::From(const JsonValue& value, std::string where, std::string_view what) {
  if (value.is_object()) return JsonMembers(value, std::move(where));
  return InvalidArgument("%s: %s must be an object, but is %s", where, what.empty() ? "it" : what,
                         NameOf(value.kind()));
}

Status JsonMembers::WrongType(std::string_view key, std::string_view expected, const JsonValue& found) const {
  return InvalidArgument("%s: %s must be %s, but is %s", where_, key, expected, NameOf(found.kind()));
}

Result<std::optional<std::string>> JsonMembers::String(std::string_view key) const {
  const auto value = Find(key);
  if (!value) return std::optional<std::string>();
  if (!value->is_string()) return WrongType(key, "a string", *value);
  return std::optional<std::string>(value->text());
}

Result<std::optional<bool>> JsonMembers::Boolean(std::string_view key) const {
  const auto value = Find(key);
  if (!value) return std::optional<bool>();
  if (!value->is_boolean()) return WrongType(key, "true or false", *value);
  return std::optional<bool>(value->is_true());
}

Result<std::optional<JsonMembers>> JsonMembers::Object(std::string_view key) const {
  const auto value = Find(key);
  if (!value) return std::optional<JsonMembers>();
  CARAT_ASSIGN_OR_RETURN(JsonMembers members, From(*value, where_, key));
  return std::optional<JsonMembers>(std::move(members));
}

}  // namespace carat::internal
