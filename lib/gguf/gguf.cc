#include "lib/gguf/gguf.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "lib/base/checked.h"
#include "lib/base/error.h"
#include "lib/base/file_kind.h"
#include "lib/base/utf8.h"

namespace carat::internal {
namespace {

constexpr std::uint64_t kLongestName = 65535;
constexpr std::uint32_t kMostDimensions = 4;
constexpr std::uint64_t kLargestAlignment = std::uint64_t{1} << 20;
constexpr std::string_view kAlignmentKey = "general.alignment";

struct TensorType {
  std::uint32_t number;
  std::string_view name;
  BlockLayout layout;
  std::optional<NumberFormat> format;
};

constexpr TensorType Known(std::uint32_t number, NumberFormat format) {
  return {number, NumberFormatName(format), LayoutOf(format), format};
}

// The types of the format, and what they take.
constexpr TensorType kTypes[] = {
    Known(0, NumberFormat::kF32),     Known(1, NumberFormat::kF16),   Known(2, NumberFormat::kQ4_0),
    Known(3, NumberFormat::kQ4_1),    Known(6, NumberFormat::kQ5_0),  Known(7, NumberFormat::kQ5_1),
    Known(8, NumberFormat::kQ8_0),    {9, "Q8_1", {32, 36}, {}},      Known(10, NumberFormat::kQ2_K),
    Known(11, NumberFormat::kQ3_K),   Known(12, NumberFormat::kQ4_K), Known(13, NumberFormat::kQ5_K),
    Known(14, NumberFormat::kQ6_K),   {15, "Q8_K", {256, 292}, {}},   {16, "IQ2_XXS", {256, 66}, {}},
    {17, "IQ2_XS", {256, 74}, {}},    {18, "IQ3_XXS", {256, 98}, {}}, {19, "IQ1_S", {256, 50}, {}},
    Known(20, NumberFormat::kIQ4_NL), {21, "IQ3_S", {256, 110}, {}},  {22, "IQ2_S", {256, 82}, {}},
    Known(23, NumberFormat::kIQ4_XS), {24, "I8", {1, 1}, {}},         {25, "I16", {1, 2}, {}},
    {26, "I32", {1, 4}, {}},          {27, "I64", {1, 8}, {}},        {28, "F64", {1, 8}, {}},
    {29, "IQ1_M", {256, 56}, {}},     Known(30, NumberFormat::kBF16), {34, "TQ1_0", {256, 54}, {}},
    {35, "TQ2_0", {256, 66}, {}},     {39, "MXFP4", {32, 17}, {}},
};

constexpr std::array<std::string_view, 13> kTypeNames = {"uint8",  "int8",    "uint16",  "int16",  "uint32",
                                                         "int32",  "float32", "boolean", "string", "array",
                                                         "uint64", "int64",   "float64"};

// Bytes of a single value; 0 for strings and arrays.
std::size_t SizeOf(GgufType type) {
  constexpr std::array<std::size_t, 13> kSizes = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
  return kSizes[static_cast<std::size_t>(type)];
}

template <typename T>
T Load(const std::byte* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(value));
  return value;
}

// The integer at `bytes`; absent if the type is none or the number too large.
std::optional<std::int64_t> LoadInteger(GgufType type, const std::byte* bytes) {
  switch (type) {
    case GgufType::kUint8:
    case GgufType::kBool:
      return Load<std::uint8_t>(bytes);
    case GgufType::kInt8:
      return Load<std::int8_t>(bytes);
    case GgufType::kUint16:
      return Load<std::uint16_t>(bytes);
    case GgufType::kInt16:
      return Load<std::int16_t>(bytes);
    case GgufType::kUint32:
      return Load<std::uint32_t>(bytes);
    case GgufType::kInt32:
      return Load<std::int32_t>(bytes);
    case GgufType::kInt64:
      return Load<std::int64_t>(bytes);
    case GgufType::kUint64: {
      const auto value = Load<std::uint64_t>(bytes);
      if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return std::nullopt;
      return static_cast<std::int64_t>(value);
    }
    case GgufType::kFloat32:
    case GgufType::kFloat64:
    case GgufType::kString:
    case GgufType::kArray:
      return std::nullopt;
  }
  return std::nullopt;
}

bool IsInteger(GgufType type) {
  return type != GgufType::kFloat32 && type != GgufType::kFloat64 && type != GgufType::kString &&
         type != GgufType::kArray;
}

std::string Describe(const GgufValue& value) {
  const std::string_view name = kTypeNames[static_cast<std::size_t>(value.type)];
  if (!value.is_array) return std::string(name);
  return absl::StrFormat("an array of %d %s", value.count, std::string(name));
}

}  // namespace

// Goes through a file from its beginning.
class GgufReader {
 public:
  explicit GgufReader(std::shared_ptr<const FileMapping> file)
      : gguf_(std::move(file)), bytes_(gguf_.file()->bytes()) {}

  Result<GgufFile> Read() {
    CARAT_RETURN_IF_ERROR(ReadHead());
    for (std::uint64_t i = 0; i < value_count_; ++i) CARAT_RETURN_IF_ERROR(ReadKey(i));
    CARAT_RETURN_IF_ERROR(ReadAlignment());
    for (std::uint64_t i = 0; i < tensor_count_; ++i) CARAT_RETURN_IF_ERROR(ReadTensor(i));
    CARAT_RETURN_IF_ERROR(PlaceTensors());
    CARAT_RETURN_IF_ERROR(CheckOverlap());
    return std::move(gguf_);
  }

 private:
  const std::string& path() const { return gguf_.path(); }
  std::uint64_t left() const { return bytes_.size() - at_; }

  Status CutShort(const std::string& what, std::uint64_t needed) const {
    return DataLoss(
        "%s: %s takes %d bytes at offset %d, but the file has only %d more: it is cut short or the "
        "size is wrong",
        path(), what, needed, at_, left());
  }

  template <typename T>
  Status Take(const std::string& what, T* value) {
    if (left() < sizeof(T)) return CutShort(what, sizeof(T));
    *value = Load<T>(bytes_.data() + at_);
    at_ += sizeof(T);
    return {};
  }

  Status TakeBytes(const std::string& what, std::uint64_t size, std::span<const std::byte>* taken) {
    if (left() < size) return CutShort(what, size);
    *taken = bytes_.subspan(at_, size);
    at_ += size;
    return {};
  }

  Status TakeName(const std::string& what, std::string* name) {
    std::uint64_t length = 0;
    CARAT_RETURN_IF_ERROR(Take(what + "'s length", &length));
    if (length > kLongestName) {
      return DataLoss("%s: %s is %d bytes long, but at most %d are allowed", path(), what, length,
                      kLongestName);
    }
    std::span<const std::byte> text;
    CARAT_RETURN_IF_ERROR(TakeBytes(what, length, &text));
    name->assign(reinterpret_cast<const char*>(text.data()), text.size());
    if (!IsValidUtf8(*name)) return DataLoss("%s: %s is not valid UTF-8", path(), what);
    return {};
  }

  Status ReadHead() {
    if (bytes_.size() < kGgufMagic.size() ||
        std::memcmp(bytes_.data(), kGgufMagic.data(), kGgufMagic.size()) != 0) {
      CARAT_RETURN_IF_ERROR(CheckContent(path(), bytes_, FileContent::kGguf, "a GGUF file"));
      return DataLoss(
          "%s: expected a GGUF file, which begins with '%s', but found something else in %d bytes", path(),
          std::string(kGgufMagic), bytes_.size());
    }
    at_ = kGgufMagic.size();
    CARAT_RETURN_IF_ERROR(Take("the version", &gguf_.version_));
    if ((gguf_.version_ & 0xffff) == 0 && gguf_.version_ != 0) {
      return Unimplemented("%s: the file is big-endian, but carat reads little-endian files only", path());
    }
    if (gguf_.version_ != 2 && gguf_.version_ != kGgufVersion) {
      return Unimplemented("%s: GGUF version %d, but this version of carat reads 2 and %d", path(),
                           gguf_.version_, kGgufVersion);
    }
    CARAT_RETURN_IF_ERROR(Take("the number of tensors", &tensor_count_));
    CARAT_RETURN_IF_ERROR(Take("the number of keys", &value_count_));
    // The shortest that each can be.
    constexpr std::uint64_t kShortestKey = 8 + 4 + 1, kShortestTensor = 8 + 4 + 8 + 4 + 8;
    if (value_count_ > left() / kShortestKey) {
      return DataLoss("%s: %d keys cannot lie in the %d bytes that follow", path(), value_count_, left());
    }
    if (tensor_count_ > left() / kShortestTensor) {
      return DataLoss("%s: %d tensors cannot lie in the %d bytes that follow", path(), tensor_count_, left());
    }
    return {};
  }

  Status ReadKey(std::uint64_t number) {
    const std::string what = absl::StrFormat("key %d", number);
    std::string key;
    CARAT_RETURN_IF_ERROR(TakeName(what, &key));
    GgufValue value;
    CARAT_RETURN_IF_ERROR(ReadType(key, &value.type));
    if (value.type == GgufType::kArray) {
      value.is_array = true;
      CARAT_RETURN_IF_ERROR(ReadArray(key, &value));
    } else if (value.type == GgufType::kString) {
      CARAT_RETURN_IF_ERROR(TakeString(key, &value.bytes));
    } else {
      CARAT_RETURN_IF_ERROR(TakeBytes(gguf_.Locate(key), SizeOf(value.type), &value.bytes));
    }
    if (gguf_.values_.emplace(key, value).second) return {};
    return DataLoss("%s: the key is there twice", gguf_.Locate(key));
  }

  Status ReadType(const std::string& key, GgufType* type) {
    std::uint32_t number = 0;
    CARAT_RETURN_IF_ERROR(Take(gguf_.Locate(key) + "'s type", &number));
    if (number >= kTypeNames.size()) {
      return DataLoss("%s: its type is %d, which is none of the format's", gguf_.Locate(key), number);
    }
    *type = static_cast<GgufType>(number);
    return {};
  }

  Status ReadArray(const std::string& key, GgufValue* value) {
    CARAT_RETURN_IF_ERROR(ReadType(key, &value->type));
    if (value->type == GgufType::kArray) {
      return Unimplemented("%s: an array of arrays, which carat does not read", gguf_.Locate(key));
    }
    CARAT_RETURN_IF_ERROR(Take(gguf_.Locate(key) + "'s length", &value->count));
    const std::uint64_t begin = at_;
    const bool strings = value->type == GgufType::kString;
    const std::uint64_t each = strings ? sizeof(std::uint64_t) : SizeOf(value->type);
    if (value->count > left() / each) {
      return DataLoss("%s: %d elements cannot lie in the %d bytes that follow", gguf_.Locate(key),
                      value->count, left());
    }
    if (!strings) return TakeBytes(gguf_.Locate(key), value->count * each, &value->bytes);
    for (std::uint64_t i = 0; i < value->count; ++i) {
      if (left() < sizeof(std::uint64_t)) return CutShort(gguf_.Locate(key), sizeof(std::uint64_t));
      const auto length = Load<std::uint64_t>(bytes_.data() + at_);
      at_ += sizeof(length);
      if (length > left()) return CutShort(absl::StrFormat("%s[%d]", gguf_.Locate(key), i), length);
      at_ += length;
    }
    value->bytes = bytes_.subspan(begin, at_ - begin);
    return {};
  }

  Status TakeString(const std::string& key, std::span<const std::byte>* text) {
    std::uint64_t length = 0;
    CARAT_RETURN_IF_ERROR(Take(gguf_.Locate(key) + "'s length", &length));
    return TakeBytes(gguf_.Locate(key), length, text);
  }

  Status ReadAlignment() {
    CARAT_ASSIGN_OR_RETURN(const auto alignment,
                           gguf_.Integer(kAlignmentKey, {1, static_cast<std::int64_t>(kLargestAlignment)}));
    if (!alignment) return {};
    alignment_ = static_cast<std::uint64_t>(*alignment);
    if ((alignment_ & (alignment_ - 1)) == 0) return {};
    return DataLoss("%s is %d, but must be a power of two", gguf_.Locate(kAlignmentKey), *alignment);
  }

  Status ReadTensor(std::uint64_t number) {
    GgufTensor tensor;
    CARAT_RETURN_IF_ERROR(TakeName(absl::StrFormat("the name of tensor %d", number), &tensor.name));
    const std::string where = absl::StrFormat("%s: tensor '%s'", path(), tensor.name);
    CARAT_RETURN_IF_ERROR(ReadShape(where, &tensor));
    CARAT_RETURN_IF_ERROR(Take("the type of tensor '" + tensor.name + "'", &tensor.type));
    CARAT_RETURN_IF_ERROR(Take("the offset of tensor '" + tensor.name + "'", &tensor.begin));
    if (tensor.begin % alignment_ != 0) {
      return DataLoss("%s: its offset is %d, but must be a multiple of %d", where, tensor.begin, alignment_);
    }
    CARAT_RETURN_IF_ERROR(FindSize(where, &tensor));
    if (!gguf_.tensor_by_name_.emplace(tensor.name, gguf_.tensors_.size()).second) {
      return DataLoss("%s: the file has this name twice", where);
    }
    gguf_.tensors_.push_back(std::move(tensor));
    return {};
  }

  Status ReadShape(const std::string& where, GgufTensor* tensor) {
    std::uint32_t dimensions = 0;
    CARAT_RETURN_IF_ERROR(Take("the shape of tensor '" + tensor->name + "'", &dimensions));
    if (dimensions < 1 || dimensions > kMostDimensions) {
      return DataLoss("%s: it has %d dimensions, but must have 1 to %d", where, dimensions, kMostDimensions);
    }
    tensor->shape.resize(dimensions);
    for (std::size_t i = dimensions; i-- > 0;) {
      std::int64_t size = 0;
      CARAT_RETURN_IF_ERROR(Take("the shape of tensor '" + tensor->name + "'", &size));
      if (size < 1) return DataLoss("%s: dimension %d is %d, but must be 1 or more", where, i, size);
      tensor->shape[i] = size;
    }
    return {};
  }

  Status FindSize(const std::string& where, GgufTensor* tensor) const {
    const auto* type = std::find_if(std::begin(kTypes), std::end(kTypes),
                                    [&](const TensorType& t) { return t.number == tensor->type; });
    const auto values = CheckedProduct<std::int64_t>(tensor->shape);
    if (!values) return DataLoss("%s: its shape is more than can be addressed", where);
    if (type == std::end(kTypes)) {
      tensor->type_name = absl::StrFormat("of type %d", tensor->type);
      return {};
    }
    tensor->type_name = std::string(type->name);
    tensor->format = type->format;
    const BlockLayout layout = type->layout;
    if (tensor->shape.back() % layout.values != 0) {
      return DataLoss("%s: its rows have %d values, but %s stores them in blocks of %d", where,
                      tensor->shape.back(), tensor->type_name, layout.values);
    }
    const auto bytes = CheckedMultiply(*values / layout.values, layout.bytes);
    if (!bytes) return DataLoss("%s: its shape is more than can be addressed", where);
    tensor->bytes = static_cast<std::uint64_t>(*bytes);
    return {};
  }

  // From offsets within the data to offsets within the file.
  Status PlaceTensors() {
    const std::uint64_t data = (at_ + alignment_ - 1) / alignment_ * alignment_;
    for (GgufTensor& tensor : gguf_.tensors_) {
      const std::uint64_t size = bytes_.size();
      if (data > size || tensor.begin > size - data || tensor.bytes > size - data - tensor.begin) {
        return DataLoss(
            "%s: tensor '%s' takes %d bytes at offset %d of the data, which begins at %d, but the "
            "file has only %d bytes: it is cut short or the offset is wrong",
            path(), tensor.name, tensor.bytes, tensor.begin, data, size);
      }
      tensor.begin += data;
    }
    return {};
  }

  Status CheckOverlap() const {
    std::vector<const GgufTensor*> order;
    order.reserve(gguf_.tensors_.size());
    for (const GgufTensor& tensor : gguf_.tensors_) order.push_back(&tensor);
    std::sort(order.begin(), order.end(), [](const GgufTensor* a, const GgufTensor* b) {
      return std::pair(a->begin, a->bytes) < std::pair(b->begin, b->bytes);
    });
    for (std::size_t i = 1; i < order.size(); ++i) {
      const GgufTensor &before = *order[i - 1], &after = *order[i];
      if (before.begin + before.bytes <= after.begin) continue;
      return DataLoss("%s: tensor '%s' begins at offset %d of the file, inside tensor '%s', which ends at %d",
                      path(), after.name, after.begin, before.name, before.begin + before.bytes);
    }
    return {};
  }

  GgufFile gguf_;
  std::span<const std::byte> bytes_;
  std::uint64_t at_ = 0;
  std::uint64_t tensor_count_ = 0;
  std::uint64_t value_count_ = 0;
  std::uint64_t alignment_ = kGgufAlignment;
};

Result<GgufFile> GgufFile::Open(const std::string& path, FileAccess access) {
  CARAT_ASSIGN_OR_RETURN(auto file, FileMapping::Open(path, access));
  return Read(std::move(file));
}

Result<GgufFile> GgufFile::Read(std::shared_ptr<const FileMapping> file) {
  return GgufReader(std::move(file)).Read();
}

const GgufValue* GgufFile::Find(std::string_view key) const {
  const auto found = values_.find(key);
  return found == values_.end() ? nullptr : &found->second;
}

const GgufTensor* GgufFile::FindTensor(std::string_view name) const {
  const auto found = tensor_by_name_.find(name);
  return found == tensor_by_name_.end() ? nullptr : &tensors_[found->second];
}

std::string GgufFile::Locate(std::string_view key) const {
  return absl::StrFormat("%s: %s", path(), std::string(key));
}

Result<std::optional<std::int64_t>> GgufFile::Integer(std::string_view key, GgufRange range) const {
  const GgufValue* value = Find(key);
  if (value == nullptr) return std::optional<std::int64_t>();
  if (value->is_array || !IsInteger(value->type)) {
    return InvalidArgument("%s is %s, but must be an integer", Locate(key), Describe(*value));
  }
  const auto number = LoadInteger(value->type, value->bytes.data());
  if (!number || *number < range.low || *number > range.high) {
    return InvalidArgument("%s is %s, but must lie in %d .. %d", Locate(key),
                           number ? std::to_string(*number) : "above 2^63", range.low, range.high);
  }
  return number;
}

Result<std::optional<double>> GgufFile::Number(std::string_view key) const {
  const GgufValue* value = Find(key);
  if (value == nullptr) return std::optional<double>();
  std::optional<double> number;
  if (!value->is_array && value->type == GgufType::kFloat32) {
    number = static_cast<double>(Load<float>(value->bytes.data()));
  } else if (!value->is_array && value->type == GgufType::kFloat64) {
    number = Load<double>(value->bytes.data());
  } else if (!value->is_array && IsInteger(value->type)) {
    const auto integer = LoadInteger(value->type, value->bytes.data());
    if (integer) number = static_cast<double>(*integer);
  }
  if (!number) return InvalidArgument("%s is %s, but must be a number", Locate(key), Describe(*value));
  if (!std::isfinite(*number)) return InvalidArgument("%s is %g, but must be finite", Locate(key), *number);
  return number;
}

Result<std::optional<bool>> GgufFile::Boolean(std::string_view key) const {
  const GgufValue* value = Find(key);
  if (value == nullptr) return std::optional<bool>();
  if (value->is_array || value->type != GgufType::kBool) {
    return InvalidArgument("%s is %s, but must be a boolean", Locate(key), Describe(*value));
  }
  return std::optional<bool>(value->bytes[0] != std::byte{0});
}

Result<std::optional<std::string>> GgufFile::String(std::string_view key) const {
  const GgufValue* value = Find(key);
  if (value == nullptr) return std::optional<std::string>();
  if (value->is_array || value->type != GgufType::kString) {
    return InvalidArgument("%s is %s, but must be a string", Locate(key), Describe(*value));
  }
  return std::optional<std::string>(std::in_place, reinterpret_cast<const char*>(value->bytes.data()),
                                    value->bytes.size());
}

Result<std::optional<std::vector<std::int64_t>>> GgufFile::Integers(std::string_view key,
                                                                    GgufRange range) const {
  const GgufValue* value = Find(key);
  if (value == nullptr) return std::optional<std::vector<std::int64_t>>();
  if (!value->is_array || !IsInteger(value->type)) {
    return InvalidArgument("%s is %s, but must be an array of integers", Locate(key), Describe(*value));
  }
  const std::size_t size = SizeOf(value->type);
  std::vector<std::int64_t> numbers;
  numbers.reserve(value->count);
  for (std::uint64_t i = 0; i < value->count; ++i) {
    const auto number = LoadInteger(value->type, value->bytes.data() + i * size);
    if (!number || *number < range.low || *number > range.high) {
      return InvalidArgument("%s[%d] is %s, but must lie in %d .. %d", Locate(key), i,
                             number ? std::to_string(*number) : "above 2^63", range.low, range.high);
    }
    numbers.push_back(*number);
  }
  return std::optional(std::move(numbers));
}

Result<std::optional<std::vector<float>>> GgufFile::Numbers(std::string_view key) const {
  const GgufValue* value = Find(key);
  if (value == nullptr) return std::optional<std::vector<float>>();
  if (!value->is_array || value->type != GgufType::kFloat32) {
    return InvalidArgument("%s is %s, but must be an array of float32", Locate(key), Describe(*value));
  }
  std::vector<float> numbers(value->count);
  if (!numbers.empty()) std::memcpy(numbers.data(), value->bytes.data(), numbers.size() * sizeof(float));
  return std::optional(std::move(numbers));
}

Result<std::optional<std::vector<std::string_view>>> GgufFile::Strings(std::string_view key) const {
  const GgufValue* value = Find(key);
  if (value == nullptr) return std::optional<std::vector<std::string_view>>();
  if (!value->is_array || value->type != GgufType::kString) {
    return InvalidArgument("%s is %s, but must be an array of strings", Locate(key), Describe(*value));
  }
  std::vector<std::string_view> strings;
  strings.reserve(value->count);
  const std::byte* at = value->bytes.data();
  for (std::uint64_t i = 0; i < value->count; ++i) {
    const auto length = Load<std::uint64_t>(at);
    at += sizeof(length);
    strings.emplace_back(reinterpret_cast<const char*>(at), length);
    at += length;
  }
  return std::optional(std::move(strings));
}

std::uint32_t GgufTypeNumber(NumberFormat format) {
  for (const TensorType& type : kTypes) {
    if (type.format == format) return type.number;
  }
  return 0;
}

}  // namespace carat::internal
