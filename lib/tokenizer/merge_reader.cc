#include "lib/tokenizer/merge_reader.h"

#include <utility>

#include "lib/base/error.h"

namespace carat::internal {

std::int32_t ProductFinder::Find(std::string_view left, std::string_view right) {
  for (std::int32_t guess = last_; guess <= last_ + 1 && guess < model_size_; ++guess) {
    const std::string_view piece = vocabulary_.Piece(guess);
    if (piece.size() != left.size() + right.size()) continue;
    if (piece.starts_with(left) && piece.ends_with(right)) return last_ = guess;
  }
  joined_.assign(left);
  joined_ += right;
  const auto id = vocabulary_.IdOf(joined_);
  if (!id || *id >= model_size_) return -1;
  return last_ = *id;
}

MergeReader::MergeReader(std::string where, const Vocabulary& vocabulary, std::int32_t model_size,
                         std::size_t count)
    : where_(std::move(where)),
      vocabulary_(vocabulary),
      model_size_(model_size),
      products_(vocabulary, model_size) {
  rules_.reserve(count);
}

Status MergeReader::AddLine(std::string_view line) {
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos || line.find(' ', space + 1) != std::string_view::npos)
    return Bad("is not two pieces with one space between them");
  return Add(line.substr(0, space), line.substr(space + 1));
}

Result<std::vector<MergeRule>> MergeReader::Finish() && {
  CARAT_RETURN_IF_ERROR(LookUp());
  return std::move(rules_);
}

Status MergeReader::Add(std::string_view left, std::string_view right) {
  if (left.empty() || right.empty()) return Bad("has an empty half");
  halves_.push_back(left);
  halves_.push_back(right);
  return halves_.size() < 2 * kBatch ? Status() : LookUp();
}

Status MergeReader::LookUp() {
  ids_.clear();
  vocabulary_.IdsOf(halves_, &ids_);
  for (std::size_t i = 0; i < ids_.size(); i += 2) {
    const MergeRule rule = {ids_[i], ids_[i + 1], products_.Find(halves_[i], halves_[i + 1])};
    for (const std::int32_t id : {rule.left, rule.right, rule.product}) {
      if (id >= 0 && id < model_size_) continue;
      return DataLoss("%s: merge %d of \"%s\" and \"%s\": a half or the whole is no piece of the model",
                      where_, rules_.size(), std::string(halves_[i]), std::string(halves_[i + 1]));
    }
    rules_.push_back(rule);
  }
  halves_.clear();
  return Status();
}

Status MergeReader::Bad(const char* what) const {
  return DataLoss("%s: merge %d %s", where_, rules_.size() + halves_.size() / 2, what);
}

}  // namespace carat::internal
