// The reference's tensors: tests/golden/models/NAME/golden.safetensors.
#ifndef CARAT_TESTS_VISION_GOLDEN_H_
#define CARAT_TESTS_VISION_GOLDEN_H_

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "lib/base/file_mapping.h"
#include "lib/base/thread_pool.h"
#include "lib/vision/picture.h"
#include "lib/weights/folder/safetensors.h"

namespace carat::internal {

inline const char* const kGoldenModels[] = {"tiny-e2b", "tiny-e4b", "tiny-26b-a4b", "tiny-31b"};
std::string GoldenFolder(const std::string& model);

template <typename T>
struct GoldenTensor {
  std::vector<std::int64_t> shape;
  std::vector<T> values;

  std::int64_t size(std::size_t axis) const { return shape.at(axis); }
};

// Fails the test, with an empty result, where there is no such tensor.
class GoldenFile {
 public:
  explicit GoldenFile(const std::string& model);

  bool Has(const std::string& name) const { return Find(name) != nullptr; }
  // Names that end like this, without the ending: "image/image0_rgb" for "_rgb" gives "image/image0".
  std::vector<std::string> EndingWith(const std::string& ending) const;

  template <typename T>
  GoldenTensor<T> Read(const std::string& name) const {
    GoldenTensor<T> tensor;
    const StoredTensor* stored = Find(name);
    if (stored == nullptr) return tensor;
    tensor.shape = stored->shape;
    tensor.values.resize((stored->end - stored->begin) / sizeof(T));
    std::memcpy(tensor.values.data(), file_->bytes().data() + stored->begin, stored->end - stored->begin);
    return tensor;
  }

 private:
  const StoredTensor* Find(const std::string& name) const;

  std::shared_ptr<const FileMapping> file_;
  std::vector<StoredTensor> tensors_;
};

// A picture of the golden file, [height, width, 3], as a view of frame `frame` of it.
ImageView ViewOf(const GoldenTensor<std::uint8_t>& rgb, std::int64_t frame = 0);

// The largest difference, as part of the largest expected value.
double RelativeError(const float* found, const std::vector<float>& expected);

// A loop over this many threads. Never fails.
std::unique_ptr<ParallelWork> MakeWork(int threads);

}  // namespace carat::internal

#endif  // CARAT_TESTS_VISION_GOLDEN_H_
