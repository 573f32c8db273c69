// The probes of the towers: prepared pictures, mel features, what the towers put out, and the soft tokens.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "examples/cli/check/probe.h"
#include "examples/cli/error.h"

namespace carat::cli {
namespace {

// Largest difference relative to the reference's largest value.
void CompareFloats(const ProbeContext& context, const ReferenceCase& reference, const std::string& tensor,
                   std::span<const float> ours, double tolerance, bool relative, Findings& findings) {
  if (!context.folder.HasTensor(reference, tensor)) return;
  const Tensor<float> stored = context.folder.ReadFloats(reference, tensor, 2);
  if (ours.size() != stored.values.size()) {
    findings.push_back(
        {tensor,
         false,
         absl::StrFormat("%d numbers, the reference has %d", ours.size(), stored.values.size()),
         {},
         0});
    return;
  }
  const Deviation deviation = Compare(ours, stored.values);
  const double scale = relative && deviation.largest_reference > 0 ? deviation.largest_reference : 1;
  const double error = deviation.difference / scale;
  findings.push_back(
      {tensor, error <= tolerance, absl::StrFormat("of %d numbers", ours.size()), error, tolerance});
}

// Resized pixels may differ by one step in at most one of a hundred values.
void ComparePatches(const ProbeContext& context, const ReferenceCase& reference, const EncodedMedia& media,
                    Findings& findings) {
  const std::string tensor = media.name + "_patches";
  if (!context.folder.HasTensor(reference, tensor)) return;
  const Tensor<std::uint8_t> stored = context.folder.ReadBytes(reference, tensor, 2);
  Finding finding{tensor, false, "", {}, 0};
  if (stored.values.size() != media.image.patches.size()) {
    finding.detail =
        absl::StrFormat("%d values, the reference has %d", media.image.patches.size(), stored.values.size());
    findings.push_back(finding);
    return;
  }
  std::size_t different = 0;
  int largest = 0;
  for (std::size_t i = 0; i < stored.values.size(); ++i) {
    const int step = std::abs(static_cast<int>(stored.values[i]) - static_cast<int>(media.image.patches[i]));
    different += step != 0;
    largest = std::max(largest, step);
  }
  finding.ok = largest <= 1 && different * 100 <= stored.values.size();
  finding.detail = absl::StrFormat("%d of %d values differ, by at most %d of 255", different,
                                   stored.values.size(), largest);
  findings.push_back(finding);
}

void CompareMelMask(const ProbeContext& context, const ReferenceCase& reference, const EncodedMedia& media,
                    Findings& findings) {
  const std::string tensor = media.name + "_mel_mask";
  if (!context.folder.HasTensor(reference, tensor)) return;
  const Tensor<std::uint8_t> stored = context.folder.ReadBytes(reference, tensor, 1);
  bool equal = stored.shape[0] == media.audio.mel_frames;
  for (std::size_t i = 0; equal && i < stored.values.size(); ++i)
    equal = (stored.values[i] != 0) == (static_cast<std::int64_t>(i) < media.audio.valid_frames);
  findings.push_back(
      {tensor,
       equal,
       absl::StrFormat("%d of %d frames valid", media.audio.valid_frames, media.audio.mel_frames),
       {},
       0});
}

}  // namespace

void ProbeMedia(const ProbeContext& context, const ReferenceCase& reference, Findings& findings) {
  if (reference.media.empty()) return;
  for (const EncodedMedia& media : EncodeMedia(context, reference)) {
    const Tolerances& tolerances = context.tolerances;
    if (media.soft.kind() == MediaKind::kImage) {
      ComparePatches(context, reference, media, findings);
      CompareFloats(context, reference, media.name + "_tower", media.image.tower, tolerances.media, true,
                    findings);
    }
    if (media.soft.kind() == MediaKind::kAudio) {
      CompareMelMask(context, reference, media, findings);
      CompareFloats(context, reference, media.name + "_mel", media.audio.mel, tolerances.mel, false,
                    findings);
      CompareFloats(context, reference, media.name + "_tower", media.audio.tower, tolerances.media, true,
                    findings);
    }
    CompareFloats(context, reference, media.name + "_soft_tokens", media.soft.rows(), tolerances.media, true,
                  findings);
  }
}

}  // namespace carat::cli
