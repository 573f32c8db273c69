// UTF-8 to code points and back, for texts that were checked before.
#ifndef CARAT_LIB_SAMPLING_GRAMMAR_CODE_POINTS_H_
#define CARAT_LIB_SAMPLING_GRAMMAR_CODE_POINTS_H_

#include <optional>
#include <string>
#include <string_view>

namespace carat::internal {

// Nothing for text that is not UTF-8.
std::optional<std::u32string> ToCodePoints(std::string_view text);

void AppendUtf8(char32_t character, std::string* text);

}  // namespace carat::internal

#endif  // CARAT_LIB_SAMPLING_GRAMMAR_CODE_POINTS_H_
