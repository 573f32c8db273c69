#include "tests/tokenizer/case_comparison.h"

#include <string_view>
#include <utility>

#include "lib/base/error.h"
#include "lib/base/json.h"
#include "lib/base/utf8.h"

namespace carat::testing {
namespace {

using internal::JsonDocument;
using internal::JsonObject;

std::string Show(const std::vector<std::int32_t>& ids) {
  std::string out = "[";
  for (const std::int32_t id : ids) out += (out.size() > 1 ? ", " : "") + std::to_string(id);
  return out + "]";
}

std::string Show(const std::string& text) {
  return "\"" + text + "\"";
}

template <typename T>
void Compare(const char* what, const TokenizerCase& expected, const Result<T>& found, const T& wanted,
             std::vector<std::string>* differences) {
  if (found.ok() && *found == wanted) return;
  differences->push_back(std::string(what) + " of " +
                         (expected.text ? Show(*expected.text) : Show(expected.ids)) + ": expected " +
                         Show(wanted) + ", found " + (found.ok() ? Show(*found) : found.status().ToString()));
}

Result<std::vector<std::int32_t>> ReadIds(const JsonObject& object, std::string_view key) {
  CARAT_ASSIGN_OR_RETURN(const auto numbers, object.Integers(key));
  if (!numbers) return internal::NotFound("%s is missing", object.Locate(key));
  return std::vector<std::int32_t>(numbers->begin(), numbers->end());
}

Result<TokenizerCase> ReadCase(const JsonObject& object) {
  TokenizerCase one;
  CARAT_ASSIGN_OR_RETURN(one.text, object.String("text"));
  CARAT_ASSIGN_OR_RETURN(auto decoded, object.String("decoded"));
  CARAT_ASSIGN_OR_RETURN(auto decoded_skip, object.String("decoded_skip"));
  if (!decoded || !decoded_skip) return internal::NotFound("%s is missing", object.Locate("decoded"));
  one.decoded = *std::move(decoded);
  one.decoded_skip = *std::move(decoded_skip);
  CARAT_ASSIGN_OR_RETURN(one.ids, ReadIds(object, "ids"));
  if (object.Has("ids_plain")) {
    CARAT_ASSIGN_OR_RETURN(one.plain_ids, ReadIds(object, "ids_plain"));
  }
  return one;
}

}  // namespace

Result<std::vector<TokenizerCase>> ReadTokenizerCases(const std::string& path) {
  CARAT_ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::ParseFile(path));
  simdjson::dom::array array;
  if (document.root()["cases"].get(array)) return internal::DataLoss("%s: there are no cases", path);
  std::vector<TokenizerCase> cases;
  for (const simdjson::dom::element item : array) {
    const std::string where = "cases[" + std::to_string(cases.size()) + "]";
    CARAT_ASSIGN_OR_RETURN(const auto object, JsonObject::From(item, path, where));
    CARAT_ASSIGN_OR_RETURN(auto one, ReadCase(object));
    cases.push_back(std::move(one));
  }
  return cases;
}

std::vector<std::string> Differences(const Tokenizer& tokenizer, const TokenizerCase& expected) {
  std::vector<std::string> differences;
  if (expected.text)
    Compare("ids", expected, tokenizer.Encode(*expected.text, {.parse_special = true}), expected.ids,
            &differences);
  if (expected.text && expected.plain_ids)
    Compare("plain ids", expected, tokenizer.Encode(*expected.text), *expected.plain_ids, &differences);
  constexpr DecodeOptions kSkip = {.skip_special = true};
  Compare("decoded", expected, tokenizer.Decode(expected.ids), expected.decoded, &differences);
  Compare("decoded_skip", expected, tokenizer.Decode(expected.ids, kSkip), expected.decoded_skip,
          &differences);
  Compare("streamed", expected, Stream(tokenizer, expected.ids, {}), expected.decoded, &differences);
  Compare("streamed_skip", expected, Stream(tokenizer, expected.ids, kSkip), expected.decoded_skip,
          &differences);
  return differences;
}

Result<std::string> Stream(const Tokenizer& tokenizer, const std::vector<std::int32_t>& ids,
                           const DecodeOptions& options) {
  StreamDecoder decoder(tokenizer, options);
  std::string text;
  for (const std::int32_t id : ids) {
    CARAT_ASSIGN_OR_RETURN(const std::string piece, decoder.Next(id));
    if (!internal::IsValidUtf8(piece)) return internal::Internal("id %d completes broken UTF-8", id);
    text += piece;
  }
  const std::string last = decoder.Finish();
  if (!internal::IsValidUtf8(last)) return internal::Internal("Finish gives broken UTF-8");
  return text + last;
}

}  // namespace carat::testing
