#include "lib/sampling/grammar/number.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "lib/base/checked.h"
#include "lib/base/error.h"
#include "lib/sampling/grammar/whole_number.h"

namespace carat::internal {
namespace {

// Bounds of integers with more digits are an error: each character of an answer is compared with them.
constexpr int kMostDigits = 5000;
constexpr std::int64_t kMostMultiple = 1'000'000'000'000'000;

// Magnitudes that a number of one sign may have: from low to high.
struct Magnitudes {
  NumberBound low;
  std::optional<NumberBound> high;

  bool Empty() const {
    if (!high) return false;
    const int order = CompareMagnitudes(low.value, high->value);
    return order > 0 || (order == 0 && (low.open || high->open));
  }
  bool Holds(const Decimal& value) const {
    const int from = CompareMagnitudes(value, low.value);
    if (from < 0 || (from == 0 && low.open)) return false;
    if (!high) return true;
    const int to = CompareMagnitudes(value, high->value);
    return to < 0 || (to == 0 && !high->open);
  }
};

// Nothing if no number of that sign is inside.
std::optional<Magnitudes> MagnitudesOf(const NumberSpec& spec, bool negative) {
  const std::optional<NumberBound>& toward = negative ? spec.high : spec.low;
  const std::optional<NumberBound>& away = negative ? spec.low : spec.high;
  Magnitudes result;
  if (toward && !toward->value.zero() && toward->value.negative == negative) result.low = *toward;
  if (toward && toward->value.zero()) result.low = *toward;
  if (away) {
    if (!away->value.zero() && away->value.negative != negative) return std::nullopt;
    result.high = *away;
  }
  result.low.value.negative = false;
  if (result.high) result.high->value.negative = false;
  if (result.Empty()) return std::nullopt;
  return result;
}

// Whether some [digits, digits + 1) times a power of ten has a value inside; digits are not 0.
bool SomeScaleIsInside(std::string_view digits, const Magnitudes& inside) {
  if (!inside.high) return true;
  if (inside.high->value.zero()) return false;
  if (inside.low.value.zero()) return true;
  std::string above(digits);  // digits + 1
  std::size_t i = above.size();
  while (i > 0 && above[i - 1] == '9') above[--i] = '0';
  if (i > 0) {
    ++above[i - 1];
  } else {
    above.insert(above.begin(), '1');
  }
  Decimal begin = MakeDecimal(false, digits, "", 0);
  Decimal end = MakeDecimal(false, above, "", 0);
  const std::int64_t shift = inside.low.value.exponent - begin.exponent;
  begin.exponent += shift;
  end.exponent += shift;
  for (int attempt = 0; attempt < 2; ++attempt) {
    Magnitudes both = inside;
    const int order = CompareMagnitudes(begin, both.low.value);
    if (order > 0) both.low = {begin, false};
    const int end_order = CompareMagnitudes(end, both.high->value);
    if (end_order <= 0) both.high = NumberBound{end, true};
    if (!both.Empty()) return true;
    ++begin.exponent;
    ++end.exponent;
  }
  return false;
}

// Whether an exponent that begins so makes `mantissa`, which is not 0, a value inside.
bool SomeExponentIsInside(const Decimal& mantissa, const DecimalParts& parts, const Magnitudes& inside) {
  constexpr std::int64_t kInfinite = std::numeric_limits<std::int64_t>::max() / 4;
  std::int64_t least = -kInfinite;
  std::int64_t most = kInfinite;
  const auto scaled = [&](std::int64_t exponent) {
    Decimal value = mantissa;
    value.exponent += exponent;
    return value;
  };
  if (!inside.low.value.zero()) {
    least = inside.low.value.exponent - mantissa.exponent - 1;
    const auto below = [&](std::int64_t exponent) {
      const int order = CompareMagnitudes(scaled(exponent), inside.low.value);
      return order < 0 || (order == 0 && inside.low.open);
    };
    while (below(least)) ++least;
  }
  if (inside.high) {
    if (inside.high->value.zero()) return false;
    most = inside.high->value.exponent - mantissa.exponent + 1;
    const auto beyond = [&](std::int64_t exponent) {
      const int order = CompareMagnitudes(scaled(exponent), inside.high->value);
      return order > 0 || (order == 0 && inside.high->open);
    };
    while (beyond(most)) --most;
  }
  const auto begins_some = [&](std::int64_t from, std::int64_t to) {
    from = std::max<std::int64_t>(from, 0);
    if (from > to) return false;
    const std::int64_t prefix = SaturatedExponent(parts.exponent);
    if (prefix == 0) return true;  // zeros in front do not count
    if (to >= kInfinite) return true;
    std::int64_t first = prefix;
    std::int64_t last = prefix;
    while (first <= to) {
      if (last >= from) return true;
      first *= 10;
      last = last * 10 + 9;
      if (first > kInfinite / 20) return false;
    }
    return false;
  };
  const bool positive = !parts.exponent_signed || !parts.exponent_negative;
  // A sign may come where there is nothing yet.
  const bool negative = parts.exponent_signed ? parts.exponent_negative : parts.exponent.empty();
  return (positive && begins_some(least, most)) || (negative && begins_some(-most, -least));
}

// Integers and multiples: numbers with a fixed place of the point. They are compared as whole numbers, in
// units of the last place.
class FixedPoint {
 public:
  FixedPoint(const NumberSpec& spec, const Magnitudes& inside)
      : multiple_(static_cast<std::uint64_t>(std::max<std::int64_t>(spec.multiple, 1))),
        scale_(spec.multiple != 0 ? spec.scale : 0) {
    bool exact = false;
    low_ = WholePart(inside.low.value, scale_, &exact);
    if (!exact || inside.low.open) low_ = PlusWhole(low_, 1);
    if (!inside.high) return;
    bounded_ = true;
    high_ = WholePart(inside.high->value, scale_, &exact);
    if (!exact || !inside.high->open) return;
    impossible_ = high_.empty();
    if (!impossible_) high_ = MinusOne(high_);
  }

  bool CanFinish(const DecimalParts& parts) const {
    if (impossible_) return false;
    std::string digits(parts.whole);
    const auto scale = static_cast<std::size_t>(scale_);
    if (!parts.has_point) {
      if (digits.empty()) return !bounded_ || SomeBetween(low_, high_);
      // "0" can only be followed by a point.
      return digits == "0" ? Reaches("", scale, scale) : Reaches(digits, scale, kAnyNumber);
    }
    const std::string_view kept = parts.fraction.substr(0, scale);
    digits += kept;
    if (parts.fraction.find_first_not_of('0', scale) != std::string_view::npos) return false;
    digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));
    const std::size_t missing = scale - kept.size();
    return Reaches(digits, missing, missing);
  }

 private:
  static constexpr std::size_t kAnyNumber = std::string_view::npos;

  // Whether with between `least` and `most` digits more a good number comes out. Any number of more digits
  // only follows digits that are not zero.
  bool Reaches(const std::string& digits, std::size_t least, std::size_t most) const {
    if (!bounded_ && most == kAnyNumber) return true;  // far enough on there are multiples of everything
    // With fewer digits it is below the lower bound.
    std::size_t more = std::max(least, low_.size() > digits.size() ? low_.size() - digits.size() : 0);
    if (digits.empty()) more = least;
    for (; most == kAnyNumber || more <= most; ++more) {
      const std::string first = digits.empty() ? digits : digits + std::string(more, '0');
      if (bounded_ && CompareWhole(first, high_) > 0) return false;
      if (SomeBetween(first, digits + std::string(more, '9'))) return true;
    }
    return false;
  }

  // Whether a multiple lies in [from, to] and not beyond the bounds.
  bool SomeBetween(std::string_view from, std::string_view to) const {
    if (CompareWhole(from, low_) < 0) from = low_;
    if (bounded_ && CompareWhole(to, high_) > 0) to = high_;
    if (CompareWhole(from, to) > 0) return false;
    if (multiple_ == 1) return true;
    const std::uint64_t beyond = ModuloOf(from, multiple_);
    return beyond == 0 || CompareWhole(PlusWhole(from, multiple_ - beyond), to) <= 0;
  }

  std::uint64_t multiple_;
  int scale_;
  std::string low_, high_;
  bool bounded_ = false;
  bool impossible_ = false;  // what is below the upper bound is no number of this sign
};

}  // namespace

void NumberSpec::RaiseLow(const NumberBound& bound) {
  const int order = low ? Compare(bound.value, low->value) : 1;
  if (order > 0) low = bound;
  if (order == 0) low->open = low->open || bound.open;
}

void NumberSpec::LowerHigh(const NumberBound& bound) {
  const int order = high ? Compare(bound.value, high->value) : -1;
  if (order < 0) high = bound;
  if (order == 0) high->open = high->open || bound.open;
}

Status NumberSpec::AddMultiple(const Decimal& of) {
  const Status too_large = ResourceExhausted("multipleOf has more than 15 digits");
  const auto length = static_cast<std::int64_t>(of.digits.size());
  const std::int64_t after_point = std::max<std::int64_t>(length - of.exponent, 0);
  if (length > 15 || after_point > 15 || of.exponent > 15) return too_large;
  NumberSpec added;
  added.scale = static_cast<int>(after_point);
  bool exact = false;
  for (const char digit : WholePart(of, added.scale, &exact))
    added.multiple = added.multiple * 10 + (digit - '0');
  if (multiple == 0) {
    multiple = added.multiple;
    scale = added.scale;
    return {};
  }
  while (scale < added.scale) {
    if (multiple > kMostMultiple) return too_large;
    multiple *= 10;
    ++scale;
  }
  while (added.scale < scale) {
    if (added.multiple > kMostMultiple) return too_large;
    added.multiple *= 10;
    ++added.scale;
  }
  const auto common = CheckedMultiply(multiple / std::gcd(multiple, added.multiple), added.multiple);
  if (!common || *common > kMostMultiple * 1000) return too_large;
  multiple = *common;
  return {};
}

Status NumberSpec::Merge(const NumberSpec& other) {
  integer = integer || other.integer;
  if (other.low) RaiseLow(*other.low);
  if (other.high) LowerHigh(*other.high);
  if (other.multiple == 0) return {};
  const Decimal of = MakeDecimal(false, std::to_string(other.multiple), "", -other.scale);
  return AddMultiple(of);
}

bool NumberSpec::Contradicts() const {
  return !MagnitudesOf(*this, false) && !MagnitudesOf(*this, true);
}

bool NumberSpec::MayOverlap(const NumberSpec& a, const NumberSpec& b) {
  NumberSpec both = a;
  if (!both.Merge(b).ok()) return true;
  return both.CanFinish("");
}

Status NumberSpec::Check() const {
  if (!integer && multiple == 0) return {};
  for (const auto* bound : {&low, &high}) {
    if (bound->has_value() && (*bound)->value.exponent + scale > kMostDigits) {
      return ResourceExhausted("a bound of integers or multiples has more than %d digits", kMostDigits);
    }
  }
  return {};
}

bool NumberSpec::Holds(const Decimal& value) const {
  const bool negative = value.negative && !value.zero();
  const auto inside = MagnitudesOf(*this, negative);
  if (!inside || !inside->Holds(value)) return false;
  if (integer && !value.IsInteger() && !value.zero()) return false;
  return multiple == 0 || IsMultiple(value, scale, static_cast<std::uint64_t>(multiple));
}

bool NumberSpec::CanFinish(std::string_view text) const {
  const DecimalParts parts = CutNumber(text);
  const bool nothing = text.empty();
  for (const bool negative : {false, true}) {
    if (!nothing && negative != parts.negative) continue;
    const auto inside = MagnitudesOf(*this, negative);
    if (!inside) continue;
    if (integer || multiple != 0) {
      NumberSpec fixed = *this;
      // A multiple of 0.5 among integers is an integer; of 1.5, a multiple of 3.
      if (integer) {
        while (fixed.scale > 0) {
          const std::int64_t shared = std::gcd<std::int64_t>(fixed.multiple, 10);
          fixed.multiple /= shared;
          // What of this ten does not cancel is a factor that every integer has.
          --fixed.scale;
        }
        fixed.scale = 0;
      }
      if (FixedPoint(fixed, *inside).CanFinish(parts)) return true;
      continue;
    }
    const bool no_digits = parts.whole.empty();
    if (no_digits) return true;
    const Decimal mantissa = MakeDecimal(false, parts.whole, parts.fraction, 0);
    if (!parts.has_exponent) {
      if (mantissa.zero()) return true;
      std::string digits = std::string(parts.whole) + std::string(parts.fraction);
      digits.erase(0, digits.find_first_not_of('0'));
      if (SomeScaleIsInside(digits, *inside)) return true;
    } else if (mantissa.zero()) {
      if (inside->Holds({})) return true;
    } else if (SomeExponentIsInside(mantissa, parts, *inside)) {
      return true;
    }
  }
  return false;
}

NumberPhase NextPhase(const NumberSpec& spec, NumberPhase phase, unsigned char byte) {
  const bool digit = byte >= '0' && byte <= '9';
  const bool may_have_exponent = !spec.integer && spec.multiple == 0;
  const auto after_digits = [&](NumberPhase more) {
    if (digit && more != NumberPhase::kDead) return more;
    if (byte == '.' && !spec.integer && more != NumberPhase::kFraction) return NumberPhase::kPoint;
    if ((byte | 0x20) == 'e' && may_have_exponent) return NumberPhase::kExponent;
    return NumberPhase::kDead;
  };
  switch (phase) {
    case NumberPhase::kStart:
      if (byte == '-') return NumberPhase::kMinus;
      [[fallthrough]];
    case NumberPhase::kMinus:
      if (byte == '0') return NumberPhase::kZero;
      return digit ? NumberPhase::kInteger : NumberPhase::kDead;
    case NumberPhase::kZero:
      return after_digits(NumberPhase::kDead);
    case NumberPhase::kInteger:
      return after_digits(NumberPhase::kInteger);
    case NumberPhase::kPoint:
      return digit ? NumberPhase::kFraction : NumberPhase::kDead;
    case NumberPhase::kFraction:
      return after_digits(NumberPhase::kFraction);
    case NumberPhase::kExponent:
      if (byte == '+' || byte == '-') return NumberPhase::kExponentSign;
      [[fallthrough]];
    case NumberPhase::kExponentSign:
    case NumberPhase::kExponentDigits:
      return digit ? NumberPhase::kExponentDigits : NumberPhase::kDead;
    case NumberPhase::kDead:
      break;
  }
  return NumberPhase::kDead;
}

bool IsWholeNumber(NumberPhase phase) {
  return phase == NumberPhase::kZero || phase == NumberPhase::kInteger || phase == NumberPhase::kFraction ||
         phase == NumberPhase::kExponentDigits;
}

}  // namespace carat::internal
