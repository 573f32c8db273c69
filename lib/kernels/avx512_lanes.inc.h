// The vector type of integer_kernels.inc.h for AVX-512 with VNNI, shared by the files that compile for it.
struct Lanes {
  static constexpr int kLanes = 16;
  static constexpr int kPassVectors = 4;
  static constexpr int kTogether = 3;
  static constexpr bool kWideIsSigned = false;
  using Bytes = __m512i;
  using Ints = __m512i;
  using Floats = __m512;

  static Bytes Load(const std::byte* p) { return _mm512_loadu_si512(p); }
  // Holds v in a register, where compilers would rather load it again for each use.
  static Bytes Keep(Bytes v) {
    asm("" : "+v"(v));
    return v;
  }
  static void StoreBytes(std::byte* p, Bytes v) { _mm512_storeu_si512(p, v); }
  static Bytes And(Bytes v, int mask) {
    return _mm512_and_si512(v, _mm512_set1_epi8(static_cast<char>(mask)));
  }
  static Bytes Or(Bytes a, Bytes b) { return _mm512_or_si512(a, b); }
  static Bytes Subtract(Bytes v, int n) { return _mm512_sub_epi8(v, _mm512_set1_epi8(static_cast<char>(n))); }
  template <int n>
  static Bytes Right(Bytes v) {
    return _mm512_srli_epi16(v, n);
  }
  template <int n>
  static Bytes Left(Bytes v) {
    return _mm512_slli_epi16(v, n);
  }
  static Bytes Nonlinear(Bytes indices) {
    const __m128i table = _mm_loadu_si128(reinterpret_cast<const __m128i*>(kNonlinearValues));
    return _mm512_shuffle_epi8(_mm512_broadcast_i32x4(table), indices);
  }
  static Ints LoadInts(const std::int32_t* p) { return _mm512_loadu_si512(p); }
  static Ints Zero() { return _mm512_setzero_si512(); }
  static Ints Broadcast(const void* four_bytes) {
    std::int32_t word;
    __builtin_memcpy(&word, four_bytes, 4);
    return _mm512_set1_epi32(word);
  }
  template <int n>
  static Ints ShiftLeft(Ints v) {
    return _mm512_slli_epi32(v, n);
  }
  static Ints Dot(Ints sum, Bytes weights, Ints activations) {
    return _mm512_dpbusd_epi32(sum, weights, activations);
  }
  static Ints DotWide(Ints sum, Bytes weights, Ints activations) { return Dot(sum, weights, activations); }
  static Floats ToFloats(Ints v) { return _mm512_cvtepi32_ps(v); }
  static Floats ZeroFloats() { return _mm512_setzero_ps(); }
  static Floats BroadcastFloat(const float* p) { return _mm512_set1_ps(*p); }
  static Floats LoadFloats(const float* p) { return _mm512_loadu_ps(p); }
  static Floats LoadHalves(const std::byte* p) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  }
  static Floats LoadInt8(const std::byte* p) {
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
  }
  static Floats Multiply(Floats a, Floats b) { return _mm512_mul_ps(a, b); }
  static Floats MultiplyAdd(Floats a, Floats b, Floats c) { return _mm512_fmadd_ps(a, b, c); }
  // The first `count` of 16.
  static void Store(float* p, Floats v, std::int64_t count) {
    if (count >= kLanes) return _mm512_storeu_ps(p, v);
    if (count > 0) _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << count) - 1), v);
  }

  static float LargestMagnitude(const float* x) {
    const __m512 a = _mm512_abs_ps(_mm512_loadu_ps(x));
    const __m512 b = _mm512_abs_ps(_mm512_loadu_ps(x + 16));
    return _mm512_reduce_max_ps(_mm512_max_ps(a, b));
  }
  static void QuantizeGroup(const float* x, float factor, std::int8_t* values, std::int32_t* sums) {
    for (int half = 0; half < 2; ++half) {
      __m512 v = _mm512_mul_ps(_mm512_loadu_ps(x + 16 * half), _mm512_set1_ps(factor));
      v = _mm512_roundscale_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
      // In this order what is not a number becomes a bound.
      v = _mm512_max_ps(_mm512_min_ps(v, _mm512_set1_ps(127.0f)), _mm512_set1_ps(-127.0f));
      const __m512i integers = _mm512_cvtps_epi32(v);
      _mm_storeu_si128(reinterpret_cast<__m128i*>(values + 16 * half), _mm512_cvtepi32_epi8(integers));
      sums[half] = _mm512_reduce_add_epi32(integers);
    }
  }
};
