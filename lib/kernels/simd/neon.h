// The vector face of 128-bit registers of 64-bit ARM, with dot products where compiled for. `Vec` is a vector
// of float32, `Quads` one of k-quads: four columns of four rows of 8-bit weights.
struct Vec {
  static constexpr std::int64_t kWidth = 4;
  static constexpr bool kManyRegisters = true;
  float32x4_t v;

  static Vec Zero() { return {vdupq_n_f32(0)}; }
  static Vec Set(float x) { return {vdupq_n_f32(x)}; }
  static Vec Load(const float* p) { return {vld1q_f32(p)}; }
  static Vec LoadUnaligned(const std::byte* p) { return {vreinterpretq_f32_u32(LoadWords(p))}; }
  static Vec LoadBf16(const std::byte* p) {
    return {vreinterpretq_f32_u32(vshll_n_u16(LoadHalfWords(p), 16))};
  }
  // The lower and the upper of two bf16 numbers in each word.
  static Vec LoadLow(const std::byte* p) { return {vreinterpretq_f32_u32(vshlq_n_u32(LoadWords(p), 16))}; }
  static Vec LoadHigh(const std::byte* p) {
    return {vreinterpretq_f32_u32(vandq_u32(LoadWords(p), vdupq_n_u32(0xffff0000u)))};
  }
  static Vec LoadF16(const std::byte* p) { return {vcvt_f32_f16(vreinterpret_f16_u16(LoadHalfWords(p)))}; }
  static float OneF16(const std::byte* p) {
    std::uint16_t bits;
    __builtin_memcpy(&bits, p, 2);
    return vgetq_lane_f32(vcvt_f32_f16(vreinterpret_f16_u16(vdup_n_u16(bits))), 0);
  }
  static void Store(float* p, Vec a) { vst1q_f32(p, a.v); }
  // Round to nearest even; NaN stays NaN.
  static void StoreBf16(std::uint16_t* p, Vec a) {
    const uint32x4_t bits = vreinterpretq_u32_f32(a.v);
    const uint32x4_t odd = vandq_u32(vshrq_n_u32(bits, 16), vdupq_n_u32(1));
    const uint32x4_t rounded = vshrq_n_u32(vaddq_u32(bits, vaddq_u32(odd, vdupq_n_u32(0x7fff))), 16);
    const uint32x4_t quiet = vorrq_u32(vshrq_n_u32(bits, 16), vdupq_n_u32(0x40));
    vst1_u16(p, vmovn_u32(vbslq_u32(vceqq_f32(a.v, a.v), rounded, quiet)));
  }
  // Bytes as floats.
  static Vec LoadInt8(const std::byte* p) {
    std::uint32_t word;
    __builtin_memcpy(&word, p, 4);
    const int16x8_t wide = vmovl_s8(vreinterpret_s8_u32(vdup_n_u32(word)));
    return {vcvtq_f32_s32(vmovl_s16(vget_low_s16(wide)))};
  }
  // The first `count` of 4.
  static void StoreFirst(float* p, Vec a, std::int64_t count) {
    if (count >= kWidth) return vst1q_f32(p, a.v);
    float all[kWidth];
    vst1q_f32(all, a.v);
    for (std::int64_t i = 0; i < count; ++i) p[i] = all[i];
  }
  static Vec Add(Vec a, Vec b) { return {vaddq_f32(a.v, b.v)}; }
  static Vec Subtract(Vec a, Vec b) { return {vsubq_f32(a.v, b.v)}; }
  static Vec Multiply(Vec a, Vec b) { return {vmulq_f32(a.v, b.v)}; }
  static Vec Divide(Vec a, Vec b) { return {vdivq_f32(a.v, b.v)}; }
  static Vec MultiplyAdd(Vec a, Vec b, Vec c) { return {vfmaq_f32(c.v, a.v, b.v)}; }
  static Vec Min(Vec a, Vec b) { return {vminq_f32(a.v, b.v)}; }
  static Vec Max(Vec a, Vec b) { return {vmaxq_f32(a.v, b.v)}; }
  static Vec Round(Vec a) { return {vrndnq_f32(a.v)}; }
  // 2^n for integral n within the exponents of normal numbers.
  static Vec PowerOfTwo(Vec n) {
    const int32x4_t exponent = vaddq_s32(vcvtq_s32_f32(n.v), vdupq_n_s32(127));
    return {vreinterpretq_f32_s32(vshlq_n_s32(exponent, 23))};
  }
  static float Sum(Vec a) { return vaddvq_f32(a.v); }

  // Adds the upper half of the lanes to the lower one, until one is left.
  static float SumByHalves(Vec a) {
    const float32x2_t two = vadd_f32(vget_low_f32(a.v), vget_high_f32(a.v));
    return vget_lane_f32(two, 0) + vget_lane_f32(two, 1);
  }
  static float Largest(Vec a) { return vmaxvq_f32(a.v); }
  static Vec Magnitude(Vec a) { return {vabsq_f32(a.v)}; }
  // Of a where the mask has ones, else of b.
  static Vec Select(const std::uint32_t* mask, Vec a, Vec b) {
    return {vbslq_f32(vld1q_u32(mask), a.v, b.v)};
  }
  // Rounded to nearest even.
  static void StoreInt16(std::int16_t* p, Vec a) { vst1_s16(p, vqmovn_s32(vcvtnq_s32_f32(a.v))); }

  // Pairs of integers, whose products are summed in as many lanes, or here in twice as many.
  using Pairs = int16x8_t;
  struct Sums {
    int32x4_t low, high;
  };
  static constexpr int kSumVectors = 2;  // beside four queries
  static Sums ZeroSums() { return {vdupq_n_s32(0), vdupq_n_s32(0)}; }
  static Pairs LoadPairs(const std::int16_t* p) { return vld1q_s16(p); }
  static Pairs LoadPairs(const std::int8_t* p) { return vmovl_s8(vld1_s8(p)); }
  static Pairs SetPairs(const std::int16_t* p) {
    std::int32_t word;
    __builtin_memcpy(&word, p, 4);
    return vreinterpretq_s16_s32(vdupq_n_s32(word));
  }
  static Sums AddProducts(Sums sum, Pairs a, Pairs b) {
    return {vmlal_s16(sum.low, vget_low_s16(a), vget_low_s16(b)), vmlal_high_s16(sum.high, a, b)};
  }
  static Vec Total(Sums sum) { return {vcvtq_f32_s32(vpaddq_s32(sum.low, sum.high))}; }

 private:
  // Of any alignment.
  static uint32x4_t LoadWords(const std::byte* p) {
    return vreinterpretq_u32_u8(vld1q_u8(reinterpret_cast<const std::uint8_t*>(p)));
  }
  static uint16x4_t LoadHalfWords(const std::byte* p) {
    return vreinterpret_u16_u8(vld1_u8(reinterpret_cast<const std::uint8_t*>(p)));
  }
};

struct Quads {
  // Vectors of N and rows of M whose sums stay in registers together.
  static constexpr int kPassVectors = 4;
  static constexpr int kMr = 4;
  // Products are of signed bytes; only values above 127 do not fit.
  static constexpr bool kWideIsSigned = true;
  static constexpr bool kHasShortSums = false;
  using Bytes = uint8x16_t;
  using Ints = int32x4_t;

  static Bytes Load(const std::byte* p) { return vld1q_u8(reinterpret_cast<const std::uint8_t*>(p)); }
  // Registers are short already.
  static Bytes Keep(Bytes v) { return v; }
  static void StoreBytes(std::byte* p, Bytes v) { vst1q_u8(reinterpret_cast<std::uint8_t*>(p), v); }
  static Bytes And(Bytes v, int mask) { return vandq_u8(v, vdupq_n_u8(static_cast<std::uint8_t>(mask))); }
  static Bytes Or(Bytes a, Bytes b) { return vorrq_u8(a, b); }
  static Bytes Subtract(Bytes v, int n) { return vsubq_u8(v, vdupq_n_u8(static_cast<std::uint8_t>(n))); }
  template <int n>
  static Bytes Right(Bytes v) {
    return vshrq_n_u8(v, n);
  }
  template <int n>
  static Bytes Left(Bytes v) {
    return vshlq_n_u8(v, n);
  }
  static Bytes Nonlinear(Bytes indices) { return vqtbl1q_u8(vld1q_u8(kNonlinearValues), indices); }
  static Ints Zero() { return vdupq_n_s32(0); }
  static Ints Broadcast(const void* four_bytes) {
    std::int32_t word;
    __builtin_memcpy(&word, four_bytes, 4);
    return vdupq_n_s32(word);
  }
  template <int n>
  static Ints ShiftLeft(Ints v) {
    return vshlq_n_s32(v, n);
  }
  // Weights up to 127 as they are.
  static Ints Dot(Ints sum, Bytes weights, Ints activations) {
    const int8x16_t w = vreinterpretq_s8_u8(weights), x = vreinterpretq_s8_s32(activations);
#if defined(__ARM_FEATURE_DOTPROD)
    return vdotq_s32(sum, w, x);
#else
    // Magnitudes up to 128 times at most 127, twice, stay within 16 bits.
    const int16x8_t low = vmull_s8(vget_low_s8(w), vget_low_s8(x));
    return vpadalq_s16(sum, vpaddq_s16(low, vmull_high_s8(w, x)));
#endif
  }
  // Weights up to 255, less 128.
  static Ints DotWide(Ints sum, Bytes weights, Ints activations) {
    return Dot(sum, veorq_u8(weights, vdupq_n_u8(0x80)), activations);
  }

  static Vec ToFloats(Ints v) {
    return {vcvtq_f32_s32(v)};
  }
  static float LargestMagnitude(const float* x) {
    float32x4_t largest = vabsq_f32(vld1q_f32(x));
    for (int i = 4; i < 32; i += 4) largest = vmaxnmq_f32(largest, vabsq_f32(vld1q_f32(x + i)));
    return vmaxnmvq_f32(largest);
  }
  static void QuantizeGroup(const float* x, float factor, std::int8_t* values, std::int32_t* sums) {
    for (int half = 0; half < 2; ++half) {
      int32x4_t integers[4];
      for (int i = 0; i < 4; ++i) {
        const float32x4_t v = vrndnq_f32(vmulq_f32(vld1q_f32(x + 16 * half + 4 * i), vdupq_n_f32(factor)));
        // A NaN becomes a bound.
        const float32x4_t below = vminnmq_f32(v, vdupq_n_f32(127.0f));
        integers[i] = vcvtq_s32_f32(vmaxnmq_f32(below, vdupq_n_f32(-127.0f)));
      }
      const int16x8_t low = vcombine_s16(vmovn_s32(integers[0]), vmovn_s32(integers[1]));
      const int16x8_t high = vcombine_s16(vmovn_s32(integers[2]), vmovn_s32(integers[3]));
      vst1q_s8(values + 16 * half, vcombine_s8(vmovn_s16(low), vmovn_s16(high)));
      const int32x4_t all =
          vaddq_s32(vaddq_s32(integers[0], integers[1]), vaddq_s32(integers[2], integers[3]));
      sums[half] = vaddvq_s32(all);
    }
  }
};
