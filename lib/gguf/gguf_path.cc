// Which files a GGUF model consists of.
#include <filesystem>
#include <optional>

#include "lib/base/error.h"
#include "lib/gguf/gguf.h"

namespace carat::internal {
namespace {

constexpr std::string_view kExtension = ".gguf";
constexpr std::size_t kDigits = 5;
constexpr std::string_view kOf = "-of-";
// "-00002-of-00003.gguf"
constexpr std::size_t kSuffix = 1 + kDigits + kOf.size() + kDigits + kExtension.size();

std::optional<std::int64_t> Number(std::string_view digits) {
  std::int64_t number = 0;
  for (const char digit : digits) {
    if (digit < '0' || digit > '9') return std::nullopt;
    number = number * 10 + (digit - '0');
  }
  return number;
}

// In upper or lower case.
bool HasExtension(std::string_view path) {
  if (path.size() < kExtension.size()) return false;
  const std::string_view end = path.substr(path.size() - kExtension.size());
  for (std::size_t i = 0; i < end.size(); ++i) {
    const char lower = end[i] >= 'A' && end[i] <= 'Z' ? static_cast<char>(end[i] - 'A' + 'a') : end[i];
    if (lower != kExtension[i]) return false;
  }
  return true;
}

// A part's place among the parts, from its name.
struct PartName {
  std::string stem;
  std::int64_t number;  // from 1
  std::int64_t count;
  std::string extension;  // as the name spells it
};

std::optional<PartName> ParsePartName(std::string_view path) {
  if (path.size() <= kSuffix || !HasExtension(path)) return std::nullopt;
  const std::string_view suffix = path.substr(path.size() - kSuffix);
  const auto number = Number(suffix.substr(1, kDigits));
  const auto count = Number(suffix.substr(1 + kDigits + kOf.size(), kDigits));
  if (suffix[0] != '-' || suffix.substr(1 + kDigits, kOf.size()) != kOf || !number || !count) {
    return std::nullopt;
  }
  return PartName{std::string(path.substr(0, path.size() - kSuffix)), *number, *count,
                  std::string(path.substr(path.size() - kExtension.size()))};
}

// The name of the file that a link leads to; the path itself if it is none.
std::string FileBehind(const std::string& path) {
  std::error_code error;
  const auto target = std::filesystem::canonical(path, error);
  return error ? path : target.string();
}

}  // namespace

bool IsLaterGgufPart(std::string_view name) {
  const auto part = ParsePartName(name);
  return part && part->number != 1;
}

Result<std::vector<std::string>> GgufParts(const std::string& path, std::int64_t count) {
  if (count <= 1) return std::vector<std::string>{path};
  auto part = ParsePartName(path);
  if (!part) part = ParsePartName(FileBehind(path));
  if (!part || part->count != count || part->number < 1 || part->number > count) {
    return InvalidArgument(
        "%s: the file says that it is one of %d parts, whose names must end in '-00001-of-%05d"
        "%s' and so on",
        path, count, count, std::string(kExtension));
  }
  std::vector<std::string> paths;
  for (std::int64_t number = 1; number <= count; ++number) {
    paths.push_back(absl::StrFormat("%s-%05d-of-%05d%s", part->stem, number, count, part->extension));
  }
  return paths;
}

}  // namespace carat::internal
