// What is behind carat::Model.
#ifndef CARAT_LIB_RUNTIME_MODEL_IMPL_H_
#define CARAT_LIB_RUNTIME_MODEL_IMPL_H_

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "carat/chat.h"
#include "carat/grammar.h"
#include "carat/model.h"
#include "carat/session.h"
#include "lib/base/thread_pool.h"
#include "lib/kernels/matmul.h"
#include "lib/runtime/towers.h"
#include "lib/text/decoder.h"
#include "lib/text/text_weights.h"
#include "lib/weights/checkpoint.h"

namespace carat::internal {

class ModelImpl {
 public:
  static Result<std::shared_ptr<const ModelImpl>> Load(const std::string& path, const ModelOptions& options);

  const ModelInfo& info() const { return info_; }
  const Checkpoint& checkpoint() const { return checkpoint_; }
  const ModelConfig& config() const { return checkpoint_.config(); }
  const Tokenizer& tokenizer() const { return tokenizer_; }
  const MatMul& matmul() const { return matmul_; }
  const TextDecoder& decoder() const { return *decoder_; }
  const Towers& towers() const { return *towers_; }
  ChatForm chat_form() const { return chat_form_; }
  InstructionSet instruction_set() const { return instruction_set_; }
  int threads() const { return work_->workers(); }
  // generation_config.json's recommendation, with its suppressed tokens forbidden.
  SamplingOptions DefaultSampling() const;
  // Made when it is first asked for.
  Result<GrammarVocabulary> grammar_vocabulary() const;
  // Whether any weights are integers.
  bool quantized() const { return packed_.size() > 0; }
  // Bytes of weights that every token reads, and of tables that it looks up rows of.
  std::uint64_t touched_bytes() const;
  std::uint64_t looked_up_bytes() const;
  // Bytes of shared scratch.
  std::size_t memory_bytes() const { return matmul_.memory_bytes(); }

  ModelImpl(const ModelImpl&) = delete;
  ModelImpl& operator=(const ModelImpl&) = delete;

 private:
  ModelImpl(Checkpoint checkpoint, Tokenizer tokenizer, TextWeights weights)
      : checkpoint_(std::move(checkpoint)), tokenizer_(std::move(tokenizer)), weights_(std::move(weights)) {}

  // Packs what is in blocks, and what the option says is to be rounded.
  Status Pack(const ModelOptions& options);
  // The tensors that every token reads where they are in the file.
  std::vector<const TensorEntry*> TensorsReadInPlace() const;
  Status Preload(const ProgressCallback& progress) const;
  // How far ahead weights are prefetched: as set, or measured on the weights that are in memory.
  Status ChoosePrefetch(const ModelOptions& options, std::optional<std::int64_t> set);

  ModelInfo info_;
  Checkpoint checkpoint_;
  Tokenizer tokenizer_;
  TextWeights weights_;
  ChatForm chat_form_ = ChatForm::kLarge;
  AlignedBytes packed_;  // what weights_ point into, where they are not in their files
  InstructionSet instruction_set_ = InstructionSet::kPlain;
  const Kernels* kernels_ = nullptr;
  std::unique_ptr<const ParallelWork> work_;
  MatMul matmul_;
  std::unique_ptr<const TextDecoder> decoder_;
  std::unique_ptr<const Towers> towers_;
  mutable std::mutex grammar_mutex_;
  mutable std::optional<GrammarVocabulary> grammar_vocabulary_;
};

// What a session takes under these options, and the options with every 0 and kAuto decided.
struct SessionPlan {
  std::int64_t context_size = 0;
  std::int64_t chunk = 0;
  KvType kv_type = KvType::kFloat32;
};
// Errors: INVALID_ARGUMENT naming the option.
Result<SessionPlan> PlanSession(const ModelImpl& model, const SessionOptions& options);

}  // namespace carat::internal

#endif  // CARAT_LIB_RUNTIME_MODEL_IMPL_H_
