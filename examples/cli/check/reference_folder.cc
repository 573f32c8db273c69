#include "examples/cli/check/reference_folder.h"

#include <array>
#include <filesystem>
#include <map>
#include <string_view>
#include <utility>

#include "absl/strings/str_format.h"
#include "examples/cli/check/json_reading.h"
#include "examples/cli/error.h"

namespace carat::cli {
namespace {

constexpr std::array kMediaNames = {"image", "video", "audio"};  // mm_token_types 1, 2, 3

bool Exists(const std::string& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

// "60 image tokens, 33 audio tokens" from mm_token_types.
std::string DescribeMedia(const std::vector<std::int32_t>& types, const std::string& where) {
  std::map<std::int32_t, int> counts;
  for (const std::int32_t type : types) ++counts[type];
  std::string media;
  for (const auto& [type, count] : counts) {
    if (type == 0) continue;
    if (type < 0 || type > static_cast<std::int32_t>(kMediaNames.size()))
      throw Error(kExitBadInput, absl::StrFormat("%s: %d is no type of token", where, type));
    media += absl::StrFormat("%s%d %s tokens", media.empty() ? "" : ", ", count,
                             kMediaNames[static_cast<std::size_t>(type - 1)]);
  }
  return media;
}

// The text of a case whose pieces are one text, which is when the tokenizer must give the same ids.
std::optional<std::string> OnlyText(const JsonObject& object) {
  if (!object.Has("pieces")) return std::nullopt;
  const simdjson::dom::array pieces = object.Array("pieces");
  if (pieces.size() != 1) return std::nullopt;
  std::string_view kind;
  std::string_view text;
  const simdjson::dom::element piece = pieces.at(0);
  if (piece.at_pointer("/0").get(kind) != simdjson::SUCCESS || kind != "text") return std::nullopt;
  if (piece.at_pointer("/1").get(text) != simdjson::SUCCESS)
    throw Error(kExitBadInput, absl::StrFormat("%s: a piece of text should be a string", object.where()));
  return std::string(text);
}

// What the pieces of a case say of its media: ["image", [height, width, budget]], ["video", [frames, height,
// width, frames a second]].
void ReadMediaPieces(const JsonObject& object, ReferenceCase& reference) {
  if (!object.Has("pieces")) return;
  for (const simdjson::dom::element piece : object.Array("pieces")) {
    std::string_view kind;
    if (piece.at_pointer("/0").get(kind) != simdjson::SUCCESS) continue;
    std::int64_t budget = 0;
    if (kind == "image" && piece.at_pointer("/1/2").get(budget) == simdjson::SUCCESS)
      reference.image_budgets.push_back(static_cast<std::int32_t>(budget));
    double rate = 0;
    if (kind == "video" && piece.at_pointer("/1/3").get(rate) == simdjson::SUCCESS)
      reference.video_frames_per_second = rate;
  }
}

}  // namespace

bool IsDrafterFolder(const std::string& path) {
  const std::string config = path + "/config.json";
  if (!Exists(config) || Exists(path + "/cases.json")) return false;
  const JsonFile file(config);
  return JsonObject(file.root(), config).StringIfAny("model_type") == "gemma4_assistant";
}

ReferenceFolder::ReferenceFolder(const std::string& path) : path_(path) {
  if (!std::filesystem::is_directory(path)) throw Error(kExitBadInput, path + ": there is no such folder");
  const bool golden = Exists(path + "/golden.safetensors") || Exists(path + "/cases.json");
  const bool expected = Exists(path + "/expected.json");
  if (!golden && !expected)
    throw Error(kExitBadInput,
                path + ": it has neither golden.safetensors with cases.json nor expected.json");
  if (golden) ReadGolden();
  if (expected) ReadExpected();
}

void ReferenceFolder::ReadGolden() {
  tensors_ = std::make_unique<SafetensorsFile>(path_ + "/golden.safetensors");
  const std::string file_name = path_ + "/cases.json";
  const JsonFile file(file_name);
  for (const simdjson::dom::element element : JsonObject(file.root(), file_name).Array("cases")) {
    const JsonObject object(element, absl::StrFormat("%s: case %d", file_name, cases_.size()));
    ReferenceCase reference;
    reference.name = object.String("name");
    reference.has_tensors = true;
    reference.greedy = object.Integers("greedy");
    reference.margins = object.Numbers("margins");
    reference.prompt = tensors_->ReadIntegers(reference.name + "/input_ids").values;
    reference.prompt_text = OnlyText(object);
    const std::string types = reference.name + "/mm_token_types";
    const std::vector<std::int32_t> media = tensors_->ReadIntegers(types).values;
    reference.media = DescribeMedia(media, types);
    if (!reference.media.empty()) reference.types = media;
    ReadMediaPieces(object, reference);
    if (reference.prompt.empty() || media.size() != reference.prompt.size())
      throw Error(kExitBadInput, absl::StrFormat("%s: it has %d input_ids and %d mm_token_types",
                                                 object.where(), reference.prompt.size(), media.size()));
    if (reference.margins.size() < reference.greedy.size())
      throw Error(kExitBadInput,
                  absl::StrFormat("%s: it has %d greedy ids and only %d margins", object.where(),
                                  reference.greedy.size(), reference.margins.size()));
    cases_.push_back(std::move(reference));
  }
}

void ReferenceFolder::ReadExpected() {
  const std::string file_name = path_ + "/expected.json";
  const JsonFile file(file_name);
  std::map<std::string, int> count_of_kind;
  for (const simdjson::dom::element element : JsonObject(file.root(), file_name).Array("cases")) {
    const JsonObject object(element, absl::StrFormat("%s: case %d", file_name, cases_.size()));
    ReferenceCase reference;
    const std::string kind = object.String("kind");
    reference.name = absl::StrFormat("%s-%d", kind, ++count_of_kind[kind]);
    reference.prompt = object.Integers("prompt_ids");
    reference.greedy = object.Integers("greedy_ids");
    reference.greedy_text = object.StringIfAny("greedy_text");
    reference.prompt_text = object.StringIfAny("prompt");
    reference.prompt_text_has_bos = reference.prompt_text.has_value();
    if (!reference.prompt_text.has_value()) reference.prompt_text = object.StringIfAny("text");
    for (const char* const name : kMediaNames)
      if (object.Has(name)) reference.media = absl::StrFormat("%s tokens", name);
    reference.image_file = object.StringIfAny("image");
    reference.audio_file = object.StringIfAny("audio");
    if (reference.prompt.empty()) throw Error(kExitBadInput, object.where() + ": 'prompt_ids' is empty");
    cases_.push_back(std::move(reference));
  }
}

bool ReferenceFolder::HasTensor(const ReferenceCase& reference, const std::string& tensor) const {
  return reference.has_tensors && tensors_ != nullptr && tensors_->Has(reference.name + "/" + tensor);
}

namespace {

// Throws Error unless the tensor has that many dimensions.
template <typename T>
Tensor<T> WithRank(Tensor<T> read, std::size_t rank, const std::string& path, const std::string& name) {
  if (read.shape.size() == rank) return read;
  throw Error(kExitBadInput, absl::StrFormat("%s/golden.safetensors: '%s' has %d dimensions, expected %d",
                                             path, name, read.shape.size(), rank));
}

}  // namespace

Tensor<float> ReferenceFolder::ReadFloats(const ReferenceCase& reference, const std::string& tensor,
                                          std::size_t rank) const {
  const std::string name = reference.name + "/" + tensor;
  return WithRank(tensors_->ReadFloats(name), rank, path_, name);
}

Tensor<std::uint8_t> ReferenceFolder::ReadBytes(const ReferenceCase& reference, const std::string& tensor,
                                                std::size_t rank) const {
  const std::string name = reference.name + "/" + tensor;
  return WithRank(tensors_->ReadBytes(name), rank, path_, name);
}

}  // namespace carat::cli
