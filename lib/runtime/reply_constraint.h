// What may come next in a reply: answers by a grammar, calls of the declared tools, thoughts as they please.
#ifndef CARAT_LIB_RUNTIME_REPLY_CONSTRAINT_H_
#define CARAT_LIB_RUNTIME_REPLY_CONSTRAINT_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "carat/conversation.h"
#include "carat/grammar.h"
#include "lib/sampling/built_in.h"
#include "lib/sampling/token_bits.h"

namespace carat::internal {

struct ReplyRules {
  std::optional<GrammarConstraint> answer;
  std::optional<GrammarConstraint> call;  // from behind <|tool_call> to <tool_call|>
  ToolChoice tool_choice = ToolChoice::kAuto;
  bool single_call = false;
  bool may_think = false;   // before an answer that is bound, once
  bool in_thought = false;  // the prompt has opened one

  // Whether they forbid anything.
  bool any() const { return answer || call || tool_choice != ToolChoice::kAuto || single_call; }
};

// Follows a reply by its control tokens, as the parser does (lib/chat/reply_parser.h), and drops the
// candidates that the rules do not allow where the reply is. Prompt tokens do not move it.
class ReplyConstraint final : public BuiltInSampler {
 public:
  // Errors: FAILED_PRECONDITION if the tokenizer lacks a control token.
  static Result<std::unique_ptr<ReplyConstraint>> Create(const Model& model, ReplyRules rules);

  // The answer has begun already, with these tokens. Errors: INVALID_ARGUMENT if it cannot begin so.
  Status BeginWith(std::span<const std::int32_t> tokens);

  std::string_view name() const noexcept override { return "reply"; }
  Status Apply(CandidateList& candidates) override;
  void Accept(std::int32_t token, TokenOrigin origin) override;
  void Reset() override;
  Result<std::unique_ptr<Sampler>> Clone() const override;

 private:
  enum class Place {
    kThought,
    kBegin,  // an answer, a thought or a call can begin
    kAnswer,
    kCall,
    kBehindCall,
  };

  struct Controls {
    std::int32_t begin_channel = -1, end_channel = -1, begin_call = -1, end_call = -1, response = -1;
    std::vector<std::int32_t> stops;
    std::int32_t vocabulary_size = 0;
  };

  ReplyConstraint(Controls controls, ReplyRules rules);

  // Whether the reply has a form: otherwise only calls have one.
  bool binds() const { return rules_.answer || rules_.tool_choice == ToolChoice::kRequired; }
  bool MayCall() const {
    return rules_.tool_choice != ToolChoice::kNone && !(rules_.single_call && calls_ > 0);
  }
  bool IsStop(std::int32_t token) const;
  // Whether there is a short list of what may come, and that.
  Result<bool> Allowed(TokenBits& bits);
  Status AllowFrom(GrammarConstraint& grammar, TokenBits& bits);
  void AllowStops(TokenBits& bits, bool behind_call) const;
  Status Follow(std::int32_t token);

  Controls controls_;
  ReplyRules rules_;
  Place place_;
  int calls_ = 0;
  bool has_thought_ = false;
  std::vector<std::int32_t> begun_with_;
  Status failed_;  // of a token that was not allowed: only a host's own sampler brings one
};

}  // namespace carat::internal

#endif  // CARAT_LIB_RUNTIME_REPLY_CONSTRAINT_H_
