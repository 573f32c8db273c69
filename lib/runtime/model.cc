#include "carat/model.h"

#include <string>

#include "carat/session.h"
#include "lib/base/error.h"
#include "lib/base/guard.h"
#include "lib/runtime/model_impl.h"
#include "lib/runtime/session_impl.h"

namespace carat {

using internal::Guard;
using internal::ModelImpl;

Model::Model(std::shared_ptr<const ModelImpl> impl) noexcept : impl_(std::move(impl)) {}

Result<Model> Model::Load(std::string_view path, const ModelOptions& options) noexcept {
  return Guard([&]() -> Result<Model> {
    auto impl = ModelImpl::Load(std::string(path), options);
    if (!impl.ok()) return impl.status();
    return Model(*std::move(impl));
  });
}

// A model that has been moved from answers like one that holds nothing.

const ModelInfo& Model::info() const noexcept {
  static const ModelInfo kNothing;
  return impl_ ? impl_->info() : kNothing;
}

std::vector<TensorInfo> Model::Tensors() const {
  if (!impl_) return {};
  const auto& checkpoint = impl_->checkpoint();
  std::vector<TensorInfo> tensors;
  for (const internal::TensorEntry& tensor : checkpoint.tensors()) {
    const std::string& path = checkpoint.files()[tensor.file]->path();
    tensors.push_back({.name = tensor.name,
                       .format = std::string(internal::NumberFormatName(tensor.format)),
                       .shape = tensor.shape,
                       .bytes = tensor.bytes,
                       .file = path.substr(path.find_last_of('/') + 1)});
  }
  return tensors;
}

Result<MemoryNeeds> Model::EstimateMemory(const SessionOptions& options) const noexcept {
  return Guard([&]() -> Result<MemoryNeeds> {
    if (!impl_) return internal::FailedPrecondition("this model has been moved from");
    return internal::EstimateMemory(*impl_, options);
  });
}

Tokenizer Model::tokenizer() const noexcept {
  return impl_ ? impl_->tokenizer() : Tokenizer(nullptr);
}

SamplingOptions Model::default_sampling() const {
  return impl_ ? impl_->DefaultSampling() : SamplingOptions();
}

std::vector<std::int32_t> Model::stop_tokens() const {
  return impl_ ? impl_->config().stop_tokens : std::vector<std::int32_t>();
}

Result<GrammarVocabulary> Model::grammar_vocabulary() const noexcept {
  return Guard([&]() -> Result<GrammarVocabulary> {
    if (!impl_) return internal::FailedPrecondition("this model has been moved from");
    return impl_->grammar_vocabulary();
  });
}

int Model::threads() const noexcept {
  return impl_ ? impl_->threads() : 0;
}

InstructionSet Model::instruction_set() const noexcept {
  return impl_ ? impl_->instruction_set() : InstructionSet::kAuto;
}

}  // namespace carat
