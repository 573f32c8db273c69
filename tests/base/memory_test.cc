// Checked arithmetic and aligned memory.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>

#include "lib/base/aligned_buffer.h"
#include "lib/base/checked.h"

namespace carat::internal {
namespace {

constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
constexpr std::uint64_t kUnsignedMax = std::numeric_limits<std::uint64_t>::max();

TEST(Checked, Add) {
  EXPECT_EQ(CheckedAdd<std::int64_t>(kMax - 1, 1), kMax);
  EXPECT_EQ(CheckedAdd<std::int64_t>(kMax, 1), std::nullopt);
  EXPECT_EQ(CheckedAdd<std::int64_t>(-kMax, -2), std::nullopt);
  EXPECT_EQ(CheckedAdd<std::uint64_t>(kUnsignedMax, 0), kUnsignedMax);
  EXPECT_EQ(CheckedAdd<std::uint64_t>(kUnsignedMax, 1), std::nullopt);
}

TEST(Checked, Multiply) {
  EXPECT_EQ(CheckedMultiply<std::int64_t>(std::int64_t{1} << 31, std::int64_t{1} << 31),
            std::int64_t{1} << 62);
  EXPECT_EQ(CheckedMultiply<std::int64_t>(std::int64_t{1} << 32, std::int64_t{1} << 31), std::nullopt);
  EXPECT_EQ(CheckedMultiply<std::uint64_t>(std::uint64_t{1} << 32, std::uint64_t{1} << 32), std::nullopt);
  EXPECT_EQ(CheckedMultiply<std::uint64_t>(0, kUnsignedMax), 0u);
}

TEST(Checked, Product) {
  EXPECT_EQ(CheckedProduct<std::int64_t>({}), 1);
  EXPECT_EQ(CheckedProduct<std::int64_t>(std::array<std::int64_t, 3>{3, 5, 7}), 105);
  EXPECT_EQ(CheckedProduct<std::int64_t>(std::array<std::int64_t, 3>{1 << 30, 1 << 30, 16}), std::nullopt);
}

TEST(AlignedBuffer, AlignedZeroedAndOfTheRightSize) {
  for (const std::uint64_t count : {1u, 15u, 16u, 17u, 1000u}) {
    Result<AlignedBuffer<float>> buffer = AlignedBuffer<float>::Allocate(count, "a test");
    ASSERT_TRUE(buffer.ok()) << buffer.status().ToString();
    EXPECT_EQ(buffer->size(), count);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer->data()) % kCacheLine, 0u);
    for (const float value : buffer->span()) EXPECT_EQ(value, 0.0f);
    (*buffer)[count - 1] = 3;
    EXPECT_EQ(buffer->span().back(), 3.0f);
  }
}

TEST(AlignedBuffer, Empty) {
  Result<AlignedBuffer<float>> buffer = AlignedBuffer<float>::Allocate(0, "nothing");
  ASSERT_TRUE(buffer.ok());
  EXPECT_TRUE(buffer->empty());
  EXPECT_TRUE(buffer->span().empty());
  EXPECT_TRUE(AlignedBuffer<float>().empty());
}

TEST(AlignedBuffer, Moves) {
  Result<AlignedBuffer<int>> made = AlignedBuffer<int>::Allocate(4, "a test");
  ASSERT_TRUE(made.ok());
  AlignedBuffer<int> first = *std::move(made);
  first[2] = 42;
  const int* data = first.data();
  AlignedBuffer<int> second(std::move(first));
  EXPECT_EQ(second.data(), data);
  AlignedBuffer<int> third;
  third = std::move(second);
  EXPECT_EQ(third.data(), data);
  EXPECT_EQ(third[2], 42);
}

void ExpectExhausted(const Status& status, const std::string& purpose) {
  EXPECT_EQ(status.code(), StatusCode::kResourceExhausted) << status.ToString();
  EXPECT_NE(status.message().find(purpose), std::string::npos) << status.ToString();
}

TEST(AlignedBuffer, AbsurdSizesAreErrors) {
  // The product overflows; it does not, but no address space holds it; no machine has it.
  ExpectExhausted(AlignedBuffer<double>::Allocate(kUnsignedMax, "the moon").status(), "the moon");
  ExpectExhausted(AlignedBuffer<double>::Allocate(std::uint64_t{1} << 61, "the moon").status(), "the moon");
  ExpectExhausted(AlignedBuffer<char>::Allocate(static_cast<std::uint64_t>(kMax), "the moon").status(),
                  "the moon");
  ExpectExhausted(AlignedBuffer<char>::Allocate(static_cast<std::uint64_t>(kMax) - 4096, "the moon").status(),
                  "the moon");
}

}  // namespace
}  // namespace carat::internal
