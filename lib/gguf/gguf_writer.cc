#include "lib/gguf/gguf_writer.h"

#include <bit>
#include <type_traits>

namespace carat::internal {
namespace {

// Files are little-endian, and so are the machines that carat runs on.
static_assert(std::endian::native == std::endian::little);

template <typename T>
requires std::is_arithmetic_v<T>
void Append(T value, std::string* to) {
  to->append(reinterpret_cast<const char*>(&value), sizeof(value));
}

void AppendString(std::string_view text, std::string* to) {
  Append(static_cast<std::uint64_t>(text.size()), to);
  to->append(text);
}

}  // namespace

std::uint64_t GgufPadding(std::uint64_t bytes) {
  return (kGgufAlignment - bytes % kGgufAlignment) % kGgufAlignment;
}

void GgufHeader::Key(std::string_view key, GgufType type) {
  AppendString(key, &keys_);
  Append(static_cast<std::uint32_t>(type), &keys_);
  ++key_count_;
}

void GgufHeader::Array(std::string_view key, GgufType type, std::uint64_t count) {
  Key(key, GgufType::kArray);
  Append(static_cast<std::uint32_t>(type), &keys_);
  Append(count, &keys_);
}

void GgufHeader::Unsigned(std::string_view key, std::int64_t value) {
  Key(key, GgufType::kUint32);
  Append(static_cast<std::uint32_t>(value), &keys_);
}

void GgufHeader::Signed(std::string_view key, std::int64_t value) {
  Key(key, GgufType::kInt32);
  Append(static_cast<std::int32_t>(value), &keys_);
}

void GgufHeader::Number(std::string_view key, double value) {
  Key(key, GgufType::kFloat32);
  Append(static_cast<float>(value), &keys_);
}

void GgufHeader::Boolean(std::string_view key, bool value) {
  Key(key, GgufType::kBool);
  Append(static_cast<std::uint8_t>(value ? 1 : 0), &keys_);
}

void GgufHeader::String(std::string_view key, std::string_view value) {
  Key(key, GgufType::kString);
  AppendString(value, &keys_);
}

void GgufHeader::Integers(std::string_view key, std::span<const std::int64_t> values) {
  Array(key, GgufType::kInt32, values.size());
  for (const std::int64_t value : values) Append(static_cast<std::int32_t>(value), &keys_);
}

void GgufHeader::Numbers(std::string_view key, std::span<const float> values) {
  Array(key, GgufType::kFloat32, values.size());
  for (const float value : values) Append(value, &keys_);
}

void GgufHeader::Booleans(std::string_view key, const std::vector<bool>& values) {
  Array(key, GgufType::kBool, values.size());
  for (const bool value : values) Append(static_cast<std::uint8_t>(value ? 1 : 0), &keys_);
}

void GgufHeader::Strings(std::string_view key, std::span<const std::string_view> values) {
  Array(key, GgufType::kString, values.size());
  for (const std::string_view value : values) AppendString(value, &keys_);
}

void GgufHeader::Copy(std::string_view key, const GgufValue& value) {
  if (value.is_array) {
    Array(key, value.type, value.count);
  } else {
    Key(key, value.type);
    if (value.type == GgufType::kString) Append(static_cast<std::uint64_t>(value.bytes.size()), &keys_);
  }
  keys_.append(reinterpret_cast<const char*>(value.bytes.data()), value.bytes.size());
}

void GgufHeader::Tensor(std::string_view name, std::span<const std::int64_t> shape, NumberFormat format) {
  AppendString(name, &tensors_);
  Append(static_cast<std::uint32_t>(shape.size()), &tensors_);
  std::int64_t values = 1;
  for (std::size_t i = shape.size(); i-- > 0;) {
    Append(shape[i], &tensors_);
    values *= shape[i];
  }
  Append(GgufTypeNumber(format), &tensors_);
  Append(data_bytes_, &tensors_);
  ++tensor_count_;
  data_bytes_ += BytesOf(format, values);
  data_bytes_ += GgufPadding(data_bytes_);
}

std::string GgufHeader::Bytes() const {
  std::string bytes(kGgufMagic);
  Append(kGgufVersion, &bytes);
  Append(tensor_count_, &bytes);
  Append(key_count_, &bytes);
  bytes += keys_;
  bytes += tensors_;
  bytes.append(GgufPadding(bytes.size()), '\0');
  return bytes;
}

}  // namespace carat::internal
