// How long the two published vision towers take for one picture, at full size with random weights.
//
//   vision_bench [soft tokens = 280] [threads = all] [f32 | bf16 | auto]
//
// Prints seconds, floating-point operations a second, and their share of what the matrix library reaches in
// one large float32 product on every thread at once. Shares are of processor time, so that other programs on
// the machine do not change them.
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "lib/base/cpu.h"
#include "lib/kernels/staged_matmul.h"
#include "lib/vision/tower.h"

namespace carat::internal {
namespace {

using Clock = std::chrono::steady_clock;

double Since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

struct Form {
  const char* name;
  VisionConfig config;
  std::int64_t text_hidden;
};

Form MakeForm(const char* name, std::int64_t hidden, std::int64_t width, std::int64_t layers,
              std::int64_t heads, std::int64_t head_dim, bool clipped, std::int64_t text_hidden) {
  Form form{name, {}, text_hidden};
  form.config.hidden_size = hidden;
  form.config.intermediate_size = width;
  form.config.layers = layers;
  form.config.attention_heads = form.config.kv_heads = heads;
  form.config.head_dim = head_dim;
  form.config.patch_size = 16;
  form.config.pooling_kernel_size = 3;
  form.config.position_embedding_size = 10240;
  form.config.rope_theta = 100;
  form.config.rms_norm_epsilon = 1e-6;
  form.config.clipped_linears = clipped;
  form.config.standardize = !clipped;
  return form;
}

class RandomWeights {
 public:
  explicit RandomWeights(const Form& form) {
    const VisionConfig& c = form.config;
    const std::int64_t queries = c.attention_heads * c.head_dim;
    weights_.patch_projection = Matrix(c.hidden_size, c.patch_values());
    weights_.positions = Matrix(2 * c.position_embedding_size, c.hidden_size);
    weights_.text_projection = Matrix(form.text_hidden, c.hidden_size);
    for (std::int64_t i = 0; i < c.layers; ++i) {
      VisionLayerWeights w;
      for (auto* norm :
           {&w.input_norm, &w.post_attention_norm, &w.pre_feedforward_norm, &w.post_feedforward_norm}) {
        norm->assign(static_cast<std::size_t>(c.hidden_size), 1.0f);
      }
      w.q_norm = w.k_norm = std::vector<float>(static_cast<std::size_t>(c.head_dim), 0.5f);
      w.q = Linear(queries, c.hidden_size, c.clipped_linears);
      w.k = Linear(queries, c.hidden_size, c.clipped_linears);
      w.v = Linear(queries, c.hidden_size, c.clipped_linears);
      w.o = Linear(c.hidden_size, queries, c.clipped_linears);
      w.gate = Linear(c.intermediate_size, c.hidden_size, c.clipped_linears);
      w.up = Linear(c.intermediate_size, c.hidden_size, c.clipped_linears);
      w.down = Linear(c.hidden_size, c.intermediate_size, c.clipped_linears);
      weights_.layers.push_back(std::move(w));
    }
  }
  const VisionWeights& weights() const { return weights_; }

 private:
  MatrixView Matrix(std::int64_t rows, std::int64_t cols) {
    auto& bits = storage_.emplace_back(static_cast<std::size_t>(rows * cols));
    const float scale = 1.7f / std::sqrt(static_cast<float>(cols));
    for (std::uint16_t& value : bits) {
      value = FloatToBFloat16(scale * (static_cast<float>(random_() >> 8) / 8388608.0f - 1));
    }
    return {reinterpret_cast<const std::byte*>(bits.data()), NumberFormat::kBF16, rows, cols};
  }
  ClippedMatrix Linear(std::int64_t rows, std::int64_t cols, bool clipped) {
    ClippedMatrix linear{Matrix(rows, cols), {}, {}};
    // All different, as in a trained model.
    if (clipped) {
      bound_ += 0.01f;
      linear.input = {-bound_, bound_};
      linear.output = {-bound_, bound_};
    }
    return linear;
  }

  std::minstd_rand random_{1};
  float bound_ = 4;
  VisionWeights weights_;
  std::vector<std::vector<std::uint16_t>> storage_;
};

// Multiplications and additions of all products.
double Operations(const Form& form, std::int64_t patches) {
  const VisionConfig& c = form.config;
  const auto p = static_cast<double>(patches);
  const auto hidden = static_cast<double>(c.hidden_size);
  const auto queries = static_cast<double>(c.attention_heads * c.head_dim);
  const double layer =
      2 * p * hidden * (4 * queries + 3 * static_cast<double>(c.intermediate_size)) + 4 * p * p * queries;
  return layer * static_cast<double>(c.layers) + 2 * p * hidden * static_cast<double>(c.patch_values()) +
         2 * p / 9 * hidden * static_cast<double>(form.text_hidden);
}

double ProcessorSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         1e-6 * static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

// Operations a second of a thread that has a processor to itself, in one large product on every thread at
// once.
double LibrarySpeed(const ParallelWork& work) {
  constexpr std::int64_t kSize = 1024;
  std::vector<float> x(kSize * kSize, 0.5f);
  std::vector<std::vector<float>> y(static_cast<std::size_t>(work.workers()),
                                    std::vector<float>(kSize * kSize));
  double best = 0;
  for (int round = 0; round < 3; ++round) {
    const std::int64_t items = 8 * work.workers();
    const double before = ProcessorSeconds();
    work.For(items, [&](std::int64_t, int worker) {
      const GemmShape shape{
          .m = kSize, .n = kSize, .k = kSize, .x_stride = kSize, .w_stride = kSize, .y_stride = kSize};
      (void)LibraryGemm().run(shape, x.data(), x.data(), y[static_cast<std::size_t>(worker)].data(), nullptr);
    });
    best = std::max(best,
                    2.0 * kSize * kSize * kSize * static_cast<double>(items) / (ProcessorSeconds() - before));
  }
  return best;
}

int Run(std::int64_t tokens, int threads, const std::string& precision) {
  const InstructionSet set = *ChooseInstructionSet(InstructionSet::kAuto);
  const Kernels& kernels = *KernelsFor(set);
  const auto pool = ThreadPool::Create(threads);
  if (!pool.ok()) return 1;
  const ParallelWork work(*pool);
  const double peak = LibrarySpeed(work);
  std::printf("%d threads, %s; a large float32 product: %.1f GFLOP/s a processor\n", threads,
              std::string(InstructionSetName(set)).c_str(), peak * 1e-9);
  const bool bf16 = precision == "bf16" || (precision == "auto" && kernels.bf16 != nullptr);
  const GemmKernels& gemm = BlockGemm(kernels, bf16 ? MatMulPrecision::kBf16 : MatMulPrecision::kFloat32);

  const Form forms[] = {MakeForm("768 x 16, clipped", 768, 3072, 16, 12, 64, true, 2560),
                        MakeForm("1152 x 27, standardised", 1152, 4304, 27, 16, 72, false, 5376)};
  for (const Form& form : forms) {
    const RandomWeights random(form);
    PreparedPicture picture;
    picture.patches_across = 60;
    picture.patches_down = tokens * 9 / 60;
    picture.patch_values = form.config.patch_values();
    picture.pixels = *AlignedBuffer<std::uint8_t>::Allocate(
        static_cast<std::uint64_t>(picture.patches() * picture.patch_values), "a picture");
    std::minstd_rand noise(2);
    for (std::uint8_t& pixel : picture.pixels.span()) pixel = static_cast<std::uint8_t>(noise() >> 8);
    const std::int64_t inputs = CountPreparedInputs(random.weights());
    const TowerPlan plan = TowerPlan::Create(form.config, form.text_hidden, picture.patches(), gemm, inputs);
    auto ws = TowerWorkspace::Create(plan, form.config, threads);
    if (!ws.ok()) return 1;
    std::vector<float> pooled(static_cast<std::size_t>(plan.tokens * form.config.hidden_size));
    std::vector<float> soft(static_cast<std::size_t>(plan.tokens * form.text_hidden));
    std::atomic<StatusCode> failure{StatusCode::kOk};
    const TowerPass pass{form.config, random.weights(), plan, *ws, kernels, work, picture, nullptr, failure};
    const double processor = ProcessorSeconds();
    const auto start = Clock::now();
    const Status status = RunTower(pass, pooled.data(), soft.data());
    const double seconds = Since(start);
    const double busy = ProcessorSeconds() - processor;
    const double operations = Operations(form, picture.patches());
    if (!status.ok()) std::fprintf(stderr, "%s\n", status.ToString().c_str());
    std::printf(
        "%s: %lld patches, %s: %.3f TFLOP in %.2f s = %.4f TFLOP/s; in %.2f s of processors, %.4f TFLOP/s "
        "each = %.0f %% of a large product; %.0f MB beside the weights\n",
        form.name, static_cast<long long>(picture.patches()), bf16 ? "bf16" : "float32", operations * 1e-12,
        seconds, operations / seconds * 1e-12, busy, operations / busy * 1e-12,
        100 * operations / busy / peak, static_cast<double>(ws->memory_bytes()) * 1e-6);
  }
  return 0;
}

}  // namespace
}  // namespace carat::internal

int main(int argc, char** argv) {
  const std::int64_t tokens = argc > 1 ? std::atoll(argv[1]) : 280;
  const int threads = argc > 2 ? std::atoi(argv[2]) : carat::internal::AvailableProcessors();
  const std::string precision = argc > 3 ? argv[3] : "auto";
  if (tokens < 20 || tokens > 1120 || tokens % 20 != 0 || threads < 1) {
    std::fprintf(stderr,
                 "usage: vision_bench [soft tokens, a multiple of 20] [threads] [f32 | bf16 | auto]\n");
    return 2;
  }
  return carat::internal::Run(tokens, threads, precision);
}
