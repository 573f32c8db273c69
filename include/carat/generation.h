// carat/generation.h: the loop from a prompt to an answer.
//
//   carat::GenerationOptions options;
//   options.max_new_tokens = 200;
//   carat::Result<carat::GenerationResult> answer =
//       carat::Generate(session, prompt_ids, options, [](const carat::GenerationStep& step) {
//         std::cout << step.text << std::flush;
//         return true;                                   // false stops
//       });
//
// Or pull one step at a time, when the host owns the loop:
//
//   carat::Result<carat::Generation> run = carat::Generation::Start(session, prompt_ids, options);
//   for (;;) {
//     carat::Result<carat::GenerationStep> step = run->Next();
//     if (!step.ok() || step->stop != carat::StopReason::kNone) break;
//   }
//
// Threads: those of the session. Since 0.1.
#ifndef CARAT_GENERATION_H_
#define CARAT_GENERATION_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "carat/export.h"
#include "carat/sampler.h"
#include "carat/session.h"
#include "carat/status.h"

namespace carat {

namespace internal {
class GenerationImpl;
}

// Why a generation ended. Since 0.1.
enum class StopReason : std::int32_t {
  kNone = 0,         // it goes on
  kStopToken = 1,    // one of the stop ids
  kStopString = 2,   // one of the stop strings
  kMaxTokens = 3,    // max_new_tokens were generated
  kContextFull = 4,  // the session's context is full
  kCancelled = 5,    // Session::Cancel, or the callback returned false
};

// A token's natural-log probability under the model, before any sampler. Since 0.1.
struct TokenLogprob {
  std::int32_t token = -1;
  float logprob = 0;
};

// Since 0.1.
struct GenerationOptions {
  // -1: until a stop or the end of the context.
  std::int64_t max_new_tokens = -1;
  // How to sample; without it, the model's own recommendation (Model::default_sampling).
  std::optional<SamplingOptions> sampling;
  // A chain of the host's, used instead of `sampling`. Borrowed: it must live as long as the generation.
  SamplerChain* chain = nullptr;
  // Stop at the model's own stop ids.
  bool stop_at_model_stop_tokens = true;
  // Further ids to stop at.
  std::vector<std::int32_t> stop_tokens;
  // Texts to stop at. Nothing from the first one on is emitted; text that could be the beginning of one is
  // held back until it is known.
  std::vector<std::string> stop_strings;
  // How many of the likeliest tokens to report at each step, with their log-probabilities; 0 to 100.
  std::int32_t top_logprobs = 0;
  // Whether control tokens appear in the text.
  bool show_special = false;
  // Told in tokens while the prompt is read.
  ProgressCallback prompt_progress;
};

// One token, or the end. Since 0.1.
struct GenerationStep {
  // The generated token; -1 in a last step that brings only held-back text.
  std::int32_t token = -1;
  // Text that became certain with it: whole UTF-8 characters, possibly none. Valid until the next step.
  std::string_view text;
  // The token's log-probability, and the likeliest ones, highest first (both only if top_logprobs > 0). Valid
  // until the next step.
  float logprob = 0;
  std::span<const TokenLogprob> top;
  // kNone while it goes on; otherwise this is the last step.
  StopReason stop = StopReason::kNone;
};

// How long it took. Since 0.1.
struct GenerationStats {
  std::int64_t prompt_tokens = 0;
  std::int64_t generated_tokens = 0;
  double prompt_seconds = 0;
  double generation_seconds = 0;  // after the prompt
};

// Since 0.1.
struct GenerationResult {
  std::vector<std::int32_t> tokens;  // a stop token that ended it included
  std::string text;
  StopReason stop = StopReason::kNone;
  GenerationStats stats;
};

// A running generation. The session must outlive it and not be used otherwise meanwhile. Since 0.1.
class CARAT_EXPORT Generation {
 public:
  // Reads the prompt (appended to what the session holds; it may be empty if the session has logits). Errors:
  // those of Session::Prefill and SamplerChain::Create; INVALID_ARGUMENT for options.
  static Result<Generation> Start(Session& session, std::span<const std::int32_t> prompt,
                                  const GenerationOptions& options = {}) noexcept;

  // The same with a prompt that may hold soft tokens.
  static Result<Generation> Start(Session& session, const Prompt& prompt,
                                  const GenerationOptions& options = {}) noexcept;

  ~Generation();
  Generation(Generation&&) noexcept;
  Generation& operator=(Generation&&) noexcept;

  // The next step. A token is appended to the session when the one after it is asked for, so that the last
  // one costs nothing; Session::tokens tells which are in. After the last step: FAILED_PRECONDITION. A Cancel
  // is not an error here but StopReason::kCancelled.
  Result<GenerationStep> Next() noexcept;

  const GenerationStats& stats() const noexcept;

 private:
  explicit Generation(std::unique_ptr<internal::GenerationImpl> impl) noexcept;
  std::unique_ptr<internal::GenerationImpl> impl_;
};

// Runs a generation to its end. `on_step` may be empty; it returns false to stop. Errors: as Start and Next.
// Since 0.1.
CARAT_EXPORT Result<GenerationResult> Generate(
    Session& session, std::span<const std::int32_t> prompt, const GenerationOptions& options = {},
    const std::function<bool(const GenerationStep&)>& on_step = {}) noexcept;
CARAT_EXPORT Result<GenerationResult> Generate(
    Session& session, const Prompt& prompt, const GenerationOptions& options = {},
    const std::function<bool(const GenerationStep&)>& on_step = {}) noexcept;

}  // namespace carat

#endif  // CARAT_GENERATION_H_
