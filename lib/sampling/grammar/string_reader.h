// Reading the characters of a string byte by byte: UTF-8, and JSON's escapes. What a byte begins is refused
// at once if no good character can come of it.
#ifndef CARAT_LIB_SAMPLING_GRAMMAR_STRING_READER_H_
#define CARAT_LIB_SAMPLING_GRAMMAR_STRING_READER_H_

#include <algorithm>
#include <cstdint>

#include "lib/sampling/grammar/text_automaton.h"

namespace carat::internal {

struct StringReader {
  // What is half read. The names of UTF-8's: length of the character, bytes missing.
  enum Mode : std::uint16_t {
    kBoundary,
    kTwoOne,
    kThreeTwo,
    kThreeOne,
    kFourThree,
    kFourTwo,
    kFourOne,
    kEscape,
    kHex0,
    kHex1,
    kHex2,
    kHex3,
    kLowBackslash,
    kLowU,
    kLowHex0,
    kLowHex1,
    kLowHex2,
    kLowHex3,
    kModes
  };
  std::uint32_t state = 0;    // of the automaton
  std::uint32_t pending = 0;  // the bits read so far
  std::uint16_t mode = kBoundary;

  // `alive(state)`: whether a string that stands in that state after one more character can be finished. In
  // kBoundary the caller has dealt with the byte that ends the string. `json`: escapes, and no control
  // characters.
  template <typename Alive>
  bool Read(const TextAutomaton& automaton, std::uint8_t byte, bool json, Alive alive);

 private:
  template <typename Alive>
  static bool AnyAlive(const TextAutomaton& automaton, std::uint32_t from, char32_t first, char32_t last,
                       Alive alive) {
    if (first > last) return false;
    const auto edges = automaton.EdgesWithin(from, first, last);
    return std::any_of(edges.begin(), edges.end(),
                       [&](const TextAutomaton::Edge& edge) { return alive(edge.target); });
  }

  template <typename Alive>
  bool Complete(const TextAutomaton& automaton, char32_t character, Alive alive) {
    const std::uint32_t next = automaton.Next(state, character);
    if (next == TextAutomaton::kDead || !alive(next)) return false;
    *this = {next, 0, kBoundary};
    return true;
  }

  // A UTF-8 character of `length` bytes of which `missing` are still to come.
  template <typename Alive>
  bool Partial(const TextAutomaton& automaton, int length, int missing, Alive alive) {
    static constexpr char32_t kFirst[] = {0, 0, 0x80, 0x800, 0x10000};
    static constexpr char32_t kLast[] = {0, 0, 0x7FF, 0xFFFF, kLastCodePoint};
    const int bits = 6 * missing;
    const char32_t first = std::max<char32_t>(pending << bits, kFirst[length]);
    const char32_t last = std::min<char32_t>(pending << bits | ((1U << bits) - 1), kLast[length]);
    if (!AnyAlive(automaton, state, first, last, alive)) return false;
    if (length == 2) mode = kTwoOne;
    if (length == 3) mode = missing == 2 ? kThreeTwo : kThreeOne;
    if (length == 4) mode = missing == 3 ? kFourThree : missing == 2 ? kFourTwo : kFourOne;
    return true;
  }

  template <typename Alive>
  bool Begin(const TextAutomaton& automaton, std::uint8_t byte, bool json, Alive alive) {
    if (byte < 0x80) {
      if (!json) return Complete(automaton, byte, alive);
      if (byte < 0x20 || byte == '"') return false;
      if (byte != '\\') return Complete(automaton, byte, alive);
      mode = kEscape;
      return AnyAlive(automaton, state, 0, kLastCodePoint, alive);
    }
    if (byte < 0xC2 || byte > 0xF4) return false;
    const int length = byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
    pending = byte & (0x7FU >> length);
    return Partial(automaton, length, length - 1, alive);
  }

  template <typename Alive>
  bool Continue(const TextAutomaton& automaton, std::uint8_t byte, int length, int missing, Alive alive) {
    if ((byte & 0xC0) != 0x80) return false;
    pending = pending << 6 | (byte & 0x3FU);
    if (missing > 1) return Partial(automaton, length, missing - 1, alive);
    static constexpr char32_t kFirst[] = {0, 0, 0x80, 0x800, 0x10000};
    const char32_t character = pending;
    if (character < kFirst[length] || character > kLastCodePoint) return false;
    return Complete(automaton, character, alive);
  }

  static int HexValue(std::uint8_t byte) {
    if (byte >= '0' && byte <= '9') return byte - '0';
    const int letter = byte | 0x20;
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
  }

  template <typename Alive>
  bool EscapeKind(const TextAutomaton& automaton, std::uint8_t byte, Alive alive) {
    switch (byte) {
      case '"':
      case '\\':
      case '/':
        return Complete(automaton, byte, alive);
      case 'b':
        return Complete(automaton, '\b', alive);
      case 'f':
        return Complete(automaton, '\f', alive);
      case 'n':
        return Complete(automaton, '\n', alive);
      case 'r':
        return Complete(automaton, '\r', alive);
      case 't':
        return Complete(automaton, '\t', alive);
      case 'u':
        mode = kHex0;
        pending = 0;
        return true;  // every character can be written so
      default:
        return false;
    }
  }

  template <typename Alive>
  bool Hex(const TextAutomaton& automaton, std::uint8_t byte, Alive alive) {
    const int digit = HexValue(byte);
    if (digit < 0) return false;
    pending = pending << 4 | static_cast<std::uint32_t>(digit);
    const int missing = 3 - (mode - kHex0);
    const char32_t first = pending << (4 * missing);
    const char32_t last = first | ((1U << (4 * missing)) - 1);
    if (missing == 0 && (first < 0xD800 || first > 0xDFFF)) return Complete(automaton, first, alive);
    const char32_t high_first = std::max<char32_t>(first, 0xD800);
    const char32_t high_last = std::min<char32_t>(last, 0xDBFF);
    const bool some =
        AnyAlive(automaton, state, first, std::min<char32_t>(last, 0xD7FF), alive) ||
        AnyAlive(automaton, state, std::max<char32_t>(first, 0xE000), last, alive) ||
        (high_first <= high_last && AnyAlive(automaton, state, 0x10000 + ((high_first - 0xD800) << 10),
                                             0x10000 + ((high_last - 0xD800) << 10) + 0x3FF, alive));
    if (!some) return false;
    if (missing > 0) {
      ++mode;
    } else {
      mode = kLowBackslash;
      pending -= 0xD800;
    }
    return true;
  }

  // The second half of a surrogate pair; pending: the ten bits of the first, then what was read.
  template <typename Alive>
  bool LowHex(const TextAutomaton& automaton, std::uint8_t byte, Alive alive) {
    const int digit = HexValue(byte);
    if (digit < 0) return false;
    const std::uint32_t high = pending >> 16;
    const std::uint32_t low = (pending & 0xFFF) << 4 | static_cast<std::uint32_t>(digit);
    const int missing = 3 - (mode - kLowHex0);
    const char32_t first = std::max<char32_t>(low << (4 * missing), 0xDC00);
    const char32_t last = std::min<char32_t>(low << (4 * missing) | ((1U << (4 * missing)) - 1), 0xDFFF);
    const char32_t base = 0x10000 + (high << 10) - 0xDC00;
    if (first > last || !AnyAlive(automaton, state, base + first, base + last, alive)) return false;
    if (missing == 0) return Complete(automaton, base + first, alive);
    pending = high << 16 | low;
    ++mode;
    return true;
  }
};

template <typename Alive>
bool StringReader::Read(const TextAutomaton& automaton, std::uint8_t byte, bool json, Alive alive) {
  switch (mode) {
    case kBoundary:
      return Begin(automaton, byte, json, alive);
    case kTwoOne:
      return Continue(automaton, byte, 2, 1, alive);
    case kThreeTwo:
      return Continue(automaton, byte, 3, 2, alive);
    case kThreeOne:
      return Continue(automaton, byte, 3, 1, alive);
    case kFourThree:
      return Continue(automaton, byte, 4, 3, alive);
    case kFourTwo:
      return Continue(automaton, byte, 4, 2, alive);
    case kFourOne:
      return Continue(automaton, byte, 4, 1, alive);
    case kEscape:
      return EscapeKind(automaton, byte, alive);
    case kLowBackslash:
      mode = kLowU;
      return byte == '\\';
    case kLowU:
      mode = kLowHex0;
      pending <<= 16;
      return byte == 'u';
    default:
      break;
  }
  return mode < kLowBackslash ? Hex(automaton, byte, alive) : LowHex(automaton, byte, alive);
}

}  // namespace carat::internal

#endif  // CARAT_LIB_SAMPLING_GRAMMAR_STRING_READER_H_
