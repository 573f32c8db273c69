// Whole numbers of any size, as decimal digits without zeros in front; zero is "".
#ifndef CARAT_LIB_SAMPLING_GRAMMAR_WHOLE_NUMBER_H_
#define CARAT_LIB_SAMPLING_GRAMMAR_WHOLE_NUMBER_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "lib/base/decimal.h"

namespace carat::internal {

// Below 0, 0 or above 0, as a is less than, equal to or greater than b.
int CompareWhole(std::string_view a, std::string_view b);

std::string PlusWhole(std::string_view a, std::uint64_t b);
// a - 1; a is not zero.
std::string MinusOne(std::string_view a);
// a modulo m, which is not 0.
std::uint64_t ModuloOf(std::string_view a, std::uint64_t m);

// The magnitude of a value times 10 to the `scale`, rounded down, and whether that was exact. It must have
// few enough digits to be written down.
std::string WholePart(const Decimal& value, int scale, bool* exact);
// Whether the magnitude times 10 to the `scale` is a whole multiple of m. Any exponent will do.
bool IsMultiple(const Decimal& value, int scale, std::uint64_t m);

}  // namespace carat::internal

#endif  // CARAT_LIB_SAMPLING_GRAMMAR_WHOLE_NUMBER_H_
