#include "examples/cli/serve/data_url.h"

#include <string>

#include "carat/media.h"
#include "carat/media_files.h"
#include "lib/base/json_tree.h"

namespace carat::cli {
namespace {

int Base64Digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+' || c == '-') return 62;
  if (c == '/' || c == '_') return 63;
  return -1;
}

Status Wrong(const std::string& sentence) {
  return Status(StatusCode::kInvalidArgument, sentence);
}

Result<std::vector<std::uint8_t>> BytesOfDataUrl(std::string_view url) {
  const std::size_t comma = url.find(',');
  if (!url.starts_with("data:") || comma == std::string_view::npos ||
      !url.substr(0, comma).ends_with(";base64"))
    return Wrong("a picture's URL must be data:...;base64,...: nothing is fetched from elsewhere");
  auto bytes = DecodeBase64(url.substr(comma + 1));
  if (!bytes) return Wrong("a picture's URL holds no base64");
  return *std::move(bytes);
}

using internal::JsonValue;

// The text at part[outer][inner].
std::optional<std::string_view> TextAt(const JsonValue& part, std::string_view outer,
                                       std::string_view inner) {
  const auto around = part.Find(outer);
  const auto found = around ? around->Find(inner) : std::nullopt;
  return found && found->is_string() ? std::optional(found->text()) : std::nullopt;
}

Result<SoftTokens> LoadImage(const Model& model, const JsonValue& part) {
  auto url = TextAt(part, "image_url", "url");
  const auto bare = part.Find("image_url");
  if (!url && bare && bare->is_string()) url = bare->text();
  if (!url)
    return Wrong("a picture must come as {\"type\": \"image_url\", \"image_url\": {\"url\": \"data:...\"}}");
  auto bytes = BytesOfDataUrl(*url);
  if (!bytes.ok()) return bytes.status();
  const auto picture = DecodePicture(*bytes);
  if (!picture.ok()) return picture.status();
  return EncodeImage(
      model, {picture->rgb.data(), picture->width, picture->height, std::int64_t{3} * picture->width});
}

Result<SoftTokens> LoadSound(const Model& model, const JsonValue& part) {
  const auto data = TextAt(part, "input_audio", "data");
  if (!data)
    return Wrong("a sound must come as {\"type\": \"input_audio\", \"input_audio\": {\"data\": base64}}");
  const auto bytes = DecodeBase64(*data);
  if (!bytes) return Wrong("input_audio.data is no base64");
  const auto sound = DecodeSound(*bytes);
  if (!sound.ok()) return sound.status();
  return EncodeAudio(model, {.samples = sound->samples.data(),
                             .frames = static_cast<std::int64_t>(sound->samples.size()) / sound->channels,
                             .channels = sound->channels,
                             .sample_rate = sound->sample_rate});
}

}  // namespace

std::optional<std::vector<std::uint8_t>> DecodeBase64(std::string_view text) {
  std::vector<std::uint8_t> bytes;
  bytes.reserve(text.size() / 4 * 3);
  std::uint32_t bits = 0;
  int held = 0;  // digits in `bits`
  bool padding = false;
  for (const char c : text) {
    if (c == '\n' || c == '\r' || c == ' ' || c == '\t') continue;
    if (c == '=') {
      padding = true;
      continue;
    }
    const int digit = Base64Digit(c);
    if (digit < 0 || padding) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(digit);
    if (++held < 4) continue;
    for (const int shift : {16, 8, 0}) bytes.push_back(static_cast<std::uint8_t>(bits >> shift));
    bits = 0;
    held = 0;
  }
  if (held == 1) return std::nullopt;
  if (held >= 2) bytes.push_back(static_cast<std::uint8_t>(held == 2 ? bits >> 4 : bits >> 10));
  if (held == 3) bytes.push_back(static_cast<std::uint8_t>(bits >> 2));
  return bytes;
}

Result<SoftTokens> LoadMediaPart(const Model& model, MediaKind kind, std::string_view part) {
  const auto tree = internal::JsonTree::Parse(part, "a part of content");
  if (!tree.ok()) return tree.status();
  switch (kind) {
    case MediaKind::kImage:
      return LoadImage(model, tree->root());
    case MediaKind::kAudio:
      return LoadSound(model, tree->root());
    case MediaKind::kVideo:
      break;
  }
  return Wrong("videos are not taken over HTTP: send pictures of their frames");
}

}  // namespace carat::cli
