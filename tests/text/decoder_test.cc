// The decoder gives the same for whole prompts, chunks, single tokens and any number of threads, and for a
// position whether others are requested or not. (That it gives what the reference gives is shown in
// tests/golden.)
#include "lib/text/decoder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "lib/base/cpu.h"

namespace carat::internal {
namespace {

// A tiny checkpoint, opened, with its own threads and buffers.
class Machine {
 public:
  Machine(const std::string& name, int threads, std::int64_t chunk, KvFormat format = KvFormat::kF32)
      : checkpoint_(*Checkpoint::Open(std::string(CARAT_TEST_DATA) + "/" + name)),
        weights_(*BindTextWeights(checkpoint_)),
        kernels_(KernelsFor(*ChooseInstructionSet(InstructionSet::kAuto))),
        work_(*ThreadPool::Create(threads)),
        matmul_(*MatMul::Create(*kernels_, work_, {.max_k = weights_.MaxColumns()})),
        decoder_(checkpoint_.config().text, weights_, matmul_),
        cache_(*KvCache::Create(checkpoint_.config().text, format, chunk)),
        workspace_(*Workspace::Create(checkpoint_.config().text, chunk, matmul_)),
        chunk_(chunk) {}

  const TextConfig& config() const { return checkpoint_.config().text; }
  std::int64_t position() const { return position_; }

  std::vector<std::int32_t> RandomTokens(std::size_t count) const {
    std::mt19937 random(99);
    std::vector<std::int32_t> tokens(count);
    for (auto& token : tokens)
      token = static_cast<std::int32_t>(random() % static_cast<unsigned>(config().vocabulary_size));
    return tokens;
  }

  // Reads tokens in chunks; logits of the requested ones (indices into `tokens`).
  std::vector<float> Read(std::span<const std::int32_t> tokens, const std::vector<std::int64_t>& requested) {
    std::vector<float> logits;
    const auto total = static_cast<std::int64_t>(tokens.size());
    for (std::int64_t at = 0; at < total; at += chunk_) {
      const std::int64_t count = std::min(chunk_, total - at);
      std::vector<std::int64_t> rows;
      for (const std::int64_t w : requested) {
        if (w >= at && w < at + count) rows.push_back(w - at);
      }
      Chunk chunk;
      chunk.tokens = tokens.subspan(static_cast<std::size_t>(at), static_cast<std::size_t>(count));
      chunk.first_position = position_;
      chunk.requested = rows;
      EXPECT_TRUE(decoder_.Forward(chunk, cache_, workspace_).ok());
      position_ += count;
      std::vector<float> part(rows.size() * static_cast<std::size_t>(config().vocabulary_size));
      EXPECT_TRUE(decoder_
                      .Head(workspace_.normed.data(), static_cast<std::int64_t>(rows.size()),
                            workspace_.products, part.data())
                      .ok());
      logits.insert(logits.end(), part.begin(), part.end());
    }
    return logits;
  }

 private:
  Checkpoint checkpoint_;
  TextWeights weights_;
  const Kernels* kernels_;
  ParallelWork work_;
  MatMul matmul_;
  TextDecoder decoder_;
  KvCache cache_;
  Workspace workspace_;
  std::int64_t chunk_;
  std::int64_t position_ = 0;
};

float LargestDifference(const std::vector<float>& a, const std::vector<float>& b) {
  EXPECT_EQ(a.size(), b.size());
  float largest = 0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    if (!(std::fabs(a[i] - b[i]) <= largest)) largest = std::fabs(a[i] - b[i]);
  }
  return largest;
}

std::vector<std::int64_t> LastOf(std::size_t count, std::int64_t n) {
  std::vector<std::int64_t> requested(static_cast<std::size_t>(n));
  std::iota(requested.begin(), requested.end(), static_cast<std::int64_t>(count) - n);
  return requested;
}

class DecoderTest : public testing::TestWithParam<const char*> {};

// Far past every window, over several attention spans, through rings that have turned many times.
TEST_P(DecoderTest, ChunksAndThreadsChangeNothing) {
  Machine whole(GetParam(), 1, 1400);
  const auto tokens = whole.RandomTokens(1400);
  const auto requested = LastOf(tokens.size(), 20);
  const auto expected = whole.Read(tokens, requested);
  for (const float logit : expected) ASSERT_TRUE(std::isfinite(logit));
  for (const std::int64_t chunk : {7, 64, 300}) {
    Machine chunked(GetParam(), 1, chunk);
    const auto one_thread = chunked.Read(tokens, requested);
    EXPECT_LT(LargestDifference(one_thread, expected), 1e-3f) << "chunks of " << chunk;
    for (const int threads : {2, 4}) {
      if (chunk == 7) continue;  // the single tokens below show this path
      Machine parallel(GetParam(), threads, chunk);
      const auto same = parallel.Read(tokens, requested);
      ASSERT_EQ(same.size(), one_thread.size());
      EXPECT_EQ(std::memcmp(same.data(), one_thread.data(), same.size() * sizeof(float)), 0)
          << threads << " threads, chunks of " << chunk;
    }
  }
}

TEST_P(DecoderTest, SingleTokensAreTheSameForAnyNumberOfThreads) {
  Machine one(GetParam(), 1, 128);
  Machine three(GetParam(), 3, 128);
  const auto tokens = one.RandomTokens(1100);
  const std::span<const std::int32_t> all(tokens);
  one.Read(all.first(1090), {});
  three.Read(all.first(1090), {});
  for (std::size_t i = 1090; i < tokens.size(); ++i) {
    const auto a = one.Read(all.subspan(i, 1), {0});
    const auto b = three.Read(all.subspan(i, 1), {0});
    ASSERT_EQ(std::memcmp(a.data(), b.data(), a.size() * sizeof(float)), 0) << "position " << i;
  }
}

TEST_P(DecoderTest, WantedPositionsDoNotDependOnTheOthers) {
  Machine all(GetParam(), 2, 64);
  const auto tokens = all.RandomTokens(60);
  const auto everything = all.Read(tokens, LastOf(60, 60));
  Machine some(GetParam(), 2, 64);
  const std::vector<std::int64_t> requested = {0, 13, 14, 59};
  const auto few = some.Read(tokens, requested);
  const auto vocabulary = static_cast<std::size_t>(all.config().vocabulary_size);
  for (std::size_t i = 0; i < requested.size(); ++i) {
    for (std::size_t v = 0; v < vocabulary; ++v) {
      ASSERT_NEAR(few[i * vocabulary + v],
                  everything[static_cast<std::size_t>(requested[i]) * vocabulary + v], 5e-4f);
    }
  }
  // What was left out of the prompt is not missing afterwards.
  const std::vector<std::int32_t> next = {5};
  EXPECT_LT(LargestDifference(all.Read(next, {0}), some.Read(next, {0})), 5e-4f);
}

TEST_P(DecoderTest, ARoundedCacheIsClose) {
  Machine exact(GetParam(), 2, 64);
  const auto tokens = exact.RandomTokens(200);
  const auto a = exact.Read(tokens, LastOf(200, 1));
  const auto difference_of = [&](KvFormat format) {
    Machine rounded(GetParam(), 2, 64, format);
    const auto b = rounded.Read(tokens, LastOf(200, 1));
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += std::fabs(a[i] - b[i]);
    return sum / static_cast<double>(a.size());
  };
  // Random weights amplify a rounding layer by layer; the average stays small.
  const double bf16 = difference_of(KvFormat::kBF16);
  const double int16 = difference_of(KvFormat::kInt16);
  const double int8 = difference_of(KvFormat::kInt8);
  RecordProperty("differences",
                 std::to_string(bf16) + " " + std::to_string(int16) + " " + std::to_string(int8));
  EXPECT_GT(bf16, 0.0);
  EXPECT_LT(bf16, 1.5);
  EXPECT_GT(int16, 0.0);
  EXPECT_LT(int16, bf16 / 2);
  EXPECT_GT(int8, int16);
  EXPECT_LT(int8, 3.0);
}

INSTANTIATE_TEST_SUITE_P(Variants, DecoderTest,
                         testing::Values("tiny-e2b", "tiny-e4b", "tiny-31b", "tiny-26b-a4b"),
                         [](const auto& name) {
                           std::string id = name.param;
                           std::replace(id.begin(), id.end(), '-', '_');
                           return id;
                         });

// A placeholder id for which there is no soft token, as a model may generate one, is read as the pad token.
TEST(DecoderPlaceholderTest, IsReadAsPadding) {
  Machine a("tiny-e4b", 1, 16);
  Machine b("tiny-e4b", 1, 16);
  ASSERT_EQ(a.config().placeholder_tokens, (std::vector<std::int32_t>{19, 22, 23}));
  const auto with_placeholder = a.Read(std::vector<std::int32_t>{2, 30, 22, 31}, {3});
  const auto with_pad = b.Read(std::vector<std::int32_t>{2, 30, 0, 31}, {3});
  EXPECT_EQ(with_placeholder, with_pad);
}

TEST(DecoderCancelTest, StopsBetweenLayers) {
  const auto checkpoint = *Checkpoint::Open(std::string(CARAT_TEST_DATA) + "/tiny-e2b");
  const TextConfig& config = checkpoint.config().text;
  const auto weights = *BindTextWeights(checkpoint);
  const ParallelWork work(*ThreadPool::Create(1));
  const auto matmul = *MatMul::Create(kPlainKernels, work, {.max_k = weights.MaxColumns()});
  const TextDecoder decoder(config, weights, matmul);
  auto cache = *KvCache::Create(config, KvFormat::kF32, 8);
  auto workspace = *Workspace::Create(config, 8, matmul);
  std::atomic<bool> cancelled{false};
  int layers_seen = 0;
  const HiddenStateCallback observer = [&](std::int32_t, std::int64_t, std::int64_t, std::span<const float>) {
    if (++layers_seen == 4) cancelled = true;
  };
  const std::vector<std::int32_t> tokens = {2, 30, 31};
  const std::vector<std::int64_t> requested = {2};
  Chunk chunk;
  chunk.tokens = tokens;
  chunk.requested = requested;
  chunk.observer = &observer;
  chunk.cancelled = &cancelled;
  const Status status = decoder.Forward(chunk, cache, workspace);
  EXPECT_EQ(status.code(), StatusCode::kCancelled);
  EXPECT_EQ(layers_seen, 4);
}

}  // namespace
}  // namespace carat::internal
