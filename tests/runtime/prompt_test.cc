#include "carat/prompt.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "carat/generation.h"
#include "lib/base/tensor.h"
#include "lib/runtime/model_impl.h"

namespace carat {
namespace {

std::vector<std::int32_t> SomeTokens(std::size_t count) {
  std::vector<std::int32_t> tokens(count);
  for (std::size_t i = 0; i < count; ++i)
    tokens[i] = static_cast<std::int32_t>(24 + (i * i * 31 + i * 7) % 600);
  return tokens;
}

std::vector<float> RandomRows(std::size_t count, std::int32_t width) {
  std::mt19937 random(5);
  std::normal_distribution<float> normal;
  std::vector<float> rows(count * static_cast<std::size_t>(width));
  for (float& value : rows) value = normal(random);
  return rows;
}

// The decoder without per-layer embeddings, whose pictures are seen in both directions.
class PromptTest : public testing::Test {
 protected:
  Model Load(const std::string& name) {
    return *Model::Load(std::string(CARAT_TEST_DATA) + "/" + name,
                        {.threads = 2, .precision = Precision::kFloat32});
  }

  // What the decoder makes of an ordinary token: its embedding times sqrt(hidden).
  std::vector<float> EmbeddingsOf(const Model& model, const std::vector<std::int32_t>& tokens) {
    const auto& checkpoint = model.impl()->checkpoint();
    const auto* table = checkpoint.Find(checkpoint.text_prefix() + "embed_tokens.weight");
    const std::int32_t hidden = model.info().hidden_size;
    std::vector<float> rows;
    for (const std::int32_t token : tokens) {
      for (std::int32_t i = 0; i < hidden; ++i) {
        const auto index =
            static_cast<std::size_t>(token) * static_cast<std::size_t>(hidden) + static_cast<std::size_t>(i);
        rows.push_back(internal::LoadValue(table->data, table->format, index) *
                       std::sqrt(static_cast<float>(hidden)));
      }
    }
    return rows;
  }

  std::vector<float> LastLogits(const Model& model, const Prompt& prompt, std::int32_t chunk) {
    auto session = *Session::Create(model, {.prompt_chunk = chunk});
    const Status status = session.Prefill(prompt);
    EXPECT_TRUE(status.ok()) << status.ToString();
    const auto logits = *session.LastLogits();
    return {logits.begin(), logits.end()};
  }
};

void ExpectClose(const std::vector<float>& a, const std::vector<float>& b, float tolerance) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], b[i], tolerance);
}

TEST_F(PromptTest, SoftTokensThatAreEmbeddingsAreTokens) {
  const Model model = Load("tiny-31b");
  const auto tokens = SomeTokens(40);
  const std::vector<std::int32_t> middle(tokens.begin() + 10, tokens.begin() + 30);
  Prompt plain(model);
  ASSERT_TRUE(plain.AddTokens(tokens).ok());
  // Sound is causal like text.
  const auto soft = SoftTokens::FromRows(model, MediaKind::kAudio, EmbeddingsOf(model, middle));
  ASSERT_TRUE(soft.ok()) << soft.status().ToString();
  Prompt mixed(model);
  ASSERT_TRUE(mixed.AddTokens(std::span(tokens).first(10)).ok());
  ASSERT_TRUE(mixed.AddSoftTokens(*soft).ok());
  ASSERT_TRUE(mixed.AddTokens(std::span(tokens).subspan(30)).ok());
  EXPECT_EQ(mixed.size(), 40);
  ExpectClose(LastLogits(model, mixed, 16), LastLogits(model, plain, 16), 2e-4f);
}

TEST_F(PromptTest, PicturesAreNotPartedByChunks) {
  const Model model = Load("tiny-31b");
  const auto rows = RandomRows(90, 64);  // far longer than the window of 32
  const auto picture = SoftTokens::FromRows(model, MediaKind::kImage, rows);
  ASSERT_TRUE(picture.ok());
  Prompt prompt(model);
  ASSERT_TRUE(prompt.AddTokens(SomeTokens(21)).ok());
  ASSERT_TRUE(prompt.AddMedia(*picture).ok());
  ASSERT_TRUE(prompt.AddTokens(SomeTokens(9)).ok());
  EXPECT_EQ(prompt.size(), 21 + 92 + 9);
  const auto whole = LastLogits(model, prompt, 1000);
  for (const std::int32_t chunk : {1, 7, 16, 64}) ExpectClose(LastLogits(model, prompt, chunk), whole, 5e-4f);

  // Both directions matter: the same rows as sound give something else.
  const auto sound = SoftTokens::FromRows(model, MediaKind::kAudio, rows);
  Prompt causal(model);
  ASSERT_TRUE(causal.AddTokens(SomeTokens(21)).ok());
  ASSERT_TRUE(causal.AddTokens(prompt.tokens().subspan(21, 1)).ok());
  ASSERT_TRUE(causal.AddSoftTokens(*sound).ok());
  ASSERT_TRUE(causal.AddTokens(prompt.tokens().subspan(112)).ok());
  const auto other = LastLogits(model, causal, 1000);
  float difference = 0;
  for (std::size_t i = 0; i < other.size(); ++i)
    difference = std::max(difference, std::fabs(other[i] - whole[i]));
  EXPECT_GT(difference, 1e-2f);
}

TEST_F(PromptTest, RewindIntoAPictureReadsItAgain) {
  const Model model = Load("tiny-26b-a4b");
  const auto rows = RandomRows(60, 64);
  const auto picture = SoftTokens::FromRows(model, MediaKind::kImage, rows);
  const auto beginning = SoftTokens::FromRows(model, MediaKind::kImage, std::span(rows).first(20 * 64));
  auto rewound = *Session::Create(model, {.prompt_chunk = 64});
  auto straight = *Session::Create(model, {.prompt_chunk = 64});
  Prompt longer(model), shorter(model);
  for (Prompt* prompt : {&longer, &shorter}) ASSERT_TRUE(prompt->AddTokens(SomeTokens(5)).ok());
  ASSERT_TRUE(longer.AddSoftTokens(*picture).ok() && shorter.AddSoftTokens(*beginning).ok());
  ASSERT_TRUE(rewound.Prefill(longer).ok() && straight.Prefill(shorter).ok());
  const auto result = rewound.Rewind(25);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->kept, 5);
  ASSERT_TRUE(rewound.Decode(77).ok() && straight.Decode(77).ok());
  const auto a = *rewound.LastLogits();
  const auto b = *straight.LastLogits();
  for (std::size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], b[i], 5e-4f);
}

TEST_F(PromptTest, VideoIsFramesWithTheirTimes) {
  const Model model = Load("tiny-e2b");
  const auto rows = RandomRows(7, 96);
  const std::vector<std::int64_t> frames = {3, 4};
  const std::vector<double> seconds = {0.0, 65.7};
  const auto video = SoftTokens::FromRows(model, MediaKind::kVideo, rows, frames, seconds);
  ASSERT_TRUE(video.ok());
  Prompt prompt(model);
  ASSERT_TRUE(prompt.AddMedia(*video).ok());
  const auto text = model.tokenizer().Decode(prompt.tokens());
  ASSERT_TRUE(text.ok());
  EXPECT_EQ(*text,
            "00:00 <|image><|video|><|video|><|video|><image|> 01:05 "
            "<|image><|video|><|video|><|video|><|video|><image|>");
}

TEST_F(PromptTest, WrongUseIsAnError) {
  const Model model = Load("tiny-e2b");
  const auto rows = RandomRows(2, 96);
  EXPECT_EQ(SoftTokens::FromRows(model, MediaKind::kImage, std::span(rows).first(100)).status().code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(SoftTokens::FromRows(model, MediaKind::kImage, {}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(SoftTokens::FromRows(model, static_cast<MediaKind>(8), rows).status().code(),
            StatusCode::kInvalidArgument);
  std::vector<float> broken = rows;
  broken[5] = NAN;
  EXPECT_EQ(SoftTokens::FromRows(model, MediaKind::kImage, broken).status().code(),
            StatusCode::kInvalidArgument);
  const std::vector<std::int64_t> frames = {1, 2};
  const std::vector<double> seconds = {0, 1};
  EXPECT_EQ(SoftTokens::FromRows(model, MediaKind::kVideo, rows, frames, seconds).status().code(),
            StatusCode::kInvalidArgument);
  const Model other = Load("tiny-31b");
  const auto picture = SoftTokens::FromRows(model, MediaKind::kImage, rows);
  Prompt foreign(other);
  EXPECT_EQ(foreign.AddMedia(*picture).code(), StatusCode::kInvalidArgument);
  auto session = *Session::Create(other);
  Prompt prompt(model);
  ASSERT_TRUE(prompt.AddText("abc").ok());
  EXPECT_EQ(session.Prefill(prompt).code(), StatusCode::kInvalidArgument);
  Prompt taken = std::move(prompt);
  EXPECT_EQ(prompt.AddText("x").code(), StatusCode::kFailedPrecondition);  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(prompt.size(), 0);
}

}  // namespace
}  // namespace carat
