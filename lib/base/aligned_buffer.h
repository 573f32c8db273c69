// Memory for numbers: aligned to a cache line, of a size that is checked, whose lack is an error value.
#ifndef CARAT_LIB_BASE_ALIGNED_BUFFER_H_
#define CARAT_LIB_BASE_ALIGNED_BUFFER_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

#include "carat/status.h"

namespace carat::internal {

inline constexpr std::size_t kCacheLine = 64;

// Untyped: bytes that free themselves.
class AlignedBytes {
 public:
  AlignedBytes() noexcept = default;
  ~AlignedBytes();
  AlignedBytes(AlignedBytes&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  AlignedBytes& operator=(AlignedBytes&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }

  // `count` elements of `element_size` bytes, zeroed. `purpose` completes "cannot allocate N bytes for ...".
  static Result<AlignedBytes> Allocate(std::uint64_t count, std::size_t element_size,
                                       std::string_view purpose);

  // This memory will be read from end to end, again and again: large pages, where the system has them.
  void AdviseHugePages() const noexcept;

  void* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }

 private:
  void* data_ = nullptr;
  std::size_t size_ = 0;
};

template <typename T>
requires std::is_trivially_copyable_v<T>
class AlignedBuffer {
 public:
  AlignedBuffer() noexcept = default;

  static Result<AlignedBuffer> Allocate(std::uint64_t count, std::string_view purpose) {
    Result<AlignedBytes> bytes = AlignedBytes::Allocate(count, sizeof(T), purpose);
    if (!bytes.ok()) return bytes.status();
    AlignedBuffer buffer;
    buffer.bytes_ = *std::move(bytes);
    return buffer;
  }

  T* data() const noexcept { return static_cast<T*>(bytes_.data()); }
  std::size_t size() const noexcept { return bytes_.size() / sizeof(T); }
  bool empty() const noexcept { return size() == 0; }
  T& operator[](std::size_t i) const noexcept { return data()[i]; }
  std::span<T> span() const noexcept { return {data(), size()}; }

 private:
  AlignedBytes bytes_;
};

}  // namespace carat::internal

#endif  // CARAT_LIB_BASE_ALIGNED_BUFFER_H_
