// `Matrices` of simd/neon_matrices.h in plain C++, over plain_vectors.inc.h.
struct Matrices {
  using Bytes = Quads::Bytes;
  using Ints = Quads::Ints;

  static Bytes LoadRows(const void* first, const void* second) {
    Bytes to;
    std::memcpy(to.data(), first, 8);
    std::memcpy(to.data() + 8, second, 8);
    return to;
  }
  template <std::size_t size>
  static Bytes ZipLower(const Bytes& a, const Bytes& b) {
    return Zip<size>(a, b, 0);
  }
  template <std::size_t size>
  static Bytes ZipUpper(const Bytes& a, const Bytes& b) {
    return Zip<size>(a, b, 8);
  }

  static Ints DotInt8(const Ints& sum, const Bytes& a, const Bytes& b) {
    const auto left = Read<std::array<std::int8_t, 16>>(a.data());
    const auto right = Read<std::array<std::int8_t, 16>>(b.data());
    return Each<Ints>([&](std::size_t i) {
      std::int32_t total = sum[i];
      for (std::size_t k = 0; k < 8; ++k) total += left[i / 2 * 8 + k] * right[i % 2 * 8 + k];
      return total;
    });
  }
  // Rounds to odd, as the processor does if FPCR.EBF is 0. Products of bf16 numbers are exact in float32.
  static Vec DotBf16(const Vec& sum, const Bytes& a, const Bytes& b) {
    const auto value = [](const Bytes& of, std::size_t row, std::size_t k) {
      std::uint16_t bits;
      std::memcpy(&bits, of.data() + 8 * row + 2 * k, 2);
      return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
    };
    return {Each<Vec::Floats>([&](std::size_t i) {
      float total = sum.v[i];
      for (std::size_t k = 0; k < 4; k += 2) {
        const float even = value(a, i / 2, k) * value(b, i % 2, k);
        const float odd = value(a, i / 2, k + 1) * value(b, i % 2, k + 1);
        total = AddToOdd(total, AddToOdd(even, odd));
      }
      return total;
    })};
  }

  static Vec EachRow(float first, float second) { return {{first, first, second, second}}; }
  static Vec LowerHalves(const Vec& a, const Vec& b) { return {{a.v[0], a.v[1], b.v[0], b.v[1]}}; }
  static Vec UpperHalves(const Vec& a, const Vec& b) { return {{a.v[2], a.v[3], b.v[2], b.v[3]}}; }

 private:
  // The sum of normal numbers. If float32 does not hold it exactly, its neighbour whose last bit is one.
  static float AddToOdd(float first, float second) {
    const double a = first, b = second;
    const double sum = a + b, of_b = sum - a;
    const double lost = (a - (sum - of_b)) + (b - of_b);  // sum + lost is exact
    auto rounded = static_cast<float>(sum);
    const double above = static_cast<double>(rounded) - sum;
    if (above == 0 && lost == 0) return rounded;
    const bool is_above = above > 0 || (above == 0 && lost < 0);
    if (is_above == (rounded > 0)) rounded = std::nextafter(rounded, 0.0f);
    return std::bit_cast<float>(std::bit_cast<std::uint32_t>(rounded) | 1u);
  }
  template <std::size_t size>
  static Bytes Zip(const Bytes& a, const Bytes& b, std::size_t from) {
    return Each<Bytes>([&](std::size_t i) {
      const std::size_t at = from + i / (2 * size) * size + i % size;
      return i / size % 2 == 0 ? a[at] : b[at];
    });
  }
};
