// The towers of one model, made when they are first asked for.
#ifndef CARAT_LIB_RUNTIME_TOWERS_H_
#define CARAT_LIB_RUNTIME_TOWERS_H_

#include <array>
#include <memory>
#include <mutex>

#include "carat/media.h"
#include "carat/status.h"
#include "lib/base/thread_pool.h"
#include "lib/kernels/kernels.h"
#include "lib/weights/checkpoint.h"

namespace carat::internal {

class AudioEncoder;
class VisionEncoder;

// Any number of threads may use it at once.
class Towers {
 public:
  // All must outlive it.
  Towers(const Checkpoint& checkpoint, const Kernels& kernels, const ParallelWork& work);
  ~Towers();

  // The tower for this arithmetic. Errors: UNIMPLEMENTED if the checkpoint has none; INVALID_ARGUMENT for a
  // precision that is none of the enumeration; those of its configuration and weights.
  Result<std::shared_ptr<const VisionEncoder>> Vision(TowerPrecision precision) const;
  Result<std::shared_ptr<const AudioEncoder>> Audio(TowerPrecision precision) const;

  // Forgets them; whoever uses one keeps it.
  void Release() const;

 private:
  const Checkpoint& checkpoint_;
  const Kernels& kernels_;
  const ParallelWork& work_;
  mutable std::mutex mutex_;
  mutable std::array<std::shared_ptr<const VisionEncoder>, 2> vision_;  // one for each precision
  mutable std::array<std::shared_ptr<const AudioEncoder>, 2> audio_;
};

}  // namespace carat::internal

#endif  // CARAT_LIB_RUNTIME_TOWERS_H_
