// Arithmetic that several kernels share, written once over `Vec`, which the target that includes this has
// defined in its anonymous namespace by a header of simd/.
//
// Nothing of the standard library that has inline functions may be included by a target: the linker keeps one
// copy of an inline function, and it may be the one that needs instructions that the machine lacks.

// Four accumulators hide the latency of the multiply-add. Their order of summation is that of every sum over
// a row, so that a row gives the same result alone and among others.
constexpr std::int64_t kStep = 4 * Vec::kWidth;

struct F32Source {
  static constexpr std::int64_t kBytes = 4;
  static Vec Load(const std::byte* p) { return Vec::LoadUnaligned(p); }
  static float One(const std::byte* p) {
    float value;
    __builtin_memcpy(&value, p, 4);
    return value;
  }
};

struct F16Source {
  static constexpr std::int64_t kBytes = 2;
  static Vec Load(const std::byte* p) { return Vec::LoadF16(p); }
  static float One(const std::byte* p) { return Vec::OneF16(p); }
};

struct Bf16Source {
  static constexpr std::int64_t kBytes = 2;
  static Vec Load(const std::byte* p) { return Vec::LoadBf16(p); }
  static float One(const std::byte* p) {
    std::uint16_t bits;
    __builtin_memcpy(&bits, p, 2);
    return __builtin_bit_cast(float, static_cast<std::uint32_t>(bits) << 16);
  }
};

// exp within 2 units in the last place: 2^n * polynomial on [-ln2/2, ln2/2] (Cody and Waite's reduction).
// Arguments are clamped to where the result is a normal number, so exp(-infinity) is about 1e-38.
inline Vec Exp(Vec x) {
  x = Vec::Min(Vec::Set(88.0f), Vec::Max(Vec::Set(-87.0f), x));  // in this order a NaN stays one
  const Vec n = Vec::Round(Vec::Multiply(x, Vec::Set(1.44269504088896341f)));
  Vec r = Vec::MultiplyAdd(n, Vec::Set(-0.693359375f), x);
  r = Vec::MultiplyAdd(n, Vec::Set(2.12194440e-4f), r);
  Vec p = Vec::Set(1.9875691500e-4f);
  p = Vec::MultiplyAdd(p, r, Vec::Set(1.3981999507e-3f));
  p = Vec::MultiplyAdd(p, r, Vec::Set(8.3334519073e-3f));
  p = Vec::MultiplyAdd(p, r, Vec::Set(4.1665795894e-2f));
  p = Vec::MultiplyAdd(p, r, Vec::Set(1.6666665459e-1f));
  p = Vec::MultiplyAdd(p, r, Vec::Set(5.0000001201e-1f));
  p = Vec::Add(Vec::MultiplyAdd(p, Vec::Multiply(r, r), r), Vec::Set(1.0f));
  return Vec::Multiply(p, Vec::PowerOfTwo(n));
}

// One value by the vector kernel, so that a tail element is computed like any other.
template <typename F>
float ByVector(float x, F f) {
  float lanes[Vec::kWidth];
  Vec::Store(lanes, f(Vec::Set(x)));
  return lanes[0];
}

inline void ToBf16(const float* from, std::uint16_t* to, std::int64_t n) {
  std::int64_t i = 0;
  for (; i + Vec::kWidth <= n; i += Vec::kWidth) Vec::StoreBf16(to + i, Vec::Load(from + i));
  for (; i < n; ++i) {
    const std::uint32_t bits = __builtin_bit_cast(std::uint32_t, from[i]);
    const bool nan = (bits & 0x7fffffffu) > 0x7f800000u;
    to[i] =
        static_cast<std::uint16_t>(nan ? (bits >> 16) | 0x40u : (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
  }
}
