// How the published chat template, which is evaluated in Python, writes and orders values.
#ifndef CARAT_LIB_CHAT_PYTHON_TEXT_H_
#define CARAT_LIB_CHAT_PYTHON_TEXT_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "simdjson.h"

namespace carat::internal {

// Without white space (Unicode's) at both ends.
std::string_view StripWhiteSpace(std::string_view text);
// Without white space at the beginning.
std::string_view StripLeadingWhiteSpace(std::string_view text);

// Letters of the Latin, Greek and Cyrillic alphabets in the other case; other characters as they are.
std::string UpperCase(std::string_view text);
std::string LowerCase(std::string_view text);

// str(): a text as it is, 2.5, 1e+21, True, None, ['a', 'b'].
std::string PythonText(const simdjson::dom::element& value);

// Whether Python counts it as true: not null, false, 0 and nothing empty.
bool IsTruthy(const simdjson::dom::element& value);

// The members, by lower-case name; equal names in the order of the text.
std::vector<std::pair<std::string_view, simdjson::dom::element>> SortedMembers(
    const simdjson::dom::object& object);

}  // namespace carat::internal

#endif  // CARAT_LIB_CHAT_PYTHON_TEXT_H_
