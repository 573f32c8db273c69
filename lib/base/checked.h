// Arithmetic on sizes that come from outside: an overflow is an answer, not a wrapped number.
#ifndef CARAT_LIB_BASE_CHECKED_H_
#define CARAT_LIB_BASE_CHECKED_H_

#include <concepts>
#include <optional>
#include <span>

namespace carat::internal {

template <std::integral T>
std::optional<T> CheckedAdd(T a, T b) {
  T sum;
  if (__builtin_add_overflow(a, b, &sum)) return std::nullopt;
  return sum;
}

template <std::integral T>
std::optional<T> CheckedMultiply(T a, T b) {
  T product;
  if (__builtin_mul_overflow(a, b, &product)) return std::nullopt;
  return product;
}

// The product of all of them; 1 for none.
template <std::integral T>
std::optional<T> CheckedProduct(std::span<const T> factors) {
  T product = 1;
  for (T factor : factors) {
    if (__builtin_mul_overflow(product, factor, &product)) return std::nullopt;
  }
  return product;
}

}  // namespace carat::internal

#endif  // CARAT_LIB_BASE_CHECKED_H_
