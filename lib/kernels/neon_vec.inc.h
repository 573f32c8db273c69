// The vector type of simd_kernels.inc.h and block_kernels.inc.h for 64-bit ARM.
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
