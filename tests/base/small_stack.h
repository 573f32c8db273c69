// Running a test's inside on a thread with as small a stack as hosts have.
#ifndef CARAT_TESTS_BASE_SMALL_STACK_H_
#define CARAT_TESTS_BASE_SMALL_STACK_H_

#include <gtest/gtest.h>
#include <pthread.h>

#include <cstddef>
#include <functional>

namespace carat::test {

// 128 KB; under sanitizers, whose frames are several times as large, more.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr std::size_t kSmallStack = std::size_t{1} << 20;
#else
inline constexpr std::size_t kSmallStack = std::size_t{128} << 10;
#endif

inline void RunOnSmallStack(const std::function<void()>& inside) {
  pthread_attr_t attributes;
  ASSERT_EQ(pthread_attr_init(&attributes), 0);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, kSmallStack), 0);
  pthread_t thread;
  const auto run = [](void* function) -> void* {
    (*static_cast<const std::function<void()>*>(function))();
    return nullptr;
  };
  ASSERT_EQ(pthread_create(&thread, &attributes, run, const_cast<std::function<void()>*>(&inside)), 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
}

}  // namespace carat::test

#endif  // CARAT_TESTS_BASE_SMALL_STACK_H_
