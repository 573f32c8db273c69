#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "carat/grammar.h"
#include "lib/base/error.h"
#include "lib/base/guard.h"
#include "lib/sampling/grammar/constraint_impl.h"

namespace carat {
namespace internal {
namespace {

Status CheckToken(std::int32_t token, const char* name, const TokenTrie& trie) {
  if (token >= -1 && (token == -1 || static_cast<std::size_t>(token) < trie.vocabulary_size())) return {};
  return OutOfRange("%s is %d, but must be -1 or an id below %d", name, token, trie.vocabulary_size());
}

Result<std::int32_t> IdOf(const NamedToken& token, const TokenTrie& trie) {
  if (token.text.empty()) {
    if (static_cast<std::size_t>(token.id) < trie.vocabulary_size()) return token.id;
    return FailedPrecondition("the grammar needs the token <[%d]>, but this vocabulary has %d tokens",
                              token.id, trie.vocabulary_size());
  }
  const std::int32_t control = trie.ControlToken(token.text);
  const std::int32_t id = control >= 0 ? control : trie.TokenOf(token.text);
  if (id >= 0) return id;
  return FailedPrecondition("the grammar needs the token %s, which this vocabulary has not", token.text);
}

}  // namespace

Result<std::unique_ptr<ConstraintImpl>> ConstraintImpl::Create(std::shared_ptr<const Program> program,
                                                               std::shared_ptr<const TokenTrie> trie,
                                                               const ConstraintOptions& options) {
  if (program == nullptr) return FailedPrecondition("this grammar has been moved from");
  if (trie == nullptr) return FailedPrecondition("this vocabulary has been moved from");
  CARAT_RETURN_IF_ERROR(CheckToken(options.trigger, "trigger", *trie));
  CARAT_RETURN_IF_ERROR(CheckToken(options.free_begin, "free_begin", *trie));
  CARAT_RETURN_IF_ERROR(CheckToken(options.free_end, "free_end", *trie));
  if ((options.free_begin < 0) != (options.free_end < 0)) {
    return InvalidArgument("free_begin is %d and free_end %d: both must be there, or none",
                           options.free_begin, options.free_end);
  }
  if (options.repeat && options.trigger < 0) return InvalidArgument("repeat is set without a trigger");
  std::unique_ptr<ConstraintImpl> impl(new ConstraintImpl(std::move(program), std::move(trie), options));
  for (const NamedToken& token : impl->program_->tokens) {
    CARAT_ASSIGN_OR_RETURN(const std::int32_t id, IdOf(token, *impl->trie_));
    impl->slots_.push_back(id);
  }
  impl->cache_ = impl->program_->CacheFor(impl->trie_);
  impl->moments_.push_back(impl->InMode(options.trigger >= 0 ? Mode::kSleeping : Mode::kInside));
  CARAT_RETURN_IF_ERROR(impl->TakeOverflow());
  return impl;
}

// The beginning of a mode.
ConstraintImpl::Moment ConstraintImpl::InMode(Mode mode) {
  Moment moment;
  moment.mode = mode;
  if (mode == Mode::kInside) machine_.Begin(moment.tops);
  moment.mark = machine_.mark();
  return moment;
}

Status ConstraintImpl::TakeOverflow() {
  if (!machine_.overflowed()) return {};
  machine_.ClearOverflow();
  return ResourceExhausted("the text so far can be read in too many ways at once");
}

bool ConstraintImpl::IsAtItsEnd(const Tops& tops) {
  return !tops.empty() && std::all_of(tops.begin(), tops.end(), [](const Top& top) {
    return top.frame.element == 0 && top.frame.phase == phase::kAfter;
  });
}

bool ConstraintImpl::IsComplete() const {
  switch (now().mode) {
    case Mode::kSleeping:
    case Mode::kEnded:
      return true;
    case Mode::kFree:
      return false;
    case Mode::kInside:
      break;
  }
  return TextIsComplete();
}

void ConstraintImpl::SetAllBits() {
  std::fill(bits_.begin(), bits_.end(), ~std::uint64_t{0});
  const std::size_t beyond = trie_->vocabulary_size() % 64;
  if (beyond != 0) bits_.back() &= (std::uint64_t{1} << beyond) - 1;
}

Result<std::span<const std::uint64_t>> ConstraintImpl::Mask() {
  if (bits_are_new_) return std::span<const std::uint64_t>(bits_);
  bits_.assign(trie_->words(), 0);
  switch (now().mode) {
    case Mode::kSleeping:
      SetAllBits();
      break;
    case Mode::kFree:
      SetAllBits();
      for (const std::int32_t stop : trie_->stop_tokens()) {
        bits_[static_cast<std::size_t>(stop) / 64] &= ~(std::uint64_t{1} << (stop % 64));
      }
      break;
    case Mode::kInside:
      MaskComputer(machine_, *trie_, *cache_).Compute(now().tops, slots_, bits_);
      CARAT_RETURN_IF_ERROR(TakeOverflow());
      if (now().at_begin && options_.free_begin >= 0) SetBit(bits_, options_.free_begin);
      break;
    case Mode::kEnded:
      break;
  }
  if (IsActive() && IsComplete()) {
    for (const std::int32_t stop : trie_->stop_tokens()) SetBit(bits_, stop);
  }
  bits_are_new_ = true;
  return std::span<const std::uint64_t>(bits_);
}

Status ConstraintImpl::NotAllowed(std::int32_t token) const {
  return InvalidArgument("token %d ('%s') is not allowed here by the grammar, after %d tokens", token,
                         std::string(trie_->Bytes(token)), position());
}

Result<ConstraintImpl::Moment> ConstraintImpl::AfterInside(std::int32_t token) {
  if (now().mode == Mode::kInside && now().at_begin && token == options_.free_begin) {
    return InMode(Mode::kFree);
  }
  Tops tops;
  Tops next;
  const std::string_view bytes = trie_->Bytes(token);
  if (!bytes.empty()) tops = now().tops;
  for (const char byte : bytes) {
    machine_.Read(tops, static_cast<std::uint8_t>(byte), next);
    std::swap(tops, next);
    if (tops.empty()) break;
  }
  if (!slots_.empty()) {
    machine_.ReadToken(now().tops, token, slots_, trie_->IsStop(token), next);
    machine_.AddWays(next, tops);
  }
  if (tops.empty()) {
    if (trie_->IsStop(token) && IsComplete()) return InMode(Mode::kEnded);
    return NotAllowed(token);
  }
  if (options_.repeat && IsAtItsEnd(tops)) return InMode(Mode::kSleeping);
  Moment moment;
  moment.at_begin = false;
  moment.tops = std::move(tops);
  moment.mark = machine_.mark();
  return moment;
}

Result<ConstraintImpl::Moment> ConstraintImpl::After(std::int32_t token) {
  switch (now().mode) {
    case Mode::kSleeping:
      return InMode(token == options_.trigger ? Mode::kInside : Mode::kSleeping);
    case Mode::kFree:
      if (trie_->IsStop(token)) return NotAllowed(token);
      return InMode(token == options_.free_end ? Mode::kInside : Mode::kFree);
    case Mode::kEnded:
      if (!trie_->IsStop(token)) return NotAllowed(token);
      return InMode(Mode::kEnded);
    case Mode::kInside:
      break;
  }
  return AfterInside(token);
}

Status ConstraintImpl::Accept(std::int32_t token) {
  if (token < 0 || static_cast<std::size_t>(token) >= trie_->vocabulary_size()) {
    return InvalidArgument("token %d is not in the vocabulary of %d", token, trie_->vocabulary_size());
  }
  auto moment = After(token);
  const Status overflow = TakeOverflow();
  if (!overflow.ok() || !moment.ok()) {
    machine_.Forget(now().mark);
    return overflow.ok() ? moment.status() : overflow;
  }
  moments_.push_back(*std::move(moment));
  bits_are_new_ = false;
  return {};
}

Status ConstraintImpl::Rewind(std::int64_t position) {
  if (position < 0 || position > this->position()) {
    return OutOfRange("cannot rewind to %d: %d tokens were accepted", position, this->position());
  }
  moments_.resize(static_cast<std::size_t>(position) + 1);
  machine_.Forget(now().mark);
  bits_are_new_ = false;
  return {};
}

}  // namespace internal

using internal::ConstraintImpl;
using internal::Guard;

namespace {

Status MovedFrom() {
  return internal::FailedPrecondition("this constraint has been moved from");
}

}  // namespace

GrammarConstraint::GrammarConstraint(std::unique_ptr<ConstraintImpl> impl) noexcept
    : impl_(std::move(impl)) {}
GrammarConstraint::~GrammarConstraint() = default;
GrammarConstraint::GrammarConstraint(GrammarConstraint&&) noexcept = default;
GrammarConstraint& GrammarConstraint::operator=(GrammarConstraint&&) noexcept = default;

Result<GrammarConstraint> GrammarConstraint::Create(const Grammar& grammar,
                                                    const GrammarVocabulary& vocabulary,
                                                    const ConstraintOptions& options) noexcept {
  return Guard([&]() -> Result<GrammarConstraint> {
    CARAT_ASSIGN_OR_RETURN(auto impl, ConstraintImpl::Create(grammar.program(), vocabulary.trie(), options));
    return GrammarConstraint(std::move(impl));
  });
}

Result<std::span<const std::uint64_t>> GrammarConstraint::Mask() noexcept {
  return Guard([&]() -> Result<std::span<const std::uint64_t>> {
    if (!impl_) return MovedFrom();
    return impl_->Mask();
  });
}

Status GrammarConstraint::MaskLogits(std::span<float> logits) noexcept {
  return Guard([&]() -> Status {
    if (!impl_) return MovedFrom();
    CARAT_ASSIGN_OR_RETURN(const std::span<const std::uint64_t> bits, impl_->Mask());
    constexpr float kNever = -std::numeric_limits<float>::infinity();
    for (std::size_t begin = 0; begin < logits.size(); begin += 64) {
      const std::uint64_t word = begin / 64 < bits.size() ? bits[begin / 64] : 0;
      if (word == ~std::uint64_t{0}) continue;
      const std::size_t end = std::min(begin + 64, logits.size());
      for (std::size_t i = begin; i < end; ++i) {
        if ((word >> (i % 64) & 1) == 0) logits[i] = kNever;
      }
    }
    return {};
  });
}

Status GrammarConstraint::Accept(std::int32_t token) noexcept {
  return Guard([&]() -> Status { return impl_ ? impl_->Accept(token) : MovedFrom(); });
}

bool GrammarConstraint::IsComplete() const noexcept {
  return impl_ && impl_->IsComplete();
}

bool GrammarConstraint::IsActive() const noexcept {
  return impl_ && impl_->IsActive();
}

std::int64_t GrammarConstraint::position() const noexcept {
  return impl_ ? impl_->position() : 0;
}

Status GrammarConstraint::Rewind(std::int64_t position) noexcept {
  return Guard([&]() -> Status { return impl_ ? impl_->Rewind(position) : MovedFrom(); });
}

Result<GrammarConstraint> GrammarConstraint::Clone() const noexcept {
  return Guard([&]() -> Result<GrammarConstraint> {
    if (!impl_) return MovedFrom();
    return GrammarConstraint(std::make_unique<ConstraintImpl>(*impl_));
  });
}

}  // namespace carat
