// carat/model.h: open a Gemma 4 checkpoint.
//
//   carat::ModelOptions options;
//   options.threads = 4;
//   carat::Result<carat::Model> model = carat::Model::Load("gemma-4-E2B-it", options);
//   if (!model.ok()) return Complain(model.status());
//   const carat::ModelInfo& info = model->info();
//
// A Model is a light handle to weights that never change. Copies are the same model; any number of threads
// and sessions may use it at once, and the sessions keep it alive.
//
// Weights are mapped from their files; those in blocks are packed into memory while loading. While a model is
// open, its files must not be changed in place or cut: a file that changes gives other results, and reading
// beyond the new end of a file that was cut raises SIGBUS, which ends the process. Deleting a file, or
// renaming another over it, is safe. A host that cannot promise this sets ModelOptions::read_into_memory:
// then the promise is needed only until Load returns. All smaller files (config.json, tokenizer.json, ...)
// are read into memory in any case.
//
// Since 0.1.
#ifndef CARAT_MODEL_H_
#define CARAT_MODEL_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "carat/export.h"
#include "carat/grammar.h"
#include "carat/instruction_set.h"
#include "carat/sampler.h"
#include "carat/status.h"
#include "carat/tokenizer.h"

namespace carat {

namespace internal {
class ModelImpl;
}

// Told how far a long operation has come: done of total, in units of the operation (bytes of weights, tokens
// of a prompt). Return false to stop it: it then returns CANCELLED. Runs on the caller's thread. Since 0.1.
using ProgressCallback = std::function<bool(std::int64_t done, std::int64_t total)>;

// How serious a log line is. Since 0.1.
enum class LogSeverity : std::int32_t { kInfo = 0, kWarning = 1 };

// Receives carat's log lines: there are few, and without this callback they go nowhere. Since 0.1.
using LogCallback = std::function<void(LogSeverity severity, std::string_view line)>;

// Runs carat's parallel work on the host's own threads. Since 0.1.
class CARAT_EXPORT TaskRunner {
 public:
  virtual ~TaskRunner();

  // How many tasks may run at the same time, the calling thread included; at least 1.
  virtual int concurrency() const noexcept = 0;

  // Calls task(context, i) once for every i in [0, count), in any order, on any threads, the caller's too,
  // and returns when all have returned. count is at most concurrency(). It must not be re-entered from a
  // task.
  virtual void Run(int count, void (*task)(void* context, int index), void* context) noexcept = 0;
};

// "auto", "plain", "avx2", "avx2vnni", "avx512", "avx512vnni", "avx512bf16", "avx512amx", "neon", "neondot",
// "neoni8mm". Static storage. Since 0.1.
CARAT_EXPORT std::string_view InstructionSetName(InstructionSet set) noexcept;

// Those that this machine can run, best last; always at least kPlain. Since 0.1.
CARAT_EXPORT std::vector<InstructionSet> AvailableInstructionSets() noexcept;

// What weights are computed with. Since 0.1.
enum class WeightType : std::int32_t {
  kAsStored = 0,  // as the checkpoint has them: bf16, or the blocks of a GGUF file
  // Floats are rounded to 8 bits when the model is loaded, with a scale for each 32 (as GGUF's Q8_0).
  kInt8 = 1,
  // To 4 bits (as Q4_0) what holds nearly all of them; the head, keys, values and per-layer inputs to 8.
  kInt4 = 2,
};

// How activations enter products with bf16 weights; with integer weights they always are 8-bit integers, with
// others float32. Since 0.1.
enum class Precision : std::int32_t {
  kAuto = 0,      // bf16 for prompts, where the machine computes with it natively; else float32
  kFloat32 = 1,   // as the weights' own bf16 reference computes them; half the speed or less
  kBFloat16 = 2,  // bf16, or UNIMPLEMENTED where the machine has no instructions for it
};

// Since 0.1.
struct ModelOptions {
  // Threads that work on one call, the caller's included; 0 is one for each core this process may run on.
  // carat starts threads - 1 threads of its own, which sleep when idle.
  int threads = 0;
  // The host's threads instead of carat's: `threads` is then ignored. Shared with the model.
  std::shared_ptr<TaskRunner> runner;
  // Which kernels. kAuto can be overridden by the environment variable CARAT_INSTRUCTION_SET; anything else
  // is taken or refused (UNIMPLEMENTED), never replaced.
  InstructionSet instruction_set = InstructionSet::kAuto;
  // Rounding weights takes some time while loading, and then memory instead of the file's mapped pages. What
  // is in blocks already stays as it is. Tables that are looked up row by row, norms and routers are never
  // rounded.
  WeightType weight_type = WeightType::kAsStored;
  // bf16 activations round each input of a product by at most 2^-9 of itself: logits move by some hundredths.
  Precision precision = Precision::kAuto;
  // A GGUF file with the vision and audio towers that belong to a GGUF model, often called mmproj: with it,
  // the model takes pictures and sound. Matrices in blocks are rounded to bf16 in memory when a tower is used
  // first. Folders, and GGUF files with the towers inside, hold their own. Empty: text only for other GGUF
  // files.
  std::string mmproj;
  // Read every weight that a token needs into memory now instead of when it is first used. Tables that are
  // looked up row by row are left on disk.
  bool preload = false;
  // Loops that stream weights prefetch so many bytes ahead, 1 .. 65536; -1: not at all. It changes speed
  // only, never a result. 0, the default: the environment's CARAT_STREAM_PREFETCH (auto, off or bytes), or
  // else the fastest of a few distances, measured for 10 to 50 ms on weights that loading left in memory
  // (packed, preloaded or read ones, 128 MB or more); otherwise a default by processor family. ModelInfo
  // says which it is.
  std::int64_t stream_prefetch_bytes = 0;
  // Told in bytes of weights while packing and then, from 0 again, while preloading.
  ProgressCallback progress;
  LogCallback log;
  // Read the files of weights into memory now instead of mapping them: the whole model takes memory, tables
  // that are looked up row by row included, and nothing that happens to the files later matters.
  bool read_into_memory = false;
};

// What a checkpoint is. Since 0.1.
struct ModelInfo {
  std::string path;          // the folder or file as given
  std::string architecture;  // "gemma4" or "gemma4_text"
  std::int32_t layers = 0;
  std::int32_t kv_shared_layers = 0;  // the last so many have no keys and values of their own
  std::int32_t hidden_size = 0;
  std::int32_t vocabulary_size = 0;  // rows of the embedding = length of the logits
  std::int32_t sliding_window = 0;   // positions a sliding layer sees
  std::int32_t experts = 0;          // 0 without mixture of experts
  std::int32_t experts_per_token = 0;
  std::int64_t context_length = 0;  // positions the model was made for
  std::int64_t parameters = 0;      // of the text decoder, tables included
  // Bytes of weights that one generated token reads, as they lie in memory now: what bounds generation. And
  // operations (a multiplication and an addition are two) in products with weights for a prompt token whose
  // logits nobody wants: what bounds the reading of prompts.
  std::int64_t bytes_per_token = 0;
  std::int64_t operations_per_prompt_token = 0;
  std::int64_t stream_prefetch_bytes = 0;  // what was set or measured (see ModelOptions); 0: none
  bool integer_weights = false;            // some weights are multiplied as integers: int8, int4, blocks
  bool has_vision = false;                 // the checkpoint has a vision tower
  bool has_audio = false;                  // the checkpoint has an audio tower
};

// One tensor of a checkpoint. Since 0.1.
struct TensorInfo {
  std::string name;
  std::string format;               // "BF16", "F16", "F32", or a GGUF block format: "Q4_0", "Q6_K", ...
  std::vector<std::int64_t> shape;  // outermost first
  std::uint64_t bytes = 0;
  std::string file;  // the file's name inside the checkpoint
};

// How keys and values are kept. Since 0.1.
enum class KvType : std::int32_t {
  kAuto = 0,  // as exact as the weights: float32 with float weights (bf16, f16, f32), else int16
  kFloat32 = 1,
  kBFloat16 = 2,  // half the memory; adds a rounding of up to 2^-9 to every key and value
  // Half the memory, and more precise than float16: integers, and a scale for each key and each value.
  // Attention is computed in integers, with the same result on every instruction set. It adds some 1e-4 of
  // a row's root mean square to every number.
  kInt16 = 3,
  kInt8 = 4,  // a quarter of the memory, for long texts: the same in 8 bits; adds some 1e-2
};

// What a session will take, in bytes. Since 0.1.
struct MemoryNeeds {
  std::uint64_t weights_touched = 0;  // weights that every token reads: resident once used
  std::uint64_t weights_looked_up =
      0;                         // tables of which a token reads single rows: mapped, resident by the row
  std::uint64_t kv_sliding = 0;  // rings of the sliding layers: taken when the session is made
  std::uint64_t kv_full_per_position = 0;  // full-attention layers: grows with the text
  std::uint64_t kv_full = 0;               // kv_full_per_position for the whole context
  std::uint64_t workspace = 0;             // activations of one prompt chunk
};

struct SessionOptions;

// Since 0.1.
class CARAT_EXPORT Model {
 public:
  // Opens a checkpoint: a folder in the published Hugging Face form (config.json, model.safetensors or shards
  // with an index, tokenizer.json or tokenizer.model, and generation_config.json if there is one), a GGUF
  // file, any part of a split one, or a folder with one GGUF model; `mmproj` adds towers to a GGUF model.
  // Files are known by their bytes, never by their names. A file of a checkpoint's folder (config.json, a
  // shard) stands for the folder, and a folder of the Hugging Face cache ("models--...") for the snapshot
  // that its refs/main names, or without that for the only or newest one. FIFOs, sockets and devices are not
  // opened. Weights in a GGUF file's blocks, and those that `weight_type` rounds, are packed into memory now;
  // others stay mapped. Errors: NOT_FOUND, DATA_LOSS (cut short, malformed, contradicting itself),
  // INVALID_ARGUMENT (options, files that do not belong together), UNIMPLEMENTED (a variant this version
  // cannot run), RESOURCE_EXHAUSTED. The message names file, tensor, expected and found.
  static Result<Model> Load(std::string_view path, const ModelOptions& options = {}) noexcept;

  const ModelInfo& info() const noexcept;

  // Every tensor of the checkpoint, in the order of the files.
  std::vector<TensorInfo> Tensors() const;

  // What a session with these options will take. Errors: INVALID_ARGUMENT as for Session::Create.
  Result<MemoryNeeds> EstimateMemory(const SessionOptions& options) const noexcept;

  // Errors of Load include those of the tokenizer, so there always is one.
  Tokenizer tokenizer() const noexcept;

  // What generation_config.json recommends; without one, SamplingOptions' own defaults.
  SamplingOptions default_sampling() const;

  // The ids that end an answer: generation_config.json's, or config.json's.
  std::vector<std::int32_t> stop_tokens() const;

  // The tokenizer's vocabulary with the stop tokens, ready for grammars (grammar.h); made at the first call,
  // then shared. Errors: RESOURCE_EXHAUSTED.
  Result<GrammarVocabulary> grammar_vocabulary() const noexcept;

  // The threads and kernels that were chosen.
  int threads() const noexcept;
  InstructionSet instruction_set() const noexcept;

  // For carat's own use.
  explicit Model(std::shared_ptr<const internal::ModelImpl> impl) noexcept;
  const std::shared_ptr<const internal::ModelImpl>& impl() const noexcept { return impl_; }

 private:
  std::shared_ptr<const internal::ModelImpl> impl_;
};

}  // namespace carat

#endif  // CARAT_MODEL_H_
