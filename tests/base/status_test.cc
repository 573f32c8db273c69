// Errors as values, and the boundary that turns exceptions into them.
#include "carat/status.h"

#include <gtest/gtest.h>

#include <memory>
#include <new>
#include <stdexcept>
#include <string>

#include "lib/base/error.h"
#include "lib/base/guard.h"

namespace carat::internal {
namespace {

TEST(Status, TextAndCode) {
  EXPECT_TRUE(Status().ok());
  EXPECT_EQ(Status().ToString(), "OK");
  const Status status = NotFound("%s: no such file, tried %d times", std::string("x.json"), 3);
  EXPECT_EQ(status.code(), StatusCode::kNotFound);
  EXPECT_EQ(status.ToString(), "NOT_FOUND: x.json: no such file, tried 3 times");
  EXPECT_EQ(StatusCodeName(StatusCode::kDataLoss), "DATA_LOSS");
  EXPECT_EQ(StatusCodeName(static_cast<StatusCode>(99)), "UNKNOWN");
}

TEST(Status, CodesAreTheCanonicalOnes) {
  EXPECT_EQ(static_cast<int>(InvalidArgument("").code()), 3);
  EXPECT_EQ(static_cast<int>(NotFound("").code()), 5);
  EXPECT_EQ(static_cast<int>(PermissionDenied("").code()), 7);
  EXPECT_EQ(static_cast<int>(ResourceExhausted("").code()), 8);
  EXPECT_EQ(static_cast<int>(FailedPrecondition("").code()), 9);
  EXPECT_EQ(static_cast<int>(OutOfRange("").code()), 11);
  EXPECT_EQ(static_cast<int>(Unimplemented("").code()), 12);
  EXPECT_EQ(static_cast<int>(Internal("").code()), 13);
  EXPECT_EQ(static_cast<int>(Unavailable("").code()), 14);
  EXPECT_EQ(static_cast<int>(DataLoss("").code()), 15);
}

Result<int> Half(int number) {
  if (number % 2 != 0) return InvalidArgument("%d is odd", number);
  return number / 2;
}

Result<int> Quarter(int number) {
  CARAT_ASSIGN_OR_RETURN(const int half, Half(number));
  CARAT_RETURN_IF_ERROR(Half(half).status());
  return Half(half);
}

TEST(Result, ValuesAndErrorsPassThrough) {
  EXPECT_EQ(*Quarter(12), 3);
  EXPECT_EQ(Quarter(5).status().message(), "5 is odd");
  EXPECT_EQ(Quarter(6).status().message(), "3 is odd");
  const Result<int> nothing = Status();
  EXPECT_EQ(nothing.status().code(), StatusCode::kInternal);
  Result<std::unique_ptr<int>> owner = std::make_unique<int>(4);
  EXPECT_EQ(**owner, 4);
}

TEST(Guard, ExceptionsBecomeErrors) {
  EXPECT_TRUE(Guard([] { return Status(); }).ok());
  EXPECT_EQ(*Guard([] { return Half(8); }), 4);
  EXPECT_EQ(Guard([]() -> Status { throw std::bad_alloc(); }).code(), StatusCode::kResourceExhausted);
  const Result<int> thrown = Guard([]() -> Result<int> { throw std::runtime_error("from a host"); });
  EXPECT_EQ(thrown.status().code(), StatusCode::kInternal);
  EXPECT_EQ(thrown.status().message(), "from a host");
  EXPECT_EQ(Guard([]() -> Status { throw 7; }).code(), StatusCode::kInternal);
}

}  // namespace
}  // namespace carat::internal
