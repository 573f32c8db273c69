#include <algorithm>
#include <chrono>
#include <utility>

#include "lib/base/error.h"
#include "lib/chat/control_tokens.h"
#include "lib/chat/prompt_parts.h"
#include "lib/runtime/conversation_impl.h"
#include "lib/runtime/reply_constraint.h"
#include "lib/runtime/session_impl.h"

namespace carat::internal {
namespace {

using Clock = std::chrono::steady_clock;

// Selects the forced tokens, one after the other.
class ForcedSampler final : public Sampler {
 public:
  explicit ForcedSampler(std::shared_ptr<ForcedTokens> forced) : forced_(std::move(forced)) {}
  std::string_view name() const noexcept override { return "forced"; }
  Status Apply(CandidateList& candidates) override {
    if (forced_->next.empty()) return {};
    candidates.Select(forced_->next.front());
    forced_->next.pop_front();
    return {};
  }
  Result<std::unique_ptr<Sampler>> Clone() const override {
    return std::unique_ptr<Sampler>(std::make_unique<ForcedSampler>(forced_));
  }

 private:
  std::shared_ptr<ForcedTokens> forced_;
};

// Positions first .. last-1 of a prompt.
Result<Prompt> PartOf(const Model& model, const Prompt& prompt, std::int64_t first, std::int64_t last) {
  Prompt part(model);
  CARAT_RETURN_IF_ERROR(part.AddTokens({}));  // without memory it has no data
  PromptData& data = *part.mutable_data();
  const PromptData& whole = *prompt.data();
  data.tokens.assign(whole.tokens.begin() + first, whole.tokens.begin() + last);
  for (const SoftRun& run : whole.runs) {
    const std::int64_t begin = std::max(run.position, first);
    const std::int64_t end = std::min(run.end(), last);
    if (begin >= end) continue;
    data.runs.push_back({begin - first, end - begin, run.first_row + begin - run.position, run.data});
  }
  return part;
}

Status CheckToolChoice(const ReplyOptions& options, std::span<const ToolDefinition> tools) {
  if (options.tool_choice < ToolChoice::kAuto || options.tool_choice > ToolChoice::kRequired) {
    return InvalidArgument("tool_choice is %d, which is none of the enumeration",
                           static_cast<int>(options.tool_choice));
  }
  if (options.tool_choice != ToolChoice::kRequired) {
    if (options.tool_name.empty()) return {};
    return InvalidArgument("tool_name is '%s', but no call is required", options.tool_name);
  }
  if (tools.empty()) return InvalidArgument("a call is required, but no tools are declared");
  const auto is_it = [&](const ToolDefinition& tool) { return tool.name == options.tool_name; };
  if (options.tool_name.empty() || std::any_of(tools.begin(), tools.end(), is_it)) return {};
  return InvalidArgument("tool_name is '%s', but no tool of that name is declared", options.tool_name);
}

Status CheckOptions(const ReplyOptions& options) {
  if (options.thinking_budget < -1) {
    return InvalidArgument("thinking_budget is %d, but must be -1 (no limit) or at least 0",
                           options.thinking_budget);
  }
  constexpr std::int32_t kMostLoopTokens = 1 << 16;
  if (options.loop_tokens < 0 || options.loop_tokens > kMostLoopTokens) {
    return InvalidArgument("loop_tokens is %d, but must lie in 0 .. %d", options.loop_tokens,
                           kMostLoopTokens);
  }
  for (std::size_t i = 0; i < options.stop_strings.size(); ++i) {
    if (options.stop_strings[i].empty()) return InvalidArgument("stop_strings[%d] is empty", i);
  }
  return {};
}

ReplyEnd EndFor(StopReason reason) {
  switch (reason) {
    case StopReason::kMaxTokens:
      return ReplyEnd::kLimit;
    case StopReason::kContextFull:
      return ReplyEnd::kContextFull;
    case StopReason::kCancelled:
      return ReplyEnd::kCancelled;
    default:
      return ReplyEnd::kStop;
  }
}

}  // namespace

RunningReply::RunningReply(const Model& model, const ReplyOptions& options, bool in_thought,
                           std::int64_t first_call, ReplyStats& stats)
    : tokenizer_(model.tokenizer()),
      parser_(tokenizer_, {.in_thought = in_thought}),
      repetition_(options.loop_tokens),
      stop_strings_(options.stop_strings),
      thinking_budget_(options.thinking_budget),
      first_call_(first_call),
      stats_(stats) {}

Result<std::unique_ptr<RunningReply>> RunningReply::Start(Session& session,
                                                          std::span<const ChatMessage> messages,
                                                          const ChatOptions& chat,
                                                          const ReplyOptions& options, ToolGrammars& grammars,
                                                          std::int64_t first_call, ReplyStats& stats) {
  CARAT_RETURN_IF_ERROR(CheckOptions(options));
  CARAT_RETURN_IF_ERROR(CheckToolChoice(options, chat.tools));
  const Model model = session.model();
  ChatOptions decided = chat;
  decided.add_generation_prompt = true;
  decided.continue_last = options.continue_last;
  CARAT_ASSIGN_OR_RETURN(ChatPrompt prompt, MakeChatPrompt(model, messages, decided));
  stats = {};
  std::unique_ptr<RunningReply> reply(new RunningReply(model, options, prompt.in_thought, first_call, stats));
  CARAT_RETURN_IF_ERROR(reply->MakeConstraint(model, prompt, chat, options, grammars));
  CARAT_RETURN_IF_ERROR(reply->ReadPrompt(session, std::move(prompt), options));
  CARAT_RETURN_IF_ERROR(reply->WatchBudget());
  return reply;
}

Status RunningReply::MakeConstraint(const Model& model, const ChatPrompt& prompt, const ChatOptions& chat,
                                    const ReplyOptions& options, ToolGrammars& grammars) {
  ReplyRules rules;
  rules.tool_choice = options.tool_choice;
  rules.single_call = options.single_tool_call;
  rules.may_think = chat.thinking;
  rules.in_thought = prompt.in_thought;
  // Who wants a form of answer and has declared no tools does not want a call of one.
  if (options.answer && chat.tools.empty()) rules.tool_choice = ToolChoice::kNone;
  const bool calls_are_held = rules.tool_choice == ToolChoice::kRequired ||
                              (rules.tool_choice == ToolChoice::kAuto && !options.free_tool_calls);
  if (calls_are_held && !chat.tools.empty()) {
    CARAT_ASSIGN_OR_RETURN(const Grammar grammar,
                           grammars.For(chat.tools, options.tool_name, options.closed_objects));
    CARAT_ASSIGN_OR_RETURN(const GrammarVocabulary vocabulary, model.grammar_vocabulary());
    CARAT_ASSIGN_OR_RETURN(rules.call, GrammarConstraint::Create(grammar, vocabulary));
  }
  if (options.answer) {
    CARAT_ASSIGN_OR_RETURN(const GrammarVocabulary vocabulary, model.grammar_vocabulary());
    CARAT_ASSIGN_OR_RETURN(rules.answer, GrammarConstraint::Create(*options.answer, vocabulary));
  }
  if (!rules.any()) return {};
  const bool answer_is_held = rules.answer && rules.tool_choice != ToolChoice::kRequired;
  CARAT_ASSIGN_OR_RETURN(auto constraint, ReplyConstraint::Create(model, std::move(rules)));
  if (answer_is_held && !constraint->BeginWith(prompt.continued).ok()) {
    return InvalidArgument(
        "the last message cannot be continued: its text is not the beginning of an answer of the form that "
        "is asked for");
  }
  constraint_ = std::move(constraint);
  return {};
}

Status RunningReply::MakeChain(const Model& model, const ReplyOptions& options,
                               std::span<const std::int32_t> read) {
  CARAT_ASSIGN_OR_RETURN(chain_, SamplerChain::Create(options.sampling.value_or(model.default_sampling())));
  if (options.constraint != nullptr) {
    CARAT_ASSIGN_OR_RETURN(auto constraint, options.constraint->Clone());
    CARAT_RETURN_IF_ERROR(chain_.Insert(0, std::move(constraint)));
  }
  if (constraint_ != nullptr) CARAT_RETURN_IF_ERROR(chain_.Insert(0, std::move(constraint_)));
  CARAT_RETURN_IF_ERROR(chain_.Insert(0, std::make_unique<ForcedSampler>(forced_)));
  for (const std::int32_t token : read) CARAT_RETURN_IF_ERROR(chain_.Accept(token, TokenOrigin::kPrompt));
  return {};
}

// The session is marked where this turn begins: when its thoughts are dropped, the next prompt differs from
// there on. The last token is always read, for its logits.
Status RunningReply::ReadPrompt(Session& session, ChatPrompt prompt, const ReplyOptions& options) {
  const auto began = Clock::now();
  const Model model = session.model();
  const std::int64_t size = prompt.prompt.size();
  if (size > session.context_size()) {
    return ResourceExhausted("the conversation has %d tokens, but the context holds %d", size,
                             session.context_size());
  }
  const std::int64_t mark = prompt.begins_turn ? std::min(prompt.lasting_size, size - 1) : size - 1;
  const std::int64_t common = std::min(session.impl()->CommonPrefix(*prompt.prompt.data()), mark);
  CARAT_ASSIGN_OR_RETURN(const RewindResult rewound, session.Rewind(common));
  stats_.prompt_tokens = size;
  stats_.reused_tokens = rewound.kept;
  std::int64_t done = 0;  // of this part of the prompt
  const auto progress = [&](std::int64_t in_part, std::int64_t) {
    return !options.prompt_progress || options.prompt_progress(done + in_part, size - common);
  };
  if (prompt.begins_turn) {
    if (common < mark) {
      CARAT_ASSIGN_OR_RETURN(const Prompt first, PartOf(model, prompt.prompt, common, mark));
      PrefillOptions prefill;
      prefill.logits = WantedLogits::kNone;
      prefill.progress = progress;
      CARAT_RETURN_IF_ERROR(session.Prefill(first, prefill));
      done = mark - common;
    }
    CARAT_RETURN_IF_ERROR(session.Mark());
  }
  const std::int64_t rest_begin = session.position();
  CARAT_RETURN_IF_ERROR(
      MakeChain(model, options, prompt.prompt.tokens().subspan(0, static_cast<std::size_t>(rest_begin))));
  CARAT_ASSIGN_OR_RETURN(const Prompt rest, PartOf(model, prompt.prompt, rest_begin, size));
  GenerationOptions generation;
  generation.max_new_tokens = options.max_new_tokens;
  generation.chain = &chain_;
  generation.prompt_progress = progress;
  for (const std::string_view name :
       {control::kEndTurn, control::kBeginResponse, std::string_view("<eos>")}) {
    if (const auto id = tokenizer_.IdOf(name)) generation.stop_tokens.push_back(*id);
  }
  CARAT_ASSIGN_OR_RETURN(generation_, Generation::Start(session, rest, generation));
  stats_.prompt_seconds = std::chrono::duration<double>(Clock::now() - began).count();
  return {};
}

Status RunningReply::WatchBudget() {
  if (!parser_.in_thought_text() || parser_.end() != ReplyEnd::kNone || !forced_->next.empty()) return {};
  if (thinking_budget_ < 0 || stats_.thought_tokens < thinking_budget_) return {};
  CARAT_ASSIGN_OR_RETURN(const std::int32_t close, ControlToken(tokenizer_, control::kEndChannel));
  if (parser_.in_thought_line()) {
    CARAT_ASSIGN_OR_RETURN(const auto newline, tokenizer_.Encode("\n"));
    forced_->next.assign(newline.begin(), newline.end());
  }
  forced_->next.push_back(close);
  return {};
}

Status RunningReply::Step() {
  const bool forced = !forced_->next.empty();
  CARAT_ASSIGN_OR_RETURN(const GenerationStep step, generation_->Next());
  stats_.generated_tokens = generation_->stats().generated_tokens;
  stats_.generation_seconds = generation_->stats().generation_seconds;
  if (step.token >= 0) {
    const bool was_in_thought = parser_.in_thought_text();
    const bool repeats = repetition_.Add(step.token);
    // A stop token that chat knows nothing of is no text.
    if (step.stop != StopReason::kStopToken || parser_.IsEnd(step.token))
      CARAT_RETURN_IF_ERROR(parser_.Feed(step.token));
    if (was_in_thought && parser_.in_thought_text() && !forced) ++stats_.thought_tokens;
    CARAT_RETURN_IF_ERROR(WatchBudget());
    if (repeats && step.stop == StopReason::kNone) parser_.Finish(ReplyEnd::kLoop);
  }
  if (step.stop != StopReason::kNone) parser_.Finish(EndFor(step.stop));
  return {};
}

void RunningReply::ReleaseHeldAnswer() {
  std::string held = stop_strings_.Finish();
  if (held.empty()) return;
  message_.text += held;
  ReplyEvent& event = events_.emplace_back();
  event.kind = ReplyEventKind::kAnswer;
  event.text = std::move(held);
}

void RunningReply::TakeAnswer(std::string text) {
  text = stop_strings_.Add(text);
  if (!text.empty()) {
    message_.text += text;
    ReplyEvent& event = events_.emplace_back();
    event.kind = ReplyEventKind::kAnswer;
    event.text = std::move(text);
  }
  if (stop_strings_.found()) End(ReplyEnd::kStop);
}

void RunningReply::End(ReplyEnd end) {
  end_ = end;
  ReplyEvent& event = events_.emplace_back();
  event.kind = ReplyEventKind::kEnd;
  event.end = end;
}

void RunningReply::Take(ReplyEvent event) {
  if (end_ != ReplyEnd::kNone) return;
  if (event.kind == ReplyEventKind::kAnswer) return TakeAnswer(std::move(event.text));
  ReleaseHeldAnswer();
  switch (event.kind) {
    case ReplyEventKind::kToolCallBegin:
      ++calls_begun_;
      [[fallthrough]];
    case ReplyEventKind::kToolCallName:
    case ReplyEventKind::kToolCallArguments:
      event.call.id = IdOf(event);
      break;
    case ReplyEventKind::kThought:
      message_.reasoning += event.text;
      break;
    case ReplyEventKind::kToolCall:
      event.call.id = IdOf(event);
      message_.tool_calls.push_back(event.call);
      break;
    case ReplyEventKind::kMalformedToolCall:
      malformed_calls_.push_back(event.text);
      break;
    case ReplyEventKind::kEnd:
      return End(event.end);
    case ReplyEventKind::kAnswer:
      break;
  }
  events_.push_back(std::move(event));
}

Result<ReplyEvent> RunningReply::Next() {
  while (events_.empty()) {
    CARAT_RETURN_IF_ERROR(Step());
    while (auto event = parser_.NextEvent()) Take(*std::move(event));
  }
  ReplyEvent event = std::move(events_.front());
  events_.pop_front();
  return event;
}

Status RunningReply::Stop() {
  parser_.Finish(ReplyEnd::kCancelled);
  while (auto event = parser_.NextEvent()) Take(*std::move(event));
  return {};
}

}  // namespace carat::internal
