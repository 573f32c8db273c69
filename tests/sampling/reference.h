// Plain twins of the samplers: everything sorted, the C library's mathematics, one step after the other as
// the definitions say it. And random lists to hold the samplers against them.
#ifndef CARAT_TESTS_SAMPLING_REFERENCE_H_
#define CARAT_TESTS_SAMPLING_REFERENCE_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

#include "carat/sampler.h"

namespace carat {

inline bool operator==(const Candidate& a, const Candidate& b) {
  return a.token == b.token && a.logit == b.logit;
}

}  // namespace carat

namespace carat::test {

inline constexpr float kNever = -std::numeric_limits<float>::infinity();
inline constexpr std::size_t kRealVocabulary = 262144;

inline bool HigherFirst(const Candidate& a, const Candidate& b) {
  return a.logit != b.logit ? a.logit > b.logit : a.token < b.token;
}

inline std::vector<Candidate> Sorted(std::vector<Candidate> items) {
  std::sort(items.begin(), items.end(), HigherFirst);
  return items;
}

// What is left that may come next, sorted: whether -infinity stays on a list makes no difference.
inline std::vector<Candidate> Possible(std::vector<Candidate> items) {
  std::erase_if(items, [](const Candidate& candidate) { return candidate.logit == kNever; });
  return Sorted(std::move(items));
}

inline std::vector<Candidate> ListOf(const std::vector<float>& logits) {
  std::vector<Candidate> items(logits.size());
  for (std::size_t i = 0; i < items.size(); ++i) items[i] = {static_cast<std::int32_t>(i), logits[i]};
  return items;
}

inline std::vector<double> Softmax(const std::vector<Candidate>& items) {
  double highest = -std::numeric_limits<double>::infinity();
  for (const Candidate& candidate : items) highest = std::max<double>(highest, candidate.logit);
  std::vector<double> result;
  double total = 0;
  for (const Candidate& candidate : items) total += result.emplace_back(std::exp(candidate.logit - highest));
  for (double& value : result) value /= total;
  return result;
}

// What a twin keeps, sorted. `margin` is how near a probability came to deciding otherwise: where it is of
// the size of rounding, both answers are right.
struct Kept {
  std::vector<Candidate> items;
  double margin = 1;
};

inline Kept TopKTwin(const std::vector<Candidate>& list, std::size_t k) {
  std::vector<Candidate> items = Possible(list);
  if (items.size() > k) {
    const float lowest = items[k - 1].logit;
    std::erase_if(items, [lowest](const Candidate& candidate) { return candidate.logit < lowest; });
  }
  return {items};
}

inline Kept TopPTwin(const std::vector<Candidate>& list, double p) {
  Kept kept{Possible(list)};
  const std::vector<double> probabilities = Softmax(kept.items);
  double sum = 0;
  for (std::size_t i = 0; i < kept.items.size(); ++i) {
    sum += probabilities[i];
    kept.margin = std::min(kept.margin, std::fabs(sum - p));
    if (sum >= p) {
      kept.items.resize(i + 1);
      break;
    }
  }
  return kept;
}

inline Kept MinPTwin(const std::vector<Candidate>& list, double p) {
  Kept kept{Possible(list)};
  const std::vector<double> probabilities = Softmax(kept.items);
  std::vector<Candidate> items;
  for (std::size_t i = 0; i < kept.items.size(); ++i) {
    const double ratio = probabilities[i] / probabilities[0];
    if (ratio < 1) kept.margin = std::min(kept.margin, std::fabs(ratio / p - 1));
    if (ratio >= p) items.push_back(kept.items[i]);
  }
  kept.items = items;
  return kept;
}

inline Kept TypicalTwin(const std::vector<Candidate>& list, double p) {
  Kept kept{Possible(list)};
  const std::vector<double> probabilities = Softmax(kept.items);
  double entropy = 0;
  for (const double probability : probabilities) {
    if (probability > 0) entropy -= probability * std::log(probability);
  }
  std::vector<std::size_t> order(kept.items.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto distance = [&](std::size_t i) { return std::fabs(-std::log(probabilities[i]) - entropy); };
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return distance(a) < distance(b); });
  double sum = 0;
  double last = 0;
  for (const std::size_t i : order) {
    sum += probabilities[i];
    last = distance(i);
    kept.margin = std::min(kept.margin, std::fabs(sum - p));
    if (sum >= p) break;
  }
  std::vector<Candidate> items;
  for (std::size_t i = 0; i < kept.items.size(); ++i) {
    if (kept.items[i].logit != kept.items[order[0]].logit && std::fabs(distance(i) - last) > 0) {
      kept.margin = std::min(kept.margin, std::fabs(distance(i) - last));
    }
    if (distance(i) <= last) items.push_back(kept.items[i]);
  }
  kept.items = items;
  return kept;
}

// A list of `size` candidates in one of many shapes: narrow or wide, with ties, with -infinity, in the order
// of ids or shuffled, or sorted (then `sorted` becomes true).
inline std::vector<Candidate> RandomList(std::mt19937_64& random, std::size_t size, bool& sorted) {
  const auto one_in = [&](std::uint64_t n) { return random() % n == 0; };
  std::normal_distribution<float> bell(static_cast<float>(random() % 20) - 10.0F,
                                       one_in(3) ? 0.3F : (one_in(2) ? 2.0F : 8.0F));
  const float step = one_in(2) ? 0.0F : 0.25F;
  const bool forbids = one_in(3);
  std::vector<float> logits(size);
  for (float& logit : logits) {
    logit = bell(random);
    if (step > 0) logit = std::round(logit / step) * step;
    if (forbids && one_in(3)) logit = kNever;
  }
  logits[random() % size] = bell(random);  // at least one is possible
  std::vector<Candidate> items = ListOf(logits);
  if (one_in(4)) std::shuffle(items.begin(), items.end(), random);
  sorted = one_in(4);
  return sorted ? Sorted(std::move(items)) : items;
}

// Mostly short, at most 5000.
inline std::size_t RandomSize(std::mt19937_64& random) {
  const std::uint64_t limit = random() % 10 == 0 ? 5000 : (random() % 2 == 0 ? 300 : 12);
  return 1 + static_cast<std::size_t>(random() % limit);
}

// What a sampler makes of a list.
inline std::vector<Candidate> Applied(Sampler& sampler, std::vector<Candidate> items, bool sorted,
                                      Status& status) {
  CandidateList list(items.data(), items.size(), sorted);
  status = sampler.Apply(list);
  items.resize(list.size());
  return items;
}

}  // namespace carat::test

#endif  // CARAT_TESTS_SAMPLING_REFERENCE_H_
