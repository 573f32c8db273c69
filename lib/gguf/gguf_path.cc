// Which files a GGUF model consists of.
#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>

#include "lib/base/error.h"
#include "lib/gguf/gguf.h"

namespace carat::internal {
namespace {

constexpr std::string_view kExtension = ".gguf";
constexpr std::string_view kTowers = "mmproj";  // how files that hold towers begin
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

// A part's place among the parts, from its name.
struct PartName {
  std::string stem;
  std::int64_t number;  // from 1
  std::int64_t count;
};

std::optional<PartName> ParsePartName(std::string_view path) {
  if (path.size() <= kSuffix || !path.ends_with(kExtension)) return std::nullopt;
  const std::string_view suffix = path.substr(path.size() - kSuffix);
  const auto number = Number(suffix.substr(1, kDigits));
  const auto count = Number(suffix.substr(1 + kDigits + kOf.size(), kDigits));
  if (suffix[0] != '-' || suffix.substr(1 + kDigits, kOf.size()) != kOf || !number || !count) {
    return std::nullopt;
  }
  return PartName{std::string(path.substr(0, path.size() - kSuffix)), *number, *count};
}

bool IsFolder(const std::string& path) {
  struct stat info;
  return stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

std::vector<std::string> NamesIn(const std::string& folder) {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(opendir(folder.c_str()), closedir);
  if (!listing) return names;
  while (const dirent* entry = readdir(listing.get())) names.emplace_back(entry->d_name);
  std::sort(names.begin(), names.end());
  return names;
}

// Whether a file of a folder is a model, or the first part of one.
bool IsModel(std::string_view name) {
  if (!IsGgufPath(name) || name.starts_with(kTowers)) return false;
  const auto part = ParsePartName(name);
  return !part || part->number == 1;
}

}  // namespace

bool IsGgufPath(std::string_view path) {
  return path.ends_with(kExtension);
}

Result<std::optional<std::string>> FindGgufModel(const std::string& path) {
  if (!IsFolder(path)) return IsGgufPath(path) ? std::optional(path) : std::optional<std::string>();
  if (FileExists(path + "/config.json")) return std::optional<std::string>();
  std::vector<std::string> models;
  for (const std::string& name : NamesIn(path)) {
    if (IsModel(name)) models.push_back(name);
  }
  if (models.empty()) return std::optional<std::string>();
  if (models.size() > 1) {
    return InvalidArgument(
        "%s: there is no config.json, and of GGUF models there are %d, '%s' and '%s' among "
        "them: name one of the files",
        path, models.size(), models[0], models[1]);
  }
  return std::optional(path + "/" + models[0]);
}

Result<std::vector<std::string>> GgufParts(const std::string& path, std::int64_t count) {
  if (count <= 1) return std::vector<std::string>{path};
  const auto part = ParsePartName(path);
  if (!part || part->count != count || part->number < 1 || part->number > count) {
    return InvalidArgument(
        "%s: the file says that it is one of %d parts, whose names must end in '-00001-of-%05d"
        "%s' and so on",
        path, count, count, std::string(kExtension));
  }
  std::vector<std::string> paths;
  for (std::int64_t number = 1; number <= count; ++number) {
    paths.push_back(absl::StrFormat("%s-%05d-of-%05d%s", part->stem, number, count, std::string(kExtension)));
  }
  return paths;
}

}  // namespace carat::internal
