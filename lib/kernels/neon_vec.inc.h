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

 private:
  // Of any alignment.
  static uint32x4_t LoadWords(const std::byte* p) {
    return vreinterpretq_u32_u8(vld1q_u8(reinterpret_cast<const std::uint8_t*>(p)));
  }
  static uint16x4_t LoadHalfWords(const std::byte* p) {
    return vreinterpret_u16_u8(vld1_u8(reinterpret_cast<const std::uint8_t*>(p)));
  }
};
