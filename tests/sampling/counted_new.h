// The test program's operator new, which counts and can be told to fail.
#ifndef CARAT_TESTS_SAMPLING_COUNTED_NEW_H_
#define CARAT_TESTS_SAMPLING_COUNTED_NEW_H_

#include <atomic>

namespace carat::test {

extern std::atomic<int> allocations;  // so far
extern std::atomic<int> allowed;      // how many more succeed; -1: all

}  // namespace carat::test

#endif  // CARAT_TESTS_SAMPLING_COUNTED_NEW_H_
