// Version, errors, and the strings and tokens that carat returns.
#include <algorithm>
#include <iterator>
#include <new>
#include <string_view>
#include <utility>

#include "capi/call.h"
#include "capi/carat.h"
#include "capi/handles.h"
#include "carat/status.h"
#include "carat/version.h"

namespace carat::capi {
namespace {

void SetError(carat_error* error, carat_status code, std::string_view message) noexcept {
  if (error == nullptr) return;
  error->code = code;
  try {
    error->message = message;
  } catch (...) {
    // A sentence that fits into every std::string, so that this one needs no memory.
    error->message.clear();
    error->message.append("out of memory");
  }
}

}  // namespace

carat_status Report(carat_error* error, const Status& status) noexcept {
  const carat_status code = static_cast<carat_status>(status.code());
  SetError(error, code, status.ok() ? std::string_view() : std::string_view(status.message()));
  return code;
}

Result<carat_tokens*> NewTokensHandle(std::vector<std::int32_t> tokens) {
  return new carat_tokens{std::move(tokens)};
}

}  // namespace carat::capi

const char* carat_version_string() {
  return carat::Version();
}

int32_t carat_abi_version() {
  return CARAT_ABI_VERSION;
}

const char* carat_status_name(carat_status status) {
  // The names are string literals.
  return carat::StatusCodeName(static_cast<carat::StatusCode>(status)).data();
}

carat_error* carat_error_new() {
  return new (std::nothrow) carat_error;
}

void carat_error_free(carat_error* error) {
  delete error;
}

carat_status carat_error_code(const carat_error* error) {
  return error == nullptr ? CARAT_OK : error->code;
}

const char* carat_error_message(const carat_error* error) {
  return error == nullptr ? "" : error->message.c_str();
}

size_t carat_error_message_size(const carat_error* error) {
  return error == nullptr ? 0 : error->message.size();
}

carat_status carat_error_set(carat_error* error, carat_status code, const char* message,
                             size_t message_size) {
  carat::capi::SetError(error, code,
                        message == nullptr ? std::string_view() : std::string_view(message, message_size));
  return code;
}

const char* carat_string_data(const carat_string* string) {
  return string == nullptr ? "" : string->value.c_str();
}

size_t carat_string_size(const carat_string* string) {
  return string == nullptr ? 0 : string->value.size();
}

void carat_string_free(carat_string* string) {
  delete string;
}

const int32_t* carat_tokens_data(const carat_tokens* tokens) {
  return tokens == nullptr ? nullptr : tokens->value.data();
}

size_t carat_tokens_size(const carat_tokens* tokens) {
  return tokens == nullptr ? 0 : tokens->value.size();
}

void carat_tokens_free(carat_tokens* tokens) {
  delete tokens;
}
