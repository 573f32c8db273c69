// What carat inspect finds out, apart from how it shows it.
#ifndef CARAT_EXAMPLES_CLI_INSPECTION_H_
#define CARAT_EXAMPLES_CLI_INSPECTION_H_

#include <cstdint>
#include <string>
#include <vector>

#include "carat/model.h"

namespace carat::cli {

// Layers that hold tensors of the same names, formats and shapes.
struct LayerKind {
  std::string stack;    // "model.language_model.layers"
  std::string numbers;  // "0-3, 5-8"
  int tensors = 0;      // of one layer
  std::uint64_t bytes = 0;
};

// Part of the weights, as stored and in formats that they could be converted to.
struct WeightSizes {
  std::string name;
  std::uint64_t stored = 0;
  std::uint64_t int8 = 0;
  std::uint64_t int4 = 0;
};

struct ContextMemory {
  std::int64_t context = 0;
  std::uint64_t cache_float32 = 0;
  std::uint64_t cache_bf16 = 0;
  std::uint64_t cache_int16 = 0;
  std::uint64_t cache_int8 = 0;
  std::uint64_t workspace = 0;
  std::uint64_t all_float32 = 0;  // with the weights that every token reads
  std::uint64_t all_bf16 = 0;
  std::uint64_t all_int16 = 0;
  std::uint64_t all_int8 = 0;
};

struct Inspection {
  ModelInfo info;
  std::vector<std::string> stop_tokens;  // "1 <eos>"
  std::string sampling;
  int threads = 0;
  std::string instruction_set;
  std::vector<std::string> instruction_sets;
  std::vector<LayerKind> layer_kinds;
  std::vector<TensorInfo> other_tensors;  // those of no layer
  std::vector<WeightSizes> weights;
  std::vector<ContextMemory> contexts;
};

// For the context sizes given, or a row of usual ones. Throws Error.
Inspection InspectModel(const Model& model, const std::vector<std::int64_t>& contexts);

std::string InspectionAsJson(const Inspection& inspection, const std::vector<TensorInfo>& tensors);

}  // namespace carat::cli

#endif  // CARAT_EXAMPLES_CLI_INSPECTION_H_
