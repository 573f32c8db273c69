// The tower against the reference's tensors, and its ways of computing against each other.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "lib/base/cpu.h"
#include "lib/kernels/staged_matmul.h"
#include "lib/vision/tower.h"
#include "lib/vision/vision.h"
#include "tests/vision/golden.h"

namespace carat::internal {
namespace {

// What one encoder needs around it.
struct Fixture {
  Checkpoint checkpoint;
  std::unique_ptr<ParallelWork> work;
  std::unique_ptr<VisionEncoder> encoder;
};

std::unique_ptr<Fixture> Open(const std::string& model, InstructionSet set, int threads,
                              MatMulPrecision precision) {
  auto checkpoint = Checkpoint::Open(GoldenFolder(model));
  EXPECT_TRUE(checkpoint.ok()) << checkpoint.status().ToString();
  auto fixture = std::make_unique<Fixture>(Fixture{*std::move(checkpoint), MakeWork(threads), nullptr});
  auto encoder = VisionEncoder::Create(fixture->checkpoint, *KernelsFor(set), *fixture->work, {precision});
  EXPECT_TRUE(encoder.ok()) << encoder.status().ToString();
  fixture->encoder = *std::move(encoder);
  return fixture;
}

InstructionSet Best() {
  return *ChooseInstructionSet(InstructionSet::kAuto);
}

// The budget with which the case of a golden picture was made.
std::int64_t BudgetOf(const std::string& model, const std::string& name) {
  if (name.starts_with("image_280")) return 280;
  return model == "tiny-e4b" ? 140 : 70;
}

Result<EncodedPicture> EncodeGolden(const VisionEncoder& encoder, const GoldenFile& golden,
                                    const std::string& name, std::int64_t budget) {
  const auto rgb = golden.Read<std::uint8_t>(name + "_rgb");
  auto prepared = encoder.Prepare(ViewOf(rgb), budget);
  if (!prepared.ok()) return prepared.status();
  EncodeOptions options;
  options.keep_pooled = true;
  return encoder.Encode(*prepared, options);
}

struct Errors {
  double pooled = 0;
  double soft_tokens = 0;
  int pictures = 0;
};

// The largest errors over the pictures of a model's golden file with up to that many soft tokens.
Errors GoldenErrors(const std::string& model, const VisionEncoder& encoder, std::int64_t most = 280) {
  const GoldenFile golden(model);
  Errors errors;
  for (const std::string& name : golden.EndingWith("_tower")) {
    if (!golden.Has(name + "_rgb") || BudgetOf(model, name) > most) continue;  // sound, or too slow
    const auto encoded = EncodeGolden(encoder, golden, name, BudgetOf(model, name));
    EXPECT_TRUE(encoded.ok()) << encoded.status().ToString();
    if (!encoded.ok()) continue;
    const auto tower = golden.Read<float>(name + "_tower");
    const auto soft_tokens = golden.Read<float>(name + "_soft_tokens");
    EXPECT_EQ(encoded->soft_tokens, tower.size(0)) << name;
    EXPECT_EQ(encoded->vision_hidden, tower.size(1)) << name;
    EXPECT_EQ(encoded->text_hidden, soft_tokens.size(1)) << name;
    EXPECT_EQ(encoded->embeddings.size(), soft_tokens.values.size());
    errors.pooled = std::max(errors.pooled, RelativeError(encoded->pooled.data(), tower.values));
    errors.soft_tokens =
        std::max(errors.soft_tokens, RelativeError(encoded->embeddings.data(), soft_tokens.values));
    ++errors.pictures;
  }
  return errors;
}

TEST(TowerTest, Float32EqualsTheReference) {
  int pictures = 0;
  for (const char* model : kGoldenModels) {
    for (const InstructionSet set : AvailableInstructionSets()) {
      const auto fixture = Open(model, set, 2, MatMulPrecision::kFloat32);
      EXPECT_FALSE(*fixture->encoder->uses_bf16());
      const bool plain = set == InstructionSet::kPlain;
      const Errors errors = GoldenErrors(model, *fixture->encoder, plain ? 70 : 280);
      EXPECT_LT(errors.pooled, 1e-5) << model << " " << InstructionSetName(set);
      EXPECT_LT(errors.soft_tokens, 1e-5) << model << " " << InstructionSetName(set);
      if (set == Best()) pictures += errors.pictures;
      RecordProperty(std::string(model) + "_" + std::string(InstructionSetName(set)),
                     std::to_string(errors.pooled));
    }
  }
  EXPECT_EQ(pictures, 10);
}

TEST(TowerTest, Bf16IsAsCloseAsItsRounding) {
  for (const char* model : kGoldenModels) {
    const auto fixture = Open(model, Best(), 2, MatMulPrecision::kBf16);
    EXPECT_TRUE(*fixture->encoder->uses_bf16());
    const Errors errors = GoldenErrors(model, *fixture->encoder);
    EXPECT_LT(errors.pooled, 2e-2) << model;
    EXPECT_LT(errors.soft_tokens, 2e-2) << model;
    EXPECT_GT(errors.pooled, 1e-4) << model << ": nothing was rounded";
  }
}

TEST(TowerTest, FramesOfAVideoEqualTheReference) {
  const GoldenFile golden("tiny-e2b");
  const auto rgb = golden.Read<std::uint8_t>("video/video_rgb");
  const auto expected = golden.Read<float>("video/video_soft_tokens");
  const auto fixture = Open("tiny-e2b", Best(), 2, MatMulPrecision::kFloat32);
  std::vector<VideoFrame> frames;
  for (std::int64_t i = 0; i < rgb.size(0); ++i)
    frames.push_back({ViewOf(rgb, i), static_cast<double>(59 + i)});
  const auto encoded = EncodeVideo(*fixture->encoder, frames);
  ASSERT_TRUE(encoded.ok()) << encoded.status().ToString();
  ASSERT_EQ(encoded->size(), 3u);
  std::vector<float> all;
  for (const EncodedFrame& frame : *encoded) {
    EXPECT_EQ(frame.picture.soft_tokens, 63);
    EXPECT_TRUE(frame.picture.pooled.empty());
    const auto values = frame.picture.embeddings.span();
    all.insert(all.end(), values.begin(), values.end());
  }
  ASSERT_EQ(all.size(), expected.values.size());
  EXPECT_LT(RelativeError(all.data(), expected.values), 1e-5);
  EXPECT_EQ((*encoded)[0].stamp, "00:59");
  EXPECT_EQ((*encoded)[1].stamp, "01:00");

  frames[1].seconds = -1;
  const Status status = EncodeVideo(*fixture->encoder, frames).status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_NE(status.message().find("frame 1"), std::string::npos) << status.message();
}

TEST(TowerTest, ThreadsChangeNothing) {
  for (const MatMulPrecision precision : {MatMulPrecision::kFloat32, MatMulPrecision::kBf16}) {
    const GoldenFile golden("tiny-e2b");
    std::vector<float> expected;
    for (const int threads : {1, 2, 4}) {
      const auto fixture = Open("tiny-e2b", Best(), threads, precision);
      const auto encoded = EncodeGolden(*fixture->encoder, golden, "image_280/image0", 280);
      ASSERT_TRUE(encoded.ok()) << encoded.status().ToString();
      const auto values = encoded->embeddings.span();
      if (threads == 1) expected.assign(values.begin(), values.end());
      ASSERT_EQ(expected.size(), values.size());
      EXPECT_EQ(std::memcmp(expected.data(), values.data(), values.size_bytes()), 0) << threads;
    }
  }
}

TEST(TowerTest, SeveralThreadsMayEncodeAtOnce) {
  const GoldenFile golden("tiny-31b");
  const auto fixture = Open("tiny-31b", Best(), 2, MatMulPrecision::kAuto);
  std::vector<std::vector<float>> results(3);
  std::vector<std::thread> threads;
  for (auto& result : results) {
    threads.emplace_back([&] {
      const auto encoded = EncodeGolden(*fixture->encoder, golden, "image/image0", 70);
      if (!encoded.ok()) return;
      const auto values = encoded->embeddings.span();
      result.assign(values.begin(), values.end());
    });
  }
  for (std::thread& thread : threads) thread.join();
  ASSERT_FALSE(results[0].empty());
  for (const auto& result : results) EXPECT_EQ(result, results[0]);
}

// Random towers, of sizes that leave remainders everywhere, by way of RunTower itself.
class RandomTower {
 public:
  RandomTower(std::uint32_t seed, bool clipped) : random_(seed) {
    config_.hidden_size = 44;
    config_.intermediate_size = 203;
    config_.layers = 2;
    config_.attention_heads = 6;
    config_.kv_heads = 2;
    config_.head_dim = 20;
    config_.patch_size = 4;
    config_.pooling_kernel_size = 2;
    config_.position_embedding_size = 64;
    config_.rope_theta = 100;
    config_.rms_norm_epsilon = 1e-6;
    config_.standardize = true;
    const std::int64_t hidden = config_.hidden_size;
    const std::int64_t queries = 120;
    const std::int64_t keys = 40;
    weights_.patch_projection = Matrix(hidden, config_.patch_values());
    weights_.positions = Matrix(128, hidden);
    weights_.std_bias = Vector(hidden, -1, 1);
    weights_.std_scale = Vector(hidden, 0.5f, 1.5f);
    weights_.text_projection = Matrix(50, hidden);
    for (int i = 0; i < 2; ++i) {
      VisionLayerWeights w;
      for (auto* norm :
           {&w.input_norm, &w.post_attention_norm, &w.pre_feedforward_norm, &w.post_feedforward_norm}) {
        *norm = Vector(hidden, 0.5f, 1.5f);
      }
      w.q_norm = Vector(20, 0.2f, 0.8f);
      w.k_norm = Vector(20, 0.2f, 0.8f);
      w.q = Linear(queries, hidden, clipped);
      w.k = Linear(keys, hidden, clipped);
      w.v = Linear(keys, hidden, clipped);
      if (clipped) w.v.input = w.k.input;  // two of three alike
      w.o = Linear(hidden, queries, clipped);
      w.gate = Linear(203, hidden, clipped);
      w.up = Linear(203, hidden, clipped);
      w.down = Linear(hidden, 203, clipped);
      weights_.layers.push_back(std::move(w));
    }
  }

  PreparedPicture Picture(std::int64_t across, std::int64_t down) {
    PreparedPicture picture;
    picture.patches_across = across;
    picture.patches_down = down;
    picture.patch_values = config_.patch_values();
    picture.soft_tokens = across * down / 4;
    picture.pixels = *AlignedBuffer<std::uint8_t>::Allocate(
        static_cast<std::uint64_t>(picture.patches() * picture.patch_values), "a test");
    for (std::uint8_t& pixel : picture.pixels.span()) pixel = static_cast<std::uint8_t>(random_());
    return picture;
  }

  std::vector<float> Run(const PreparedPicture& picture, const GemmKernels& gemm, InstructionSet set,
                         int threads) {
    const auto work = MakeWork(threads);
    const std::int64_t inputs = CountPreparedInputs(weights_);
    const TowerPlan plan = TowerPlan::Create(config_, 50, picture.patches(), gemm, inputs);
    auto ws = TowerWorkspace::Create(plan, config_, threads);
    EXPECT_TRUE(ws.ok()) << ws.status().ToString();
    EXPECT_EQ(ws->memory_bytes(), plan.bytes.Total(inputs, threads));
    const Kernels& kernels = *KernelsFor(set);
    std::atomic<StatusCode> failure{StatusCode::kOk};
    const TowerPass pass{config_, weights_, plan, *ws, kernels, *work, picture, nullptr, failure};
    std::vector<float> pooled(static_cast<std::size_t>(plan.tokens * 44));
    std::vector<float> soft_tokens(static_cast<std::size_t>(plan.tokens * 50));
    const Status status = RunTower(pass, pooled.data(), soft_tokens.data());
    EXPECT_TRUE(status.ok()) << status.ToString();
    return soft_tokens;
  }

  std::int64_t prepared_inputs() const { return CountPreparedInputs(weights_); }

 private:
  MatrixView Matrix(std::int64_t rows, std::int64_t cols) {
    std::normal_distribution<float> normal(0, 1 / std::sqrt(static_cast<float>(cols)));
    auto& bits = storage_.emplace_back(static_cast<std::size_t>(rows * cols));
    for (std::uint16_t& value : bits) value = FloatToBFloat16(normal(random_));
    return {reinterpret_cast<const std::byte*>(bits.data()), NumberFormat::kBF16, rows, cols};
  }
  std::vector<float> Vector(std::int64_t size, float low, float high) {
    std::vector<float> values(static_cast<std::size_t>(size));
    for (float& value : values) value = std::uniform_real_distribution<float>(low, high)(random_);
    return values;
  }
  ClippedMatrix Linear(std::int64_t rows, std::int64_t cols, bool clipped) {
    ClippedMatrix linear{Matrix(rows, cols), {}, {}};
    if (!clipped) return linear;
    for (Clip* clip : {&linear.input, &linear.output}) *clip = {Vector(1, -2, -1)[0], Vector(1, 1, 2)[0]};
    return linear;
  }

  std::mt19937 random_;
  VisionConfig config_;
  VisionWeights weights_;
  std::vector<std::vector<std::uint16_t>> storage_;
};

TEST(TowerTest, EveryWayOfComputingEqualsTheReference) {
  struct Way {
    const GemmKernels* gemm;
    double bound;
  };
  const std::vector<Way> float32 = {{&LibraryGemm(), 1e-5}};
  // Where a number lies between two of bf16, float32 rounding decides: single values differ by a step.
  std::vector<Way> bf16 = {{&WidenedBf16Gemm(), 1e-2}};
  for (const InstructionSet set : AvailableInstructionSets()) {
    if (!ChooseInstructionSet(set).ok()) continue;
    const Kernels* kernels = KernelsFor(set);
    if (kernels != nullptr && kernels->bf16 != nullptr) bf16.push_back({kernels->bf16, 1e-2});
  }
  for (const bool clipped : {false, true}) {
    RandomTower tower(clipped ? 1 : 2, clipped);
    EXPECT_EQ(tower.prepared_inputs(), clipped ? 2 : 1);
    for (const auto& [across, down] : {std::pair{2, 2}, std::pair{30, 20}, std::pair{2, 62}}) {
      const PreparedPicture picture = tower.Picture(across, down);
      const auto plain = tower.Run(picture, ReferenceGemm(NumberFormat::kF32), InstructionSet::kPlain, 1);
      const auto plain_bf16 =
          tower.Run(picture, ReferenceGemm(NumberFormat::kBF16), InstructionSet::kPlain, 1);
      EXPECT_LT(RelativeError(plain_bf16.data(), plain), 2e-2);
      for (const Way& way : float32) {
        const auto found = tower.Run(picture, *way.gemm, Best(), 3);
        EXPECT_LT(RelativeError(found.data(), plain), way.bound) << across << " x " << down;
      }
      for (const Way& way : bf16) {
        const auto found = tower.Run(picture, *way.gemm, Best(), 3);
        EXPECT_LT(RelativeError(found.data(), plain_bf16), way.bound) << across << " x " << down;
      }
    }
  }
}

TEST(TowerTest, CancellingStops) {
  const auto fixture = Open("tiny-e2b", Best(), 2, MatMulPrecision::kAuto);
  const std::vector<std::uint8_t> rgb(std::size_t{3} * 1200 * 900, 9);
  const auto prepared = fixture->encoder->Prepare({rgb.data(), 1200, 900, 0}, 1120);
  ASSERT_TRUE(prepared.ok()) << prepared.status().ToString();
  std::atomic<bool> cancelled{true};
  EncodeOptions options;
  options.cancelled = &cancelled;
  EXPECT_EQ(fixture->encoder->Encode(*prepared, options).status().code(), StatusCode::kCancelled);
  cancelled = false;
  EXPECT_TRUE(fixture->encoder->Encode(*prepared, options).ok());
}

TEST(VisionEncoderTest, RefusesPicturesOfAnotherTower) {
  const auto fixture = Open("tiny-e2b", Best(), 1, MatMulPrecision::kAuto);
  const std::vector<std::uint8_t> rgb(std::size_t{3} * 100 * 100, 9);
  for (int change = 0; change < 5; ++change) {
    auto prepared = fixture->encoder->Prepare({rgb.data(), 100, 100, 0}, 70);
    ASSERT_TRUE(prepared.ok());
    if (change == 0) prepared->patches_across = 0;
    if (change == 1) prepared->patches_down += 3;
    if (change == 2) prepared->patch_values = 700;
    if (change == 3) prepared->pixels = {};
    if (change == 4) *prepared = PreparedPicture();
    EXPECT_EQ(fixture->encoder->Encode(*prepared).status().code(), StatusCode::kInvalidArgument) << change;
  }
  EXPECT_EQ(fixture->encoder->Prepare({rgb.data(), 100, 100, 0}, 71).status().code(),
            StatusCode::kInvalidArgument);
}

TEST(VisionEncoderTest, BudgetsDefaultToTheProcessorsOwn) {
  const auto fixture = Open("tiny-e2b", Best(), 1, MatMulPrecision::kAuto);
  const std::vector<std::uint8_t> rgb(std::size_t{3} * 640 * 480, 9);
  EXPECT_EQ(fixture->encoder->Prepare({rgb.data(), 640, 480, 0})->soft_tokens, 266);
}

TEST(VisionEncoderTest, MemoryIsEstimatedAndReleased) {
  const auto fixture = Open("tiny-31b", Best(), 2, MatMulPrecision::kFloat32);
  const auto small = fixture->encoder->EstimateMemory(70);
  const auto large = fixture->encoder->EstimateMemory(1120);
  ASSERT_TRUE(small.ok() && large.ok());
  EXPECT_EQ(large->result, 1120u * 64 * 4);
  EXPECT_GT(large->weights, 100000u);
  EXPECT_EQ(large->weights, small->weights);
  // At least the residual stream; not quadratic.
  EXPECT_GT(large->activations, 10080u * 72 * 4);
  EXPECT_LT(large->activations, 17 * small->activations);
  EXPECT_EQ(fixture->encoder->EstimateMemory(71).status().code(), StatusCode::kInvalidArgument);

  const GoldenFile golden("tiny-31b");
  const auto before = EncodeGolden(*fixture->encoder, golden, "image/image0", 70);
  fixture->encoder->ReleaseWeights();
  const auto after = EncodeGolden(*fixture->encoder, golden, "image/image0", 70);
  ASSERT_TRUE(before.ok() && after.ok());
  EXPECT_EQ(std::memcmp(before->embeddings.data(), after->embeddings.data(),
                        before->embeddings.span().size_bytes()),
            0);
}

TEST(VisionEncoderTest, ReleasedTowersStayWithinTheirMemory) {
  // Budget 1120 takes less than 600 MB beside the weights, on 16 workers.
  struct Released {
    std::int64_t hidden, width, layers, heads, head_dim, inputs, text_hidden;
  };
  for (const Released& r :
       {Released{768, 3072, 16, 12, 64, 3, 2560}, Released{1152, 4304, 27, 16, 72, 1, 5376}}) {
    VisionConfig config;
    config.hidden_size = r.hidden;
    config.intermediate_size = r.width;
    config.layers = r.layers;
    config.attention_heads = config.kv_heads = r.heads;
    config.head_dim = r.head_dim;
    config.patch_size = 16;
    config.pooling_kernel_size = 3;
    for (const GemmKernels* gemm : {&LibraryGemm(), &WidenedBf16Gemm()}) {
      const TowerPlan plan = TowerPlan::Create(config, r.text_hidden, 10080, *gemm, r.inputs);
      EXPECT_LT(plan.bytes.Total(r.inputs, 16), 600e6) << r.hidden;
    }
  }
}

TEST(VideoTest, StampsAreMinutesAndSeconds) {
  EXPECT_EQ(*VideoStamp(0), "00:00");
  EXPECT_EQ(*VideoStamp(59.999), "00:59");
  EXPECT_EQ(*VideoStamp(61.5), "01:01");
  EXPECT_EQ(*VideoStamp(6000), "100:00");
  for (const double seconds : {-0.5, std::nan(""), 1e300, HUGE_VAL}) {
    EXPECT_EQ(VideoStamp(seconds).status().code(), StatusCode::kInvalidArgument);
  }
}

TEST(VideoTest, FramesAreTakenEvenly) {
  EXPECT_EQ(*SampleVideoFrames(10, 4), (std::vector<std::int64_t>{0, 2, 5, 7}));
  EXPECT_EQ(*SampleVideoFrames(3, 32), (std::vector<std::int64_t>{0, 1, 2}));
  EXPECT_EQ(SampleVideoFrames(1000, 32)->size(), 32u);
  EXPECT_EQ(SampleVideoFrames(1000, 32)->back(), 968);
  EXPECT_EQ(SampleVideoFrames(0, 32).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(SampleVideoFrames(5, 0).status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace carat::internal
