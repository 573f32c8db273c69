#include "lib/tokenizer/json_pipeline.h"

#include <string_view>
#include <vector>

#include "lib/base/error.h"
#include "lib/tokenizer/characters.h"

namespace carat::internal {
namespace {

namespace dom = simdjson::dom;

Result<std::string> TypeOf(const JsonObject& part) {
  CARAT_ASSIGN_OR_RETURN(const auto type, part.String("type"));
  if (!type) return DataLoss("%s is missing", part.Locate("type"));
  return *type;
}

Status Differs(const JsonObject& part, std::string_view key, std::string_view found,
               std::string_view expected) {
  return Unimplemented("%s is %s, but a Gemma tokenizer has %s", part.Locate(key), std::string(found),
                       std::string(expected));
}

// The objects of a list.
Result<std::vector<JsonObject>> ObjectsOf(const JsonObject& owner, std::string_view key) {
  std::vector<JsonObject> objects;
  const auto element = owner.Find(key);
  dom::array array;
  if (!element || element->get(array)) return DataLoss("%s must be a list", owner.Locate(key));
  for (const dom::element item : array) {
    CARAT_ASSIGN_OR_RETURN(auto object, JsonObject::From(item, owner.Locate(key), "[]"));
    objects.push_back(std::move(object));
  }
  return objects;
}

// The parts that root[key] consists of: those of a Sequence, or the one itself; none if it is absent.
Result<std::vector<JsonObject>> PartsOf(const JsonObject& root, std::string_view key,
                                        std::string_view sequence_key) {
  std::vector<JsonObject> parts;
  CARAT_ASSIGN_OR_RETURN(const auto part, root.Object(key));
  if (!part) return parts;
  CARAT_ASSIGN_OR_RETURN(const std::string type, TypeOf(*part));
  if (type == "Sequence") return ObjectsOf(*part, sequence_key);
  parts.push_back(*part);
  return parts;
}

// The text that a pattern {"String": ...} looks for; none for a regular expression.
Result<std::optional<std::string>> PatternOf(const JsonObject& part) {
  CARAT_ASSIGN_OR_RETURN(const auto pattern, part.Object("pattern"));
  if (!pattern) return DataLoss("%s is missing", part.Locate("pattern"));
  return pattern->String("String");
}

Result<bool> IsReplace(const JsonObject& part, std::string_view from, std::string_view to) {
  CARAT_ASSIGN_OR_RETURN(const std::string type, TypeOf(part));
  if (type != "Replace") return false;
  CARAT_ASSIGN_OR_RETURN(const auto pattern, PatternOf(part));
  CARAT_ASSIGN_OR_RETURN(const auto content, part.String("content"));
  return pattern == from && content == to;
}

// Whether the part can never split: it looks for a space, of which the normalizer leaves none.
Result<bool> NeverSplits(const JsonObject& part) {
  CARAT_ASSIGN_OR_RETURN(const std::string type, TypeOf(part));
  if (type != "Split") return false;
  CARAT_ASSIGN_OR_RETURN(const auto pattern, PatternOf(part));
  CARAT_ASSIGN_OR_RETURN(const auto invert, part.Boolean("invert"));
  return pattern && pattern->find(' ') != std::string::npos && invert == false;
}

Status CheckVersion(const JsonObject& root) {
  CARAT_ASSIGN_OR_RETURN(const auto version, root.String("version"));
  if (version && *version != "1.0") return Differs(root, "version", "\"" + *version + "\"", "\"1.0\"");
  return Status();
}

Status CheckNormalizer(const JsonObject& root) {
  constexpr std::string_view kExpected = "one Replace of \" \" by \"\u2581\"";
  CARAT_ASSIGN_OR_RETURN(const auto parts, PartsOf(root, "normalizer", "normalizers"));
  if (parts.size() != 1)
    return Differs(root, "normalizer", absl::StrFormat("%d steps", parts.size()), kExpected);
  CARAT_ASSIGN_OR_RETURN(const bool same, IsReplace(parts[0], " ", kSpaceSymbol));
  if (same) return Status();
  CARAT_ASSIGN_OR_RETURN(const std::string type, TypeOf(parts[0]));
  return Differs(root, "normalizer", "another " + type, kExpected);
}

Status CheckPreTokenizer(const JsonObject& root) {
  CARAT_ASSIGN_OR_RETURN(const auto parts, PartsOf(root, "pre_tokenizer", "pretokenizers"));
  for (const JsonObject& part : parts) {
    CARAT_ASSIGN_OR_RETURN(const bool harmless, NeverSplits(part));
    if (harmless) continue;
    CARAT_ASSIGN_OR_RETURN(const std::string type, TypeOf(part));
    return Differs(root, "pre_tokenizer", "a " + type + " that can split",
                   "a Split at \" \", which never does");
  }
  return Status();
}

Status CheckDecoder(const JsonObject& root) {
  constexpr std::string_view kExpected = "Replace of \"\u2581\" by \" \", ByteFallback, Fuse";
  CARAT_ASSIGN_OR_RETURN(const auto parts, PartsOf(root, "decoder", "decoders"));
  std::string found;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    CARAT_ASSIGN_OR_RETURN(std::string type, TypeOf(parts[i]));
    CARAT_ASSIGN_OR_RETURN(const bool replace, IsReplace(parts[i], kSpaceSymbol, " "));
    if (type == "Replace" && !replace) type = "another Replace";
    found += (i == 0 ? "" : ", ") + type;
  }
  // Fuse changes nothing in the text.
  if (found == "Replace, ByteFallback" || found == "Replace, ByteFallback, Fuse") return Status();
  return Differs(root, "decoder", found.empty() ? "absent" : found, kExpected);
}

// A post_processor adds tokens around the text, which carat leaves to EncodeOptions::add_bos. One that does
// something else would be left out unnoticed.
Status CheckPostProcessor(const JsonObject& root) {
  CARAT_ASSIGN_OR_RETURN(const auto parts, PartsOf(root, "post_processor", "processors"));
  for (const JsonObject& part : parts) {
    CARAT_ASSIGN_OR_RETURN(const std::string type, TypeOf(part));
    if (type != "TemplateProcessing")
      return Differs(root, "post_processor", type, "TemplateProcessing or none");
  }
  return Status();
}

}  // namespace

Status CheckPipeline(const JsonObject& root) {
  CARAT_RETURN_IF_ERROR(CheckVersion(root));
  CARAT_RETURN_IF_ERROR(CheckNormalizer(root));
  CARAT_RETURN_IF_ERROR(CheckPreTokenizer(root));
  CARAT_RETURN_IF_ERROR(CheckPostProcessor(root));
  return CheckDecoder(root);
}

Result<std::optional<std::string>> TokenInFront(const JsonObject& root) {
  CARAT_ASSIGN_OR_RETURN(const auto parts, PartsOf(root, "post_processor", "processors"));
  for (const JsonObject& part : parts) {
    CARAT_ASSIGN_OR_RETURN(const auto items, ObjectsOf(part, "single"));
    if (items.empty()) continue;
    CARAT_ASSIGN_OR_RETURN(const auto token, items.front().Object("SpecialToken"));
    if (token) return token->String("id");
  }
  return std::optional<std::string>();
}

}  // namespace carat::internal
