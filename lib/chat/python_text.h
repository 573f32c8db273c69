// How the published chat template, which is evaluated in Python, writes and orders values.
#ifndef CARAT_LIB_CHAT_PYTHON_TEXT_H_
#define CARAT_LIB_CHAT_PYTHON_TEXT_H_

#include <string>
#include <string_view>
#include <vector>

#include "lib/base/json_tree.h"

namespace carat::internal {

// Without white space (Unicode's) at both ends.
std::string_view StripWhiteSpace(std::string_view text);
// Without white space at the beginning.
std::string_view StripLeadingWhiteSpace(std::string_view text);

// str.upper() and str.lower(), by tables of all characters (make_python_characters.py).
std::string UpperCase(std::string_view text);
std::string LowerCase(std::string_view text);

// str(): a text as it is, 2.5, 1e+21, True, None, ['a', 'b']. A number that Python would round, or call
// infinite, keeps the digits that it came with.
std::string PythonText(const JsonValue& value);

// Whether Python counts it as true: not null, false, 0 and nothing empty.
bool IsTruthy(const JsonValue& value);

// The members, by lower-case name; names that are equal so in the order of the text.
std::vector<JsonValue> SortedMembers(const JsonValue& object);

}  // namespace carat::internal

#endif  // CARAT_LIB_CHAT_PYTHON_TEXT_H_
