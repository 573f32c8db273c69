// A constraint as a sampler.
#include <cstdint>
#include <span>
#include <utility>

#include "carat/grammar.h"
#include "lib/base/error.h"
#include "lib/base/guard.h"
#include "lib/sampling/built_in.h"
#include "lib/sampling/token_bits.h"

namespace carat {
namespace internal {
namespace {

class ConstraintSampler final : public BuiltInSampler {
 public:
  ConstraintSampler(GrammarConstraint start, GrammarConstraint now)
      : start_(std::move(start)), now_(std::move(now)) {}

  std::string_view name() const noexcept override { return "constraint"; }

  Status Apply(CandidateList& candidates) override {
    if (!failed_.ok()) return failed_;
    CARAT_ASSIGN_OR_RETURN(const std::span<const std::uint64_t> bits, now_.Mask());
    KeepTokens(candidates, bits);
    if (candidates.size() == 0 && now_.IsComplete()) {
      return FailedPrecondition(
          "the text is a whole, and no stop token can end it: the grammar's vocabulary was made without any");
    }
    return {};
  }

  void Accept(std::int32_t token, TokenOrigin origin) override {
    if (origin == TokenOrigin::kPrompt || !failed_.ok()) return;
    failed_ = now_.Accept(token);
  }

  void Reset() override {
    auto again = start_.Clone();
    if (again.ok()) {
      now_ = *std::move(again);
      failed_ = {};
    } else {
      failed_ = again.status();
    }
  }

  Result<std::unique_ptr<Sampler>> Clone() const override {
    CARAT_ASSIGN_OR_RETURN(GrammarConstraint start, start_.Clone());
    CARAT_ASSIGN_OR_RETURN(GrammarConstraint now, now_.Clone());
    auto copy = std::make_unique<ConstraintSampler>(std::move(start), std::move(now));
    copy->failed_ = failed_;
    return std::unique_ptr<Sampler>(std::move(copy));
  }

 private:
  GrammarConstraint start_;
  GrammarConstraint now_;
  Status failed_;  // of a token that was not allowed
};

}  // namespace
}  // namespace internal

Result<std::unique_ptr<Sampler>> samplers::Constraint(const GrammarConstraint& constraint) noexcept {
  return internal::Guard([&]() -> Result<std::unique_ptr<Sampler>> {
    CARAT_ASSIGN_OR_RETURN(GrammarConstraint start, constraint.Clone());
    CARAT_ASSIGN_OR_RETURN(GrammarConstraint now, constraint.Clone());
    return internal::MakeSampler<internal::ConstraintSampler>(std::move(start), std::move(now));
  });
}

}  // namespace carat
