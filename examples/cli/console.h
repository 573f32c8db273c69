// Small things that every command needs of the console: input, numbers for people, memory.
#ifndef CARAT_EXAMPLES_CLI_CONSOLE_H_
#define CARAT_EXAMPLES_CLI_CONSOLE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace carat::cli {

// The text an argument stands for: itself, or all of standard input if it is "-" or was not given.
std::string TextOrInput(const std::optional<std::string>& argument);

// Writes to standard output at once, so that text appears as it is generated.
void WriteNow(std::string_view text);

bool InputIsTerminal();
bool ErrorOutputIsTerminal();

// "1.23 GB", "845 kB": decimal units, three digits.
std::string HumanBytes(double bytes);
// "2.30 B", "4.71 M".
std::string HumanCount(double count);
// "131,072".
std::string Grouped(std::int64_t number);

// The piece on one line: control characters as in C ("\n", "\x07").
std::string EscapeControl(std::string_view text);

// The most memory this process had resident so far, in bytes; 0 where the system does not tell.
std::uint64_t PeakMemory();

}  // namespace carat::cli

#endif  // CARAT_EXAMPLES_CLI_CONSOLE_H_
