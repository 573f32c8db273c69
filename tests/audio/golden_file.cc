#include "tests/audio/golden_file.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <numbers>
#include <random>

#include "lib/base/cpu.h"
#include "lib/base/file_mapping.h"
#include "lib/base/json.h"

namespace carat::internal {
namespace {

float ValueAt(const std::byte* data, std::string_view type, std::size_t index) {
  if (type == "U8") return static_cast<float>(std::to_integer<int>(data[index]));
  if (type == "F32") return LoadValue(data, NumberFormat::kF32, index);
  std::int32_t value;
  std::memcpy(&value, data + 4 * index, 4);
  return static_cast<float>(value);
}

}  // namespace

std::map<std::string, GoldenTensor> ReadGolden(const std::string& name) {
  const auto file = FileMapping::Open(std::string(CARAT_TEST_DATA) + "/" + name + "/golden.safetensors");
  EXPECT_TRUE(file.ok()) << file.status().ToString();
  if (!file.ok()) return {};
  const auto bytes = (*file)->bytes();
  std::uint64_t length;
  std::memcpy(&length, bytes.data(), 8);
  const auto document =
      JsonDocument::Parse({reinterpret_cast<const char*>(bytes.data()) + 8, length}, "golden");
  EXPECT_TRUE(document.ok());
  std::map<std::string, GoldenTensor> tensors;
  for (const auto member : simdjson::dom::object(document->root())) {
    if (member.key == "__metadata__") continue;
    const std::string_view type = member.value["dtype"].get_string();
    const std::uint64_t begin = member.value["data_offsets"].at(0).get_uint64();
    const std::uint64_t end = member.value["data_offsets"].at(1).get_uint64();
    GoldenTensor tensor;
    for (const auto size : simdjson::dom::array(member.value["shape"]))
      tensor.shape.push_back(size.get_int64());
    tensor.values.resize((end - begin) / (type == "U8" ? 1 : 4));
    for (std::size_t i = 0; i < tensor.values.size(); ++i) {
      tensor.values[i] = ValueAt(bytes.data() + 8 + length + begin, type, i);
    }
    tensors.emplace(std::string(member.key), std::move(tensor));
  }
  return tensors;
}

TestEncoder MakeEncoder(const std::string& name, int threads, InstructionSet set,
                        const AudioOptions& options) {
  TestEncoder test;
  auto checkpoint = Checkpoint::Open(std::string(CARAT_TEST_DATA) + "/" + name);
  EXPECT_TRUE(checkpoint.ok()) << checkpoint.status().ToString();
  auto pool = ThreadPool::Create(threads);
  EXPECT_TRUE(pool.ok());
  const Kernels* kernels = KernelsFor(*ChooseInstructionSet(set));
  test.checkpoint = std::make_unique<Checkpoint>(*std::move(checkpoint));
  test.work = std::make_unique<ParallelWork>(*pool);
  auto encoder = AudioEncoder::Create(*test.checkpoint, *kernels, *test.work, options);
  EXPECT_TRUE(encoder.ok()) << encoder.status().ToString();
  test.encoder = *std::move(encoder);
  return test;
}

double LargestDifference(const std::vector<float>& got, const std::vector<float>& expected) {
  EXPECT_EQ(got.size(), expected.size());
  if (got.size() != expected.size()) return HUGE_VAL;
  double largest = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double difference = std::abs(static_cast<double>(got[i]) - expected[i]);
    if (!(difference <= largest)) largest = difference;  // a NaN stays
  }
  return largest;
}

double RelativeDifference(const std::vector<float>& got, const std::vector<float>& expected) {
  double squares = 0;
  for (const float value : expected) squares += static_cast<double>(value) * value;
  return LargestDifference(got, expected) / std::sqrt(squares / static_cast<double>(expected.size()));
}

std::vector<float> TestSound(std::int64_t frames, std::int64_t rate, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> uniform(0, 1);
  std::vector<double> frequencies, phases;
  for (int i = 0; i < 5; ++i) {
    frequencies.push_back(90 + 2500 * uniform(random));
    phases.push_back(6.28 * uniform(random));
  }
  std::vector<float> samples(static_cast<std::size_t>(frames));
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const double t = static_cast<double>(i) / static_cast<double>(rate);
    double sum = 0.02 * (uniform(random) - 0.5);
    for (std::size_t j = 0; j < frequencies.size(); ++j) {
      sum += 0.12 * std::sin(2 * std::numbers::pi * frequencies[j] * t + phases[j]) *
             (0.5 + 0.5 * std::sin(t * (3 + static_cast<double>(j))));
    }
    samples[i] = static_cast<float>(sum);
  }
  return samples;
}

}  // namespace carat::internal
