#include "examples/cli/console.h"

#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "absl/strings/str_format.h"
#include "examples/cli/error.h"

namespace carat::cli {
namespace {

// Not through stdio, which would want a second Ctrl-D from a terminal.
std::string ReadInput() {
  std::string text;
  std::array<char, 65536> buffer;
  for (;;) {
    const ssize_t count = read(STDIN_FILENO, buffer.data(), buffer.size());
    if (count == 0) return text;
    if (count > 0) {
      text.append(buffer.data(), static_cast<std::size_t>(count));
    } else if (errno != EINTR) {
      throw Error(kExitBadInput, absl::StrFormat("standard input cannot be read: %s", std::strerror(errno)));
    }
  }
}

// The number with three digits and the largest unit that leaves at least 1.
std::string WithUnit(double number, const char* const* units, int unit_count) {
  int unit = 0;
  while (number >= 999.5 && unit + 1 < unit_count) {
    number /= 1000;
    ++unit;
  }
  const int decimals = unit == 0 || number >= 99.95 ? 0 : number >= 9.995 ? 1 : 2;
  return absl::StrFormat("%.*f %s", decimals, number, units[unit]);
}

}  // namespace

std::string TextOrInput(const std::optional<std::string>& argument) {
  if (argument.has_value() && *argument != "-") return *argument;
  if (InputIsTerminal()) std::fputs("(type the text; Ctrl-D on a line of its own ends it)\n", stderr);
  return ReadInput();
}

void WriteNow(std::string_view text) {
  if (text.empty()) return;
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
    throw Error(kExitFailed, absl::StrFormat("standard output cannot be written: %s", std::strerror(errno)));
}

bool InputIsTerminal() {
  return isatty(STDIN_FILENO) == 1;
}
bool ErrorOutputIsTerminal() {
  return isatty(STDERR_FILENO) == 1;
}

std::string HumanBytes(double bytes) {
  static constexpr const char* kUnits[] = {"B", "kB", "MB", "GB", "TB"};
  return WithUnit(bytes, kUnits, 5);
}

std::string HumanCount(double count) {
  static constexpr const char* kUnits[] = {"", "k", "M", "B"};
  return WithUnit(count, kUnits, 4);
}

std::string Grouped(std::int64_t number) {
  const std::string digits = std::to_string(number);
  std::string grouped;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    const std::size_t left = digits.size() - i;
    if (i > 0 && left % 3 == 0 && digits[i - 1] != '-') grouped += ',';
    grouped += digits[i];
  }
  return grouped;
}

std::string EscapeControl(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n')
      escaped += "\\n";
    else if (c == '\t')
      escaped += "\\t";
    else if (c == '\r')
      escaped += "\\r";
    else if (c == '\\')
      escaped += "\\\\";
    else if (byte < 0x20 || byte == 0x7F)
      escaped += absl::StrFormat("\\x%02x", byte);
    else
      escaped += c;
  }
  return escaped;
}

std::uint64_t PeakMemory() {
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) != 0) return 0;
#ifdef __APPLE__
  return static_cast<std::uint64_t>(usage.ru_maxrss);
#else
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
#endif
}

}  // namespace carat::cli
