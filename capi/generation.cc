// Generations: pulled step by step, or run to the end with a callback.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "capi/call.h"
#include "capi/carat.h"
#include "capi/handles.h"
#include "capi/options.h"
#include "capi/sized_struct.h"
#include "carat/generation.h"

using carat::Generation;
using carat::GenerationOptions;
using carat::GenerationResult;
using carat::GenerationStats;
using carat::GenerationStep;
using carat::Result;
using carat::SamplerChain;
using carat::Status;
using carat::StopReason;
using carat::TokenLogprob;
using carat::capi::ArrayOf;
using carat::capi::Call;
using carat::capi::CheckStruct;
using carat::capi::DefaultsOf;
using carat::capi::FillStruct;
using carat::capi::InitStruct;
using carat::capi::LendText;
using carat::capi::ReadOptions;
using carat::capi::Shared;
using carat::capi::SharedSession;
using carat::capi::TextOf;
using carat::capi::Turn;

namespace {

using ChainCore = Shared<SamplerChain>;

// A running generation, with what it needs kept alive, and the session marked as taken.
class RunningGeneration {
 public:
  RunningGeneration(std::shared_ptr<SharedSession> session, std::shared_ptr<ChainCore> chain)
      : session_(std::move(session)), chain_(std::move(chain)) {}
  RunningGeneration(const RunningGeneration&) = delete;
  RunningGeneration& operator=(const RunningGeneration&) = delete;
  ~RunningGeneration() {
    generation_.reset();
    ReleaseSession();
  }

  // `prompt` is ids, or a carat::Prompt.
  template <typename PromptType>
  Status Start(const PromptType& prompt, const GenerationOptions& options) {
    return InTurn([&]() -> Status {
      CARAT_ASSIGN_OR_RETURN(generation_, Generation::Start(session_->value, prompt, options));
      session_->generation.store(this);
      return {};
    });
  }

  Status Next(carat_generation_step* target);

  const GenerationStats& stats() const noexcept { return generation_->stats(); }

 private:
  // Runs `body` with the session and the host's chain, if there is one, to itself.
  template <typename Body>
  Status InTurn(Body&& body) {
    const Turn session_turn(session_->busy, "session");
    CARAT_RETURN_IF_ERROR(session_turn.status());
    std::optional<Turn> chain_turn;
    if (chain_ != nullptr) {
      chain_turn.emplace(chain_->busy, "sampler chain");
      CARAT_RETURN_IF_ERROR(chain_turn->status());
    }
    return body();
  }

  void ReleaseSession() noexcept {
    const void* self = this;
    session_->generation.compare_exchange_strong(self, nullptr);
  }

  std::shared_ptr<SharedSession> session_;
  std::shared_ptr<ChainCore> chain_;
  std::optional<Generation> generation_;
  std::vector<carat_token_logprob> top_;  // lent to the host until the next step
};

carat_generation_step ToStep(const GenerationStep& step, std::vector<carat_token_logprob>& top) {
  top.clear();
  for (const TokenLogprob& likely : step.top) top.push_back({likely.token, likely.logprob});
  carat_generation_step filled = DefaultsOf<carat_generation_step>();
  filled.text = LendText(step.text, &filled.text_size);
  filled.top = top.data();
  filled.top_count = top.size();
  filled.token = step.token;
  filled.logprob = step.logprob;
  filled.stop = static_cast<carat_stop_reason>(step.stop);
  return filled;
}

Status RunningGeneration::Next(carat_generation_step* target) {
  return InTurn([&]() -> Status {
    CARAT_ASSIGN_OR_RETURN(const GenerationStep step, generation_->Next());
    if (step.stop != StopReason::kNone) ReleaseSession();
    FillStruct(target, ToStep(step, top_));
    return {};
  });
}

void FillStats(const GenerationStats& stats, carat_generation_stats* target) {
  carat_generation_stats filled = DefaultsOf<carat_generation_stats>();
  filled.prompt_tokens = stats.prompt_tokens;
  filled.generated_tokens = stats.generated_tokens;
  filled.prompt_seconds = stats.prompt_seconds;
  filled.generation_seconds = stats.generation_seconds;
  FillStruct(target, filled);
}

// What a host asked for: options, and a hold on its chain.
struct Request {
  GenerationOptions options;
  std::shared_ptr<ChainCore> chain;
};

Result<Request> ToRequest(const carat_generation_options* given) {
  CARAT_ASSIGN_OR_RETURN(const carat_generation_options read, ReadOptions(given, "carat_generation_options"));
  CARAT_ASSIGN_OR_RETURN(
      const std::span<const std::int32_t> stop_tokens,
      ArrayOf(read.stop_tokens, read.stop_token_count, "carat_generation_options.stop_tokens"));
  CARAT_ASSIGN_OR_RETURN(
      const std::span<const carat_text> stop_strings,
      ArrayOf(read.stop_strings, read.stop_string_count, "carat_generation_options.stop_strings"));
  Request request;
  GenerationOptions& options = request.options;
  options.max_new_tokens = read.max_new_tokens;
  if (read.sampling != nullptr) {
    CARAT_ASSIGN_OR_RETURN(options.sampling, carat::capi::ToSamplingOptions(read.sampling));
  }
  if (read.chain != nullptr) {
    request.chain = read.chain->core;
    options.chain = &request.chain->value;
  }
  options.stop_at_model_stop_tokens = read.stop_at_model_stop_tokens != 0;
  options.stop_tokens.assign(stop_tokens.begin(), stop_tokens.end());
  for (const carat_text& text : stop_strings) {
    CARAT_ASSIGN_OR_RETURN(
        const std::string_view stop,
        TextOf(text.data, text.size, "an element of carat_generation_options.stop_strings"));
    options.stop_strings.emplace_back(stop);
  }
  options.top_logprobs = read.top_logprobs;
  options.show_special = read.show_special != 0;
  options.prompt_progress = carat::capi::ToProgress(read.prompt_progress, read.prompt_progress_user_data);
  return request;
}

}  // namespace

struct carat_generation {
  std::shared_ptr<RunningGeneration> core;
};

carat_status carat_generation_options_init(carat_generation_options* options, size_t struct_size) {
  return InitStruct(options, struct_size);
}

carat_status carat_generation_step_init(carat_generation_step* step, size_t struct_size) {
  return InitStruct(step, struct_size);
}

carat_status carat_generation_stats_init(carat_generation_stats* stats, size_t struct_size) {
  return InitStruct(stats, struct_size);
}

namespace {

template <typename PromptType>
Status StartGeneration(carat_session* session, const PromptType& prompt,
                       const carat_generation_options* options, carat_generation** generation) {
  CARAT_ASSIGN_OR_RETURN(const Request request, ToRequest(options));
  CARAT_RETURN_IF_ERROR(session->core->NoGeneration());
  auto made = std::make_unique<carat_generation>();
  made->core = std::make_shared<RunningGeneration>(session->core, request.chain);
  CARAT_RETURN_IF_ERROR(made->core->Start(prompt, request.options));
  *generation = made.release();
  return {};
}

}  // namespace

carat_status carat_generation_start(carat_session* session, const int32_t* prompt, size_t prompt_count,
                                    const carat_generation_options* options, carat_generation** generation,
                                    carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_CLEAR_OUTPUT(generation);
    CARAT_RETURN_IF_NULL(session);
    CARAT_ASSIGN_OR_RETURN(const std::span<const int32_t> ids, ArrayOf(prompt, prompt_count, "prompt"));
    return StartGeneration(session, ids, options, generation);
  });
}

carat_status carat_generation_start_prompt(carat_session* session, const carat_prompt* prompt,
                                           const carat_generation_options* options,
                                           carat_generation** generation, carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_CLEAR_OUTPUT(generation);
    CARAT_RETURN_IF_NULL(session);
    CARAT_RETURN_IF_NULL(prompt);
    return StartGeneration(session, prompt->value, options, generation);
  });
}

void carat_generation_free(carat_generation* generation) {
  delete generation;
}

carat_status carat_generation_next(carat_generation* generation, carat_generation_step* step,
                                   carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_RETURN_IF_NULL(generation);
    CARAT_RETURN_IF_ERROR(CheckStruct(step, "carat_generation_step"));
    const std::shared_ptr<RunningGeneration> core = generation->core;
    return core->Next(step);
  });
}

carat_status carat_generation_get_stats(const carat_generation* generation, carat_generation_stats* stats,
                                        carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_RETURN_IF_NULL(generation);
    CARAT_RETURN_IF_ERROR(CheckStruct(stats, "carat_generation_stats"));
    FillStats(generation->core->stats(), stats);
    return {};
  });
}

namespace {

template <typename PromptType>
Status RunGeneration(carat_session* session, const PromptType& prompt,
                     const carat_generation_options* options, carat_step_callback on_step, void* user_data,
                     carat_generation_result** result) {
  CARAT_ASSIGN_OR_RETURN(const Request request, ToRequest(options));
  const std::shared_ptr<SharedSession> core = session->core;
  CARAT_RETURN_IF_ERROR(core->NoGeneration());
  const Turn session_turn(core->busy, "session");
  CARAT_RETURN_IF_ERROR(session_turn.status());
  std::optional<Turn> chain_turn;
  if (request.chain != nullptr) {
    chain_turn.emplace(request.chain->busy, "sampler chain");
    CARAT_RETURN_IF_ERROR(chain_turn->status());
  }
  std::vector<carat_token_logprob> top;
  std::function<bool(const GenerationStep&)> tell;
  if (on_step != nullptr) {
    tell = [&](const GenerationStep& step) {
      const carat_generation_step lent = ToStep(step, top);
      return on_step(user_data, &lent) != 0;
    };
  }
  CARAT_ASSIGN_OR_RETURN(GenerationResult generated,
                         carat::Generate(core->value, prompt, request.options, tell));
  if (result != nullptr) *result = new carat_generation_result{std::move(generated)};
  return {};
}

}  // namespace

carat_status carat_generate(carat_session* session, const int32_t* prompt, size_t prompt_count,
                            const carat_generation_options* options, carat_step_callback on_step,
                            void* user_data, carat_generation_result** result, carat_error* error) {
  return Call(error, [&]() -> Status {
    if (result != nullptr) *result = nullptr;
    CARAT_RETURN_IF_NULL(session);
    CARAT_ASSIGN_OR_RETURN(const std::span<const int32_t> ids, ArrayOf(prompt, prompt_count, "prompt"));
    return RunGeneration(session, ids, options, on_step, user_data, result);
  });
}

carat_status carat_generate_prompt(carat_session* session, const carat_prompt* prompt,
                                   const carat_generation_options* options, carat_step_callback on_step,
                                   void* user_data, carat_generation_result** result, carat_error* error) {
  return Call(error, [&]() -> Status {
    if (result != nullptr) *result = nullptr;
    CARAT_RETURN_IF_NULL(session);
    CARAT_RETURN_IF_NULL(prompt);
    return RunGeneration(session, prompt->value, options, on_step, user_data, result);
  });
}

const int32_t* carat_generation_result_tokens(const carat_generation_result* result) {
  return result == nullptr ? nullptr : result->value.tokens.data();
}

size_t carat_generation_result_token_count(const carat_generation_result* result) {
  return result == nullptr ? 0 : result->value.tokens.size();
}

const char* carat_generation_result_text(const carat_generation_result* result) {
  return result == nullptr ? "" : result->value.text.c_str();
}

size_t carat_generation_result_text_size(const carat_generation_result* result) {
  return result == nullptr ? 0 : result->value.text.size();
}

carat_stop_reason carat_generation_result_stop(const carat_generation_result* result) {
  return result == nullptr ? CARAT_STOP_NONE : static_cast<carat_stop_reason>(result->value.stop);
}

carat_status carat_generation_result_get_stats(const carat_generation_result* result,
                                               carat_generation_stats* stats, carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_RETURN_IF_NULL(result);
    CARAT_RETURN_IF_ERROR(CheckStruct(stats, "carat_generation_stats"));
    FillStats(result->value.stats, stats);
    return {};
  });
}

void carat_generation_result_free(carat_generation_result* result) {
  delete result;
}
