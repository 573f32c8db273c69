#include "lib/media/confined_memory.h"

#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace carat::internal {
namespace {

// The memory in whose Run this thread is. The decoders' calls of malloc carry nothing that could name it.
thread_local ConfinedMemory* current = nullptr;

}  // namespace

// Stands before each allocation.
struct alignas(std::max_align_t) ConfinedMemory::Block {
  Block* previous;
  Block* next;
  std::size_t size;
};

ConfinedMemory::~ConfinedMemory() {
  while (first_ != nullptr) Free(first_ + 1);
}

bool ConfinedMemory::Run(void (*body)(void*), void* argument) {
  std::jmp_buf out_of_memory;
  out_of_memory_ = &out_of_memory;
  current = this;
  const bool left = setjmp(out_of_memory) != 0;
  if (!left) body(argument);
  current = nullptr;
  return !left;
}

void* ConfinedMemory::Allocate(std::size_t size) {
  if (size <= limit_ - used_ && size <= SIZE_MAX - sizeof(Block)) {
    if (auto* block = static_cast<Block*>(std::malloc(sizeof(Block) + size)); block != nullptr) {
      *block = {nullptr, first_, size};
      if (first_ != nullptr) first_->previous = block;
      first_ = block;
      used_ += size;
      return block + 1;
    }
  }
  std::longjmp(*out_of_memory_, 1);
}

void ConfinedMemory::Free(void* data) {
  if (data == nullptr) return;
  Block* block = static_cast<Block*>(data) - 1;
  (block->previous == nullptr ? first_ : block->previous->next) = block->next;
  if (block->next != nullptr) block->next->previous = block->previous;
  used_ -= block->size;
  std::free(block);
}

void* ConfinedMemory::Resize(void* data, std::size_t size) {
  void* resized = Allocate(size);
  if (data == nullptr) return resized;
  const std::size_t before = (static_cast<Block*>(data) - 1)->size;
  std::memcpy(resized, data, before < size ? before : size);
  Free(data);
  return resized;
}

}  // namespace carat::internal

// The names that the confined decoders call. Outside of Run only the destructor of a decoder's state could
// call them, which nobody does: ConfinedMemory frees what is left.
extern "C" {
void* carat_confined_malloc(std::size_t size);
void* carat_confined_calloc(std::size_t count, std::size_t size);
void* carat_confined_realloc(void* data, std::size_t size);
void carat_confined_free(void* data);

void* carat_confined_malloc(std::size_t size) {
  return carat::internal::current == nullptr ? nullptr : carat::internal::current->Allocate(size);
}

void* carat_confined_calloc(std::size_t count, std::size_t size) {
  if (carat::internal::current == nullptr) return nullptr;
  std::size_t bytes = 0;
  if (__builtin_mul_overflow(count, size, &bytes)) bytes = SIZE_MAX;
  return std::memset(carat::internal::current->Allocate(bytes), 0, bytes);
}

void* carat_confined_realloc(void* data, std::size_t size) {
  return carat::internal::current == nullptr ? nullptr : carat::internal::current->Resize(data, size);
}

void carat_confined_free(void* data) {
  if (carat::internal::current != nullptr) carat::internal::current->Free(data);
}
}
