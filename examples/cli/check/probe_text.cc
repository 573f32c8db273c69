// The probes of the text decoder's numbers: logits, hidden states, and that threads do not change them.
#include <cstdint>
#include <span>
#include <vector>

#include "absl/strings/str_format.h"
#include "carat/session.h"
#include "examples/cli/check/probe.h"
#include "examples/cli/error.h"

namespace carat::cli {
namespace {

// Throws unless the tensor's size in one dimension is what the model or the prompt says.
void ExpectSize(const ProbeContext& context, const ReferenceCase& reference, const char* tensor,
                const char* dimension, std::int64_t stored, std::int64_t expected) {
  if (stored == expected) return;
  throw Error(kExitBadInput,
              absl::StrFormat("%s/golden.safetensors: '%s/%s' has %d %s, expected %d", context.folder.path(),
                              reference.name, tensor, stored, dimension, expected));
}

// Hidden states as they arrive, put where the reference has them.
class HiddenStates {
 public:
  HiddenStates(std::int64_t layers, std::int64_t positions, std::int64_t size)
      : layers_(layers),
        positions_(positions),
        size_(size),
        values_(static_cast<std::size_t>(layers * positions * size)),
        arrived_(static_cast<std::size_t>(layers * positions)) {}

  void Take(std::int64_t layer, std::int64_t first, std::int64_t count, std::span<const float> states) {
    if (layer < 0 || layer >= layers_ || first < 0 || count < 0 || first + count > positions_ ||
        states.size() != static_cast<std::size_t>(count * size_)) {
      misplaced_ = true;
      return;
    }
    std::copy(states.begin(), states.end(), values_.begin() + (layer * positions_ + first) * size_);
    for (std::int64_t i = 0; i < count; ++i)
      ++arrived_[static_cast<std::size_t>(layer * positions_ + first + i)];
  }

  // Whether every position of every layer came exactly once.
  bool complete() const {
    return !misplaced_ && std::all_of(arrived_.begin(), arrived_.end(), [](int times) { return times == 1; });
  }
  std::span<const float> Layer(std::int64_t layer) const {
    return std::span(values_).subspan(static_cast<std::size_t>(layer * positions_ * size_),
                                      static_cast<std::size_t>(positions_ * size_));
  }

 private:
  std::int64_t layers_;
  std::int64_t positions_;
  std::int64_t size_;
  std::vector<float> values_;
  std::vector<int> arrived_;
  bool misplaced_ = false;
};

}  // namespace

void ProbeLogits(const ProbeContext& context, const ReferenceCase& reference, Findings& findings) {
  if (!context.folder.HasTensor(reference, "logits")) return;
  const Tensor<float> stored = context.folder.ReadFloats(reference, "logits", 2);
  const auto prompt_size = static_cast<std::int64_t>(reference.prompt.size());
  const std::int64_t rows = stored.shape[0];
  const std::int64_t vocabulary = stored.shape[1];
  ExpectSize(context, reference, "logits", "columns", vocabulary, context.model.info().vocabulary_size);
  if (rows < 1 || rows > prompt_size) ExpectSize(context, reference, "logits", "rows", rows, prompt_size);

  Session session = ValueOrThrow(Session::Create(context.model, context.session));
  PrefillOptions options;
  options.logits = WantedLogits::kListed;
  for (std::int64_t i = prompt_size - rows; i < prompt_size; ++i) options.positions.push_back(i);
  ThrowIfError(session.Prefill(BuildPrompt(context, reference), options));

  Finding finding{"logits", true, "", 0.0, context.tolerances.logits};
  for (std::int64_t row = 0; row < rows; ++row) {
    const auto ours = ValueOrThrow(session.Logits(static_cast<std::size_t>(row)));
    const Deviation deviation = Compare(
        ours, std::span(stored.values)
                  .subspan(static_cast<std::size_t>(row * vocabulary), static_cast<std::size_t>(vocabulary)));
    if (row > 0 && !(deviation.difference > *finding.error)) continue;
    finding.error = deviation.difference;
    finding.detail = absl::StrFormat("position %d, token %d (of %d positions)", prompt_size - rows + row,
                                     deviation.index, rows);
  }
  finding.ok = *finding.error <= finding.tolerance;
  findings.push_back(finding);
}

void ProbeHidden(const ProbeContext& context, const ReferenceCase& reference, Findings& findings) {
  if (!context.folder.HasTensor(reference, "hidden")) return;
  const Tensor<float> stored = context.folder.ReadFloats(reference, "hidden", 3);
  const std::int64_t layers = stored.shape[0];
  const ModelInfo& info = context.model.info();
  ExpectSize(context, reference, "hidden", "layers", layers, info.layers + 1);
  ExpectSize(context, reference, "hidden", "positions", stored.shape[1],
             static_cast<std::int64_t>(reference.prompt.size()));
  ExpectSize(context, reference, "hidden", "columns", stored.shape[2], info.hidden_size);

  HiddenStates states(layers, stored.shape[1], stored.shape[2]);
  Session session = ValueOrThrow(Session::Create(context.model, context.session));
  PrefillOptions options;
  options.hidden_states = [&states](std::int32_t layer, std::int64_t first, std::int64_t count,
                                    std::span<const float> values) {
    states.Take(layer, first, count, values);
  };
  ThrowIfError(session.Prefill(BuildPrompt(context, reference), options));

  Finding finding{"hidden states", states.complete(), "some were not delivered exactly once", 0.0,
                  context.tolerances.hidden};
  const auto layer_size = static_cast<std::size_t>(stored.shape[1] * stored.shape[2]);
  for (std::int64_t layer = 0; layer < layers && states.complete(); ++layer) {
    const Deviation deviation =
        Compare(states.Layer(layer),
                std::span(stored.values).subspan(static_cast<std::size_t>(layer) * layer_size, layer_size));
    const double relative =
        deviation.difference == 0 ? 0 : deviation.difference / deviation.largest_reference;
    if (layer > 0 && !(relative > *finding.error)) continue;
    finding.error = relative;
    finding.detail = layer + 1 == layers ? absl::StrFormat("after the final norm (of %d layers)", layers - 1)
                                         : absl::StrFormat("entering layer %d (of %d)", layer, layers - 1);
  }
  finding.ok = finding.ok && *finding.error <= finding.tolerance;
  findings.push_back(finding);
}

void ProbeThreads(const ProbeContext& context, const ReferenceCase& reference, Findings& findings) {
  if (context.earlier_logits == nullptr) return;
  Session session = ValueOrThrow(Session::Create(context.model, context.session));
  PrefillOptions options;
  options.logits = WantedLogits::kAll;
  ThrowIfError(session.Prefill(BuildPrompt(context, reference), options));
  std::vector<float> all;
  for (std::size_t i = 0; i < session.logits_count(); ++i) {
    const auto row = ValueOrThrow(session.Logits(i));
    all.insert(all.end(), row.begin(), row.end());
  }
  const auto [earlier, first_time] = context.earlier_logits->try_emplace(reference.name, all);
  if (first_time) return;
  const Deviation deviation = Compare(all, earlier->second);
  findings.push_back({"same by threads", all.size() == earlier->second.size() && deviation.difference == 0,
                      absl::StrFormat("all %d logits", all.size()), deviation.difference, 0.0});
}

}  // namespace carat::cli
