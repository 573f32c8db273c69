#include "lib/sampling/grammar/json_tree.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>
#include <utility>

#include "lib/base/error.h"
#include "lib/base/json.h"
#include "lib/sampling/grammar/number.h"

namespace carat::internal {
namespace {

namespace dom = simdjson::dom;

std::string NumberText(double value) {
  char buffer[64];
  const auto end = std::to_chars(std::begin(buffer), std::end(buffer), value).ptr;
  std::string text(buffer, end);
  // A number with a point keeps it: 1.0 is not written as 1.
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

// A node for everything but the children.
JsonNode NodeOf(const dom::element& element) {
  JsonNode node;
  switch (element.type()) {
    case dom::element_type::ARRAY:
      node.kind = JsonNode::Kind::kArray;
      break;
    case dom::element_type::OBJECT:
      node.kind = JsonNode::Kind::kObject;
      break;
    case dom::element_type::INT64:
      node.kind = JsonNode::Kind::kNumber;
      node.text = std::to_string(std::int64_t{element});
      break;
    case dom::element_type::UINT64:
      node.kind = JsonNode::Kind::kNumber;
      node.text = std::to_string(std::uint64_t{element});
      break;
    case dom::element_type::DOUBLE:
      node.kind = JsonNode::Kind::kNumber;
      node.text = NumberText(double{element});
      break;
    case dom::element_type::STRING:
      node.kind = JsonNode::Kind::kString;
      node.text = std::string(std::string_view{element});
      break;
    case dom::element_type::BOOL:
      node.kind = bool{element} ? JsonNode::Kind::kTrue : JsonNode::Kind::kFalse;
      break;
    case dom::element_type::NULL_VALUE:
      break;
  }
  return node;
}

}  // namespace

Result<JsonTree> JsonTree::Parse(std::string_view text, const std::string& source) {
  auto document = JsonDocument::Parse(text, source);
  if (!document.ok()) {
    if (document.status().code() != StatusCode::kDataLoss) return document.status();
    return InvalidArgument("%s", std::string(document.status().message()));
  }
  JsonTree tree;
  struct Pending {
    dom::element element;
    std::uint32_t node;
    std::size_t depth;
  };
  std::vector<Pending> pending = {{document->root(), 0, 0}};
  tree.nodes_.push_back(NodeOf(document->root()));
  const auto add = [&](const Pending& parent, const dom::element& element, std::string name) {
    const auto child = static_cast<std::uint32_t>(tree.nodes_.size());
    JsonNode node = NodeOf(element);
    node.parent = parent.node;
    node.name = std::move(name);
    tree.nodes_.push_back(std::move(node));
    tree.nodes_[parent.node].children.push_back(child);
    pending.push_back({element, child, parent.depth + 1});
  };
  while (!pending.empty()) {
    const Pending now = pending.back();
    pending.pop_back();
    if (now.depth > kDeepest) {
      return InvalidArgument("%s is nested more than %d deep", source, kDeepest);
    }
    if (now.element.is_array()) {
      std::size_t index = 0;
      for (const dom::element element : dom::array(now.element)) add(now, element, std::to_string(index++));
    } else if (now.element.is_object()) {
      for (const auto field : dom::object(now.element)) {
        tree.nodes_[now.node].keys.emplace_back(field.key);
        add(now, field.value, std::string(field.key));
      }
      std::vector<std::string_view> keys(tree.nodes_[now.node].keys.begin(),
                                         tree.nodes_[now.node].keys.end());
      std::sort(keys.begin(), keys.end());
      const auto twice = std::adjacent_find(keys.begin(), keys.end());
      if (twice != keys.end()) {
        return InvalidArgument("%s: %s has the key '%s' twice", source, tree.PathOf(now.node),
                               std::string(*twice));
      }
    }
  }
  return tree;
}

std::optional<std::uint32_t> JsonTree::Find(std::uint32_t object, std::string_view key) const {
  const JsonNode& node = nodes_[object];
  const auto found = std::find(node.keys.begin(), node.keys.end(), key);
  if (found == node.keys.end()) return std::nullopt;
  return node.children[static_cast<std::size_t>(found - node.keys.begin())];
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
    const auto& children = nodes_[node].children;
    const auto found = std::find_if(children.begin(), children.end(),
                                    [&](std::uint32_t child) { return nodes_[child].name == name; });
    if (found == children.end()) return std::nullopt;
    node = *found;
  }
  return node;
}

std::string JsonTree::PathOf(std::uint32_t node) const {
  std::string path;
  while (node != 0) {
    path.insert(0, "/" + nodes_[node].name);
    node = nodes_[node].parent;
    if (path.size() > 200) return "#..." + path.substr(path.size() - 200);
  }
  return "#" + path;
}

bool JsonTree::SameValue(std::uint32_t first, std::uint32_t second) const {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> pending = {{first, second}};
  while (!pending.empty()) {
    const auto [a, b] = pending.back();
    pending.pop_back();
    const JsonNode& left = nodes_[a];
    const JsonNode& right = nodes_[b];
    if (left.kind != right.kind || left.children.size() != right.children.size()) return false;
    if (left.kind == JsonNode::Kind::kNumber) {
      if (Compare(ParseDecimal(left.text), ParseDecimal(right.text)) != 0) return false;
    } else if (left.text != right.text) {
      return false;
    }
    for (std::size_t i = 0; i < left.children.size(); ++i) {
      if (left.kind == JsonNode::Kind::kArray) {
        pending.emplace_back(left.children[i], right.children[i]);
        continue;
      }
      const auto other = Find(b, left.keys[i]);
      if (!other) return false;
      pending.emplace_back(left.children[i], *other);
    }
  }
  return true;
}

std::string_view NameOf(JsonNode::Kind kind) {
  switch (kind) {
    case JsonNode::Kind::kNull:
      return "null";
    case JsonNode::Kind::kFalse:
    case JsonNode::Kind::kTrue:
      return "a truth value";
    case JsonNode::Kind::kNumber:
      return "a number";
    case JsonNode::Kind::kString:
      return "a string";
    case JsonNode::Kind::kArray:
      return "an array";
    case JsonNode::Kind::kObject:
      return "an object";
  }
  return "something else";
}

}  // namespace carat::internal
