#include "lib/runtime/reply_constraint.h"

#include <algorithm>
#include <utility>

#include "lib/base/error.h"
#include "lib/chat/control_tokens.h"
#include "lib/chat/prompt_parts.h"

namespace carat::internal {

ReplyConstraint::ReplyConstraint(Controls controls, ReplyRules rules)
    : controls_(std::move(controls)),
      rules_(std::move(rules)),
      place_(rules_.in_thought ? Place::kThought : Place::kBegin) {}

Result<std::unique_ptr<ReplyConstraint>> ReplyConstraint::Create(const Model& model, ReplyRules rules) {
  Controls controls;
  const Tokenizer tokenizer = model.tokenizer();
  std::int32_t end_turn = -1;
  for (const auto& [name, id] : {std::pair{control::kBeginChannel, &controls.begin_channel},
                                 {control::kEndChannel, &controls.end_channel},
                                 {control::kBeginCall, &controls.begin_call},
                                 {control::kEndCall, &controls.end_call},
                                 {control::kBeginResponse, &controls.response},
                                 {control::kEndTurn, &end_turn}}) {
    CARAT_ASSIGN_OR_RETURN(*id, ControlToken(tokenizer, name));
  }
  controls.vocabulary_size = tokenizer.vocabulary_size();
  controls.stops = model.stop_tokens();
  controls.stops.insert(controls.stops.end(), {end_turn, controls.response});
  if (const auto eos = tokenizer.IdOf("<eos>")) controls.stops.push_back(*eos);
  std::erase_if(controls.stops, [&](std::int32_t id) { return id < 0 || id >= controls.vocabulary_size; });
  return std::unique_ptr<ReplyConstraint>(new ReplyConstraint(std::move(controls), std::move(rules)));
}

bool ReplyConstraint::IsStop(std::int32_t token) const {
  return std::find(controls_.stops.begin(), controls_.stops.end(), token) != controls_.stops.end();
}

Status ReplyConstraint::BeginWith(std::span<const std::int32_t> tokens) {
  begun_with_.assign(tokens.begin(), tokens.end());
  for (const std::int32_t token : begun_with_) CARAT_RETURN_IF_ERROR(Follow(token));
  return {};
}

// Stop tokens are this class's affair: which of them end a reply depends on what came before them.
Status ReplyConstraint::AllowFrom(GrammarConstraint& grammar, TokenBits& bits) {
  CARAT_ASSIGN_OR_RETURN(const std::span<const std::uint64_t> mask, grammar.Mask());
  std::copy_n(mask.begin(), std::min(mask.size(), bits.size()), bits.begin());
  for (const std::int32_t stop : controls_.stops) ClearBit(bits, stop);
  return {};
}

void ReplyConstraint::AllowStops(TokenBits& bits, bool behind_call) const {
  for (const std::int32_t stop : controls_.stops) {
    if (stop != controls_.response || behind_call) SetBit(bits, stop);
  }
}

Result<bool> ReplyConstraint::Allowed(TokenBits& bits) {
  switch (place_) {
    case Place::kThought:
      return false;
    case Place::kBegin:
      if (!binds()) return false;
      if (rules_.answer && rules_.tool_choice != ToolChoice::kRequired) {
        CARAT_RETURN_IF_ERROR(AllowFrom(*rules_.answer, bits));
        if (rules_.answer->IsComplete()) AllowStops(bits, false);
      }
      if (rules_.may_think && !has_thought_) SetBit(bits, controls_.begin_channel);
      if (MayCall()) SetBit(bits, controls_.begin_call);
      return true;
    case Place::kAnswer:
      if (!rules_.answer) return false;
      CARAT_RETURN_IF_ERROR(AllowFrom(*rules_.answer, bits));
      if (rules_.answer->IsComplete()) AllowStops(bits, false);
      return true;
    case Place::kCall:
      if (!rules_.call) return false;
      CARAT_RETURN_IF_ERROR(AllowFrom(*rules_.call, bits));
      return true;
    case Place::kBehindCall:
      if (!binds()) return false;
      AllowStops(bits, true);
      if (MayCall()) SetBit(bits, controls_.begin_call);
      return true;
  }
  return false;
}

Status ReplyConstraint::Apply(CandidateList& candidates) {
  if (!failed_.ok()) return failed_;
  TokenBits bits((static_cast<std::size_t>(controls_.vocabulary_size) + 63) / 64, 0);
  CARAT_ASSIGN_OR_RETURN(const bool listed, Allowed(bits));
  if (listed) {
    KeepTokens(candidates, bits);
    return {};
  }
  std::vector<std::int32_t> forbidden;
  if (binds()) forbidden = controls_.stops;  // what is free here is not the whole of the reply
  if (!MayCall()) forbidden.push_back(controls_.begin_call);
  if (!forbidden.empty()) ForbidTokens(candidates, forbidden);
  return {};
}

Status ReplyConstraint::Follow(std::int32_t token) {
  if (place_ == Place::kCall && rules_.call) {
    CARAT_RETURN_IF_ERROR(rules_.call->Accept(token));
    if (token == controls_.end_call) place_ = Place::kBehindCall;
    return {};
  }
  if (token == controls_.begin_channel) {
    place_ = Place::kThought;
    has_thought_ = true;
  } else if (token == controls_.begin_call) {
    place_ = Place::kCall;
    ++calls_;
    if (rules_.call) CARAT_RETURN_IF_ERROR(rules_.call->Rewind(0));
  } else if (place_ == Place::kCall) {
    if (token == controls_.end_call) place_ = Place::kBehindCall;
  } else if (place_ == Place::kThought) {
    if (token == controls_.end_channel) {
      place_ = Place::kBegin;
      has_thought_ = true;
    }
  } else if (place_ == Place::kBegin || place_ == Place::kAnswer) {
    // A call that must come may stand behind text that the prompt has.
    if (rules_.tool_choice == ToolChoice::kRequired) return {};
    if (rules_.answer) CARAT_RETURN_IF_ERROR(rules_.answer->Accept(token));
    place_ = Place::kAnswer;
  }
  return {};
}

void ReplyConstraint::Accept(std::int32_t token, TokenOrigin origin) {
  if (origin == TokenOrigin::kPrompt || !failed_.ok() || IsStop(token)) return;
  failed_ = Follow(token);
}

void ReplyConstraint::Reset() {
  place_ = rules_.in_thought ? Place::kThought : Place::kBegin;
  calls_ = 0;
  has_thought_ = false;
  failed_ = {};
  if (rules_.answer) failed_ = rules_.answer->Rewind(0);
  if (failed_.ok() && rules_.call) failed_ = rules_.call->Rewind(0);
  const std::vector<std::int32_t> begun = std::move(begun_with_);
  if (failed_.ok()) failed_ = BeginWith(begun);
}

Result<std::unique_ptr<Sampler>> ReplyConstraint::Clone() const {
  ReplyRules rules;
  rules.tool_choice = rules_.tool_choice;
  rules.single_call = rules_.single_call;
  rules.may_think = rules_.may_think;
  rules.in_thought = rules_.in_thought;
  if (rules_.answer) {
    CARAT_ASSIGN_OR_RETURN(rules.answer, rules_.answer->Clone());
  }
  if (rules_.call) {
    CARAT_ASSIGN_OR_RETURN(rules.call, rules_.call->Clone());
  }
  std::unique_ptr<ReplyConstraint> copy(new ReplyConstraint(controls_, std::move(rules)));
  copy->place_ = place_;
  copy->calls_ = calls_;
  copy->has_thought_ = has_thought_;
  copy->begun_with_ = begun_with_;
  copy->failed_ = failed_;
  return std::unique_ptr<Sampler>(std::move(copy));
}

}  // namespace carat::internal
