// Expected tensors of a tiny checkpoint, of any type, as float32; and an encoder for it.
#ifndef CARAT_TESTS_AUDIO_GOLDEN_FILE_H_
#define CARAT_TESTS_AUDIO_GOLDEN_FILE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lib/audio/audio.h"

namespace carat::internal {

struct GoldenTensor {
  std::vector<std::int64_t> shape;
  std::vector<float> values;
};

// golden.safetensors of tests/golden/models/NAME: the tensors of types F32, U8 and I32.
std::map<std::string, GoldenTensor> ReadGolden(const std::string& name);

// Everything that an encoder needs, for a tiny checkpoint.
struct TestEncoder {
  std::unique_ptr<Checkpoint> checkpoint;
  std::unique_ptr<ParallelWork> work;
  std::unique_ptr<const AudioEncoder> encoder;

  const AudioEncoder* operator->() const { return encoder.get(); }
};
TestEncoder MakeEncoder(const std::string& name, int threads = 2, InstructionSet set = InstructionSet::kAuto,
                        const AudioOptions& options = {});

// The largest difference, and the same in relation to the root mean square of what was expected.
double LargestDifference(const std::vector<float>& got, const std::vector<float>& expected);
double RelativeDifference(const std::vector<float>& got, const std::vector<float>& expected);

// Something like speech: a few tones that come and go, some noise.
std::vector<float> TestSound(std::int64_t frames, std::int64_t rate, unsigned seed = 1);

}  // namespace carat::internal

#endif  // CARAT_TESTS_AUDIO_GOLDEN_FILE_H_
