// The matrix instructions of 64-bit ARM (FEAT_I8MM and FEAT_BF16). A target includes simd/neon.h before it.
#define CARAT_MATRICES

// A register of `Bytes` holds two rows of eight int8 or of four bf16 values. A register of sums holds two
// rows of two columns.
struct Matrices {
  using Bytes = Quads::Bytes;
  using Ints = Quads::Ints;

  // Eight bytes of each row.
  static Bytes LoadRows(const void* first, const void* second) {
    return vcombine_u8(vld1_u8(static_cast<const std::uint8_t*>(first)),
                       vld1_u8(static_cast<const std::uint8_t*>(second)));
  }
  // Interleaves the elements, `size` bytes each, of the lower halves of a and b.
  template <int size>
  static Bytes ZipLower(Bytes a, Bytes b) {
    static_assert(size == 2 || size == 4);
    if constexpr (size == 2)
      return vreinterpretq_u8_u16(vzip1q_u16(vreinterpretq_u16_u8(a), vreinterpretq_u16_u8(b)));
    return vreinterpretq_u8_u32(vzip1q_u32(vreinterpretq_u32_u8(a), vreinterpretq_u32_u8(b)));
  }
  // The same of the upper halves.
  template <int size>
  static Bytes ZipUpper(Bytes a, Bytes b) {
    static_assert(size == 2 || size == 4);
    if constexpr (size == 2)
      return vreinterpretq_u8_u16(vzip2q_u16(vreinterpretq_u16_u8(a), vreinterpretq_u16_u8(b)));
    return vreinterpretq_u8_u32(vzip2q_u32(vreinterpretq_u32_u8(a), vreinterpretq_u32_u8(b)));
  }

  // Adds to sum [r, n] the products of row r of a with row n of b.
  static Ints DotInt8(Ints sum, Bytes a, Bytes b) {
    return vmmlaq_s32(sum, vreinterpretq_s8_u8(a), vreinterpretq_s8_u8(b));
  }
  static Vec DotBf16(Vec sum, Bytes a, Bytes b) {
    return {vbfmmlaq_f32(sum.v, vreinterpretq_bf16_u8(a), vreinterpretq_bf16_u8(b))};
  }

  // One value for each row of a register of sums.
  static Vec EachRow(float first, float second) {
    return {vcombine_f32(vdup_n_f32(first), vdup_n_f32(second))};
  }
  // The lower halves of a and b, and their upper halves. Of two registers of sums these are the two rows of
  // four columns; of two rows they are the two registers.
  static Vec LowerHalves(Vec a, Vec b) { return {vcombine_f32(vget_low_f32(a.v), vget_low_f32(b.v))}; }
  static Vec UpperHalves(Vec a, Vec b) { return {vcombine_f32(vget_high_f32(a.v), vget_high_f32(b.v))}; }
};
