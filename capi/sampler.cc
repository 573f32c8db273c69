// Samplers, carat's and the host's, and chains of them.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "capi/call.h"
#include "capi/carat.h"
#include "capi/handles.h"
#include "capi/options.h"
#include "capi/sized_struct.h"
#include "carat/sampler.h"

using carat::CandidateList;
using carat::Result;
using carat::Sampler;
using carat::SamplerChain;
using carat::SamplingOptions;
using carat::Status;
using carat::StatusCode;
using carat::TokenOrigin;
using carat::capi::ArrayOf;
using carat::capi::Call;
using carat::capi::InitStruct;
using carat::capi::IsEnumValue;
using carat::capi::LendText;
using carat::capi::ReadStruct;
using carat::capi::Shared;
using carat::capi::TextOf;
using carat::capi::Turn;
using carat::internal::FailedPrecondition;
using carat::internal::InvalidArgument;
using carat::internal::OutOfRange;
using carat::internal::Unimplemented;

namespace {

using SamplerCore = Shared<std::unique_ptr<Sampler>>;
using ChainCore = Shared<SamplerChain>;

// The outcome of a host's function, which may have said more in `error`.
Status FromHost(carat_status code, const carat_error& error, std::string_view sampler) {
  if (code == CARAT_OK) return {};
  const std::string name(sampler);
  if (code < 0 || code > CARAT_UNAUTHENTICATED) {
    return carat::internal::Internal("the sampler '%s' returned %d, which is no status", name, code);
  }
  if (!error.message.empty()) return Status(static_cast<StatusCode>(code), error.message);
  return Status(static_cast<StatusCode>(code),
                "the sampler '" + name + "' returned " + carat_status_name(code));
}

// A host's struct of function pointers as carat sees it.
class HostSampler final : public Sampler {
 public:
  HostSampler(const carat_sampler_functions& functions, std::string_view name)
      : functions_(functions), name_(name) {}
  HostSampler(const HostSampler&) = delete;
  HostSampler& operator=(const HostSampler&) = delete;
  ~HostSampler() override {
    if (owns_user_data_ && functions_.release != nullptr) functions_.release(user_data_);
  }

  // Nothing can fail between the host's handing over and this.
  void TakeUserData(void* user_data) noexcept {
    user_data_ = user_data;
    owns_user_data_ = true;
  }

  std::string_view name() const noexcept override { return name_; }

  Status Apply(CandidateList& candidates) override {
    carat_candidates lent{&candidates, {}};
    carat_error error;
    return FromHost(functions_.apply(user_data_, &lent, &error), error, name_);
  }

  void Accept(std::int32_t token, TokenOrigin origin) override {
    if (functions_.accept != nullptr) {
      functions_.accept(user_data_, token, static_cast<carat_token_origin>(origin));
    }
  }

  void Reset() override {
    if (functions_.reset != nullptr) functions_.reset(user_data_);
  }

  Result<std::unique_ptr<Sampler>> Clone() const override {
    if (functions_.clone == nullptr) {
      return Unimplemented("the sampler '%s' has no clone function", name_);
    }
    auto copy = std::make_unique<HostSampler>(functions_, name_);
    carat_error error;
    void* user_data = nullptr;
    CARAT_RETURN_IF_ERROR(FromHost(functions_.clone(user_data_, &user_data, &error), error, name_));
    copy->TakeUserData(user_data);
    return std::unique_ptr<Sampler>(std::move(copy));
  }

 private:
  carat_sampler_functions functions_;
  std::string name_;
  void* user_data_ = nullptr;
  bool owns_user_data_ = false;
};

carat_sampler* NewSamplerHandle(std::unique_ptr<Sampler> sampler) {
  return new carat_sampler{std::make_shared<SamplerCore>(std::move(sampler))};
}

// The body of every function that makes a built-in sampler.
carat_status NewSampler(carat_sampler** sampler, carat_error* error,
                        const std::function<Result<std::unique_ptr<Sampler>>()>& make) {
  return Call(error, [&]() -> Status {
    CARAT_CLEAR_OUTPUT(sampler);
    CARAT_ASSIGN_OR_RETURN(std::unique_ptr<Sampler> made, make());
    *sampler = NewSamplerHandle(std::move(made));
    return {};
  });
}

// Runs `body(sampler)` on a sampler that is not in a chain.
template <typename Body>
Status WithSampler(const carat_sampler* sampler, Body&& body) {
  CARAT_RETURN_IF_NULL(sampler);
  const std::shared_ptr<SamplerCore> core = sampler->core;
  const Turn turn(core->busy, "sampler");
  CARAT_RETURN_IF_ERROR(turn.status());
  if (core->value == nullptr) return FailedPrecondition("the sampler went into a chain");
  return body(core->value);
}

// Runs `body(chain)` with the chain kept alive and to itself.
template <typename Body>
Status WithChain(const carat_sampler_chain* chain, Body&& body) {
  CARAT_RETURN_IF_NULL(chain);
  const std::shared_ptr<ChainCore> core = chain->core;
  const Turn turn(core->busy, "sampler chain");
  CARAT_RETURN_IF_ERROR(turn.status());
  return body(core->value);
}

Status Insert(carat_sampler_chain* handle, const std::size_t* index, carat_sampler* sampler) {
  return WithChain(handle, [&](SamplerChain& chain) -> Status {
    return WithSampler(sampler, [&](std::unique_ptr<Sampler>& inside) -> Status {
      const std::size_t at = index == nullptr ? chain.size() : *index;
      if (at > chain.size()) {
        return OutOfRange("index is %d, but the chain has %d samplers", at, chain.size());
      }
      return chain.Insert(at, std::move(inside));
    });
  });
}

Status CheckOrigin(carat_token_origin origin) {
  return IsEnumValue(origin, CARAT_TOKEN_GENERATED, "origin");
}

}  // namespace

carat_status carat_sampling_options_init(carat_sampling_options* options, size_t struct_size) {
  return InitStruct(options, struct_size);
}

carat_status carat_sampler_functions_init(carat_sampler_functions* functions, size_t struct_size) {
  return InitStruct(functions, struct_size);
}

// Samplers --------------------------------------------------------------------------------------------------

carat_status carat_sampler_new(const carat_sampler_functions* functions, void* user_data,
                               carat_sampler** sampler, carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_CLEAR_OUTPUT(sampler);
    CARAT_ASSIGN_OR_RETURN(const carat_sampler_functions read,
                           ReadStruct(functions, "carat_sampler_functions", false));
    CARAT_ASSIGN_OR_RETURN(const std::string_view name,
                           TextOf(read.name, read.name_size, "carat_sampler_functions.name"));
    if (read.apply == nullptr) return InvalidArgument("carat_sampler_functions.apply is NULL");
    auto made = std::make_unique<HostSampler>(read, name);
    HostSampler* host = made.get();
    *sampler = NewSamplerHandle(std::move(made));
    host->TakeUserData(user_data);
    return {};
  });
}

carat_status carat_sampler_new_logit_bias(const carat_logit_bias* bias, size_t bias_count,
                                          carat_sampler** sampler, carat_error* error) {
  return NewSampler(sampler, error, [&]() -> Result<std::unique_ptr<Sampler>> {
    CARAT_ASSIGN_OR_RETURN(const std::span<const carat_logit_bias> items, ArrayOf(bias, bias_count, "bias"));
    std::vector<std::pair<std::int32_t, float>> pairs;
    pairs.reserve(items.size());
    for (const carat_logit_bias& item : items) pairs.emplace_back(item.token, item.bias);
    return carat::samplers::LogitBias(pairs);
  });
}

carat_status carat_sampler_new_penalties(float repetition, float frequency, float presence, int32_t window,
                                         carat_sampler** sampler, carat_error* error) {
  return NewSampler(sampler, error,
                    [=] { return carat::samplers::Penalties(repetition, frequency, presence, window); });
}

carat_status carat_sampler_new_temperature(float temperature, carat_sampler** sampler, carat_error* error) {
  return NewSampler(sampler, error, [=] { return carat::samplers::Temperature(temperature); });
}

carat_status carat_sampler_new_top_k(int32_t k, carat_sampler** sampler, carat_error* error) {
  return NewSampler(sampler, error, [=] { return carat::samplers::TopK(k); });
}

carat_status carat_sampler_new_top_p(float p, carat_sampler** sampler, carat_error* error) {
  return NewSampler(sampler, error, [=] { return carat::samplers::TopP(p); });
}

carat_status carat_sampler_new_min_p(float p, carat_sampler** sampler, carat_error* error) {
  return NewSampler(sampler, error, [=] { return carat::samplers::MinP(p); });
}

carat_status carat_sampler_new_typical(float p, carat_sampler** sampler, carat_error* error) {
  return NewSampler(sampler, error, [=] { return carat::samplers::Typical(p); });
}

carat_status carat_sampler_new_greedy(carat_sampler** sampler, carat_error* error) {
  return NewSampler(sampler, error, [] { return carat::samplers::Greedy(); });
}

carat_status carat_sampler_new_draw(uint64_t seed, carat_sampler** sampler, carat_error* error) {
  return NewSampler(sampler, error, [=] { return carat::samplers::Draw(seed); });
}

void carat_sampler_free(carat_sampler* sampler) {
  delete sampler;
}

const char* carat_sampler_name(const carat_sampler* sampler, size_t* size) {
  const bool there = sampler != nullptr && sampler->core->value != nullptr;
  return LendText(there ? sampler->core->value->name() : std::string_view(), size);
}

carat_status carat_sampler_apply(carat_sampler* sampler, carat_candidates* candidates, carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_RETURN_IF_NULL(candidates);
    return WithSampler(
        sampler, [&](const std::unique_ptr<Sampler>& inside) { return inside->Apply(*candidates->list); });
  });
}

carat_status carat_sampler_accept(carat_sampler* sampler, int32_t token, carat_token_origin origin,
                                  carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_RETURN_IF_ERROR(CheckOrigin(origin));
    return WithSampler(sampler, [&](const std::unique_ptr<Sampler>& inside) -> Status {
      inside->Accept(token, static_cast<TokenOrigin>(origin));
      return {};
    });
  });
}

carat_status carat_sampler_reset(carat_sampler* sampler, carat_error* error) {
  return Call(error, [&]() -> Status {
    return WithSampler(sampler, [&](const std::unique_ptr<Sampler>& inside) -> Status {
      inside->Reset();
      return {};
    });
  });
}

carat_status carat_sampler_clone(const carat_sampler* sampler, carat_sampler** clone, carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_CLEAR_OUTPUT(clone);
    return WithSampler(sampler, [&](const std::unique_ptr<Sampler>& inside) -> Status {
      CARAT_ASSIGN_OR_RETURN(std::unique_ptr<Sampler> copy, inside->Clone());
      *clone = NewSamplerHandle(std::move(copy));
      return {};
    });
  });
}

// Chains ----------------------------------------------------------------------------------------------------

carat_status carat_sampler_chain_new(const carat_sampling_options* options, carat_sampler_chain** chain,
                                     carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_CLEAR_OUTPUT(chain);
    CARAT_ASSIGN_OR_RETURN(const SamplingOptions how, carat::capi::ToSamplingOptions(options));
    CARAT_ASSIGN_OR_RETURN(SamplerChain made, SamplerChain::Create(how));
    *chain = new carat_sampler_chain{std::make_shared<ChainCore>(std::move(made))};
    return {};
  });
}

carat_status carat_sampler_chain_new_empty(carat_sampler_chain** chain, carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_CLEAR_OUTPUT(chain);
    *chain = new carat_sampler_chain{std::make_shared<ChainCore>(SamplerChain())};
    return {};
  });
}

void carat_sampler_chain_free(carat_sampler_chain* chain) {
  delete chain;
}

carat_status carat_sampler_chain_insert(carat_sampler_chain* chain, size_t index, carat_sampler* sampler,
                                        carat_error* error) {
  return Call(error, [&]() -> Status { return Insert(chain, &index, sampler); });
}

carat_status carat_sampler_chain_append(carat_sampler_chain* chain, carat_sampler* sampler,
                                        carat_error* error) {
  return Call(error, [&]() -> Status { return Insert(chain, nullptr, sampler); });
}

size_t carat_sampler_chain_size(const carat_sampler_chain* chain) {
  return chain == nullptr ? 0 : chain->core->value.size();
}

const char* carat_sampler_chain_name(const carat_sampler_chain* chain, size_t index, size_t* size) {
  return LendText(chain == nullptr ? std::string_view() : chain->core->value.name(index), size);
}

carat_status carat_sampler_chain_sample(carat_sampler_chain* chain, const float* logits, size_t logit_count,
                                        int32_t* token, carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_RETURN_IF_NULL(token);
    *token = -1;
    CARAT_ASSIGN_OR_RETURN(const std::span<const float> values, ArrayOf(logits, logit_count, "logits"));
    return WithChain(chain, [&](SamplerChain& inside) -> Status {
      CARAT_ASSIGN_OR_RETURN(*token, inside.Sample(values));
      return {};
    });
  });
}

carat_status carat_sampler_chain_accept(carat_sampler_chain* chain, int32_t token, carat_token_origin origin,
                                        carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_RETURN_IF_ERROR(CheckOrigin(origin));
    return WithChain(
        chain, [&](SamplerChain& inside) { return inside.Accept(token, static_cast<TokenOrigin>(origin)); });
  });
}

carat_status carat_sampler_chain_reset(carat_sampler_chain* chain, carat_error* error) {
  return Call(error, [&]() -> Status {
    return WithChain(chain, [&](SamplerChain& inside) { return inside.Reset(); });
  });
}

carat_status carat_sampler_chain_clone(const carat_sampler_chain* chain, carat_sampler_chain** clone,
                                       carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_CLEAR_OUTPUT(clone);
    return WithChain(chain, [&](const SamplerChain& inside) -> Status {
      CARAT_ASSIGN_OR_RETURN(SamplerChain copy, inside.Clone());
      *clone = new carat_sampler_chain{std::make_shared<ChainCore>(std::move(copy))};
      return {};
    });
  });
}
