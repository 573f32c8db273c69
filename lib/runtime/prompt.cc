#include "carat/prompt.h"

#include <algorithm>

#include "lib/base/error.h"
#include "lib/base/guard.h"
#include "lib/runtime/prompt_impl.h"

namespace carat {

using internal::AlignedBuffer;
using internal::Guard;
using internal::PromptData;
using internal::SoftTokensData;

SoftTokens::SoftTokens(std::shared_ptr<const SoftTokensData> data) noexcept : data_(std::move(data)) {}

Result<SoftTokens> SoftTokens::FromRows(const Model& model, MediaKind kind, std::span<const float> rows,
                                        std::span<const std::int64_t> frames,
                                        std::span<const double> seconds) noexcept {
  return Guard([&]() -> Result<SoftTokens> {
    if (!model.impl()) return internal::FailedPrecondition("this model has been moved from");
    CARAT_ASSIGN_OR_RETURN(auto copy, AlignedBuffer<float>::Allocate(rows.size(), "soft tokens"));
    std::copy(rows.begin(), rows.end(), copy.data());
    const auto count = static_cast<std::int64_t>(rows.size()) / std::max(1, model.info().hidden_size);
    return internal::MakeSoftTokens(*model.impl(), kind, std::move(copy), count,
                                    {frames.begin(), frames.end()}, {seconds.begin(), seconds.end()});
  });
}

MediaKind SoftTokens::kind() const noexcept {
  return data_ ? data_->kind : MediaKind::kImage;
}
std::int64_t SoftTokens::count() const noexcept {
  return data_ ? data_->count : 0;
}
std::span<const float> SoftTokens::rows() const noexcept {
  if (!data_) return {};
  return data_->rows.span();
}
std::uint64_t SoftTokens::memory_bytes() const noexcept {
  return data_ ? data_->rows.size() * sizeof(float) : 0;
}

namespace {

Status NoPrompt() {
  return internal::FailedPrecondition("this prompt has been moved from, or was made for a model that has");
}

}  // namespace

Prompt::Prompt(const Model& model) noexcept {
  if (!model.impl()) return;
  // Without memory it stays empty, and every Add says so.
  data_.reset(new (std::nothrow) PromptData{model.impl(), {}, {}});
}
Prompt::~Prompt() = default;
Prompt::Prompt(Prompt&&) noexcept = default;
Prompt& Prompt::operator=(Prompt&&) noexcept = default;

Status Prompt::AddTokens(std::span<const std::int32_t> tokens) noexcept {
  return Guard([&]() -> Status {
    if (!data_) return NoPrompt();
    data_->tokens.insert(data_->tokens.end(), tokens.begin(), tokens.end());
    return {};
  });
}

Status Prompt::AddText(std::string_view text, const EncodeOptions& options) noexcept {
  return Guard([&] { return data_ ? data_->AddText(text, options) : NoPrompt(); });
}

Status Prompt::AddMedia(const SoftTokens& media) noexcept {
  return Guard([&] { return data_ ? data_->AddMedia(media) : NoPrompt(); });
}

Status Prompt::AddSoftTokens(const SoftTokens& media) noexcept {
  return Guard([&] { return data_ ? data_->AddSoftTokens(media) : NoPrompt(); });
}

std::int64_t Prompt::size() const noexcept {
  return data_ ? static_cast<std::int64_t>(data_->tokens.size()) : 0;
}

std::span<const std::int32_t> Prompt::tokens() const noexcept {
  if (!data_) return {};
  return data_->tokens;
}

}  // namespace carat
