// Structs that begin with struct_size: how a host and a library of different versions understand each other.
#ifndef CARAT_CAPI_SIZED_STRUCT_H_
#define CARAT_CAPI_SIZED_STRUCT_H_

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <type_traits>

#include "capi/call.h"
#include "capi/carat.h"

namespace carat::capi {

// The size that a struct had in the first version of it. Whoever appends a member specialises this with the
// size before.
template <typename T>
inline constexpr std::size_t kFirstSize = sizeof(T);
template <>
inline constexpr std::size_t kFirstSize<carat_sampling_options> = offsetof(carat_sampling_options,
                                                                           constraint);
template <>
inline constexpr std::size_t kFirstSize<carat_model_options> = offsetof(carat_model_options, precision);
template <>
inline constexpr std::size_t kFirstSize<carat_quantize_options> = offsetof(carat_quantize_options, mmproj);
template <>
inline constexpr std::size_t kFirstSize<carat_model_info> = offsetof(carat_model_info, bytes_per_token);
template <>
inline constexpr std::size_t kFirstSize<carat_reply_options> = offsetof(carat_reply_options, answer);
template <>
inline constexpr std::size_t kFirstSize<carat_json_schema_options> = offsetof(carat_json_schema_options,
                                                                              closed_objects);

// No struct will ever be larger, so that a size that was never set is found out before anything is read.
inline constexpr std::size_t kLargestSize = 1024;

// What a prepared struct holds. Specialised where a default is not 0.
template <typename T>
T DefaultsOf() noexcept {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= kLargestSize);
  T value;
  std::memset(&value, 0, sizeof(T));
  value.struct_size = sizeof(T);
  return value;
}

template <>
inline carat_sampling_options DefaultsOf() noexcept {
  carat_sampling_options options{};
  options.struct_size = sizeof options;
  options.temperature = 1;
  options.top_p = 1;
  options.typical_p = 1;
  options.repetition_penalty = 1;
  return options;
}

template <>
inline carat_json_schema_options DefaultsOf() noexcept {
  carat_json_schema_options options{};
  options.struct_size = sizeof options;
  options.max_whitespace = 64;
  return options;
}

template <>
inline carat_constraint_options DefaultsOf() noexcept {
  carat_constraint_options options{};
  options.struct_size = sizeof options;
  options.trigger = -1;
  options.free_begin = -1;
  options.free_end = -1;
  return options;
}

template <>
inline carat_generation_options DefaultsOf() noexcept {
  carat_generation_options options{};
  options.struct_size = sizeof options;
  options.max_new_tokens = -1;
  options.stop_at_model_stop_tokens = 1;
  return options;
}

template <>
inline carat_reply_options DefaultsOf() noexcept {
  carat_reply_options options{};
  options.struct_size = sizeof options;
  options.max_new_tokens = -1;
  options.thinking_budget = -1;
  return options;
}

template <>
inline carat_sampler_functions DefaultsOf() noexcept {
  carat_sampler_functions functions{};
  functions.struct_size = sizeof functions;
  functions.name = "host";
  functions.name_size = 4;
  return functions;
}

// The body of every carat_..._init. There is no error object: the code is the whole answer.
template <typename T>
carat_status InitStruct(T* target, std::size_t struct_size) noexcept {
  if (target == nullptr || struct_size < kFirstSize<T> || struct_size > kLargestSize) {
    return CARAT_INVALID_ARGUMENT;
  }
  const T defaults = DefaultsOf<T>();
  std::memset(static_cast<void*>(target), 0, struct_size);
  std::memcpy(static_cast<void*>(target), &defaults, std::min(struct_size, sizeof(T)));
  std::memcpy(static_cast<void*>(target), &struct_size, sizeof struct_size);
  return CARAT_OK;
}

// Errors: INVALID_ARGUMENT for a null struct or one whose size no version has.
template <typename T>
Status CheckStruct(const T* given, const char* type) {
  if (given == nullptr) return internal::InvalidArgument("%s is NULL", type);
  if (given->struct_size < kFirstSize<T> || given->struct_size > kLargestSize) {
    return internal::InvalidArgument("%s: struct_size is %d, but must be at least %d: %s_init sets it", type,
                                     given->struct_size, kFirstSize<T>, type);
  }
  return {};
}

// What the host has set; defaults where its header is older, and for null if `or_defaults`. Errors:
// INVALID_ARGUMENT also if the header is newer and the host has set something that this library does not
// know.
template <typename T>
Result<T> ReadStruct(const T* given, const char* type, bool or_defaults) {
  T value = DefaultsOf<T>();
  if (given == nullptr && or_defaults) return value;
  CARAT_RETURN_IF_ERROR(CheckStruct(given, type));
  const std::size_t size = given->struct_size;
  std::memcpy(static_cast<void*>(&value), given, std::min(size, sizeof(T)));
  value.struct_size = sizeof(T);
  const char* bytes = reinterpret_cast<const char*>(given);
  if (size > sizeof(T) && std::any_of(bytes + sizeof(T), bytes + size, [](char byte) { return byte != 0; })) {
    return internal::InvalidArgument(
        "%s sets something that this version of carat (%s) does not know: the header is newer", type,
        carat_version_string());
  }
  if constexpr (requires { value.reserved; }) {
    if (value.reserved != 0) {
      return internal::InvalidArgument("%s: reserved is %d, but must be 0", type, value.reserved);
    }
  }
  return value;
}

template <typename T>
Result<T> ReadOptions(const T* given, const char* type) {
  return ReadStruct(given, type, true);
}

// Fills a struct that CheckStruct has found good, as far as the host's header knows it.
template <typename T>
void FillStruct(T* target, const T& value) noexcept {
  const std::size_t size = target->struct_size;
  std::memcpy(static_cast<void*>(target), &value, std::min(size, sizeof(T)));
  std::memcpy(static_cast<void*>(target), &size, sizeof size);
}

}  // namespace carat::capi

#endif  // CARAT_CAPI_SIZED_STRUCT_H_
