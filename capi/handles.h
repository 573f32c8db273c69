// What is behind the opaque handles of carat.h.
#ifndef CARAT_CAPI_HANDLES_H_
#define CARAT_CAPI_HANDLES_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "capi/call.h"
#include "capi/carat.h"
#include "carat/all.h"

namespace carat::capi {

// A thing that calls host code while it works. The handle and the call at work both hold it, so that a
// callback may free the handle; and one call at a time may work on it, so that a callback or another thread
// that tries gets an error.
template <typename T>
struct Shared {
  explicit Shared(T thing) : value(std::move(thing)) {}
  T value;
  std::atomic<bool> busy{false};
};

// Holds a Shared for the length of a call.
class Turn {
 public:
  Turn(std::atomic<bool>& busy, const char* name) noexcept
      : busy_(busy), name_(name), taken_(!busy.exchange(true, std::memory_order_acquire)) {}
  ~Turn() {
    if (taken_) busy_.store(false, std::memory_order_release);
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  Status status() const {
    if (taken_) return {};
    return internal::FailedPrecondition(
        "the %s is at work in another call, on another thread or around this callback", name_);
  }

 private:
  std::atomic<bool>& busy_;
  const char* name_;
  bool taken_;
};

// A session, and which generation runs on it.
struct SharedSession : Shared<Session> {
  using Shared::Shared;
  std::atomic<const void*> generation{nullptr};

  Status NoGeneration() const {
    if (generation.load() == nullptr) return {};
    return internal::FailedPrecondition(
        "a generation runs on this session: let it end, or free it, before the session is changed");
  }
};

Result<carat_model*> NewModelHandle(Model model);
Result<carat_tokenizer*> NewTokenizerHandle(Tokenizer tokenizer);
Result<carat_tokens*> NewTokensHandle(std::vector<std::int32_t> tokens);

}  // namespace carat::capi

struct carat_error {
  carat_status code = CARAT_OK;
  std::string message;
};

struct carat_string {
  std::string value;
};

struct carat_tokens {
  std::vector<std::int32_t> value;
};

struct carat_tokenizer {
  carat::Tokenizer value;
};

struct carat_stream_decoder {
  carat::StreamDecoder value;
  std::string text;  // lent to the host until the next call
};

struct carat_model {
  carat::Model value;
  carat::SamplingOptions sampling;
  std::vector<carat_logit_bias> logit_bias;  // of `sampling`, lent to the host
};

struct carat_soft_tokens {
  carat::SoftTokens value;
};

struct carat_prompt {
  carat::Prompt value;
};

struct carat_tensor_list {
  std::vector<carat::TensorInfo> value;
};

struct carat_candidates {
  carat::CandidateList* list;
  std::optional<carat::CandidateList> own;  // what `list` points to, in one that the host made
};

struct carat_grammar {
  carat::Grammar value;
};

struct carat_grammar_vocabulary {
  carat::GrammarVocabulary value;
};

struct carat_constraint {
  carat::GrammarConstraint value;
};

struct carat_sampler {
  std::shared_ptr<carat::capi::Shared<std::unique_ptr<carat::Sampler>>> core;
};

struct carat_sampler_chain {
  std::shared_ptr<carat::capi::Shared<carat::SamplerChain>> core;
};

struct carat_session {
  std::shared_ptr<carat::capi::SharedSession> core;
};

struct carat_generation_result {
  carat::GenerationResult value;
};

#endif  // CARAT_CAPI_HANDLES_H_
