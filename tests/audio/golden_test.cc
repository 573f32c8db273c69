// Features, mask, tower and soft tokens of every clip of the tiny checkpoints, against the reference's.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/audio/golden_file.h"

namespace carat::internal {
namespace {

struct Case {
  std::string model;
  std::string name;
};

const Case kCases[] = {{"tiny-e2b", "audio"}, {"tiny-e2b", "mixed"}, {"tiny-e4b", "audio"}};

SoundView Samples(const GoldenTensor& tensor) {
  return {std::span<const float>(tensor.values), SoundFormat{16000, 1}};
}

TEST(AudioGoldenTest, Features) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.model + " " + c.name);
    auto golden = ReadGolden(c.model);
    const TestEncoder encoder = MakeEncoder(c.model);
    const std::string at = c.name + "/audio0_";
    const auto features = encoder->Features(Samples(golden.at(at + "samples")));
    ASSERT_TRUE(features.ok()) << features.status().ToString();
    const GoldenTensor& mel = golden.at(at + "mel");
    ASSERT_EQ(features->frames, mel.shape[0]);
    const double error = LargestDifference(features->mel, mel.values);
    EXPECT_LT(error, 2e-6);
    RecordProperty(c.model + "_" + c.name, std::to_string(error));
    const GoldenTensor& mask = golden.at(at + "mel_mask");
    for (std::int64_t i = 0; i < features->frames; ++i) {
      ASSERT_EQ(mask.values[i] != 0, i < features->valid) << "frame " << i;
    }
  }
}

void ExpectTower(const Case& c, const TestEncoder& encoder, double bound) {
  auto golden = ReadGolden(c.model);
  const std::string at = c.name + "/audio0_";
  std::vector<float> tower;
  AudioEncodeOptions options;
  options.tower = &tower;
  const auto tokens = encoder->Encode(Samples(golden.at(at + "samples")), options);
  ASSERT_TRUE(tokens.ok()) << tokens.status().ToString();
  const GoldenTensor& expected = golden.at(at + "soft_tokens");
  ASSERT_EQ(tokens->count, expected.shape[0]);
  ASSERT_EQ(tokens->width, expected.shape[1]);
  const double tower_error = RelativeDifference(tower, golden.at(at + "tower").values);
  const double soft_error = RelativeDifference(tokens->values, expected.values);
  EXPECT_LT(tower_error, bound);
  EXPECT_LT(soft_error, bound);
  printf("%s %s: tower %.2e, soft tokens %.2e\n", c.model.c_str(), c.name.c_str(), tower_error, soft_error);
}

TEST(AudioGoldenTest, TowerAndSoftTokens) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.model + " " + c.name);
    ExpectTower(c, MakeEncoder(c.model), 1e-5);
  }
}

TEST(AudioGoldenTest, PlainKernelsAgree) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.model + " " + c.name);
    ExpectTower(c, MakeEncoder(c.model, 2, InstructionSet::kPlain), 1e-5);
  }
}

}  // namespace
}  // namespace carat::internal
