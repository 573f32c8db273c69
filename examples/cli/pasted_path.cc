#include "examples/cli/pasted_path.h"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "absl/strings/ascii.h"

namespace carat::cli {
namespace {

bool Exists(const std::string& path) {
  return !path.empty() && access(path.c_str(), F_OK) == 0;
}

// What a backslash between double quotes makes an ordinary character.
bool IsEscapedInQuotes(char c) {
  return c == '\\' || c == '"' || c == '$' || c == '`';
}

// Where the quotes that open at `begin` close; npos if they do not.
std::size_t ClosingQuote(std::string_view text, std::size_t begin) {
  if (text[begin] == '\'') return text.find('\'', begin + 1);
  for (std::size_t i = begin + 1; i < text.size(); ++i) {
    if (text[i] == '"') return i;
    if (text[i] == '\\') ++i;
  }
  return std::string_view::npos;
}

// Quotes and backslashes as a shell reads them; spaces outside of quotes stay. Quotes that are not closed are
// ordinary characters.
std::string Unquoted(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\' && i + 1 < text.size()) {
      plain += text[++i];
      continue;
    }
    const std::size_t end = c == '\'' || c == '"' ? ClosingQuote(text, i) : std::string_view::npos;
    if (end == std::string_view::npos) {
      plain += c;
      continue;
    }
    for (++i; i < end; ++i) {
      if (c == '"' && text[i] == '\\' && IsEscapedInQuotes(text[i + 1])) ++i;
      plain += text[i];
    }
  }
  return plain;
}

std::string HomeOf(const std::string& user) {
  if (user.empty()) {
    if (const char* home = std::getenv("HOME")) return home;
  }
  const passwd* entry = user.empty() ? getpwuid(getuid()) : getpwnam(user.c_str());
  return entry != nullptr ? entry->pw_dir : "";
}

// "~/a" and "~user/a" with the home folder in place of the first part.
std::string WithHome(const std::string& path) {
  if (path.empty() || path[0] != '~') return path;
  const std::size_t slash = std::min(path.find('/'), path.size());
  const std::string home = HomeOf(path.substr(1, slash - 1));
  return home.empty() ? path : home + path.substr(slash);
}

// In upper or lower case.
bool IsSameWord(std::string_view text, std::string_view lower_word) {
  return std::equal(text.begin(), text.end(), lower_word.begin(), lower_word.end(), [](char c, char lower) {
    return absl::ascii_tolower(static_cast<unsigned char>(c)) == lower;
  });
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = absl::ascii_tolower(static_cast<unsigned char>(c));
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// The path of a URL "file:///a%20b" or "file://localhost/a"; absent for anything else.
std::optional<std::string> PathOfUrl(std::string_view text) {
  constexpr std::string_view kScheme = "file://";
  if (!IsSameWord(text.substr(0, kScheme.size()), kScheme)) return std::nullopt;
  text.remove_prefix(kScheme.size());
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const std::string_view host = text.substr(0, slash);
  if (!host.empty() && !IsSameWord(host, "localhost")) return std::nullopt;
  text.remove_prefix(slash);
  std::string path;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? HexDigit(text[i + 1]) : -1;
    const int low = high >= 0 ? HexDigit(text[i + 2]) : -1;
    if (low >= 0) i += 2;
    path += low >= 0 ? static_cast<char>(high * 16 + low) : text[i];
  }
  return path;
}

}  // namespace

std::string FindPastedPath(const std::string& text) {
  const std::string given(absl::StripAsciiWhitespace(text));
  if (Exists(given)) return given;
  const std::string with_home = WithHome(given);
  if (Exists(with_home)) return with_home;
  const std::string plain = Unquoted(given);
  if (Exists(plain)) return plain;
  if (const auto path = PathOfUrl(plain)) return *path;
  return WithHome(plain);
}

}  // namespace carat::cli
