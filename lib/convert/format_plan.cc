#include "lib/convert/format_plan.h"

#include <algorithm>
#include <charconv>
#include <iterator>

#include "lib/base/error.h"

namespace carat::internal {
namespace {

struct FileType {
  std::string_view name;
  NumberFormat format;
  std::int64_t number;
  bool more_bits = false;
};

constexpr FileType kTypes[] = {
    {"q2_k", NumberFormat::kQ2_K, 10},
    {"q3_k", NumberFormat::kQ3_K, 11},
    {"iq4_xs", NumberFormat::kIQ4_XS, 30},
    {"iq4_nl", NumberFormat::kIQ4_NL, 25},
    {"q4_0", NumberFormat::kQ4_0, 2},
    {"q4_k", NumberFormat::kQ4_K, 14},
    {"q4_k_m", NumberFormat::kQ4_K, 15, true},
    {"q4_1", NumberFormat::kQ4_1, 3},
    {"q5_0", NumberFormat::kQ5_0, 8},
    {"q5_k", NumberFormat::kQ5_K, 16},
    {"q5_k_m", NumberFormat::kQ5_K, 17, true},
    {"q5_1", NumberFormat::kQ5_1, 9},
    {"q6_k", NumberFormat::kQ6_K, 18},
    {"q8_0", NumberFormat::kQ8_0, 7},
    {"f16", NumberFormat::kF16, 1},
    {"bf16", NumberFormat::kBF16, 32},
    {"f32", NumberFormat::kF32, 0},
};

std::string Lower(std::string_view name) {
  std::string lower(name);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

std::string Names(bool mixtures) {
  std::string names;
  for (const FileType& type : kTypes) {
    if (type.more_bits && !mixtures) continue;
    if (!names.empty()) names += ", ";
    names += type.name;
  }
  return names;
}

Result<NumberFormat> ParseFormat(std::string_view option, std::string_view name) {
  if (const auto format = FormatOfName(name)) return *format;
  return InvalidArgument("%s is '%s', but must be one of %s", std::string(option), std::string(name),
                         Names(/*mixtures=*/false));
}

// Bits of a value, times 100.
std::int64_t Precision(NumberFormat format) {
  const BlockLayout layout = LayoutOf(format);
  return layout.bytes * 800 / layout.values;
}

NumberFormat InsteadOf(NumberFormat format) {
  switch (format) {
    case NumberFormat::kQ2_K:
    case NumberFormat::kQ3_K:
      return NumberFormat::kQ4_0;
    case NumberFormat::kQ4_K:
      return NumberFormat::kQ5_0;
    case NumberFormat::kQ5_K:
      return NumberFormat::kQ5_1;
    case NumberFormat::kQ6_K:
      return NumberFormat::kQ8_0;
    case NumberFormat::kIQ4_XS:
      return NumberFormat::kIQ4_NL;
    default:
      return NumberFormat::kBF16;
  }
}

// The number of "layers.12.self_attn. ...", or -1.
std::int64_t LayerNumber(std::string_view name) {
  constexpr std::string_view kLayers = "layers.";
  std::int64_t number = -1;
  if (name.starts_with(kLayers)) {
    std::from_chars(name.data() + kLayers.size(), name.data() + name.size(), number);
  }
  return number;
}

bool DeservesMoreBits(std::int64_t layer, std::int64_t layers) {
  const std::int64_t eighth = layers / 8;
  return layer < eighth || layer >= 7 * layers / 8 || (layer - eighth) % 3 == 2;
}

}  // namespace

std::optional<NumberFormat> FormatOfName(std::string_view name) {
  const std::string lower = Lower(name);
  for (const FileType& type : kTypes) {
    if (type.name == lower && !type.more_bits) return type.format;
  }
  return std::nullopt;
}

std::vector<std::string_view> FormatPlan::TypeNames() {
  std::vector<std::string_view> names;
  for (const FileType& type : kTypes) names.push_back(type.name);
  return names;
}

Result<FormatPlan> FormatPlan::Create(std::string_view type_name, std::string_view embeddings,
                                      std::string_view per_layer_embeddings) {
  const std::string lower = Lower(type_name);
  const auto* type =
      std::find_if(std::begin(kTypes), std::end(kTypes), [&](const FileType& t) { return t.name == lower; });
  if (type == std::end(kTypes)) {
    return InvalidArgument("type is '%s', but must be one of %s", std::string(type_name),
                           Names(/*mixtures=*/true));
  }
  FormatPlan plan;
  plan.format_ = plan.embeddings_ = plan.per_layer_embeddings_ = type->format;
  plan.more_bits_ = type->more_bits;
  plan.file_type_ = type->number;
  if (Precision(plan.embeddings_) < Precision(NumberFormat::kQ6_K)) plan.embeddings_ = NumberFormat::kQ6_K;
  if (!embeddings.empty()) {
    CARAT_ASSIGN_OR_RETURN(plan.embeddings_, ParseFormat("embeddings", embeddings));
  }
  if (!per_layer_embeddings.empty()) {
    CARAT_ASSIGN_OR_RETURN(plan.per_layer_embeddings_,
                           ParseFormat("per_layer_embeddings", per_layer_embeddings));
  }
  return plan;
}

NumberFormat FormatPlan::Wanted(std::string_view name, std::int64_t layers, std::int64_t own_layers) const {
  if (name == "embed_tokens.weight") return embeddings_;
  if (name == "embed_tokens_per_layer.weight") return per_layer_embeddings_;
  if (name.ends_with("router.proj.weight")) return NumberFormat::kF32;
  if (!more_bits_) return format_;
  const std::int64_t layer = LayerNumber(name);
  if (name.ends_with("v_proj.weight")) {
    return DeservesMoreBits(layer, own_layers) ? NumberFormat::kQ6_K : NumberFormat::kQ5_K;
  }
  const bool down = name.ends_with("mlp.down_proj.weight") || name.ends_with("experts.down_proj");
  return down && DeservesMoreBits(layer, layers) ? NumberFormat::kQ6_K : format_;
}

FormatPlan::Choice FormatPlan::Choose(std::string_view name, std::span<const std::int64_t> shape,
                                      std::int64_t layers, std::int64_t own_layers) const {
  if (shape.size() < 2) return {NumberFormat::kF32, {}};
  const NumberFormat wanted = Wanted(name, layers, own_layers);
  NumberFormat format = wanted;
  while (shape.back() % LayoutOf(format).values != 0) format = InsteadOf(format);
  if (format == wanted) return {format, {}};
  return {format, wanted};
}

}  // namespace carat::internal
