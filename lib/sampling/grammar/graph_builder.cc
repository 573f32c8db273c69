#include "lib/sampling/grammar/graph_builder.h"

#include <algorithm>
#include <utility>

#include "lib/sampling/grammar/code_points.h"

namespace carat::internal {

std::uint32_t GraphBuilder::Add(State state) {
  graph_.states.push_back(state);
  return static_cast<std::uint32_t>(graph_.states.size() - 1);
}

std::uint32_t GraphBuilder::Accept() {
  return Add({State::Kind::kAccept, 0, 0, 0, 0});
}

std::uint32_t GraphBuilder::Byte(std::uint8_t first, std::uint8_t last, std::uint32_t next) {
  return Add({State::Kind::kBytes, first, last, next, 0});
}

std::uint32_t GraphBuilder::Either(std::uint32_t one, std::uint32_t other) {
  return Add({State::Kind::kSplit, 0, 0, one, other});
}

std::uint32_t GraphBuilder::Call(std::uint32_t rule, std::uint32_t next) {
  return Add({State::Kind::kCall, 0, 0, next, rule});
}

std::uint32_t GraphBuilder::Token(std::uint32_t slot, std::uint32_t next) {
  return Add({State::Kind::kToken, 0, 0, next, slot});
}

std::uint32_t GraphBuilder::OtherToken(std::uint32_t slot, std::uint32_t next) {
  return Add({State::Kind::kOtherToken, 0, 0, next, slot});
}

std::uint32_t GraphBuilder::Text(std::string_view text, std::uint32_t next) {
  for (std::size_t i = text.size(); i-- > 0;) {
    const auto byte = static_cast<std::uint8_t>(text[i]);
    next = Byte(byte, byte, next);
  }
  return next;
}

// Both ends have equally many bytes, and all but the last bytes in which they differ go from the lowest to
// the highest, so that the range is a product of ranges of bytes.
std::uint32_t GraphBuilder::Utf8Range(char32_t first, char32_t last, std::uint32_t next) {
  std::string from;
  std::string to;
  AppendUtf8(first, &from);
  AppendUtf8(last, &to);
  for (std::size_t i = from.size(); i-- > 0;) {
    next = Byte(static_cast<std::uint8_t>(from[i]), static_cast<std::uint8_t>(to[i]), next);
  }
  return next;
}

std::uint32_t GraphBuilder::Character(const CodePointSet& set, std::uint32_t next) {
  std::vector<CodePointRange> pending(set.rbegin(), set.rend());
  std::vector<std::uint32_t> ways;
  while (!pending.empty()) {
    const auto [first, last] = pending.back();
    pending.pop_back();
    bool split = false;
    for (const char32_t end : {U'\x7F', U'\x7FF', U'\xFFFF'}) {
      if (split || first > end || last <= end) continue;
      pending.push_back({end + 1, last});
      pending.push_back({first, end});
      split = true;
    }
    for (int i = 1; i < 4 && !split && last > 0x7F; ++i) {
      const char32_t low_bits = (char32_t{1} << (6 * i)) - 1;
      if ((first & ~low_bits) == (last & ~low_bits)) continue;
      if ((first & low_bits) != 0) {
        pending.push_back({(first | low_bits) + 1, last});
        pending.push_back({first, first | low_bits});
        split = true;
      } else if ((last & low_bits) != low_bits) {
        pending.push_back({last & ~low_bits, last});
        pending.push_back({first, (last & ~low_bits) - 1});
        split = true;
      }
    }
    if (!split) ways.push_back(Utf8Range(first, last, next));
  }
  // No character at all: no byte is that one.
  if (ways.empty()) return Byte(1, 0, next);
  std::uint32_t all = ways.back();
  for (std::size_t i = ways.size() - 1; i-- > 0;) all = Either(ways[i], all);
  return all;
}

std::uint32_t GraphBuilder::Texts(std::vector<Way> ways) {
  std::sort(ways.begin(), ways.end(), [](const Way& a, const Way& b) { return a.text < b.text; });
  // Texts that agree in their first `depth` bytes, and the state where their graph belongs.
  struct Pending {
    std::size_t begin, end, depth;
    std::uint32_t state;
  };
  const std::uint32_t start = Add({});
  std::vector<Pending> pending = {{0, ways.size(), 0, start}};
  while (!pending.empty()) {
    Pending now = pending.back();
    pending.pop_back();
    std::vector<State> states;
    for (; now.begin < now.end && ways[now.begin].text.size() == now.depth; ++now.begin) {
      const std::uint32_t next = ways[now.begin].next;
      states.push_back({State::Kind::kSplit, 0, 0, next, next});
    }
    while (now.begin < now.end) {
      const char byte = ways[now.begin].text[now.depth];
      std::size_t end = now.begin;
      while (end < now.end && ways[end].text[now.depth] == byte) ++end;
      const std::uint32_t next = Add({});
      const auto value = static_cast<std::uint8_t>(byte);
      states.push_back({State::Kind::kBytes, value, value, next, 0});
      pending.push_back({now.begin, end, now.depth + 1, next});
      now.begin = end;
    }
    // A chain of splits, the last of which is the last way itself.
    std::uint32_t at = now.state;
    for (std::size_t i = 0; i + 1 < states.size(); ++i) {
      const std::uint32_t way = Add(states[i]);
      const std::uint32_t others = Add({});
      graph_.states[at] = {State::Kind::kSplit, 0, 0, way, others};
      at = others;
    }
    graph_.states[at] = states.back();
  }
  return start;
}

}  // namespace carat::internal
