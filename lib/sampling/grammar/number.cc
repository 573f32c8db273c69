#include "lib/sampling/grammar/number.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "lib/base/checked.h"
#include "lib/base/error.h"

namespace carat::internal {
namespace {

__extension__ using Wide = __int128;

// Integers beyond this are not computed with: ten to the 36th.
constexpr int kMostDigits = 36;
constexpr std::int64_t kMostExponent = 1'000'000'000'000;

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

// A number's text, cut into its parts. `text` may be only the beginning of one.
struct Parts {
  bool negative = false;
  std::string_view whole, fraction, exponent;
  bool has_point = false, has_exponent = false, exponent_negative = false, exponent_signed = false;
};

Parts Cut(std::string_view text) {
  Parts parts;
  std::size_t at = 0;
  const auto digits = [&] {
    const std::size_t begin = at;
    while (at < text.size() && IsDigit(text[at])) ++at;
    return text.substr(begin, at - begin);
  };
  if (at < text.size() && text[at] == '-') {
    parts.negative = true;
    ++at;
  }
  parts.whole = digits();
  if (at < text.size() && text[at] == '.') {
    parts.has_point = true;
    ++at;
    parts.fraction = digits();
  }
  if (at < text.size() && (text[at] | 0x20) == 'e') {
    parts.has_exponent = true;
    ++at;
    if (at < text.size() && (text[at] == '-' || text[at] == '+')) {
      parts.exponent_signed = true;
      parts.exponent_negative = text[at] == '-';
      ++at;
    }
    parts.exponent = digits();
  }
  return parts;
}

// Digits to an integer that stops growing at kMostExponent.
std::int64_t Saturated(std::string_view digits) {
  std::int64_t value = 0;
  for (const char digit : digits) value = std::min(value * 10 + (digit - '0'), kMostExponent);
  return value;
}

Decimal MakeDecimal(bool negative, std::string_view whole, std::string_view fraction, std::int64_t exponent) {
  Decimal result;
  result.digits = std::string(whole) + std::string(fraction);
  result.exponent = static_cast<std::int64_t>(whole.size()) + exponent;
  const std::size_t first = result.digits.find_first_not_of('0');
  if (first == std::string::npos) return {};
  result.digits.erase(0, first);
  result.exponent -= static_cast<std::int64_t>(first);
  result.digits.resize(result.digits.find_last_not_of('0') + 1);
  result.negative = negative;
  return result;
}

int CompareMagnitudes(const Decimal& a, const Decimal& b) {
  if (a.zero() || b.zero()) return static_cast<int>(b.zero()) - static_cast<int>(a.zero());
  if (a.exponent != b.exponent) return a.exponent < b.exponent ? -1 : 1;
  const int order = a.digits.compare(b.digits);
  return order < 0 ? -1 : order > 0 ? 1 : 0;
}

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
bool SomeExponentIsInside(const Decimal& mantissa, const Parts& parts, const Magnitudes& inside) {
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
    const std::int64_t prefix = Saturated(parts.exponent);
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

Wide PowerOfTen(int exponent) {
  Wide power = 1;
  for (int i = 0; i < exponent; ++i) power *= 10;
  return power;
}

// floor or ceiling of a magnitude times 10^scale, and whether it was exact. It must be small enough.
Wide ScaledInteger(const Decimal& value, int scale, bool* exact) {
  *exact = true;
  Wide result = 0;
  const std::int64_t whole = value.exponent + scale;  // digits in front of the point
  for (std::int64_t i = 0; i < whole; ++i) {
    const auto at = static_cast<std::size_t>(i);
    result = result * 10 + (at < value.digits.size() ? value.digits[at] - '0' : 0);
  }
  *exact = value.zero() || whole >= static_cast<std::int64_t>(value.digits.size());
  return result;
}

// Integers and multiples: numbers with a fixed place of the point.
class FixedPoint {
 public:
  FixedPoint(const NumberSpec& spec, const Magnitudes& inside)
      : multiple_(std::max<Wide>(spec.multiple, 1)), scale_(spec.multiple != 0 ? spec.scale : 0) {
    bool exact = false;
    low_ = ScaledInteger(inside.low.value, scale_, &exact);
    if (!exact || inside.low.open) ++low_;
    if (!inside.high) return;
    bounded_ = true;
    high_ = ScaledInteger(inside.high->value, scale_, &exact);
    if (exact && inside.high->open) --high_;
  }

  bool CanFinish(const Parts& parts) const {
    std::string digits(parts.whole);
    const auto scale = static_cast<std::size_t>(scale_);
    if (!parts.has_point) {
      if (digits.empty()) return !bounded_ || SomeBetween(low_, high_);
      // "0" can only be followed by a point.
      return digits == "0" ? Reaches(digits, scale_, scale_) : Reaches(digits, scale_, -1);
    }
    const std::string_view kept = parts.fraction.substr(0, scale);
    digits += kept;
    if (parts.fraction.find_first_not_of('0', scale) != std::string_view::npos) return false;
    const int missing = scale_ - static_cast<int>(kept.size());
    return Reaches(digits, missing, missing);
  }

 private:
  // Whether with between `least` and `most` (-1: any number of) digits more a good number comes out.
  bool Reaches(const std::string& digits, int least, int most) const {
    Wide value = 0;
    Wide remainder = 0;
    bool huge = false;
    for (const char digit : digits) {
      remainder = (remainder * 10 + (digit - '0')) % multiple_;
      huge = huge || value > PowerOfTen(kMostDigits);
      if (!huge) value = value * 10 + (digit - '0');
    }
    if (!bounded_ && most < 0) return true;  // far enough on there are multiples of everything
    if (huge) {
      if (bounded_) return false;
      // So many digits that the lower bound is behind.
      if (least == 0) return remainder == 0;
      Wide begin = remainder;
      Wide width = 1;
      for (int i = 0; i < least; ++i) {
        begin = begin * 10 % multiple_;
        width = std::min<Wide>(width * 10, multiple_);
      }
      return begin == 0 || begin + width > multiple_;
    }
    Wide first = value;
    Wide width = 1;
    for (int more = 0; most < 0 || more <= most; ++more) {
      if (bounded_ && first > high_) return false;
      if (more >= least && SomeBetween(std::max(first, low_), first + width - 1)) return true;
      if (first > PowerOfTen(kMostDigits)) return false;
      first *= 10;
      width *= 10;
      if (first == 0 && width > PowerOfTen(kMostDigits)) return false;
    }
    return false;
  }

  // Whether a multiple lies in [from, to] and not beyond the bounds.
  bool SomeBetween(Wide from, Wide to) const {
    if (bounded_) to = std::min(to, high_);
    return from <= to && to / multiple_ * multiple_ >= from;
  }

  Wide multiple_;
  int scale_;
  Wide low_ = 0;
  Wide high_ = 0;
  bool bounded_ = false;
};

}  // namespace

Decimal ParseDecimal(std::string_view text) {
  const Parts parts = Cut(text);
  const std::int64_t exponent = Saturated(parts.exponent);
  return MakeDecimal(parts.negative, parts.whole, parts.fraction,
                     parts.exponent_negative ? -exponent : exponent);
}

int Compare(const Decimal& a, const Decimal& b) {
  const bool a_below = a.negative && !a.zero();
  const bool b_below = b.negative && !b.zero();
  if (a_below != b_below) return a_below ? -1 : 1;
  return a_below ? CompareMagnitudes(b, a) : CompareMagnitudes(a, b);
}

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
  bool exact = false;
  added.scale = static_cast<int>(after_point);
  added.multiple = static_cast<std::int64_t>(ScaledInteger(of, added.scale, &exact));
  if (multiple == 0) {
    multiple = added.multiple;
    scale = added.scale;
    return {};
  }
  while (scale < added.scale) {
    if (multiple > kMostExponent * 1000) return too_large;
    multiple *= 10;
    ++scale;
  }
  while (added.scale < scale) {
    if (added.multiple > kMostExponent * 1000) return too_large;
    added.multiple *= 10;
    ++added.scale;
  }
  const auto common = CheckedMultiply(multiple / std::gcd(multiple, added.multiple), added.multiple);
  if (!common || *common > kMostExponent * 1'000'000) return too_large;
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
    if (bound->has_value() && (*bound)->value.exponent + scale > kMostDigits - 2) {
      return ResourceExhausted("a bound of integers or multiples has more than %d digits", kMostDigits - 2);
    }
  }
  return {};
}

bool NumberSpec::Holds(const Decimal& value) const {
  const bool negative = value.negative && !value.zero();
  const auto inside = MagnitudesOf(*this, negative);
  if (!inside || !inside->Holds(value)) return false;
  const auto length = static_cast<std::int64_t>(value.digits.size());
  if (integer && value.exponent < length && !value.zero()) return false;
  if (multiple == 0 || value.zero()) return true;
  if (value.exponent + scale < length) return false;
  if (value.exponent + scale > 4000) return false;  // beyond what is worth computing
  Wide remainder = 0;
  for (std::int64_t i = 0; i < value.exponent + scale; ++i) {
    const auto at = static_cast<std::size_t>(i);
    remainder = (remainder * 10 + (at < value.digits.size() ? value.digits[at] - '0' : 0)) % multiple;
  }
  return remainder == 0;
}

bool NumberSpec::CanFinish(std::string_view text) const {
  const Parts parts = Cut(text);
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
