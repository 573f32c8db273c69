#include "lib/weights/model_path.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/base/error.h"
#include "lib/base/file_kind.h"
#include "lib/base/file_mapping.h"
#include "lib/gguf/gguf.h"

namespace carat::internal {
namespace {

constexpr std::string_view kAModel = "a GGUF file, or a folder with config.json and safetensors files";
constexpr std::string_view kConfig = "config.json";
constexpr std::string_view kTokenizerModel = "tokenizer.model";

std::string Join(const std::string& folder, std::string_view name) {
  return folder + (folder.ends_with('/') ? "" : "/") + std::string(name);
}

bool IsFolder(const std::string& path) {
  struct stat info;
  return stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

bool IsRegularFile(const std::string& path) {
  struct stat info;
  return stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
}

// The names in a folder, sorted; none if it cannot be read.
std::vector<std::string> NamesIn(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  std::filesystem::directory_iterator entries(folder, error);
  for (; !error && entries != std::filesystem::directory_iterator(); entries.increment(error)) {
    names.push_back(entries->path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

bool IsGgufFile(const std::string& path) {
  if (!IsRegularFile(path)) return false;
  const auto content = ContentOfFile(path);
  return content.ok() && *content == FileContent::kGguf;
}

// Whether a GGUF file has nothing but towers.
bool HoldsTowers(const std::string& path) {
  const auto file = GgufFile::Open(path);
  if (!file.ok()) return false;
  const auto architecture = file->String("general.architecture");
  return architecture.ok() && *architecture == "clip";
}

// The GGUF model of a folder without config.json; absent if there is none.
Result<std::optional<std::string>> ModelIn(const std::string& folder) {
  std::vector<std::string> models;
  for (const std::string& name : NamesIn(folder)) {
    if (IsLaterGgufPart(name) || name.starts_with("mmproj")) continue;
    if (IsGgufFile(Join(folder, name))) models.push_back(name);
  }
  if (models.size() > 1) {
    std::erase_if(models, [&](const std::string& name) { return HoldsTowers(Join(folder, name)); });
  }
  if (models.empty()) return std::optional<std::string>();
  if (models.size() == 1) return std::optional(Join(folder, models[0]));
  return InvalidArgument(
      "%s: there is no config.json, and of GGUF models there are %d, '%s' and '%s' among them: name one of "
      "the files",
      folder, models.size(), models[0], models[1]);
}

std::string Trimmed(std::string text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; };
  while (!text.empty() && is_space(text.back())) text.pop_back();
  return text;
}

// The snapshot of a Hugging Face cache folder that is meant; absent if it is no such folder.
Result<std::optional<std::string>> FindSnapshot(const std::string& given) {
  const auto name_of_it = std::filesystem::path(Join(given, ".")).lexically_normal().parent_path().filename();
  const bool is_snapshots =
      name_of_it == "snapshots" && (IsFolder(Join(given, "../blobs")) || IsFolder(Join(given, "../refs")));
  const std::string folder = is_snapshots ? Join(given, "..") : given;
  const std::string snapshots = is_snapshots ? given : Join(given, "snapshots");
  if (!IsFolder(snapshots)) return std::optional<std::string>();
  const std::string main = Join(folder, "refs/main");
  if (FileExists(main)) {
    constexpr std::size_t kLongestName = 255;
    CARAT_ASSIGN_OR_RETURN(std::string name, ReadFile(main, 2 * kLongestName));
    name = Trimmed(std::move(name));
    if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos ||
        name.find('\0') != std::string::npos) {
      return DataLoss("%s: expected the name of a snapshot, but found '%s'", main, name);
    }
    if (IsFolder(Join(snapshots, name))) return std::optional(Join(snapshots, name));
    return NotFound("%s: there is no such folder, but %s says that it is the snapshot to use",
                    Join(snapshots, name), main);
  }
  std::optional<std::string> newest;
  std::filesystem::file_time_type newest_time;
  for (const std::string& name : NamesIn(snapshots)) {
    const std::string path = Join(snapshots, name);
    std::error_code error;
    const auto time = std::filesystem::last_write_time(path, error);
    if (error || !IsFolder(path) || (newest && time <= newest_time)) continue;
    newest = path;
    newest_time = time;
  }
  if (newest) return newest;
  return NotFound("%s: there is no snapshot in this folder of the Hugging Face cache", snapshots);
}

Result<ModelPath> FindInFolder(const std::string& folder) {
  if (FileExists(Join(folder, kConfig))) return ModelPath{false, folder};
  CARAT_ASSIGN_OR_RETURN(const auto snapshot, FindSnapshot(folder));
  const std::string& place = snapshot ? *snapshot : folder;
  if (snapshot && FileExists(Join(place, kConfig))) return ModelPath{false, place};
  CARAT_ASSIGN_OR_RETURN(auto gguf, ModelIn(place));
  if (gguf) return ModelPath{true, *std::move(gguf)};
  return NotFound("%s: there is no such file, and no GGUF model in this folder either", Join(place, kConfig));
}

// The folder of a file that belongs to a model.
Result<ModelPath> FindAround(const std::string& path, std::string_view what) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  const std::string folder = parent.empty() ? std::string(".") : parent;
  if (FileExists(Join(folder, kConfig))) return ModelPath{false, folder};
  return NotFound("%s: this is %s, but there is no config.json beside it: a model is %s", path,
                  std::string(what), std::string(kAModel));
}

}  // namespace

Result<ModelPath> FindModel(const std::string& path) {
  if (path.empty()) return InvalidArgument("the path of the model is empty");
  if (IsFolder(path)) return FindInFolder(path);
  CARAT_ASSIGN_OR_RETURN(const FileContent content, ContentOfFile(path));
  const bool tokenizer = std::filesystem::path(path).filename() == kTokenizerModel;
  switch (content) {
    case FileContent::kGguf:
      return ModelPath{true, path};
    case FileContent::kSafetensors:
    case FileContent::kJson:
      return FindAround(path, ContentDescription(content));
    default:
      if (content == FileContent::kUnknown && tokenizer) return FindAround(path, "a tokenizer");
      return DataLoss("%s: this is %s; a model is %s", path, std::string(ContentDescription(content)),
                      std::string(kAModel));
  }
}

}  // namespace carat::internal
