// Strings and numbers of JSON.
#ifndef CARAT_LIB_BASE_JSON_TEXT_H_
#define CARAT_LIB_BASE_JSON_TEXT_H_

#include <string>
#include <string_view>

namespace carat::internal {

// Appends the text as the inside of a JSON string. Bytes that are no UTF-8 become U+FFFD.
void AppendJsonText(std::string_view text, std::string* json);

// Whether the text is a number of JSON.
bool IsJsonNumber(std::string_view text);

// The nearest double to a number of JSON: infinite beyond the largest one. Does not look at the locale.
double JsonDouble(std::string_view number);

}  // namespace carat::internal

#endif  // CARAT_LIB_BASE_JSON_TEXT_H_
