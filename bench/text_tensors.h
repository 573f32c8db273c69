// The tensors that a text decoder of some configuration consists of, by their published names.
#ifndef CARAT_BENCH_TEXT_TENSORS_H_
#define CARAT_BENCH_TEXT_TENSORS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "lib/weights/model_config.h"

namespace carat::bench {

// How random values of a tensor are drawn, so that activations stay of moderate size through all layers.
struct Distribution {
  enum class Kind : std::uint8_t { kNormal, kUniform };
  Kind kind = Kind::kNormal;
  double low = 0;        // of a uniform one
  double high = 0;       // of a uniform one
  double deviation = 0;  // of a normal one
};

struct PlannedTensor {
  std::string name;
  std::vector<std::int64_t> shape;
  Distribution values;

  std::uint64_t count() const;
  std::uint64_t bytes() const { return 2 * count(); }  // bf16
};

// All of them, in the order in which they are written. `prefix` precedes "layers.0. ...".
std::vector<PlannedTensor> PlanTextTensors(const internal::TextConfig& config, const std::string& prefix);

}  // namespace carat::bench

#endif  // CARAT_BENCH_TEXT_TENSORS_H_
