// One text on its way through byte pair encoding.
#ifndef CARAT_LIB_TOKENIZER_BPE_RUN_H_
#define CARAT_LIB_TOKENIZER_BPE_RUN_H_

#include <cstdint>
#include <vector>

#include "lib/tokenizer/bpe.h"

namespace carat::internal {

// Takes the symbols of a text one by one, cuts them into segments where no rule can merge across, and appends
// each segment's ids as soon as it is complete.
class BpeRun {
 public:
  BpeRun(const BpeModel& model, std::vector<std::int32_t>* ids) : model_(model), ids_(*ids) {}

  void AddCharacter(std::int32_t id) { Add(id, /*character=*/true); }
  // A byte piece or the unknown piece.
  void AddOther(std::int32_t id) { Add(id, /*character=*/false); }
  void Finish() { EndSegment(); }

 private:
  using Merge = BpeModel::Merge;

  void Add(std::int32_t id, bool character);
  void EndSegment();
  void MergeShort();
  void MergeLong();
  Merge MergeOf(std::int32_t left, std::int32_t right) const;

  const BpeModel& model_;
  std::vector<std::int32_t>& ids_;
  // The segment: its symbols, and for every neighbouring pair the merge of symbols i and i + 1.
  std::vector<std::int32_t> symbols_;
  std::vector<Merge> merges_;
  bool last_is_character_ = false;
  // For long segments.
  std::vector<std::uint32_t> next_, previous_;
  std::vector<std::uint64_t> queue_;
};

}  // namespace carat::internal

#endif  // CARAT_LIB_TOKENIZER_BPE_RUN_H_
