// The vector type of integer_kernels.inc.h for 64-bit ARM, with dot products if CARAT_INTEGER_DOT_PRODUCTS is
// defined.
struct Lanes {
  static constexpr int kLanes = 4;
  static constexpr int kPassVectors = 4;
  static constexpr int kTogether = 4;
  // Products are of signed bytes; only values above 127 do not fit.
  static constexpr bool kWideIsSigned = true;
  using Bytes = uint8x16_t;
  using Ints = int32x4_t;
  using Floats = float32x4_t;

  static Bytes Load(const std::byte* p) { return vld1q_u8(reinterpret_cast<const std::uint8_t*>(p)); }
  // Registers are short already.
  static Bytes Keep(Bytes v) { return v; }
  static void StoreBytes(std::byte* p, Bytes v) { vst1q_u8(reinterpret_cast<std::uint8_t*>(p), v); }
  static Bytes And(Bytes v, int mask) { return vandq_u8(v, vdupq_n_u8(static_cast<std::uint8_t>(mask))); }
  static Bytes Or(Bytes a, Bytes b) { return vorrq_u8(a, b); }
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
#if defined(CARAT_INTEGER_DOT_PRODUCTS)
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
  static Floats ToFloats(Ints v) {
    return vcvtq_f32_s32(v);
  }
  static Floats ZeroFloats() {
    return vdupq_n_f32(0);
  }
  static Floats BroadcastFloat(const float* p) {
    return vdupq_n_f32(*p);
  }
  static Floats LoadFloats(const float* p) {
    return vld1q_f32(p);
  }
  static Floats LoadHalves(const std::byte* p) {
    return vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8(reinterpret_cast<const std::uint8_t*>(p))));
  }
  static Floats LoadInt8(const std::byte* p) {
    std::uint32_t word;
    __builtin_memcpy(&word, p, 4);
    const int16x8_t wide = vmovl_s8(vreinterpret_s8_u32(vdup_n_u32(word)));
    return vcvtq_f32_s32(vmovl_s16(vget_low_s16(wide)));
  }
  static Floats Multiply(Floats a, Floats b) {
    return vmulq_f32(a, b);
  }
  static Floats MultiplyAdd(Floats a, Floats b, Floats c) {
    return vfmaq_f32(c, a, b);
  }
  // The first `count` of 4.
  static void Store(float* p, Floats v, std::int64_t count) {
    if (count >= kLanes) return vst1q_f32(p, v);
    float all[kLanes];
    vst1q_f32(all, v);
    for (std::int64_t i = 0; i < count; ++i) p[i] = all[i];
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
        // What is not a number becomes a bound.
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
