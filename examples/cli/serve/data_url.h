// Pictures and sounds that come inside of a request.
#ifndef CARAT_EXAMPLES_CLI_SERVE_DATA_URL_H_
#define CARAT_EXAMPLES_CLI_SERVE_DATA_URL_H_

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "carat/chat.h"
#include "carat/model.h"

namespace carat::cli {

// The bytes of base64, nothing if it is none. White space is skipped.
std::optional<std::vector<std::uint8_t>> DecodeBase64(std::string_view text);

// What is seen or heard in a part of a message: {"image_url": {"url": "data:image/png;base64,..."}} or
// {"input_audio": {"data": base64, "format": "wav"}}. Nothing is fetched from elsewhere. Errors:
// INVALID_ARGUMENT and those of decoding and encoding.
Result<SoftTokens> LoadMediaPart(const Model& model, MediaKind kind, std::string_view part);

}  // namespace carat::cli

#endif  // CARAT_EXAMPLES_CLI_SERVE_DATA_URL_H_
