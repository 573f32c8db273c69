#include "tests/sampling/counted_new.h"

#include <cstdlib>
#include <new>

namespace carat::test {

std::atomic<int> allocations{0};
std::atomic<int> allowed{-1};

namespace {

void* Allocate(std::size_t size) noexcept {
  ++allocations;
  if (allowed == 0) return nullptr;
  if (allowed > 0) --allowed;
  return std::malloc(size == 0 ? 1 : size);
}

}  // namespace
}  // namespace carat::test

void* operator new(std::size_t size) {
  void* const memory = carat::test::Allocate(size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return carat::test::Allocate(size);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, const std::nothrow_t&) noexcept {
  std::free(memory);
}
