#include "lib/vision/vision.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "lib/base/error.h"
#include "lib/base/page_release.h"
#include "lib/kernels/staged_matmul.h"
#include "lib/vision/tower.h"
#include "lib/weights/tower_config.h"

namespace carat::internal {
namespace {

Result<const GemmKernels*> ChooseGemm(MatMulPrecision precision, const Kernels& kernels,
                                      bool weights_are_bf16) {
  if (precision == MatMulPrecision::kInt16)
    return Unimplemented("the vision encoder has no products in 16-bit integers");
  if (precision == MatMulPrecision::kBf16 && !weights_are_bf16) {
    return Status(StatusCode::kFailedPrecondition,
                  "the vision encoder was asked to compute in bf16, but its weights are not all bf16");
  }
  if (precision == MatMulPrecision::kAuto) {
    const bool bf16 = kernels.bf16 != nullptr && weights_are_bf16;
    precision = bf16 ? MatMulPrecision::kBf16 : MatMulPrecision::kFloat32;
  }
  return &BlockGemm(kernels, precision);
}

Result<AlignedBuffer<float>> Rows(std::int64_t rows, std::int64_t width) {
  return AlignedBuffer<float>::Allocate(static_cast<std::uint64_t>(rows * width), "an encoded picture");
}

}  // namespace

struct VisionEncoder::Bound {
  VisionWeights weights;
  const GemmKernels* gemm = nullptr;
  std::int64_t prepared_inputs = 1;
};

Result<std::unique_ptr<VisionEncoder>> VisionEncoder::Create(const Checkpoint& checkpoint,
                                                             const Kernels& kernels, const ParallelWork& work,
                                                             const VisionOptions& options) {
  CARAT_ASSIGN_OR_RETURN(const std::optional<VisionConfig> config, ReadVisionConfig(checkpoint));
  if (!config) return NotFound("%s: this checkpoint has no vision tower", checkpoint.folder());
  CARAT_ASSIGN_OR_RETURN(const VisionBudgets budgets, ReadVisionBudgets(checkpoint));
  return std::make_unique<VisionEncoder>(checkpoint, *config, budgets, kernels, work, options);
}

VisionEncoder::VisionEncoder(const Checkpoint& checkpoint, const VisionConfig& config,
                             const VisionBudgets& budgets, const Kernels& kernels, const ParallelWork& work,
                             const VisionOptions& options)
    : checkpoint_(checkpoint),
      config_(config),
      budgets_(budgets),
      kernels_(kernels),
      work_(work),
      options_(options) {}

VisionEncoder::~VisionEncoder() = default;

Result<std::shared_ptr<const VisionEncoder::Bound>> VisionEncoder::Weights() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (bound_ != nullptr) return bound_;
  auto bound = std::make_shared<Bound>();
  CARAT_ASSIGN_OR_RETURN(bound->weights, BindVisionWeights(checkpoint_, config_));
  CARAT_ASSIGN_OR_RETURN(bound->gemm, ChooseGemm(options_.precision, kernels_, bound->weights.all_bf16()));
  bound->prepared_inputs = CountPreparedInputs(bound->weights);
  bound_ = std::move(bound);
  return bound_;
}

TowerPlan VisionEncoder::Plan(const Bound& bound, std::int64_t patches) const {
  return TowerPlan::Create(config_, bound.weights.text_projection.rows, patches, *bound.gemm,
                           bound.prepared_inputs);
}

Status VisionEncoder::CheckPrepared(const PreparedPicture& picture) const {
  const std::int64_t side = config_.pooling_kernel_size;
  const bool fits =
      picture.patches_across > 0 && picture.patches_down > 0 &&
      picture.patches_across <= config_.position_embedding_size &&
      picture.patches_down <= config_.position_embedding_size && picture.patches_across % side == 0 &&
      picture.patches_down % side == 0 && picture.patch_values == config_.patch_values() &&
      picture.pixels.size() == static_cast<std::size_t>(picture.patches() * picture.patch_values);
  if (fits) return {};
  return InvalidArgument("a prepared picture of %d x %d patches of %d values is none of this vision tower",
                         picture.patches_across, picture.patches_down, picture.patch_values);
}

Result<PreparedPicture> VisionEncoder::Prepare(const ImageView& view, std::int64_t budget) const {
  return PreparePicture(view, budget == 0 ? budgets_.picture : budget, config_, work_);
}

Result<EncodedPicture> VisionEncoder::Encode(const PreparedPicture& picture,
                                             const EncodeOptions& options) const {
  CARAT_RETURN_IF_ERROR(CheckPrepared(picture));
  CARAT_ASSIGN_OR_RETURN(const std::shared_ptr<const Bound> bound, Weights());
  const TowerPlan plan = Plan(*bound, picture.patches());
  CARAT_ASSIGN_OR_RETURN(TowerWorkspace ws, TowerWorkspace::Create(plan, config_, work_.workers()));
  EncodedPicture encoded;
  encoded.soft_tokens = plan.tokens;
  encoded.text_hidden = bound->weights.text_projection.rows;
  encoded.vision_hidden = config_.hidden_size;
  CARAT_ASSIGN_OR_RETURN(encoded.embeddings, Rows(plan.tokens, encoded.text_hidden));
  CARAT_ASSIGN_OR_RETURN(encoded.pooled, Rows(plan.tokens, encoded.vision_hidden));
  std::atomic<StatusCode> failure{StatusCode::kOk};
  const TowerPass pass{config_, bound->weights,    plan,   ws, kernels_, work_,
                       picture, options.cancelled, failure};
  CARAT_RETURN_IF_ERROR(RunTower(pass, encoded.pooled.data(), encoded.embeddings.data()));
  if (!options.keep_pooled) encoded.pooled = {};
  return encoded;
}

Result<VisionMemory> VisionEncoder::EstimateMemory(std::int64_t budget) const {
  CARAT_RETURN_IF_ERROR(CheckVisionBudget(budget));
  CARAT_ASSIGN_OR_RETURN(const std::shared_ptr<const Bound> bound, Weights());
  const TowerPlan plan = Plan(*bound, budget * config_.patches_per_token());
  const std::int64_t text_hidden = bound->weights.text_projection.rows;
  VisionMemory memory;
  for (const TensorEntry* tensor : VisionTensors(checkpoint_)) memory.weights += tensor->bytes;
  memory.result = static_cast<std::uint64_t>(budget * text_hidden) * sizeof(float);
  memory.activations = plan.bytes.Total(plan.prepared_inputs, work_.workers()) +
                       static_cast<std::uint64_t>(budget * config_.hidden_size) * sizeof(float);
  return memory;
}

Result<bool> VisionEncoder::uses_bf16() const {
  CARAT_ASSIGN_OR_RETURN(const std::shared_ptr<const Bound> bound, Weights());
  return bound->gemm->format == NumberFormat::kBF16;
}

Status VisionEncoder::BindWeights() const {
  return Weights().status();
}

void VisionEncoder::ReleaseWeights() const {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    bound_ = nullptr;
  }
  for (const TensorEntry* tensor : VisionTensors(checkpoint_))
    ReleaseMappedPages(tensor->data, static_cast<std::size_t>(tensor->bytes));
}

}  // namespace carat::internal
