#include "lib/sampling/grammar/token_trie.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "lib/base/error.h"
#include "lib/base/utf8.h"

namespace carat::internal {
namespace {

// Longer ones are no tokens of any vocabulary; the walks keep a place for every byte.
constexpr std::size_t kLongestToken = 4096;
// The most characters of which there is a class of its own; longer tokens are among the others.
constexpr std::size_t kLongestInClass = 64;

// The number of characters; 0 if the bytes are not whole ones.
std::size_t CountCharacters(std::string_view bytes) {
  std::size_t count = 0;
  while (!bytes.empty()) {
    const std::size_t length = Utf8CharacterLength(bytes);
    if (length == 0) return 0;
    bytes.remove_prefix(length);
    ++count;
  }
  return count;
}

enum class InString { kWhole, kOther, kNever };

// What a token is inside a string, and how many characters it has if it is kWhole.
InString Classify(std::string_view bytes, bool json, std::size_t* characters) {
  *characters = 0;
  while (!bytes.empty()) {
    const auto byte = static_cast<unsigned char>(bytes[0]);
    if (json && byte < 0x20) return InString::kNever;
    if (json && (byte == '"' || byte == '\\')) return InString::kOther;
    const std::size_t length = Utf8CharacterLength(bytes);
    if (length == 0) return InString::kOther;
    bytes.remove_prefix(length);
    ++*characters;
  }
  return *characters > kLongestInClass ? InString::kOther : InString::kWhole;
}

}  // namespace

Result<TokenTrie> TokenTrie::Build(Vocabulary vocabulary) {
  if (vocabulary.bytes.size() > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) {
    return InvalidArgument("a vocabulary of %d tokens is impossible", vocabulary.bytes.size());
  }
  std::size_t total = 0;
  for (const std::string& bytes : vocabulary.bytes) {
    total += bytes.size();
    if (bytes.size() > kLongestToken) {
      return InvalidArgument("a token of %d bytes is longer than the %d that are expected", bytes.size(),
                             kLongestToken);
    }
  }
  if (total > std::numeric_limits<std::uint32_t>::max() / 2) {
    return ResourceExhausted("the vocabulary has %d bytes, more than its tree can hold", total);
  }
  TokenTrie trie;
  trie.vocabulary_ = std::move(vocabulary);
  std::sort(trie.vocabulary_.stop_tokens.begin(), trie.vocabulary_.stop_tokens.end());

  std::vector<std::int32_t> sorted;
  for (std::size_t id = 0; id < trie.vocabulary_size(); ++id) {
    if (!trie.vocabulary_.bytes[id].empty()) sorted.push_back(static_cast<std::int32_t>(id));
  }
  std::sort(sorted.begin(), sorted.end(), [&](std::int32_t a, std::int32_t b) {
    const int order = trie.Bytes(a).compare(trie.Bytes(b));
    return order != 0 ? order < 0 : a < b;
  });
  trie.next_equal_.assign(trie.vocabulary_size(), -1);
  for (std::size_t i = 1; i < sorted.size(); ++i) {
    if (trie.Bytes(sorted[i - 1]) != trie.Bytes(sorted[i])) continue;
    trie.next_equal_[static_cast<std::size_t>(sorted[i - 1])] = sorted[i];
  }
  trie.nodes_ = trie.BuildNodes(sorted);
  trie.ranked_ = sorted;
  trie.BuildSubtrees();
  trie.json_ = trie.BuildClass(sorted, true);
  trie.plain_ = trie.BuildClass(sorted, false);
  return trie;
}

std::vector<TokenTrie::Node> TokenTrie::BuildNodes(std::span<const std::int32_t> sorted) const {
  std::vector<Node> nodes;
  std::vector<std::size_t> path;  // the nodes of the token before
  std::string_view before;
  const auto close = [&](std::size_t depth) {
    while (path.size() > depth) {
      nodes[path.back()].size = static_cast<std::uint32_t>(nodes.size() - path.back());
      path.pop_back();
    }
  };
  for (const std::int32_t token : sorted) {
    const std::string_view bytes = Bytes(token);
    if (bytes == before) continue;  // next_equal_ leads to it
    std::size_t shared = 0;
    while (shared < bytes.size() && shared < before.size() && bytes[shared] == before[shared]) ++shared;
    close(shared);
    for (std::size_t i = shared; i < bytes.size(); ++i) {
      path.push_back(nodes.size());
      nodes.push_back({1, -1, static_cast<std::uint8_t>(bytes[i])});
    }
    nodes[path.back()].token = token;
    before = bytes;
  }
  close(0);
  return nodes;
}

std::uint64_t TokenTrie::KindOf(std::uint8_t byte) {
  if (byte >= 'a' && byte <= 'z') return kLower;
  if (byte >= 'A' && byte <= 'Z') return kUpper;
  if (byte >= '0' && byte <= '9') return kDigit;
  if (byte < 0x20 || byte == 0x7F) return kControl;
  if (byte >= 0x80) return kBeyondAscii;
  // ' ' .. '/', ':' .. '@', '[' .. '`', '{' .. '~': 33 bits behind the others.
  const int place = byte < '0'   ? byte - ' '
                    : byte < 'A' ? byte - ':' + 16
                    : byte < 'a' ? byte - '[' + 23
                                 : byte - '{' + 29;
  return std::uint64_t{1} << (6 + place);
}

void TokenTrie::BuildSubtrees() {
  subtrees_.resize(nodes_.size());
  std::uint32_t rank = 0;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    subtrees_[i] = {KindOf(nodes_[i].byte), rank};
    ForTokensOf(nodes_[i], [&](std::int32_t) { ++rank; });
    if (nodes_[i].token >= 0 && CountCharacters(Bytes(nodes_[i].token)) == 0) subtrees_[i].kinds |= kBroken;
  }
  // Whoever stands further back is done first, so that children are done before their parents.
  for (std::size_t i = nodes_.size(); i-- > 0;) {
    for (std::size_t child = i + 1; child < i + nodes_[i].size; child += nodes_[child].size) {
      subtrees_[i].kinds |= subtrees_[child].kinds;
    }
  }
  ranked_characters_.reserve(ranked_.size());
  for (const std::int32_t token : ranked_) {
    ranked_characters_.push_back(static_cast<std::uint16_t>(CountCharacters(Bytes(token))));
  }
}

TokenTrie::StringClass TokenTrie::BuildClass(std::span<const std::int32_t> sorted, bool json) const {
  StringClass result;
  std::vector<std::int32_t> others;
  std::vector<std::vector<std::int32_t>> by_length;
  for (const std::int32_t token : sorted) {
    std::size_t characters = 0;
    const InString kind = Classify(Bytes(token), json, &characters);
    if (kind == InString::kOther) others.push_back(token);
    if (kind != InString::kWhole) continue;
    if (by_length.size() <= characters) by_length.resize(characters + 1);
    by_length[characters].push_back(token);
  }
  TokenBits bits(words(), 0);
  result.by_length.push_back(bits);
  for (std::size_t length = 1; length < by_length.size(); ++length) {
    for (const std::int32_t token : by_length[length]) SetBit(bits, token);
    result.by_length.push_back(bits);
  }
  result.others = BuildNodes(others);
  return result;
}

std::int32_t TokenTrie::ControlToken(const std::string& piece) const {
  const auto found = vocabulary_.control_tokens.find(piece);
  return found == vocabulary_.control_tokens.end() ? -1 : found->second;
}

std::int32_t TokenTrie::TokenOf(std::string_view bytes) const {
  const auto found =
      std::lower_bound(ranked_.begin(), ranked_.end(), bytes,
                       [this](std::int32_t token, std::string_view value) { return Bytes(token) < value; });
  return found != ranked_.end() && Bytes(*found) == bytes ? *found : -1;
}

bool TokenTrie::IsStop(std::int32_t token) const {
  return std::binary_search(stop_tokens().begin(), stop_tokens().end(), token);
}

std::size_t TokenTrie::memory_bytes() const {
  std::size_t total = (nodes_.size() + json_.others.size() + plain_.others.size()) * sizeof(Node);
  total += subtrees_.size() * sizeof(Subtree);
  total += ranked_.size() * (sizeof(std::int32_t) + sizeof(std::uint16_t) + sizeof(std::int32_t));
  total += (json_.by_length.size() + plain_.by_length.size()) * words() * sizeof(std::uint64_t);
  for (const std::string& bytes : vocabulary_.bytes) total += sizeof(std::string) + bytes.capacity();
  return total;
}

}  // namespace carat::internal
