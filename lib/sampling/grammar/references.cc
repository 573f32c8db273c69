// References of schemas: $ref by pointer, $id and anchor.
#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "lib/base/error.h"
#include "lib/sampling/grammar/schema.h"

namespace carat::internal {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char letter = static_cast<char>(c | 0x20);
  return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

// "%41" to "A".
std::string PercentDecoded(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape =
        text[i] == '%' && i + 2 < text.size() && HexDigit(text[i + 1]) >= 0 && HexDigit(text[i + 2]) >= 0;
    decoded += escape ? static_cast<char>(HexDigit(text[i + 1]) * 16 + HexDigit(text[i + 2])) : text[i];
    if (escape) i += 2;
  }
  return decoded;
}

}  // namespace

SchemaReader::SchemaReader(const JsonTree& tree, bool closed_objects)
    : tree_(tree), closed_objects_(closed_objects) {
  for (std::uint32_t node = 0; node < tree.size(); ++node) {
    const JsonValue value = tree[node];
    const std::string_view key = value.key();
    const bool names = key == "$id" || key == "id" || key == "$anchor" || key == "$dynamicAnchor";
    if (names && value.is_string()) names_.emplace(std::pair(key, value.text()), tree.Parent(node));
  }
}

std::uint32_t SchemaReader::BaseOf(std::uint32_t node) const {
  while (bases_.count(node) == 0) node = tree_.Parent(node);
  return node;
}

bool SchemaReader::IsInside(std::uint32_t node, std::uint32_t base) const {
  while (node != base && node != 0) node = tree_.Parent(node);
  return node == base;
}

std::optional<std::uint32_t> SchemaReader::FindNamed(std::uint32_t base, std::string_view keyword,
                                                     std::string_view text) const {
  const auto [begin, end] = names_.equal_range({keyword, text});
  const auto found =
      std::find_if(begin, end, [&](const auto& entry) { return IsInside(entry.second, base); });
  return found == end ? std::nullopt : std::optional(found->second);
}

// "", a pointer or the name of an anchor.
std::optional<std::uint32_t> SchemaReader::FollowFragment(std::uint32_t from,
                                                          std::string_view fragment) const {
  if (fragment.empty() || fragment[0] == '/') {
    const auto target = tree_.Follow(from, fragment);
    return target ? target : tree_.Follow(from, PercentDecoded(fragment));
  }
  for (const std::string_view keyword : {"$anchor", "$dynamicAnchor"}) {
    if (const auto target = FindNamed(from, keyword, fragment)) return target;
  }
  // As draft 4 to 7 wrote it.
  std::string id = "#";
  id += fragment;
  for (const std::string_view keyword : {"$id", "id"}) {
    if (const auto target = FindNamed(from, keyword, id)) return target;
  }
  return std::nullopt;
}

Result<std::uint32_t> SchemaReader::Resolve(std::uint32_t value) const {
  CARAT_RETURN_IF_ERROR(Expect(value, JsonKind::kString));
  const std::string_view reference = tree_[value].text();
  const std::uint32_t base = BaseOf(value);
  const std::string_view document = reference.substr(0, reference.find('#'));
  const std::string_view fragment =
      document.size() == reference.size() ? std::string_view() : reference.substr(document.size() + 1);
  if (!document.empty()) {
    for (const std::string_view keyword : {"$id", "id"}) {
      for (const std::string& name : {std::string(document), std::string(document) + "#"}) {
        const auto named = FindNamed(base, keyword, name);
        if (!named) continue;
        if (const auto target = FollowFragment(*named, fragment)) return *target;
      }
    }
    return Unimplemented(
        "schema: %s: the $ref '%s' is not supported: only those into this schema are, '#/...', and to an $id "
        "or "
        "$anchor in it",
        tree_.PathOf(value), reference);
  }
  // The schema with an $id of its own that lies around the reference, or else the whole.
  for (std::uint32_t around = tree_.Parent(value); around != base; around = tree_.Parent(around)) {
    if (!tree_.Find(around, "$id")) continue;
    if (const auto target = FollowFragment(around, fragment)) return *target;
  }
  const auto target = FollowFragment(base, fragment);
  if (!target) {
    return InvalidArgument("schema: %s: there is nothing at '%s'", tree_.PathOf(value), reference);
  }
  return *target;
}

bool SchemaReader::HasAnyOf(std::uint32_t first) const {
  std::set<std::uint32_t> known;
  std::vector<std::uint32_t> pending = {first};
  while (!pending.empty()) {
    const std::uint32_t node = pending.back();
    pending.pop_back();
    if (!known.insert(node).second) continue;
    if (tree_.Find(node, "anyOf")) return true;
    for (const std::string_view key : {"allOf", "oneOf"}) {
      const auto list = tree_.Find(node, key);
      if (!list) continue;
      const auto children = tree_[*list].children();
      pending.insert(pending.end(), children.begin(), children.end());
    }
    const auto reference = tree_.Find(node, "$ref");
    if (!reference) continue;
    if (const auto target = Resolve(*reference); target.ok()) pending.push_back(*target);
  }
  return false;
}

}  // namespace carat::internal
