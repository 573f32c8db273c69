// The vector face of 512-bit registers, for AVX-512 F, BW, DQ and VL, with VNNI and BF16 where compiled for.
// `Vec` is a vector of float32, `Quads` one of k-quads: four columns of 16 rows of 8-bit weights.
struct Vec {
  static constexpr std::int64_t kWidth = 16;
  static constexpr bool kManyRegisters = true;
  __m512 v;

  static Vec Zero() { return {_mm512_setzero_ps()}; }
  static Vec Set(float x) { return {_mm512_set1_ps(x)}; }
  static Vec Load(const float* p) { return {_mm512_loadu_ps(p)}; }
  static Vec LoadUnaligned(const std::byte* p) { return {_mm512_castsi512_ps(_mm512_loadu_si512(p))}; }
  static Vec LoadBf16(const std::byte* p) {
    const __m256i bits = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    return {_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16))};
  }
  // The lower and the upper of two bf16 numbers in each word.
  static Vec LoadLow(const std::byte* p) {
    return {_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_loadu_si512(p), 16))};
  }
  static Vec LoadHigh(const std::byte* p) {
    return {_mm512_castsi512_ps(
        _mm512_and_si512(_mm512_loadu_si512(p), _mm512_set1_epi32(static_cast<int>(0xffff0000u))))};
  }
  static Vec LoadF16(const std::byte* p) {
    return {_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
  }
  static float OneF16(const std::byte* p) {
    std::uint16_t bits;
    __builtin_memcpy(&bits, p, 2);
    return _mm512_cvtss_f32(_mm512_cvtph_ps(_mm256_castsi128_si256(_mm_cvtsi32_si128(bits))));
  }
  static void Store(float* p, Vec a) { _mm512_storeu_ps(p, a.v); }
  // Round to nearest even; NaN stays NaN.
  static void StoreBf16(std::uint16_t* p, Vec a) {
    const __m512i bits = _mm512_castps_si512(a.v);
    const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    const __m512i rounded =
        _mm512_srli_epi32(_mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff))), 16);
    const __m512i quiet = _mm512_or_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(0x40));
    const __mmask16 nan = _mm512_cmp_ps_mask(a.v, a.v, _CMP_UNORD_Q);
    const __m512i result = _mm512_mask_blend_epi32(nan, rounded, quiet);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtepi32_epi16(result));
  }
  // Bytes as floats.
  static Vec LoadInt8(const std::byte* p) {
    return {_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))))};
  }
  // The first `count` of 16.
  static void StoreFirst(float* p, Vec a, std::int64_t count) {
    if (count >= kWidth) return _mm512_storeu_ps(p, a.v);
    if (count > 0) _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << count) - 1), a.v);
  }
  static Vec Add(Vec a, Vec b) { return {_mm512_add_ps(a.v, b.v)}; }
  static Vec Subtract(Vec a, Vec b) { return {_mm512_sub_ps(a.v, b.v)}; }
  static Vec Multiply(Vec a, Vec b) { return {_mm512_mul_ps(a.v, b.v)}; }
  static Vec Divide(Vec a, Vec b) { return {_mm512_div_ps(a.v, b.v)}; }
  static Vec MultiplyAdd(Vec a, Vec b, Vec c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
  static Vec Min(Vec a, Vec b) { return {_mm512_min_ps(a.v, b.v)}; }
  static Vec Max(Vec a, Vec b) { return {_mm512_max_ps(a.v, b.v)}; }
  static Vec Round(Vec a) {
    return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
  }
  // 2^n for integral n within the exponents of normal numbers.
  static Vec PowerOfTwo(Vec n) {
    const __m512i exponent = _mm512_add_epi32(_mm512_cvtps_epi32(n.v), _mm512_set1_epi32(127));
    return {_mm512_castsi512_ps(_mm512_slli_epi32(exponent, 23))};
  }
  static float Sum(Vec a) { return _mm512_reduce_add_ps(a.v); }

  // Adds the upper half of the lanes to the lower one, until one is left.
  static float SumByHalves(Vec a) {
    const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(a.v), _mm512_extractf32x8_ps(a.v, 1));
    __m128 sum = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    sum = _mm_add_ps(sum, _mm_movehl_ps(sum, sum));
    return _mm_cvtss_f32(_mm_add_ss(sum, _mm_movehdup_ps(sum)));
  }
  static float Largest(Vec a) { return _mm512_reduce_max_ps(a.v); }
  static Vec Magnitude(Vec a) { return {_mm512_abs_ps(a.v)}; }
  // Of a where the mask has ones, else of b.
  static Vec Select(const std::uint32_t* mask, Vec a, Vec b) {
    const __m512i bits = _mm512_loadu_si512(mask);
    return {_mm512_mask_blend_ps(_mm512_test_epi32_mask(bits, bits), b.v, a.v)};
  }
  // Rounded to nearest even.
  static void StoreInt16(std::int16_t* p, Vec a) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtsepi32_epi16(_mm512_cvtps_epi32(a.v)));
  }

  // Pairs of integers, whose products are summed in as many lanes.
  using Pairs = __m512i;
  using Sums = __m512i;
  static constexpr int kSumVectors = 4;  // beside four queries
  static Sums ZeroSums() { return _mm512_setzero_si512(); }
  static Pairs LoadPairs(const std::int16_t* p) { return _mm512_loadu_si512(p); }
  static Pairs LoadPairs(const std::int8_t* p) {
    return _mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  }
  static Pairs SetPairs(const std::int16_t* p) {
    std::int32_t word;
    __builtin_memcpy(&word, p, 4);
    return _mm512_set1_epi32(word);
  }
  static Sums AddProducts(Sums sum, Pairs a, Pairs b) {
#if defined(__AVX512VNNI__)
    return _mm512_dpwssd_epi32(sum, a, b);
#else
    return _mm512_add_epi32(sum, _mm512_madd_epi16(a, b));
#endif
  }
  static Vec Total(Sums sum) {
    return {_mm512_cvtepi32_ps(sum)};
  }
#if defined(__AVX512BF16__)
  static Vec SetPair(const std::uint16_t* p) {
    std::int32_t word;
    __builtin_memcpy(&word, p, 4);
    return {_mm512_castsi512_ps(_mm512_set1_epi32(word))};
  }
  // a + b.low * c.low + b.high * c.high, of bf16 pairs.
  static Vec DotPairs(Vec a, Vec b, Vec c) {
    return {_mm512_dpbf16_ps(a.v, (__m512bh)_mm512_castps_si512(b.v), (__m512bh)_mm512_castps_si512(c.v))};
  }
#endif
};

struct Quads {
  // Vectors of N and rows of M whose sums stay in registers together.
  static constexpr int kPassVectors = 4;
  static constexpr int kMr = 3;
  static constexpr bool kWideIsSigned = false;
  static constexpr bool kHasShortSums = false;
  using Bytes = __m512i;
  using Ints = __m512i;

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

  static Vec ToFloats(Ints v) { return {_mm512_cvtepi32_ps(v)}; }
  static float LargestMagnitude(const float* x) {
    const __m512 a = _mm512_abs_ps(_mm512_loadu_ps(x));
    const __m512 b = _mm512_abs_ps(_mm512_loadu_ps(x + 16));
    return _mm512_reduce_max_ps(_mm512_max_ps(a, b));
  }
  static void QuantizeGroup(const float* x, float factor, std::int8_t* values, std::int32_t* sums) {
    for (int half = 0; half < 2; ++half) {
      __m512 v = _mm512_mul_ps(_mm512_loadu_ps(x + 16 * half), _mm512_set1_ps(factor));
      v = _mm512_roundscale_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
      // In this order, a NaN becomes a bound.
      v = _mm512_max_ps(_mm512_min_ps(v, _mm512_set1_ps(127.0f)), _mm512_set1_ps(-127.0f));
      const __m512i integers = _mm512_cvtps_epi32(v);
      _mm_storeu_si128(reinterpret_cast<__m128i*>(values + 16 * half), _mm512_cvtepi32_epi8(integers));
      sums[half] = _mm512_reduce_add_epi32(integers);
    }
  }
};
