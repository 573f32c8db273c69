// Numbers as JSON writes them: which texts may still become one that a schema allows. Values are exact
// decimals, never rounded.
#ifndef CARAT_LIB_SAMPLING_GRAMMAR_NUMBER_H_
#define CARAT_LIB_SAMPLING_GRAMMAR_NUMBER_H_

#include <cstdint>
#include <optional>
#include <string_view>

#include "carat/status.h"
#include "lib/base/decimal.h"

namespace carat::internal {

struct NumberBound {
  Decimal value;
  bool open = false;  // the value itself is outside
};

// What a schema asks of a number.
class NumberSpec {
 public:
  bool integer = false;
  std::optional<NumberBound> low;
  std::optional<NumberBound> high;
  // Multiples of multiple / 10^scale; 0: of nothing.
  std::int64_t multiple = 0;
  int scale = 0;

  void RaiseLow(const NumberBound& bound);
  void LowerHigh(const NumberBound& bound);
  // Errors: RESOURCE_EXHAUSTED for numbers beyond what is computed exactly.
  Status AddMultiple(const Decimal& of);
  // All that both ask for.
  Status Merge(const NumberSpec& other);
  // Whether the text's digits matter, not only its form.
  bool bounded() const { return low || high || multiple != 0; }
  // Whether both bounds leave no number.
  bool Contradicts() const;
  // Whether some number could meet both.
  static bool MayOverlap(const NumberSpec& a, const NumberSpec& b);
  // Errors: RESOURCE_EXHAUSTED if bounds are too large for the kind of number.
  Status Check() const;

  // Whether a value meets it.
  bool Holds(const Decimal& value) const;
  // Whether `text`, the beginning of a JSON number, can go on to one that meets it.
  bool CanFinish(std::string_view text) const;
};

// The form of a number, character by character.
enum class NumberPhase : std::uint16_t {
  kStart,
  kMinus,
  kZero,
  kInteger,
  kPoint,
  kFraction,
  kExponent,
  kExponentSign,
  kExponentDigits,
  kDead
};
// Numbers that are integers or multiples have no exponent, and integers no point.
NumberPhase NextPhase(const NumberSpec& spec, NumberPhase phase, unsigned char byte);
bool IsWholeNumber(NumberPhase phase);

}  // namespace carat::internal

#endif  // CARAT_LIB_SAMPLING_GRAMMAR_NUMBER_H_
