// e^x in float64, the same on every machine: the C library's own differs from one to the next in the last
// bit, and the last bit can decide which token is drawn.
#ifndef CARAT_LIB_SAMPLING_EXPONENTIAL_H_
#define CARAT_LIB_SAMPLING_EXPONENTIAL_H_

#include <bit>
#include <cstdint>

namespace carat::internal {

inline constexpr double kLowestExponent = -708.0;  // below it float64 begins to lose digits

// The nearest exponent that ExpOfClamped takes; kLowestExponent for NaN.
inline double ClampExponent(double x) noexcept {
  return x > kLowestExponent ? x : kLowestExponent;
}

// e^x for kLowestExponent <= x <= 0 to about one unit in the last place.
constexpr double PositiveExp(double x) noexcept {
  constexpr double kLog2E = 0x1.71547652b82fep+0;
  constexpr double kLn2High = 0x1.62e42fefa0000p-1;  // with zeros at the end: times an exponent it is exact
  constexpr double kLn2Low = 0x1.cf79abc9e3b3ap-40;
  constexpr double kRounder = 0x1.8p+52;  // adding it leaves an integer in the lowest bits

  // x = n ln 2 + r with |r| <= ln 2 / 2.
  const double rounded = x * kLog2E + kRounder;
  const double n = rounded - kRounder;
  const double r = (x - n * kLn2High) - n * kLn2Low;

  // e^r: the Taylor series, whose next term is below 4e-18.
  double sum = 1.0 / 6227020800.0;
  sum = sum * r + 1.0 / 479001600.0;
  sum = sum * r + 1.0 / 39916800.0;
  sum = sum * r + 1.0 / 3628800.0;
  sum = sum * r + 1.0 / 362880.0;
  sum = sum * r + 1.0 / 40320.0;
  sum = sum * r + 1.0 / 5040.0;
  sum = sum * r + 1.0 / 720.0;
  sum = sum * r + 1.0 / 120.0;
  sum = sum * r + 1.0 / 24.0;
  sum = sum * r + 1.0 / 6.0;
  sum = sum * r + 0.5;
  sum = sum * r + 1.0;
  sum = sum * r + 1.0;

  // Times 2^n, by the exponent's bits.
  return std::bit_cast<double>(std::bit_cast<std::uint64_t>(sum) +
                               (std::bit_cast<std::uint64_t>(rounded) << 52));
}

// The same, but 0 at kLowestExponent: what is taken off is lost in all but the very smallest. It has no
// branch, so that a loop over it becomes vector instructions; with ClampExponent in the same loop it would
// not.
inline double ExpOfClamped(double x) noexcept {
  constexpr double kLowest = PositiveExp(kLowestExponent);
  return PositiveExp(x) - kLowest;
}

// e^x for x <= 0; 0 from kLowestExponent on, and for NaN.
inline double ExpOfNegative(double x) noexcept {
  return ExpOfClamped(ClampExponent(x));
}

}  // namespace carat::internal

#endif  // CARAT_LIB_SAMPLING_EXPONENTIAL_H_
