#include "lib/weights/gguf/gguf_model.h"

#include <set>
#include <utility>

#include "lib/base/error.h"

namespace carat::internal {
namespace {

constexpr GgufRange kParts = {0, 65535};
constexpr GgufRange kTensors = {0, 1 << 30};
constexpr std::string_view kCountKey = "split.count";
constexpr std::string_view kNumberKey = "split.no";
constexpr std::string_view kTensorsKey = "split.tensors.count";

Status CheckPart(const GgufFile& part, std::int64_t number, std::int64_t count) {
  CARAT_ASSIGN_OR_RETURN(const auto found_number, part.Integer(kNumberKey, kParts));
  CARAT_ASSIGN_OR_RETURN(const auto found_count, part.Integer(kCountKey, kParts));
  if (found_number == number && found_count == count) return {};
  return DataLoss("%s: expected part %d of %d, but the file says that it is part %d of %d", part.path(),
                  number, count, found_number.value_or(0), found_count.value_or(1));
}

Status CheckTensors(const std::vector<GgufFile>& parts) {
  std::set<std::string_view> names;
  for (const GgufFile& part : parts) {
    for (const GgufTensor& tensor : part.tensors()) {
      if (!names.insert(tensor.name).second) {
        return DataLoss("%s: tensor '%s' is in a part before this one already", part.path(), tensor.name);
      }
    }
  }
  CARAT_ASSIGN_OR_RETURN(const auto expected, parts.front().Integer(kTensorsKey, kTensors));
  if (!expected || *expected == static_cast<std::int64_t>(names.size())) return {};
  return DataLoss("%s is %d, but the %d parts hold %d tensors", parts.front().Locate(kTensorsKey), *expected,
                  parts.size(), names.size());
}

}  // namespace

Result<GgufModel> GgufModel::Open(const std::string& path, FileAccess access) {
  GgufModel model;
  CARAT_ASSIGN_OR_RETURN(GgufFile file, GgufFile::Open(path, access));
  CARAT_ASSIGN_OR_RETURN(const auto count, file.Integer(kCountKey, kParts));
  CARAT_ASSIGN_OR_RETURN(const auto paths, GgufParts(path, count.value_or(1)));
  if (paths.size() == 1) {
    model.parts_.push_back(std::move(file));
    return model;
  }
  for (std::size_t i = 0; i < paths.size(); ++i) {
    CARAT_ASSIGN_OR_RETURN(GgufFile part, GgufFile::Open(paths[i], access));
    CARAT_RETURN_IF_ERROR(CheckPart(part, static_cast<std::int64_t>(i), *count));
    model.parts_.push_back(std::move(part));
  }
  CARAT_RETURN_IF_ERROR(CheckTensors(model.parts_));
  return model;
}

GgufModel::Place GgufModel::FindTensor(std::string_view name) const {
  for (const GgufFile& part : parts_) {
    if (const GgufTensor* tensor = part.FindTensor(name)) return {&part, tensor};
  }
  return {};
}

}  // namespace carat::internal
