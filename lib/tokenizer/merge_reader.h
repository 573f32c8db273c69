// From the text of merges to rules.
#ifndef CARAT_LIB_TOKENIZER_MERGE_READER_H_
#define CARAT_LIB_TOKENIZER_MERGE_READER_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "carat/status.h"
#include "lib/tokenizer/bpe.h"
#include "lib/tokenizer/vocabulary.h"

namespace carat::internal {

// Finds the products of a list of merges. Such lists go through their products in order of id, several merges
// for each, so the product of the merge before and the piece after it are tried first; that is much faster
// than looking up.
class ProductFinder {
 public:
  ProductFinder(const Vocabulary& vocabulary, std::int32_t model_size)
      : vocabulary_(vocabulary), model_size_(model_size) {}

  // -1: none.
  std::int32_t Find(std::string_view left, std::string_view right);

 private:
  const Vocabulary& vocabulary_;
  std::int32_t model_size_;
  std::int32_t last_ = 0;
  std::string joined_;
};

// Reads merges into rules, many at a time, since looking pieces up one by one is slow. The texts must live
// until Finish. Errors of all functions: DATA_LOSS.
class MergeReader {
 public:
  // `where` names file and key in errors; the model knows the vocabulary's first `model_size` ids.
  MergeReader(std::string where, const Vocabulary& vocabulary, std::int32_t model_size, std::size_t count);

  Status Add(std::string_view left, std::string_view right);
  // "left right"
  Status AddLine(std::string_view line);
  // The error of the next merge.
  Status Bad(const char* what) const;

  Result<std::vector<MergeRule>> Finish() &&;

 private:
  static constexpr std::size_t kBatch = 1024;

  // Makes rules of the halves read so far.
  Status LookUp();

  std::string where_;
  const Vocabulary& vocabulary_;
  std::int32_t model_size_;
  ProductFinder products_;
  std::vector<std::string_view> halves_;  // of merges that are no rules yet, left and right in turn
  std::vector<std::int32_t> ids_;
  std::vector<MergeRule> rules_;
};

}  // namespace carat::internal

#endif  // CARAT_LIB_TOKENIZER_MERGE_READER_H_
