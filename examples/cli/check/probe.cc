#include "examples/cli/check/probe.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace carat::cli {
namespace {

constexpr std::array<Probe, 7> kProbes = {ProbeTokens,  ProbeMedia,  ProbeLogits, ProbeHidden,
                                          ProbeThreads, ProbeGreedy, ProbeRewind};

}  // namespace

CaseReport CheckCase(const ProbeContext& context, const ReferenceCase& reference) {
  CaseReport report{reference.name, "", {}};
  for (const Probe probe : kProbes) probe(context, reference, report.findings);
  return report;
}

Deviation Compare(std::span<const float> ours, std::span<const float> reference) {
  Deviation deviation;
  for (std::size_t i = 0; i < reference.size(); ++i) {
    const double expected = reference[i];
    double difference = std::abs(static_cast<double>(ours[i]) - expected);
    if (std::isnan(difference)) difference = std::numeric_limits<double>::infinity();
    if (difference > deviation.difference) {
      deviation.difference = difference;
      deviation.index = i;
    }
    deviation.largest_reference = std::max(deviation.largest_reference, std::abs(expected));
  }
  return deviation;
}

}  // namespace carat::cli
