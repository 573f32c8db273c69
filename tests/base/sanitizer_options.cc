// Under a sanitizer an allocation that no machine can serve ends the program, unless told to fail like
// malloc. These tests ask for such allocations.

extern "C" __attribute__((visibility("default"))) const char* __asan_default_options();  // NOLINT
extern "C" __attribute__((visibility("default"))) const char* __tsan_default_options();  // NOLINT

const char* __asan_default_options() {  // NOLINT(bugprone-reserved-identifier): the sanitizer's name
  return "allocator_may_return_null=1";
}

const char* __tsan_default_options() {  // NOLINT(bugprone-reserved-identifier): the sanitizer's name
  return "allocator_may_return_null=1";
}
