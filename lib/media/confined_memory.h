// Memory for decoders that do not survive a failed allocation.
//
// libwebp and libvorbis call malloc without checking everywhere what it returns, and forget memory when a
// file is broken. Their static libraries are therefore linked in with malloc, calloc, realloc and free
// renamed to the functions below (confine.cmake). Each call of such a decoder runs inside a ConfinedMemory:
// it has a limit, an allocation that fails leaves the decoder by longjmp, and whatever the decoder still
// holds is freed with the ConfinedMemory. The decoder can therefore neither crash for want of memory nor
// leak.
#ifndef CARAT_LIB_MEDIA_CONFINED_MEMORY_H_
#define CARAT_LIB_MEDIA_CONFINED_MEMORY_H_

#include <csetjmp>
#include <cstddef>

namespace carat::internal {

class ConfinedMemory {
 public:
  // `limit`: the most bytes that are allocated at once.
  explicit ConfinedMemory(std::size_t limit) : limit_(limit) {}
  ~ConfinedMemory();
  ConfinedMemory(const ConfinedMemory&) = delete;
  ConfinedMemory& operator=(const ConfinedMemory&) = delete;

  // Calls body(argument), whose allocations come from here. Returns false if one failed: the body was left
  // where it stood, and what it worked on must not be used any more. The body and what it calls hold nothing
  // that has a destructor, and throw nothing.
  bool Run(void (*body)(void*), void* argument);

  // Run for a lambda.
  template <typename Body>
  bool Run(Body body) {
    return Run([](void* argument) { (*static_cast<Body*>(argument))(); }, &body);
  }

  // What malloc, realloc and free are inside Run. Allocate and Resize do not return if memory is out.
  void* Allocate(std::size_t size);
  void* Resize(void* data, std::size_t size);
  void Free(void* data);

 private:
  struct Block;

  std::size_t limit_;
  std::size_t used_ = 0;
  Block* first_ = nullptr;
  std::jmp_buf* out_of_memory_ = nullptr;
};

}  // namespace carat::internal

#endif  // CARAT_LIB_MEDIA_CONFINED_MEMORY_H_
