#include "lib/tokenizer/sentencepiece_encoder.h"

#include <sentencepiece_processor.h>

#include <utility>

namespace carat::internal {
namespace {

// sentencepiece counts bytes in int.
constexpr std::size_t kMostBytes = std::size_t{1} << 28;

}  // namespace

SentencePieceEncoder::SentencePieceEncoder(
    std::unique_ptr<const sentencepiece::SentencePieceProcessor> processor, std::vector<AddedToken> special)
    : processor_(std::move(processor)), special_(std::move(special)) {}

SentencePieceEncoder::~SentencePieceEncoder() = default;

Result<std::unique_ptr<const SentencePieceEncoder>> SentencePieceEncoder::Create(
    std::string_view model, std::vector<AddedToken> special, const std::string& source) {
  auto processor = std::make_unique<sentencepiece::SentencePieceProcessor>();
  const auto loaded = processor->LoadFromSerializedProto(model);
  if (!loaded.ok()) return Status(StatusCode::kDataLoss, source + ": " + loaded.message());
  return std::unique_ptr<const SentencePieceEncoder>(
      new SentencePieceEncoder(std::move(processor), std::move(special)));
}

Status SentencePieceEncoder::Encode(std::string_view text, bool parse_special,
                                    std::vector<std::int32_t>* ids) const {
  std::vector<TextPart> parts;
  special_.Split(text, parse_special, &parts);
  std::vector<int> encoded;
  for (const TextPart& part : parts) {
    if (part.id != TextPart::kText) {
      ids->push_back(part.id);
      continue;
    }
    if (part.text.size() > kMostBytes) {
      return Status(StatusCode::kResourceExhausted, "a text of " + std::to_string(part.text.size()) +
                                                        " bytes is too long for sentencepiece, the most is " +
                                                        std::to_string(kMostBytes));
    }
    const auto status = processor_->Encode(part.text, &encoded);
    if (!status.ok()) return Status(StatusCode::kInternal, std::string("sentencepiece: ") + status.message());
    ids->insert(ids->end(), encoded.begin(), encoded.end());
  }
  return Status();
}

}  // namespace carat::internal
