#include "lib/weights/folder/safetensors.h"

#include <algorithm>
#include <array>
#include <limits>
#include <span>
#include <string_view>
#include <tuple>
#include <utility>

#include "lib/base/checked.h"
#include "lib/base/error.h"
#include "lib/base/file_kind.h"
#include "lib/base/json.h"
#include "lib/weights/checkpoint.h"

namespace carat::internal {
namespace {

namespace dom = simdjson::dom;

constexpr std::uint64_t kLengthBytes = 8;
constexpr std::uint64_t kLargestHeader = 100'000'000;  // the format's own limit
constexpr std::string_view kMetadataKey = "__metadata__";

struct NumberType {
  std::string_view name;
  std::int64_t bits;
  std::optional<NumberFormat> format;
};

constexpr std::array<NumberType, 22> kTypes = {{
    {"BF16", 16, NumberFormat::kBF16},
    {"F16", 16, NumberFormat::kF16},
    {"F32", 32, NumberFormat::kF32},
    {"F64", 64, {}},
    {"C64", 64, {}},
    {"I64", 64, {}},
    {"U64", 64, {}},
    {"I32", 32, {}},
    {"U32", 32, {}},
    {"I16", 16, {}},
    {"U16", 16, {}},
    {"I8", 8, {}},
    {"U8", 8, {}},
    {"BOOL", 8, {}},
    {"F8_E4M3", 8, {}},
    {"F8_E5M2", 8, {}},
    {"F8_E8M0", 8, {}},
    {"F8_E4M3FNUZ", 8, {}},
    {"F8_E5M2FNUZ", 8, {}},
    {"F6_E2M3", 6, {}},
    {"F6_E3M2", 6, {}},
    {"F4", 4, {}},
}};

// Where the parts of a file lie.
struct Layout {
  std::string_view header;
  std::uint64_t data_begin = 0;
  std::uint64_t data_size = 0;
};

Result<Layout> ReadLayout(const FileMapping& file) {
  const std::span<const std::byte> bytes = file.bytes();
  CARAT_RETURN_IF_ERROR(CheckContent(file.path(), bytes, FileContent::kSafetensors, "a safetensors file"));
  if (bytes.size() < kLengthBytes) {
    return DataLoss(
        "%s: expected a safetensors file, which begins with the length of its header in %d bytes, "
        "but found %d bytes in all",
        file.path(), kLengthBytes, bytes.size());
  }
  std::uint64_t length = 0;  // little-endian
  for (std::size_t i = kLengthBytes; i-- > 0;)
    length = length << 8 | std::to_integer<std::uint64_t>(bytes[i]);
  if (length > kLargestHeader) {
    return DataLoss("%s: the header's length is %d bytes, but at most %d are allowed", file.path(), length,
                    kLargestHeader);
  }
  const std::uint64_t rest = bytes.size() - kLengthBytes;
  if (length > rest) {
    return DataLoss("%s: the header's length is %d bytes, but only %d follow: the file is cut short",
                    file.path(), length, rest);
  }
  Layout layout;
  layout.header = {reinterpret_cast<const char*>(bytes.data()) + kLengthBytes, length};
  layout.data_begin = kLengthBytes + length;
  layout.data_size = rest - length;
  if (!layout.header.starts_with('{')) {
    return DataLoss("%s: the header must begin with '{', the start of a JSON object", file.path());
  }
  return layout;
}

// What is being read, for messages.
struct Place {
  const std::string& file;
  const std::string& tensor;
};

template <typename... Args>
Status Malformed(const Place& place, const absl::FormatSpec<Args...>& format, const Args&... args) {
  return DataLoss("%s: tensor '%s': %s", place.file, place.tensor, absl::StrFormat(format, args...));
}

Result<NumberType> ReadType(const Place& place, const dom::object& object) {
  std::string_view name;
  if (object.at_key("dtype").get(name)) return Malformed(place, "dtype is missing or no string");
  const auto* type =
      std::find_if(kTypes.begin(), kTypes.end(), [&](const NumberType& t) { return t.name == name; });
  if (type == kTypes.end()) {
    return Malformed(place, "dtype is '%s', which is no type of the format", std::string(name));
  }
  return *type;
}

Result<std::vector<std::int64_t>> ReadShape(const Place& place, const dom::object& object) {
  dom::array array;
  if (object.at_key("shape").get(array)) return Malformed(place, "shape is missing or no list");
  std::vector<std::int64_t> shape;
  for (const dom::element item : array) {
    std::int64_t size;
    if (item.get(size)) return Malformed(place, "shape must hold integers only");
    if (size < 0) return Malformed(place, "shape holds %d, but a size cannot be negative", size);
    shape.push_back(size);
  }
  return shape;
}

struct Extent {
  std::uint64_t begin;
  std::uint64_t end;
};

Result<Extent> ReadExtent(const Place& place, const dom::object& object, std::uint64_t data_size) {
  dom::array array;
  if (object.at_key("data_offsets").get(array)) {
    return Malformed(place, "data_offsets is missing or no list");
  }
  Extent extent;
  if (array.size() != 2 || array.at(0).get(extent.begin) || array.at(1).get(extent.end)) {
    return Malformed(place, "data_offsets must be two integers that are not negative");
  }
  if (extent.begin > extent.end) {
    return Malformed(place, "data_offsets are [%d, %d]: the end lies before the beginning", extent.begin,
                     extent.end);
  }
  if (extent.end > data_size) {
    return Malformed(place,
                     "data_offsets are [%d, %d], but the file has only %d bytes of data: it is cut "
                     "short or the offsets are wrong",
                     extent.begin, extent.end, data_size);
  }
  return extent;
}

Status CheckSize(const Place& place, const NumberType& type, const std::vector<std::int64_t>& shape,
                 const Extent& extent) {
  const auto values = CheckedProduct<std::int64_t>(shape);
  const auto bits = values ? CheckedMultiply(*values, type.bits) : std::nullopt;
  if (!bits) {
    return Malformed(place, "shape %s of %s is more than can be addressed", ShapeString(shape),
                     std::string(type.name));
  }
  if (*bits % 8 != 0) {
    return Malformed(place, "shape %s of %s is no whole number of bytes", ShapeString(shape),
                     std::string(type.name));
  }
  const std::uint64_t found = extent.end - extent.begin;
  if (static_cast<std::uint64_t>(*bits / 8) != found) {
    return Malformed(place, "shape %s of %s takes %d bytes, but data_offsets [%d, %d] hold %d",
                     ShapeString(shape), std::string(type.name), *bits / 8, extent.begin, extent.end, found);
  }
  return {};
}

Result<StoredTensor> ReadTensor(const std::string& path, std::string_view key, const dom::element& element,
                                const Layout& layout) {
  StoredTensor tensor;
  tensor.name = key;
  const Place place{path, tensor.name};
  dom::object object;
  if (element.get(object)) return Malformed(place, "its entry in the header must be an object");
  CARAT_ASSIGN_OR_RETURN(const NumberType type, ReadType(place, object));
  tensor.type = type.name;
  tensor.format = type.format;
  CARAT_ASSIGN_OR_RETURN(tensor.shape, ReadShape(place, object));
  CARAT_ASSIGN_OR_RETURN(const Extent extent, ReadExtent(place, object, layout.data_size));
  CARAT_RETURN_IF_ERROR(CheckSize(place, type, tensor.shape, extent));
  tensor.begin = layout.data_begin + extent.begin;
  tensor.end = layout.data_begin + extent.end;
  return tensor;
}

Status CheckMetadata(const std::string& path, const dom::element& element) {
  dom::object object;
  if (element.get(object)) return DataLoss("%s: %s must be an object", path, std::string(kMetadataKey));
  for (const auto member : object) {
    if (!member.value.is_string()) {
      return DataLoss("%s: %s.%s must be a string", path, std::string(kMetadataKey), std::string(member.key));
    }
  }
  return {};
}

// The tensors follow each other from the first byte of data to the last. `tensors` is in that order.
Status CheckOrder(const std::string& path, const std::vector<StoredTensor>& tensors, const Layout& layout) {
  std::uint64_t expected = layout.data_begin;
  for (const StoredTensor& tensor : tensors) {
    if (tensor.begin != expected) {
      return Malformed({path, tensor.name},
                       "expected it at offset %d of the data, where the one before ends, "
                       "but found it at %d: an %s",
                       expected - layout.data_begin, tensor.begin - layout.data_begin,
                       tensor.begin < expected ? "overlap" : "unused gap");
    }
    expected = tensor.end;
  }
  const std::uint64_t end = layout.data_begin + layout.data_size;
  if (expected != end) {
    return DataLoss("%s: the tensors end at offset %d of the data, but the file has %d bytes of data", path,
                    expected - layout.data_begin, layout.data_size);
  }
  return {};
}

Status CheckNames(const std::string& path, const std::vector<StoredTensor>& tensors) {
  std::vector<std::string_view> names;
  names.reserve(tensors.size());
  for (const StoredTensor& tensor : tensors) names.push_back(tensor.name);
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice == names.end()) return {};
  return DataLoss("%s: tensor '%s': the header has this name twice", path, std::string(*twice));
}

}  // namespace

Result<std::vector<StoredTensor>> ReadTableOfContents(const FileMapping& file) {
  const std::string& path = file.path();
  CARAT_ASSIGN_OR_RETURN(const Layout layout, ReadLayout(file));
  CARAT_ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::Parse(layout.header, path + ": header"));
  dom::object header;
  if (document.root().get(header)) return DataLoss("%s: the header must be a JSON object", path);
  std::vector<StoredTensor> tensors;
  for (const auto member : header) {
    if (member.key == kMetadataKey) {
      CARAT_RETURN_IF_ERROR(CheckMetadata(path, member.value));
      continue;
    }
    CARAT_ASSIGN_OR_RETURN(StoredTensor tensor, ReadTensor(path, member.key, member.value, layout));
    tensors.push_back(std::move(tensor));
  }
  CARAT_RETURN_IF_ERROR(CheckNames(path, tensors));
  std::sort(tensors.begin(), tensors.end(), [](const StoredTensor& a, const StoredTensor& b) {
    return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
  });
  CARAT_RETURN_IF_ERROR(CheckOrder(path, tensors, layout));
  return tensors;
}

}  // namespace carat::internal
