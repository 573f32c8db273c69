#include "examples/cli/peaks.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace carat::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kRuns = 8;

// Seconds that `threads` threads need for work(thread), started together; the least of some runs.
double BestSeconds(int threads, const std::function<void(int)>& work) {
  double best = 1e30;
  for (int run = 0; run < kRuns; ++run) {
    std::atomic<int> ready{0};
    std::vector<std::thread> others;
    const auto enter = [&](int index) {
      ready.fetch_add(1);
      while (ready.load() < threads) {
      }
      work(index);
    };
    for (int i = 1; i < threads; ++i) others.emplace_back(enter, i);
    while (ready.load() < threads - 1) {
    }
    const auto begin = Clock::now();
    enter(0);
    for (std::thread& other : others) other.join();
    best = std::min(best, std::chrono::duration<double>(Clock::now() - begin).count());
  }
  return best;
}

// What the loops compute goes here, so that they are not optimised away.
std::atomic<int> sink{0};

#if defined(__x86_64__)

// The first number of a vector, whatever its type.
template <typename Vector>
int First(const Vector& v) {
  int first;
  __builtin_memcpy(&first, &v, sizeof first);
  return first;
}

constexpr std::int64_t kSteps = 1'000'000;
// Independent sums, enough to hide any latency; eight with AVX2, which has fewer registers.
constexpr int kSums = 12;

// A loop over such sums: each a name of its own, so that it stays in a register, and opaque, so that the loop
// stays. `next` is a macro from a sum to the next one.
#define CARAT_STEP(sum, next) \
  sum = next(sum);            \
  asm volatile("" : "+v"(sum));
#define CARAT_LOOP_8(Vector, zero, next)                                                                     \
  Vector s0 = zero, s1 = zero, s2 = zero, s3 = zero, s4 = zero, s5 = zero, s6 = zero, s7 = zero;             \
  for (std::int64_t i = 0; i < kSteps; ++i) {                                                                \
    CARAT_STEP(s0, next)                                                                                     \
    CARAT_STEP(s1, next)                                                                                     \
    CARAT_STEP(s2, next)                                                                                     \
    CARAT_STEP(s3, next) CARAT_STEP(s4, next) CARAT_STEP(s5, next) CARAT_STEP(s6, next) CARAT_STEP(s7, next) \
  }                                                                                                          \
  sink += First(s0);                                                                                         \
  sink += First(s1);                                                                                         \
  sink += First(s2);                                                                                         \
  sink += First(s3);                                                                                         \
  sink += First(s4);                                                                                         \
  sink += First(s5);                                                                                         \
  sink += First(s6);                                                                                         \
  sink += First(s7);
#define CARAT_LOOP_12(Vector, zero, next)                                                                   \
  Vector s0 = zero, s1 = zero, s2 = zero, s3 = zero, s4 = zero, s5 = zero, s6 = zero, s7 = zero, s8 = zero, \
         s9 = zero, s10 = zero, s11 = zero;                                                                 \
  for (std::int64_t i = 0; i < kSteps; ++i) {                                                               \
    CARAT_STEP(s0, next)                                                                                    \
    CARAT_STEP(s1, next)                                                                                    \
    CARAT_STEP(s2, next)                                                                                    \
    CARAT_STEP(s3, next)                                                                                    \
    CARAT_STEP(s4, next)                                                                                    \
    CARAT_STEP(s5, next)                                                                                    \
    CARAT_STEP(s6, next)                                                                                    \
    CARAT_STEP(s7, next)                                                                                    \
    CARAT_STEP(s8, next) CARAT_STEP(s9, next) CARAT_STEP(s10, next) CARAT_STEP(s11, next)                   \
  }                                                                                                         \
  sink += First(s0);                                                                                        \
  sink += First(s1);                                                                                        \
  sink += First(s2);                                                                                        \
  sink += First(s3);                                                                                        \
  sink += First(s4);                                                                                        \
  sink += First(s5);                                                                                        \
  sink += First(s6);                                                                                        \
  sink += First(s7);                                                                                        \
  sink += First(s8);                                                                                        \
  sink += First(s9);                                                                                        \
  sink += First(s10);                                                                                       \
  sink += First(s11);

#define CARAT_VNNI(sum) _mm512_dpbusd_epi32(sum, a, b)
#define CARAT_BF16(sum) _mm512_dpbf16_ps(sum, a, a)
#define CARAT_FLOAT512(sum) _mm512_fmadd_ps(a, a, sum)
#define CARAT_FLOAT256(sum) _mm256_fmadd_ps(a, a, sum)
// It multiplies the sum itself: a product of constants would be computed but once.
#define CARAT_INTEGER256(sum) _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(a, sum), ones))

__attribute__((target("avx512f,avx512bw,avx512vnni"))) void VnniSteps(int) {
  const __m512i zero = _mm512_setzero_si512(), a = _mm512_set1_epi8(3), b = _mm512_set1_epi8(5);
  CARAT_LOOP_12(__m512i, zero, CARAT_VNNI);
}

__attribute__((target("avx512f,avx512bf16"))) void Bf16Steps(int) {
  const __m512 zero = _mm512_setzero_ps();
  const __m512bh a = (__m512bh)_mm512_set1_epi16(0x3f80);
  CARAT_LOOP_12(__m512, zero, CARAT_BF16);
}

__attribute__((target("avx512f"))) void Float512Steps(int) {
  const __m512 zero = _mm512_setzero_ps(), a = _mm512_set1_ps(0.5f);
  CARAT_LOOP_12(__m512, zero, CARAT_FLOAT512);
}

__attribute__((target("avx2"))) void Avx2IntegerSteps(int) {
  const __m256i zero = _mm256_setzero_si256(), a = _mm256_set1_epi8(3), ones = _mm256_set1_epi16(1);
  CARAT_LOOP_8(__m256i, zero, CARAT_INTEGER256);
}

__attribute__((target("avx2,fma"))) void Float256Steps(int) {
  const __m256 zero = _mm256_setzero_ps(), a = _mm256_set1_ps(0.5f);
  CARAT_LOOP_8(__m256, zero, CARAT_FLOAT256);
}

template <bool kPrefetch>
__attribute__((target("avx2"))) void ReadAll(const std::byte* data, std::size_t bytes) {
  __m256i a = _mm256_setzero_si256(), b = a;
  for (std::size_t i = 0; i + 64 <= bytes; i += 64) {
    if (kPrefetch) _mm_prefetch(reinterpret_cast<const char*>(data + i + 4096), _MM_HINT_T0);
    a = _mm256_xor_si256(a, _mm256_load_si256(reinterpret_cast<const __m256i*>(data + i)));
    b = _mm256_xor_si256(b, _mm256_load_si256(reinterpret_cast<const __m256i*>(data + i + 32)));
  }
  sink += First(_mm256_xor_si256(a, b));
}

double OperationsPerSecond(int threads, double operations_per_step, void (*steps)(int)) {
  return operations_per_step * static_cast<double>(kSteps) * threads / BestSeconds(threads, steps);
}

#endif

}  // namespace

MachinePeaks MeasurePeaks(int threads) {
  MachinePeaks peaks;
#if defined(__x86_64__)
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return peaks;
  constexpr std::size_t kBytes = std::size_t{512} << 20;
  constexpr std::size_t kLine = 64;
  std::vector<std::byte> memory(kBytes + kLine, std::byte{1});
  const std::byte* begin =
      memory.data() + (kLine - reinterpret_cast<std::uintptr_t>(memory.data()) % kLine) % kLine;
  const std::size_t share = kBytes / static_cast<std::size_t>(threads) / kLine * kLine;
  const auto share_of = [&](int i) { return begin + static_cast<std::size_t>(i) * share; };
  // Some processors read faster with prefetching, some without.
  const double seconds = std::min(BestSeconds(threads, [&](int i) { ReadAll<false>(share_of(i), share); }),
                                  BestSeconds(threads, [&](int i) { ReadAll<true>(share_of(i), share); }));
  peaks.read_bytes = static_cast<double>(share) * threads / seconds;
  if (__builtin_cpu_supports("avx512f")) {
    peaks.float32 = OperationsPerSecond(threads, kSums * 32, Float512Steps);
  } else {
    peaks.float32 = OperationsPerSecond(threads, 8 * 16, Float256Steps);
  }
  if (__builtin_cpu_supports("avx512vnni")) {
    peaks.int8 = OperationsPerSecond(threads, kSums * 128, VnniSteps);
  } else {
    peaks.int8 = OperationsPerSecond(threads, 8 * 64, Avx2IntegerSteps);
  }
  if (__builtin_cpu_supports("avx512bf16")) peaks.bf16 = OperationsPerSecond(threads, kSums * 64, Bf16Steps);
#else
  static_cast<void>(threads);
#endif
  return peaks;
}

}  // namespace carat::cli
