// What carat's own samplers share.
#ifndef CARAT_LIB_SAMPLING_BUILT_IN_H_
#define CARAT_LIB_SAMPLING_BUILT_IN_H_

#include <memory>
#include <utility>

#include "carat/sampler.h"
#include "lib/base/guard.h"

namespace carat::internal {

// A sampler that keeps a list's promises by itself: a chain checks only after the others.
// (Said by a member, not by the type: a host may be compiled without run-time types.)
class BuiltInSampler : public Sampler {
 protected:
  BuiltInSampler() noexcept { built_in_ = true; }
};

// A T as a Sampler: the body of a noexcept function of carat::samplers.
template <typename T, typename... Args>
Result<std::unique_ptr<Sampler>> MakeSampler(Args&&... args) {
  return std::unique_ptr<Sampler>(std::make_unique<T>(std::forward<Args>(args)...));
}

// BuiltInSampler with the Clone that copies.
template <typename T>
class CopyableSampler : public BuiltInSampler {
 public:
  Result<std::unique_ptr<Sampler>> Clone() const final {
    return MakeSampler<T>(static_cast<const T&>(*this));
  }
};

}  // namespace carat::internal

#endif  // CARAT_LIB_SAMPLING_BUILT_IN_H_
