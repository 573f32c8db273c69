// Which number format each tensor of a GGUF file gets.
#ifndef CARAT_LIB_CONVERT_FORMAT_PLAN_H_
#define CARAT_LIB_CONVERT_FORMAT_PLAN_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "carat/status.h"
#include "lib/base/tensor.h"

namespace carat::internal {

// The format of that name, "q4_0" or "Q4_0"; absent if there is none.
std::optional<NumberFormat> FormatOfName(std::string_view name);

// A type of file, a mixture of formats: by name what llama-quantize calls so.
class FormatPlan {
 public:
  // `type` is a format's name or "q4_k_m", "q5_k_m". The tables of embeddings get formats of their own if
  // named. Errors: INVALID_ARGUMENT listing the names.
  static Result<FormatPlan> Create(std::string_view type, std::string_view embeddings,
                                   std::string_view per_layer_embeddings);
  // All names of types, in order of size.
  static std::vector<std::string_view> TypeNames();

  struct Choice {
    NumberFormat format;
    std::optional<NumberFormat> instead_of;  // what was wanted, if the rows do not divide into its blocks
  };
  // For a tensor by the name that a checkpoint gives it, without the text decoder's prefix; `layers` in all,
  // of which `own_layers` have keys and values.
  //
  // Vectors and the router stay F32. The embedding table, which is the head too, gets Q6_K where the type has
  // fewer bits. q4_k_m and q5_k_m give Q6_K to the value projections and down projections of half the layers:
  // the first and last eighth, and every third between. Where a row is no whole number of blocks: Q2_K and
  // Q3_K become Q4_0, Q4_K Q5_0, Q5_K Q5_1, Q6_K Q8_0, IQ4_XS IQ4_NL; and what has blocks of 32, BF16.
  Choice Choose(std::string_view name, std::span<const std::int64_t> shape, std::int64_t layers,
                std::int64_t own_layers) const;

  // The number by which general.file_type calls the type.
  std::int64_t file_type() const { return file_type_; }

 private:
  NumberFormat Wanted(std::string_view name, std::int64_t layers, std::int64_t own_layers) const;

  NumberFormat format_ = NumberFormat::kBF16;
  NumberFormat embeddings_ = NumberFormat::kBF16;
  NumberFormat per_layer_embeddings_ = NumberFormat::kBF16;
  bool more_bits_ = false;  // of the _m kinds
  std::int64_t file_type_ = 0;
};

}  // namespace carat::internal

#endif  // CARAT_LIB_CONVERT_FORMAT_PLAN_H_
