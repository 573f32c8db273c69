#include "tests/vision/golden.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace carat::internal {

std::string GoldenFolder(const std::string& model) {
  return std::string(CARAT_TEST_DATA) + "/" + model;
}

GoldenFile::GoldenFile(const std::string& model) {
  auto file = FileMapping::Open(GoldenFolder(model) + "/golden.safetensors");
  EXPECT_TRUE(file.ok()) << file.status().ToString();
  if (!file.ok()) return;
  file_ = *file;
  auto tensors = ReadTableOfContents(*file_);
  EXPECT_TRUE(tensors.ok()) << tensors.status().ToString();
  if (tensors.ok()) tensors_ = *std::move(tensors);
}

const StoredTensor* GoldenFile::Find(const std::string& name) const {
  const auto found = std::find_if(tensors_.begin(), tensors_.end(),
                                  [&](const StoredTensor& tensor) { return tensor.name == name; });
  return found == tensors_.end() ? nullptr : &*found;
}

std::vector<std::string> GoldenFile::EndingWith(const std::string& ending) const {
  std::vector<std::string> names;
  for (const StoredTensor& tensor : tensors_) {
    if (tensor.name.ends_with(ending))
      names.push_back(tensor.name.substr(0, tensor.name.size() - ending.size()));
  }
  return names;
}

ImageView ViewOf(const GoldenTensor<std::uint8_t>& rgb, std::int64_t frame) {
  const std::size_t axis = rgb.shape.size() - 3;
  const std::int64_t height = rgb.size(axis);
  const std::int64_t width = rgb.size(axis + 1);
  return {rgb.values.data() + frame * height * width * 3, static_cast<std::int32_t>(width),
          static_cast<std::int32_t>(height), 0};
}

double RelativeError(const float* found, const std::vector<float>& expected) {
  double difference = 0;
  double largest = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double error = std::abs(static_cast<double>(found[i]) - static_cast<double>(expected[i]));
    if (!(error <= difference)) difference = error;  // a NaN stays
    largest = std::max(largest, std::abs(static_cast<double>(expected[i])));
  }
  return difference / largest;
}

std::unique_ptr<ParallelWork> MakeWork(int threads) {
  auto pool = ThreadPool::Create(threads);
  EXPECT_TRUE(pool.ok());
  return std::make_unique<ParallelWork>(*pool);
}

}  // namespace carat::internal
