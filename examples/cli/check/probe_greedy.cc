// The probes of what is generated: tokens and their text, the greedy continuation, and rewinding.
#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "carat/sampler.h"
#include "carat/session.h"
#include "examples/cli/check/probe.h"
#include "examples/cli/error.h"

namespace carat::cli {
namespace {

using Ids = std::vector<std::int32_t>;

std::vector<float> CopyOfLastLogits(const Session& session) {
  const auto logits = ValueOrThrow(session.LastLogits());
  return {logits.begin(), logits.end()};
}

// What following a reference continuation showed.
struct Followed {
  std::size_t compared = 0;
  std::size_t undecided = 0;               // steps that rounding may decide
  std::string difference;                  // the first one; empty if there is none
  std::vector<std::vector<float>> logits;  // before each step
};

// Chooses greedily, from step `first` on, and goes on with the reference's token at each step: so the steps
// after one that rounding decided can still be compared. The session has the logits of step `first`.
Followed Follow(Session& session, const ReferenceCase& reference, std::size_t first,
                double margin_tolerance) {
  SamplerChain chain = ValueOrThrow(SamplerChain::Create({.temperature = 0}));
  Followed followed;
  for (std::size_t step = first; step < reference.greedy.size(); ++step) {
    followed.logits.push_back(CopyOfLastLogits(session));
    const std::int32_t ours = ValueOrThrow(chain.Sample(followed.logits.back()));
    const std::int32_t theirs = reference.greedy[step];
    if (!reference.margins.empty() && !(reference.margins[step] > margin_tolerance)) {
      ++followed.undecided;
    } else {
      ++followed.compared;
      if (ours != theirs) {
        followed.difference = absl::StrFormat("step %d: %d, the reference has %d", step, ours, theirs);
        if (!reference.margins.empty())
          followed.difference += absl::StrFormat(" by a margin of %g", reference.margins[step]);
        return followed;
      }
    }
    if (step + 1 < reference.greedy.size()) ThrowIfError(session.Decode(theirs));
  }
  return followed;
}

std::string Describe(const Followed& followed) {
  if (!followed.difference.empty()) return followed.difference;
  std::string text = absl::StrFormat("%d steps equal", followed.compared);
  if (followed.undecided > 0)
    text += absl::StrFormat(", %d not compared (the margin is too small)", followed.undecided);
  return text;
}

std::string FirstDifference(const Ids& ours, const Ids& theirs) {
  if (ours == theirs) return absl::StrFormat("%d ids equal", ours.size());
  const auto [a, b] = std::mismatch(ours.begin(), ours.end(), theirs.begin(), theirs.end());
  const auto text = [](auto it, const Ids& ids) {
    return it == ids.end() ? std::string("the end") : std::to_string(*it);
  };
  return absl::StrFormat("id %d: %s, the reference has %s", a - ours.begin(), text(a, ours), text(b, theirs));
}

// Rewinds to `position`, reads `tokens` again up to where step `step` is chosen, and goes on from there.
Finding GoOnAfterRewind(const ProbeContext& context, const ReferenceCase& reference, Session& session,
                        const Ids& tokens, std::size_t position, std::size_t step,
                        std::span<const float> straight_logits) {
  const RewindResult rewound = ValueOrThrow(session.Rewind(static_cast<std::int64_t>(position)));
  const std::size_t end = reference.prompt.size() + step;
  ThrowIfError(session.Prefill(std::span(tokens).subspan(position, end - position)));
  const Deviation deviation = Compare(CopyOfLastLogits(session), straight_logits);
  const Followed followed = Follow(session, reference, step, context.tolerances.margin);
  Finding finding{absl::StrFormat("rewind to %d", position), false, "", deviation.difference,
                  context.tolerances.logits};
  finding.ok = deviation.difference <= finding.tolerance && followed.difference.empty();
  finding.detail = absl::StrFormat("%s (%d positions were kept)", Describe(followed), rewound.kept);
  return finding;
}

}  // namespace

void ProbeTokens(const ProbeContext& context, const ReferenceCase& reference, Findings& findings) {
  const Tokenizer tokenizer = context.model.tokenizer();
  if (reference.prompt_text.has_value()) {
    const Ids ids = ValueOrThrow(tokenizer.Encode(
        *reference.prompt_text, {.parse_special = true, .add_bos = !reference.prompt_text_has_bos}));
    findings.push_back(
        {"prompt ids", ids == reference.prompt, FirstDifference(ids, reference.prompt), {}, 0});
  }
  if (reference.greedy_text.has_value()) {
    const std::string text = ValueOrThrow(tokenizer.Decode(reference.greedy));
    const bool equal = text == *reference.greedy_text;
    findings.push_back({"decoded text",
                        equal,
                        equal ? absl::StrFormat("%d bytes equal", text.size())
                              : absl::StrFormat("'%s', the reference has '%s'", text, *reference.greedy_text),
                        {},
                        0});
  }
}

void ProbeGreedy(const ProbeContext& context, const ReferenceCase& reference, Findings& findings) {
  if (reference.greedy.empty()) return;
  Session session = ValueOrThrow(Session::Create(context.model, context.session));
  ThrowIfError(session.Prefill(BuildPrompt(context, reference)));
  const Followed followed = Follow(session, reference, 0, context.tolerances.margin);
  findings.push_back({"greedy ids", followed.difference.empty(), Describe(followed), {}, 0});
}

void ProbeRewind(const ProbeContext& context, const ReferenceCase& reference, Findings& findings) {
  if (!context.rewind || reference.greedy.empty()) return;
  Session session = ValueOrThrow(Session::Create(context.model, context.session));
  ThrowIfError(session.Prefill(BuildPrompt(context, reference)));
  const Followed straight = Follow(session, reference, 0, context.tolerances.margin);
  if (!straight.difference.empty()) return;  // ProbeGreedy says so

  Ids tokens = reference.prompt;
  tokens.insert(tokens.end(), reference.greedy.begin(), reference.greedy.end());
  const std::size_t prompt_size = reference.prompt.size();
  const std::size_t middle = reference.greedy.size() / 2;
  const auto check = [&](std::size_t position, std::size_t step) {
    findings.push_back(
        GoOnAfterRewind(context, reference, session, tokens, position, step, straight.logits[step]));
  };
  if (middle > 0) check(prompt_size + middle - 1, middle);  // into the continuation
  if (!reference.media.empty()) return;                     // what follows reads ids alone again
  check(prompt_size / 2, 0);                                // into the prompt
  check(0, 0);                                              // to the beginning
}

}  // namespace carat::cli
