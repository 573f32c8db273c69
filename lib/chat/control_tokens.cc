#include "lib/chat/control_tokens.h"

#include <algorithm>

#include "lib/base/error.h"
#include "lib/chat/prompt_parts.h"

namespace carat::internal {
namespace {

// What a text must not contain as a token: the markers of chat and of media, and what begins, ends and pads.
constexpr std::string_view kMarkers[] = {
    control::kBos,
    control::kBeginTurn,
    control::kEndTurn,
    control::kBeginChannel,
    control::kEndChannel,
    control::kThink,
    control::kBeginTool,
    control::kEndTool,
    control::kBeginCall,
    control::kEndCall,
    control::kBeginResponse,
    control::kEndResponse,
    control::kQuote,
    control::kImage,
    control::kVideo,
    control::kAudio,
    "<|image>",
    "<image|>",
    "<|audio>",
    "<audio|>",
    "<eos>",
    "<pad>",
    "<mask>",
};

}  // namespace

Result<std::int32_t> ControlToken(const Tokenizer& tokenizer, std::string_view name) {
  const auto id = name == control::kBos ? tokenizer.bos() : tokenizer.IdOf(name);
  if (!id) {
    return FailedPrecondition("this checkpoint's tokenizer has no %s: it was not made for this kind of chat",
                              std::string(name));
  }
  return *id;
}

PlainTextEncoder::PlainTextEncoder(const Tokenizer& tokenizer) : tokenizer_(tokenizer) {
  for (const std::string_view text : kMarkers) {
    if (const auto id = tokenizer.IdOf(text)) markers_.push_back({std::string(text), *id});
  }
  if (const auto bos = tokenizer.bos()) markers_.push_back({std::string(tokenizer.Piece(*bos)), *bos});
}

bool PlainTextEncoder::HasMarker(const std::vector<std::int32_t>& ids) const {
  return std::any_of(ids.begin(), ids.end(), [this](std::int32_t id) {
    return std::any_of(markers_.begin(), markers_.end(),
                       [id](const Marker& marker) { return marker.id == id; });
  });
}

std::vector<std::size_t> PlainTextEncoder::FindMarkers(std::string_view text) const {
  std::vector<std::size_t> places;
  for (const Marker& marker : markers_) {
    for (std::size_t at = text.find(marker.text); at != std::string_view::npos;
         at = text.find(marker.text, at + 1))
      places.push_back(at);
  }
  std::sort(places.begin(), places.end());
  places.erase(std::unique(places.begin(), places.end()), places.end());
  return places;
}

Status PlainTextEncoder::Encode(std::string_view text, std::vector<std::int32_t>* ids) const {
  CARAT_ASSIGN_OR_RETURN(const auto whole, tokenizer_.Encode(text));
  if (!HasMarker(whole)) {
    ids->insert(ids->end(), whole.begin(), whole.end());
    return {};
  }
  // Each marker is parted after its first character, a '<', so that no piece holds one.
  std::size_t begin = 0;
  std::vector<std::size_t> cuts = FindMarkers(text);
  for (std::size_t& cut : cuts) ++cut;
  cuts.push_back(text.size());
  for (const std::size_t cut : cuts) {
    CARAT_ASSIGN_OR_RETURN(const auto piece, tokenizer_.Encode(text.substr(begin, cut - begin)));
    if (HasMarker(piece)) {
      return Internal("a text of %d bytes cannot be encoded without control tokens", text.size());
    }
    ids->insert(ids->end(), piece.begin(), piece.end());
    begin = cut;
  }
  return {};
}

}  // namespace carat::internal
