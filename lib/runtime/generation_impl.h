// What is behind carat::Generation.
#ifndef CARAT_LIB_RUNTIME_GENERATION_IMPL_H_
#define CARAT_LIB_RUNTIME_GENERATION_IMPL_H_

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "carat/generation.h"
#include "lib/runtime/stop_strings.h"

namespace carat::internal {

class GenerationImpl {
 public:
  // Either `prompt`, or where it is null, `tokens`.
  static Result<std::unique_ptr<GenerationImpl>> Start(Session& session, const Prompt* prompt,
                                                       std::span<const std::int32_t> tokens,
                                                       const GenerationOptions& options);
  Result<GenerationStep> Next();
  const GenerationStats& stats() const { return stats_; }

 private:
  GenerationImpl(Session& session, const GenerationOptions& options)
      : session_(session),
        options_(options),
        decoder_(session.model().tokenizer(), {.skip_special = !options.show_special}),
        stop_strings_(options.stop_strings) {}

  Status Prepare(const Prompt* prompt, std::span<const std::int32_t> tokens);
  SamplerChain& chain() { return options_.chain != nullptr ? *options_.chain : own_chain_; }
  // Why the token ends the generation, or kNone.
  StopReason StopReasonOf(std::int32_t token) const;
  void FindTopLogprobs(std::span<const float> logits, std::int32_t token, GenerationStep& step);
  GenerationStep Finish(GenerationStep step, StopReason reason);

  Session& session_;
  GenerationOptions options_;
  SamplerChain own_chain_;
  StreamDecoder decoder_;
  StopStrings stop_strings_;
  std::vector<std::int32_t> stop_tokens_;  // sorted
  std::int32_t pending_ = -1;              // generated, not yet in the session
  bool finished_ = false;
  std::string text_;               // of the current step
  std::vector<TokenLogprob> top_;  // of the current step
  GenerationStats stats_;
  std::chrono::steady_clock::time_point began_;
};

}  // namespace carat::internal

#endif  // CARAT_LIB_RUNTIME_GENERATION_IMPL_H_
