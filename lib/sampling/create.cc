// From options to a chain, in the reference's order.
#include <utility>

#include "carat/grammar.h"
#include "carat/sampler.h"
#include "lib/base/error.h"
#include "lib/base/guard.h"
#include "lib/sampling/ranges.h"

namespace carat {
namespace {

// Appends what a function of carat::samplers made.
Status AppendMade(SamplerChain& chain, Result<std::unique_ptr<Sampler>> made) {
  CARAT_ASSIGN_OR_RETURN(auto sampler, std::move(made));
  return chain.Append(std::move(sampler));
}

bool HasPenalties(const SamplingOptions& options) {
  return options.repetition_penalty != 1 || options.frequency_penalty != 0 || options.presence_penalty != 0;
}

// The samplers between penalties and draw, as far as they are on.
Status AppendWarpers(SamplerChain& chain, const SamplingOptions& options) {
  if (options.temperature != 1) {
    CARAT_RETURN_IF_ERROR(AppendMade(chain, samplers::Temperature(options.temperature)));
  }
  if (options.top_k != 0) CARAT_RETURN_IF_ERROR(AppendMade(chain, samplers::TopK(options.top_k)));
  if (options.top_p != 1) CARAT_RETURN_IF_ERROR(AppendMade(chain, samplers::TopP(options.top_p)));
  if (options.min_p != 0) CARAT_RETURN_IF_ERROR(AppendMade(chain, samplers::MinP(options.min_p)));
  if (options.typical_p != 1) CARAT_RETURN_IF_ERROR(AppendMade(chain, samplers::Typical(options.typical_p)));
  return {};
}

}  // namespace

Result<SamplerChain> SamplerChain::Create(const SamplingOptions& options) noexcept {
  return internal::Guard([&]() -> Result<SamplerChain> {
    // Those that greedy choice does not need are checked too.
    CARAT_RETURN_IF_ERROR(internal::CheckOptions(options));
    SamplerChain chain;
    // In front: the others then have few candidates to look at.
    if (options.constraint != nullptr) {
      CARAT_RETURN_IF_ERROR(AppendMade(chain, samplers::Constraint(*options.constraint)));
    }
    if (!options.logit_bias.empty()) {
      CARAT_RETURN_IF_ERROR(AppendMade(chain, samplers::LogitBias(options.logit_bias)));
    }
    if (HasPenalties(options)) {
      CARAT_RETURN_IF_ERROR(
          AppendMade(chain, samplers::Penalties(options.repetition_penalty, options.frequency_penalty,
                                                options.presence_penalty, options.penalty_window)));
    }
    if (options.temperature == 0) {
      CARAT_RETURN_IF_ERROR(AppendMade(chain, samplers::Greedy()));
    } else {
      CARAT_RETURN_IF_ERROR(AppendWarpers(chain, options));
      CARAT_RETURN_IF_ERROR(AppendMade(chain, samplers::Draw(options.seed)));
    }
    return chain;
  });
}

}  // namespace carat
