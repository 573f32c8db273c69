// A probe recomputes one thing of a case and compares it with the reference. To check something new (an
// image's soft tokens, say), write a probe in a file of its own and add it to the list in probe.cc.
#ifndef CARAT_EXAMPLES_CLI_CHECK_PROBE_H_
#define CARAT_EXAMPLES_CLI_CHECK_PROBE_H_

#include <map>
#include <span>
#include <string>
#include <vector>

#include "carat/media.h"
#include "carat/model.h"
#include "carat/prompt.h"
#include "carat/session.h"
#include "examples/cli/check/reference_folder.h"
#include "examples/cli/check/report.h"

namespace carat::cli {

struct Tolerances {
  double logits = 1e-3;  // largest difference of a logit
  double hidden = 1e-3;  // largest difference in a layer, relative to its largest value
  double media =
      2e-3;  // largest difference in a tower's output or its soft tokens, relative to the largest value
  double mel = 1e-4;     // largest difference of a mel feature
  double margin = 2e-3;  // where the two best logits are no further apart, rounding may choose
};

// What a probe works with. `earlier_logits` holds, by case, what ran under another number of threads.
struct ProbeContext {
  const ReferenceFolder& folder;
  const Model& model;
  SessionOptions session;
  Tolerances tolerances;
  bool rewind = false;
  std::map<std::string, std::vector<float>>* earlier_logits = nullptr;
};

using Findings = std::vector<Finding>;

// Each adds to the findings what it compared: nothing if the case lacks what it needs. Throws Error for a
// reference that contradicts the model, and for any error of carat.
using Probe = void (*)(const ProbeContext& context, const ReferenceCase& reference, Findings& findings);

// Media of a case in the order of the prompt, encoded in float32, with what happened inside.
struct EncodedMedia {
  std::string name;  // "image0", "video", "audio1"
  SoftTokens soft;
  ImageTrace image;
  AudioTrace audio;
};
std::vector<EncodedMedia> EncodeMedia(const ProbeContext& context, const ReferenceCase& reference);

// The prompt of a case, soft tokens in place.
Prompt BuildPrompt(const ProbeContext& context, const ReferenceCase& reference);

void ProbeMedia(const ProbeContext& context, const ReferenceCase& reference, Findings& findings);
void ProbeTokens(const ProbeContext& context, const ReferenceCase& reference, Findings& findings);
void ProbeLogits(const ProbeContext& context, const ReferenceCase& reference, Findings& findings);
void ProbeHidden(const ProbeContext& context, const ReferenceCase& reference, Findings& findings);
void ProbeThreads(const ProbeContext& context, const ReferenceCase& reference, Findings& findings);
void ProbeGreedy(const ProbeContext& context, const ReferenceCase& reference, Findings& findings);
void ProbeRewind(const ProbeContext& context, const ReferenceCase& reference, Findings& findings);

// Runs all probes, or says why the case cannot be run.
CaseReport CheckCase(const ProbeContext& context, const ReferenceCase& reference);

// The largest difference of two rows of numbers, and where it is. A NaN differs infinitely.
struct Deviation {
  double difference = 0;
  std::size_t index = 0;
  double largest_reference = 0;
};
Deviation Compare(std::span<const float> ours, std::span<const float> reference);

}  // namespace carat::cli

#endif  // CARAT_EXAMPLES_CLI_CHECK_PROBE_H_
