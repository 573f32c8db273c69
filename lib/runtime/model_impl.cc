#include "lib/runtime/model_impl.h"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include "lib/base/cpu.h"
#include "lib/base/error.h"
#include "lib/chat/chat_form.h"
#include "lib/kernels/stream_prefetch.h"
#include "lib/runtime/precision.h"
#include "lib/text/kv_cache.h"

namespace carat::internal {
namespace {

// Rows that go through the layers together. Large enough for the matrix library's full speed, small enough
// that activations stay a small part of the memory.
constexpr std::int64_t kDefaultChunk = 512;
constexpr std::int64_t kMaxChunk = 65536;

// What float weights of the decoder are multiplied in.
Result<MatMulPrecision> ChoosePrecision(Precision requested, const Kernels& kernels, bool quantized) {
  CARAT_ASSIGN_OR_RETURN(const MatMulPrecision precision, InternalPrecision(requested));
  if (precision == MatMulPrecision::kBf16 && kernels.bf16 == nullptr) {
    return Unimplemented("precision is bf16, but the %s kernels have no bf16 products",
                         std::string(InstructionSetName(kernels.set)));
  }
  // Quantised models promise the same logits for any chunking, so products whose rounding depends on the
  // number of rows are disabled; few float weights are left there.
  if (quantized || precision == MatMulPrecision::kFloat32 || kernels.bf16 == nullptr)
    return MatMulPrecision::kFloat32;
  return MatMulPrecision::kBf16;
}

std::int64_t CountParameters(const Checkpoint& checkpoint) {
  std::int64_t count = 0;
  for (const auto& tensors : {TensorsReadByEveryToken(checkpoint), TensorsLookedUp(checkpoint)}) {
    for (const TensorEntry* tensor : tensors) count += tensor->values();
  }
  return count;
}

ModelInfo Describe(const std::string& path, const Checkpoint& checkpoint) {
  const ModelConfig& config = checkpoint.config();
  ModelInfo info;
  info.path = path;
  info.architecture = config.architecture;
  info.layers = static_cast<std::int32_t>(config.text.layers.size());
  info.kv_shared_layers = static_cast<std::int32_t>(config.text.kv_shared_layers);
  info.hidden_size = static_cast<std::int32_t>(config.text.hidden_size);
  info.vocabulary_size = static_cast<std::int32_t>(config.text.vocabulary_size);
  info.sliding_window = static_cast<std::int32_t>(config.text.sliding_window);
  info.experts = static_cast<std::int32_t>(config.text.experts);
  info.experts_per_token = static_cast<std::int32_t>(config.text.experts_per_token);
  info.context_length = config.text.context_length;
  info.parameters = CountParameters(checkpoint);
  info.has_vision = config.has_vision;
  info.has_audio = config.has_audio;
  return info;
}

// Without a template, small models are the ones with per-layer embeddings.
ChatForm FormOf(const Checkpoint& checkpoint) {
  const ModelConfig& config = checkpoint.config();
  if (!config.chat_template.empty()) return FormOfTemplate(config.chat_template);
  const bool small = config.text.per_layer_input_size > 0;
  const ChatForm by_structure = small ? ChatForm::kSmall : ChatForm::kLarge;
  return checkpoint.is_gguf() ? by_structure : FormOfFolder(checkpoint.folder()).value_or(by_structure);
}

}  // namespace

Result<std::shared_ptr<const ModelImpl>> ModelImpl::Load(const std::string& path,
                                                         const ModelOptions& options) {
  CARAT_ASSIGN_OR_RETURN(const InstructionSet set, ChooseInstructionSet(options.instruction_set));
  const Kernels* kernels = KernelsFor(set);
  if (kernels == nullptr) {
    return Unimplemented("this build of carat has no %s kernels", std::string(InstructionSetName(set)));
  }
  // Options are refused before any work is done.
  CARAT_ASSIGN_OR_RETURN(const std::optional<std::int64_t> prefetch,
                         StreamPrefetchSetting(options.stream_prefetch_bytes, kMostPrefetchBytes));
  CARAT_RETURN_IF_ERROR(ChoosePrecision(options.precision, *kernels, false).status());
  CARAT_ASSIGN_OR_RETURN(
      Checkpoint checkpoint,
      Checkpoint::Open(path, options.mmproj,
                       options.read_into_memory ? FileAccess::kInMemory : FileAccess::kMapped));
  CARAT_ASSIGN_OR_RETURN(TextWeights weights, BindTextWeights(checkpoint));
  CARAT_ASSIGN_OR_RETURN(Tokenizer tokenizer, Tokenizer::Load(checkpoint.folder()));
  if (tokenizer.vocabulary_size() > checkpoint.config().text.vocabulary_size) {
    return InvalidArgument("%s: the tokenizer has %d ids, but the embedding table has only %d rows", path,
                           tokenizer.vocabulary_size(), checkpoint.config().text.vocabulary_size);
  }
  CARAT_ASSIGN_OR_RETURN(auto work, MakeParallelWork(options.threads, options.runner));

  auto model = std::shared_ptr<ModelImpl>(
      new ModelImpl(std::move(checkpoint), std::move(tokenizer), std::move(weights)));
  model->chat_form_ = FormOf(model->checkpoint_);
  model->instruction_set_ = set;
  model->kernels_ = kernels;
  model->work_ = std::move(work);
  CARAT_RETURN_IF_ERROR(model->Pack(options));
  model->info_ = Describe(path, model->checkpoint_);
  const TextConfig& text = model->checkpoint_.config().text;
  model->info_.integer_weights = model->quantized();
  model->info_.bytes_per_token = model->weights_.BytesPerToken(text);
  model->info_.operations_per_prompt_token = model->weights_.OperationsPerPromptToken(text);
  CARAT_ASSIGN_OR_RETURN(const MatMulPrecision precision,
                         ChoosePrecision(options.precision, *kernels, model->quantized()));
  CARAT_ASSIGN_OR_RETURN(model->matmul_, MatMul::Create(*kernels, *model->work_,
                                                        {.precision = precision,
                                                         .rows_are_independent = model->quantized(),
                                                         .quantized_weights = model->quantized(),
                                                         .max_k = model->weights_.MaxColumns(),
                                                         .prefetch_bytes = DefaultStreamPrefetchBytes()}));
  model->decoder_ =
      std::make_unique<const TextDecoder>(model->checkpoint_.config().text, model->weights_, model->matmul_);
  model->towers_ = std::make_unique<const Towers>(model->checkpoint_, *kernels, *model->work_);
  for (const TensorEntry* tensor : TensorsLookedUp(model->checkpoint_)) {
    model->checkpoint_.files()[tensor->file]->AdviseRandom(model->checkpoint_.OffsetOf(*tensor),
                                                           tensor->bytes);
  }
  if (options.preload) CARAT_RETURN_IF_ERROR(model->Preload(options.progress));
  CARAT_RETURN_IF_ERROR(model->ChoosePrefetch(options, prefetch));
  if (options.log) {
    options.log(LogSeverity::kInfo,
                absl::StrFormat("%s: %d layers, %d million parameters, %s kernels, %d threads", path,
                                model->info_.layers, model->info_.parameters / 1000000,
                                std::string(InstructionSetName(set)), model->threads()));
  }
  return std::shared_ptr<const ModelImpl>(std::move(model));
}

Result<GrammarVocabulary> ModelImpl::grammar_vocabulary() const {
  const std::lock_guard<std::mutex> lock(grammar_mutex_);
  if (!grammar_vocabulary_) {
    CARAT_ASSIGN_OR_RETURN(grammar_vocabulary_, GrammarVocabulary::Create(tokenizer_, config().stop_tokens));
  }
  return *grammar_vocabulary_;
}

SamplingOptions ModelImpl::DefaultSampling() const {
  SamplingOptions options = config().sampling;
  for (const std::int32_t token : config().suppress_tokens) {
    options.logit_bias.emplace_back(token, -std::numeric_limits<float>::infinity());
  }
  return options;
}

Status ModelImpl::Pack(const ModelOptions& options) {
  if (options.weight_type < WeightType::kAsStored || options.weight_type > WeightType::kInt4) {
    return InvalidArgument("weight_type is %d, which is none of the enumeration",
                           static_cast<int>(options.weight_type));
  }
  const bool rounds = options.weight_type != WeightType::kAsStored;
  // With 4 bits, the matrices that hold nearly all weights; what is small, and the head, costs little with 8.
  std::set<const WeightMatrix*> large, routers;
  for (const LayerWeights& layer : weights_.layers) {
    large.insert({&layer.q, &layer.o, &layer.gate, &layer.up, &layer.down});
    if (!layer.experts) continue;
    large.insert({&layer.experts->gate_up, &layer.experts->down});
    routers.insert(&layer.experts->router);
  }
  const bool four_bits = options.weight_type == WeightType::kInt4;
  std::vector<PackRequest> requests;
  for (WeightMatrix* weights : weights_.Products()) {
    const bool in_blocks = !IsFloat(weights->view.format);
    if (!in_blocks && (!rounds || routers.count(weights) > 0 || weights->k() % kBlockK != 0)) continue;
    const bool four = four_bits && large.count(weights) > 0;
    requests.push_back({weights, four ? NumberFormat::kQ4_0 : NumberFormat::kQ8_0});
  }
  if (requests.empty()) return {};
  CARAT_ASSIGN_OR_RETURN(packed_, PackWeights(requests, *kernels_, *work_, true, options.progress));
  return {};
}

Status ModelImpl::ChoosePrefetch(const ModelOptions& options, std::optional<std::int64_t> set) {
  if (set) {
    matmul_.set_prefetch_bytes(*set);
  } else {
    // Only weights that are in memory: measuring must not read a file.
    std::vector<const WeightMatrix*> resident;
    for (const WeightMatrix* weights : std::as_const(weights_).Products()) {
      if (weights->packed() || options.preload || options.read_into_memory) resident.push_back(weights);
    }
    CARAT_RETURN_IF_ERROR(MeasureStreamPrefetch(matmul_, resident).status());
  }
  info_.stream_prefetch_bytes = matmul_.prefetch_bytes();
  return {};
}

std::vector<const TensorEntry*> ModelImpl::TensorsReadInPlace() const {
  std::set<const std::byte*> packed;
  for (const WeightMatrix* weights : weights_.Products()) {
    if (weights->packed()) packed.insert(weights->view.data);
  }
  std::vector<const TensorEntry*> tensors;
  for (const TensorEntry* tensor : TensorsReadByEveryToken(checkpoint_)) {
    if (packed.count(tensor->data) == 0) tensors.push_back(tensor);
  }
  return tensors;
}

std::uint64_t ModelImpl::touched_bytes() const {
  std::uint64_t bytes = packed_.size();
  for (const TensorEntry* tensor : TensorsReadInPlace()) bytes += tensor->bytes;
  return bytes;
}

std::uint64_t ModelImpl::looked_up_bytes() const {
  const MatrixView& table = weights_.embedding;
  std::uint64_t bytes =
      weights_.head.packed() ? static_cast<std::uint64_t>(table.rows) * table.row_bytes() : 0;
  for (const TensorEntry* tensor : TensorsLookedUp(checkpoint_)) bytes += tensor->bytes;
  return bytes;
}

Status ModelImpl::Preload(const ProgressCallback& progress) const {
  constexpr std::uint64_t kPortion = std::uint64_t{64} << 20;
  const auto tensors = TensorsReadInPlace();
  std::int64_t total = 0;
  for (const TensorEntry* tensor : tensors) total += static_cast<std::int64_t>(tensor->bytes);
  std::int64_t done = 0;
  for (const TensorEntry* tensor : tensors) {
    const FileMapping& file = *checkpoint_.files()[tensor->file];
    for (std::uint64_t at = 0; at < tensor->bytes; at += kPortion) {
      const std::uint64_t size = std::min(kPortion, tensor->bytes - at);
      file.Populate(checkpoint_.OffsetOf(*tensor) + at, size);
      done += static_cast<std::int64_t>(size);
      if (progress && !progress(done, total))
        return Cancelled("loading was stopped by the progress callback");
    }
  }
  return {};
}

Result<SessionPlan> PlanSession(const ModelImpl& model, const SessionOptions& options) {
  const TextConfig& text = model.config().text;
  SessionPlan plan;
  if (options.context_size < 0 || options.context_size > text.context_length) {
    return InvalidArgument("context_size is %d, but must lie in 0 .. %d, the model's own context",
                           options.context_size, text.context_length);
  }
  plan.context_size = options.context_size == 0 ? text.context_length : options.context_size;
  if (options.prompt_chunk < 0 || options.prompt_chunk > kMaxChunk) {
    return InvalidArgument("prompt_chunk is %d, but must lie in 0 .. %d", options.prompt_chunk, kMaxChunk);
  }
  plan.chunk = std::min(plan.context_size, options.prompt_chunk == 0 ? kDefaultChunk : options.prompt_chunk);
  switch (options.kv_type) {
    case KvType::kAuto:
      plan.kv_type = model.quantized() ? KvType::kInt16 : KvType::kFloat32;
      return plan;
    case KvType::kFloat32:
    case KvType::kBFloat16:
    case KvType::kInt16:
    case KvType::kInt8:
      plan.kv_type = options.kv_type;
      return plan;
  }
  return InvalidArgument("kv_type is %d, which is none of the enumeration",
                         static_cast<int>(options.kv_type));
}

}  // namespace carat::internal
