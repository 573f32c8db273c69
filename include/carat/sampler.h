// carat/sampler.h: from logits to the next token.
//
//   carat::SamplingOptions options;          // or model.default_sampling(): what the model's makers
//   recommend options.temperature = 0.7f; options.top_k = 40; options.seed = 42;
//   carat::Result<carat::SamplerChain> chain = carat::SamplerChain::Create(options);
//   chain->Insert(0, std::make_unique<MySampler>());        // a host's own, at any place
//   carat::Result<std::int32_t> token = chain->Sample(*session.LastLogits());
//   chain->Accept(*token);
//
// A chain is a row of samplers. Each edits a list of candidate tokens (drops some, changes logits), and one
// of them, usually the last, selects a token. Create puts them in the reference's order, behind a constraint
// if there is one: logit bias, penalties, temperature, top-k, top-p, min-p, typical, draw. The same options,
// seed and logits give the same tokens on every machine.
//
// Threads: a chain belongs to one thread at a time. Since 0.1.
#ifndef CARAT_SAMPLER_H_
#define CARAT_SAMPLER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "carat/export.h"
#include "carat/status.h"

namespace carat {

namespace internal {
class BuiltInSampler;
}
class GrammarConstraint;
class SamplerChain;

// A token that may come next. Since 0.1.
struct Candidate {
  std::int32_t token;
  float logit;
};

// The candidates that are left, with the one that was selected, if any. A sampler may change logits, reorder,
// and shorten the list, never lengthen it. -infinity is a legal logit and means never. Since 0.1.
class CARAT_EXPORT CandidateList {
 public:
  // A view of the caller's storage. `sorted` says that logits do not increase along it.
  CandidateList(Candidate* data, std::size_t size, bool sorted = false) noexcept
      : data_(data), size_(size), sorted_(sorted) {}

  std::span<Candidate> items() noexcept { return {data_, size_}; }
  std::span<const Candidate> items() const noexcept { return {data_, size_}; }
  std::size_t size() const noexcept { return size_; }

  // Whether logits do not increase along the list.
  bool sorted() const noexcept { return sorted_; }
  // Who changes logits or the order says so.
  void set_sorted(bool sorted) noexcept { sorted_ = sorted; }

  // Sorts by logit, highest first, equal ones by lower id. Does nothing to a sorted list.
  void Sort() noexcept;

  // Makes the list consist of its n highest candidates, sorted. Linear in size(), but for the sorting of n.
  void KeepHighest(std::size_t n) noexcept;

  // Makes the list consist of its first n. No effect where it has no more.
  void Truncate(std::size_t n) noexcept { size_ = n < size_ ? n : size_; }

  // Selects the token: the samplers after this one are not asked any more.
  void Select(std::int32_t token) noexcept { selected_ = token; }
  // The selected token, or -1.
  std::int32_t selected() const noexcept { return selected_; }

 private:
  Candidate* data_;
  std::size_t size_;
  bool sorted_;
  std::int32_t selected_ = -1;
};

// Where a token that a chain is told of comes from. Since 0.1.
enum class TokenOrigin : std::int32_t {
  kPrompt = 0,     // the host gave it
  kGenerated = 1,  // a chain selected it
};

// One step of a chain; the interface that a host implements for its own. An implementation should not throw;
// if it does, the call of the chain returns INTERNAL. Since 0.1.
class CARAT_EXPORT Sampler {
 public:
  virtual ~Sampler();

  // A short name for lists and errors, "top-k". Must outlive the sampler.
  virtual std::string_view name() const noexcept = 0;

  // Edits the candidates. An error ends SamplerChain::Sample with that error.
  virtual Status Apply(CandidateList& candidates) = 0;

  // A token has become part of the text.
  virtual void Accept(std::int32_t token, TokenOrigin origin);

  // Forget all accepted tokens, and begin again (a seeded one with its seed).
  virtual void Reset();

  // An independent copy in the same state.
  virtual Result<std::unique_ptr<Sampler>> Clone() const = 0;

 private:
  friend class internal::BuiltInSampler;
  friend class SamplerChain;
  bool built_in_ = false;  // carat's own, whose promises need no checking
};

// What Create builds a chain from. The defaults change nothing: they draw from the model's distribution as it
// is. Since 0.1.
struct SamplingOptions {
  // Logits are divided by this. 0 is greedy: the highest logit, ties to the lower id, and nothing is random.
  float temperature = 1.0f;
  // Only the k highest; 0 is off.
  std::int32_t top_k = 0;
  // Only the fewest highest whose probabilities reach p together (at least one); 1 is off.
  float top_p = 1.0f;
  // Only those with at least min_p times the highest probability; 0 is off.
  float min_p = 0.0f;
  // Locally typical sampling (Meister et al. 2022): the fewest whose surprise is nearest to the entropy and
  // whose probabilities reach p together; 1 is off.
  float typical_p = 1.0f;
  // Logits of tokens seen in prompt or answer are divided by this where positive, multiplied where negative;
  // 1 is off.
  float repetition_penalty = 1.0f;
  // Subtracted from a logit once for each time that the token was generated; 0 is off.
  float frequency_penalty = 0.0f;
  // Subtracted from the logit of every token that was generated; 0 is off.
  float presence_penalty = 0.0f;
  // How many of the latest tokens the penalties look at; 0 is all.
  std::int32_t penalty_window = 0;
  // Added to logits: (token, value). -infinity forbids a token.
  std::vector<std::pair<std::int32_t, float>> logit_bias;
  // The same seed gives the same tokens.
  std::uint64_t seed = 0;
  // What the answer must be (grammar.h); null: anything. A chain begins with a copy of it, in its state.
  std::shared_ptr<const GrammarConstraint> constraint;
};

// Since 0.1.
class CARAT_EXPORT SamplerChain {
 public:
  // An empty chain, for building one by hand from the functions in carat::samplers.
  SamplerChain() noexcept;
  ~SamplerChain();
  SamplerChain(SamplerChain&&) noexcept;
  SamplerChain& operator=(SamplerChain&&) noexcept;

  // The chain that the options describe. Errors: INVALID_ARGUMENT naming the option, its value and its range.
  static Result<SamplerChain> Create(const SamplingOptions& options) noexcept;

  // Puts a sampler in, at `index` from the front (0 .. size()). Takes it over. Errors: INVALID_ARGUMENT for a
  // null one, OUT_OF_RANGE for the index.
  Status Insert(std::size_t index, std::unique_ptr<Sampler> sampler) noexcept;
  Status Append(std::unique_ptr<Sampler> sampler) noexcept;

  std::size_t size() const noexcept;
  // The name of the sampler at `index`; empty beyond the end.
  std::string_view name(std::size_t index) const noexcept;

  // Chooses a token from the logits of the whole vocabulary, [vocabulary_size]. It does not Accept it.
  // Errors: INVALID_ARGUMENT for no logits or a NaN among them, FAILED_PRECONDITION if the samplers leave no
  // candidate or select none, and whatever a sampler returns.
  Result<std::int32_t> Sample(std::span<const float> logits) noexcept;

  // Tells every sampler that a token has become part of the text.
  Status Accept(std::int32_t token, TokenOrigin origin = TokenOrigin::kGenerated) noexcept;

  // Every sampler begins again.
  Status Reset() noexcept;

  // An independent copy in the same state: both go on with the same tokens.
  Result<SamplerChain> Clone() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The built-in samplers, one by one, for chains in another order. Parameters as in SamplingOptions; each
// returns INVALID_ARGUMENT for a value outside its range. Since 0.1.
namespace samplers {
CARAT_EXPORT Result<std::unique_ptr<Sampler>> LogitBias(
    std::span<const std::pair<std::int32_t, float>> bias) noexcept;
CARAT_EXPORT Result<std::unique_ptr<Sampler>> Penalties(float repetition, float frequency, float presence,
                                                        std::int32_t window) noexcept;
CARAT_EXPORT Result<std::unique_ptr<Sampler>> Temperature(float temperature) noexcept;
CARAT_EXPORT Result<std::unique_ptr<Sampler>> TopK(std::int32_t k) noexcept;
CARAT_EXPORT Result<std::unique_ptr<Sampler>> TopP(float p) noexcept;
CARAT_EXPORT Result<std::unique_ptr<Sampler>> MinP(float p) noexcept;
CARAT_EXPORT Result<std::unique_ptr<Sampler>> Typical(float p) noexcept;
// Selects the highest logit, ties to the lower id.
CARAT_EXPORT Result<std::unique_ptr<Sampler>> Greedy() noexcept;
// Draws one by its probability.
CARAT_EXPORT Result<std::unique_ptr<Sampler>> Draw(std::uint64_t seed) noexcept;
}  // namespace samplers

}  // namespace carat

#endif  // CARAT_SAMPLER_H_
