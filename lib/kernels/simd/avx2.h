// The vector face of 256-bit registers, for AVX2, FMA and F16C, with AVX-VNNI where compiled for. `Vec` is a
// vector of float32, `Quads` one of k-quads: four columns of eight rows of 8-bit weights.
struct Vec {
  static constexpr std::int64_t kWidth = 8;
  static constexpr bool kManyRegisters = false;  // 32 rather than 16
  __m256 v;

  static Vec Zero() { return {_mm256_setzero_ps()}; }
  static Vec Set(float x) { return {_mm256_set1_ps(x)}; }
  static Vec Load(const float* p) { return {_mm256_loadu_ps(p)}; }
  static Vec LoadUnaligned(const std::byte* p) {
    return {_mm256_castsi256_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
  }
  static Vec LoadBf16(const std::byte* p) {
    const __m128i bits = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    return {_mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16))};
  }
  // The lower and the upper of two bf16 numbers in each word.
  static Vec LoadLow(const std::byte* p) {
    const __m256i words = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    return {_mm256_castsi256_ps(_mm256_slli_epi32(words, 16))};
  }
  static Vec LoadHigh(const std::byte* p) {
    const __m256i words = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    return {_mm256_castsi256_ps(_mm256_and_si256(words, _mm256_set1_epi32(static_cast<int>(0xffff0000u))))};
  }
  static Vec LoadF16(const std::byte* p) {
    return {_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))};
  }
  static float OneF16(const std::byte* p) {
    std::uint16_t bits;
    __builtin_memcpy(&bits, p, 2);
    return _cvtsh_ss(bits);
  }
  static void Store(float* p, Vec a) { _mm256_storeu_ps(p, a.v); }
  // Round to nearest even; NaN stays NaN.
  static void StoreBf16(std::uint16_t* p, Vec a) {
    const __m256i bits = _mm256_castps_si256(a.v);
    const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    __m256i rounded =
        _mm256_srli_epi32(_mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff))), 16);
    const __m256i quiet = _mm256_or_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(0x40));
    const __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(a.v, a.v, _CMP_UNORD_Q));
    rounded = _mm256_blendv_epi8(rounded, quiet, nan);
    const __m128i packed =
        _mm_packus_epi32(_mm256_castsi256_si128(rounded), _mm256_extracti128_si256(rounded, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), packed);
  }
  // Bytes as floats.
  static Vec LoadInt8(const std::byte* p) {
    return {_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))))};
  }
  // The first `count` of 8.
  static void StoreFirst(float* p, Vec a, std::int64_t count) {
    if (count >= kWidth) return _mm256_storeu_ps(p, a.v);
    float all[kWidth];
    _mm256_storeu_ps(all, a.v);
    for (std::int64_t i = 0; i < count; ++i) p[i] = all[i];
  }
  static Vec Add(Vec a, Vec b) { return {_mm256_add_ps(a.v, b.v)}; }
  static Vec Subtract(Vec a, Vec b) { return {_mm256_sub_ps(a.v, b.v)}; }
  static Vec Multiply(Vec a, Vec b) { return {_mm256_mul_ps(a.v, b.v)}; }
  static Vec Divide(Vec a, Vec b) { return {_mm256_div_ps(a.v, b.v)}; }
  static Vec MultiplyAdd(Vec a, Vec b, Vec c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
  static Vec Min(Vec a, Vec b) { return {_mm256_min_ps(a.v, b.v)}; }
  static Vec Max(Vec a, Vec b) { return {_mm256_max_ps(a.v, b.v)}; }
  static Vec Round(Vec a) { return {_mm256_round_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)}; }
  // 2^n for integral n within the exponents of normal numbers.
  static Vec PowerOfTwo(Vec n) {
    const __m256i exponent = _mm256_add_epi32(_mm256_cvtps_epi32(n.v), _mm256_set1_epi32(127));
    return {_mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23))};
  }
  static float Sum(Vec a) {
    __m128 sum = _mm_add_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
    sum = _mm_add_ps(sum, _mm_movehl_ps(sum, sum));
    return _mm_cvtss_f32(_mm_add_ss(sum, _mm_movehdup_ps(sum)));
  }

  // Adds the upper half of the lanes to the lower one, until one is left.
  static float SumByHalves(Vec a) { return Sum(a); }
  static float Largest(Vec a) {
    __m128 most = _mm_max_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
    most = _mm_max_ps(most, _mm_movehl_ps(most, most));
    return _mm_cvtss_f32(_mm_max_ss(most, _mm_movehdup_ps(most)));
  }
  static Vec Magnitude(Vec a) { return {_mm256_andnot_ps(_mm256_set1_ps(-0.0f), a.v)}; }
  // Of a where the mask has ones, else of b.
  static Vec Select(const std::uint32_t* mask, Vec a, Vec b) {
    const __m256i bits = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(mask));
    return {_mm256_blendv_ps(b.v, a.v, _mm256_castsi256_ps(bits))};
  }
  // Rounded to nearest even.
  static void StoreInt16(std::int16_t* p, Vec a) {
    const __m256i words = _mm256_cvtps_epi32(a.v);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p),
                     _mm_packs_epi32(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1)));
  }

  // Pairs of integers, whose products are summed in as many lanes.
  using Pairs = __m256i;
  using Sums = __m256i;
  static constexpr int kSumVectors = 2;  // beside four queries
  static Sums ZeroSums() { return _mm256_setzero_si256(); }
  static Pairs LoadPairs(const std::int16_t* p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }
  static Pairs LoadPairs(const std::int8_t* p) {
    return _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  static Pairs SetPairs(const std::int16_t* p) {
    std::int32_t word;
    __builtin_memcpy(&word, p, 4);
    return _mm256_set1_epi32(word);
  }
  static Sums AddProducts(Sums sum, Pairs a, Pairs b) {
#if defined(__AVXVNNI__)
    return _mm256_dpwssd_avx_epi32(sum, a, b);
#else
    return _mm256_add_epi32(sum, _mm256_madd_epi16(a, b));
#endif
  }
  static Vec Total(Sums sum) {
    return {_mm256_cvtepi32_ps(sum)};
  }
};

struct Quads {
  // Vectors of N and rows of M whose sums stay in registers together.
#if defined(__AVXVNNI__)
  static constexpr int kPassVectors = 2;
  static constexpr int kMr = 4;
  static constexpr bool kWideIsSigned = false;
  static constexpr bool kHasShortSums = false;
#else
  static constexpr int kPassVectors = 2;
  static constexpr int kMr = 2;
  static constexpr bool kWideIsSigned = true;
  static constexpr bool kHasShortSums = true;
#endif
  using Bytes = __m256i;
  using Ints = __m256i;

  static Bytes Load(const std::byte* p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }
  // Holds v in a register, where compilers would rather load it again for each use.
  static Bytes Keep(Bytes v) {
    asm("" : "+x"(v));
    return v;
  }
  static void StoreBytes(std::byte* p, Bytes v) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v);
  }
  static Bytes And(Bytes v, int mask) {
    return _mm256_and_si256(v, _mm256_set1_epi8(static_cast<char>(mask)));
  }
  static Bytes Or(Bytes a, Bytes b) {
    return _mm256_or_si256(a, b);
  }
  template <int n>
  static Bytes Right(Bytes v) {
    return _mm256_srli_epi16(v, n);
  }
  template <int n>
  static Bytes Left(Bytes v) {
    return _mm256_slli_epi16(v, n);
  }
  static Bytes Nonlinear(Bytes indices) {
    const __m128i table = _mm_loadu_si128(reinterpret_cast<const __m128i*>(kNonlinearValues));
    return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(table), indices);
  }
  static Ints Zero() {
    return _mm256_setzero_si256();
  }
  static Ints Broadcast(const void* four_bytes) {
    std::int32_t word;
    __builtin_memcpy(&word, four_bytes, 4);
    return _mm256_set1_epi32(word);
  }
  template <int n>
  static Ints ShiftLeft(Ints v) {
    return _mm256_slli_epi32(v, n);
  }
#if defined(__AVXVNNI__)
  static Ints Dot(Ints sum, Bytes weights, Ints activations) {
    return _mm256_dpbusd_avx_epi32(sum, weights, activations);
  }
  static Ints DotWide(Ints sum, Bytes weights, Ints activations) {
    return Dot(sum, weights, activations);
  }
#else
  // Sums of two products, in 16 bits, and of such sums.
  static Ints ShortDot(Bytes weights, Ints activations) {
    return _mm256_maddubs_epi16(weights, activations);
  }
  static Ints AddShort(Ints a, Ints b) {
    return _mm256_add_epi16(a, b);
  }
  // Adds both sums of each lane.
  static Ints AddPairs(Ints sum, Ints pairs) {
    return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
  }
  // Weights up to 63: two products of at most 63 * 127 stay within 16 bits.
  static Ints Dot(Ints sum, Bytes weights, Ints activations) {
    return AddPairs(sum, ShortDot(weights, activations));
  }
  // Weights up to 255, less 128: magnitudes up to 128 times at most 127, twice, stay within 16 bits.
  static Ints DotWide(Ints sum, Bytes weights, Ints activations) {
    const __m256i less = _mm256_xor_si256(weights, _mm256_set1_epi8(static_cast<char>(0x80)));
    const __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(less), _mm256_sign_epi8(activations, less));
    return AddPairs(sum, pairs);
  }
#endif
  static Vec ToFloats(Ints v) {
    return {_mm256_cvtepi32_ps(v)};
  }
  static float LargestMagnitude(const float* x) {
    const __m256 sign = _mm256_set1_ps(-0.0f);
    __m256 largest = _mm256_setzero_ps();
    for (int i = 0; i < 32; i += 8)
      largest = _mm256_max_ps(largest, _mm256_andnot_ps(sign, _mm256_loadu_ps(x + i)));
    __m128 four = _mm_max_ps(_mm256_castps256_ps128(largest), _mm256_extractf128_ps(largest, 1));
    four = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(four, _mm_shuffle_ps(four, four, 1)));
  }
  static void QuantizeGroup(const float* x, float factor, std::int8_t* values, std::int32_t* sums) {
    for (int half = 0; half < 2; ++half) {
      __m256i integers[2];
      for (int i = 0; i < 2; ++i) {
        __m256 v = _mm256_mul_ps(_mm256_loadu_ps(x + 16 * half + 8 * i), _mm256_set1_ps(factor));
        v = _mm256_round_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
        // In this order, a NaN becomes a bound.
        v = _mm256_max_ps(_mm256_min_ps(v, _mm256_set1_ps(127.0f)), _mm256_set1_ps(-127.0f));
        integers[i] = _mm256_cvtps_epi32(v);
      }
      const __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(integers[0], integers[1]), 0xd8);
      const __m128i bytes =
          _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(values + 16 * half), bytes);
      const __m256i eight = _mm256_add_epi32(integers[0], integers[1]);
      __m128i four = _mm_add_epi32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256(eight, 1));
      four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4e));
      sums[half] = _mm_cvtsi128_si32(_mm_add_epi32(four, _mm_shuffle_epi32(four, 0xb1)));
    }
  }
};
