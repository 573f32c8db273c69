// The configuration that a random checkpoint is made for.
#ifndef CARAT_BENCH_SHAPE_H_
#define CARAT_BENCH_SHAPE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "carat/status.h"

namespace carat::bench {

// The text of a config.json, without the towers unless asked for, and with only the first `layers` layers if
// given: a multiple of the pattern of sliding and full ones, of which the same part as in the whole shares
// keys and values. Errors: those of reading it; INVALID_ARGUMENT for the number of layers.
Result<std::string> ShapeConfig(const std::string& path, std::optional<std::int64_t> layers, bool towers);

}  // namespace carat::bench

#endif  // CARAT_BENCH_SHAPE_H_
