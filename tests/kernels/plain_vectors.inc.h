// The vector face of lib/kernels/simd in plain C++, of kPlainWidth float32 values, which a test defines.
template <typename To, typename F>
To Each(F f) {
  To to;
  for (std::size_t i = 0; i < to.size(); ++i) to[i] = static_cast<typename To::value_type>(f(i));
  return to;
}
template <typename To>
To Read(const void* p) {
  To to;
  std::memcpy(to.data(), p, sizeof(To));
  return to;
}

struct Vec {
  static constexpr std::int64_t kWidth = kPlainWidth;
  using Floats = std::array<float, kPlainWidth>;
  Floats v;

  static Vec Zero() { return {}; }
  static Vec Set(float x) {
    return {Each<Floats>([&](std::size_t) { return x; })};
  }
  static Vec Load(const float* p) { return {Read<Floats>(p)}; }
  static Vec LoadF16(const std::byte* p) {
    return {Each<Floats>([&](std::size_t i) { return LoadValue(p, NumberFormat::kF16, i); })};
  }
  static Vec LoadInt8(const std::byte* p) {
    return {Each<Floats>([&](std::size_t i) { return static_cast<std::int8_t>(p[i]); })};
  }
  static Vec Multiply(const Vec& a, const Vec& b) {
    return {Each<Floats>([&](std::size_t i) { return a.v[i] * b.v[i]; })};
  }
  static Vec MultiplyAdd(const Vec& a, const Vec& b, const Vec& c) {
    return {Each<Floats>([&](std::size_t i) { return std::fma(a.v[i], b.v[i], c.v[i]); })};
  }
  // The first `count` values.
  static void StoreFirst(float* p, const Vec& a, std::int64_t count) {
    for (std::size_t i = 0; i < a.v.size() && static_cast<std::int64_t>(i) < count; ++i) p[i] = a.v[i];
  }
};

struct Quads {
  static constexpr int kPassVectors = 4;
  static constexpr int kMr = 3;
  static constexpr bool kWideIsSigned = false;
  static constexpr bool kHasShortSums = false;
  using Bytes = std::array<std::uint8_t, 4 * kPlainWidth>;
  using Ints = std::array<std::int32_t, kPlainWidth>;

  static Bytes Load(const std::byte* p) { return Read<Bytes>(p); }
  static Bytes Keep(Bytes v) { return v; }
  static void StoreBytes(std::byte* p, const Bytes& v) { std::memcpy(p, v.data(), v.size()); }
  static Bytes And(const Bytes& v, int mask) {
    return Each<Bytes>([&](std::size_t i) { return v[i] & mask; });
  }
  static Bytes Or(const Bytes& a, const Bytes& b) {
    return Each<Bytes>([&](std::size_t i) { return a[i] | b[i]; });
  }
  static Bytes Subtract(const Bytes& v, int n) {
    return Each<Bytes>([&](std::size_t i) { return v[i] - n; });
  }
  template <int n>
  static Bytes Right(const Bytes& v) {
    return Each<Bytes>([&](std::size_t i) { return v[i] >> n; });
  }
  template <int n>
  static Bytes Left(const Bytes& v) {
    return Each<Bytes>([&](std::size_t i) { return v[i] << n; });
  }
  static Bytes Nonlinear(const Bytes& indices) {
    return Each<Bytes>([&](std::size_t i) { return kNonlinearValues[indices[i]]; });
  }
  static Ints LoadInts(const std::int32_t* p) { return Read<Ints>(p); }
  static Ints Zero() { return {}; }
  static Ints Broadcast(const void* four_bytes) {
    std::int32_t word;
    std::memcpy(&word, four_bytes, 4);
    return Each<Ints>([&](std::size_t) { return word; });
  }
  template <int n>
  static Ints ShiftLeft(const Ints& v) {
    return Each<Ints>([&](std::size_t i) { return v[i] * (1 << n); });
  }
  static Ints Dot(const Ints& sum, const Bytes& weights, const Ints& activations) {
    return Each<Ints>([&](std::size_t i) {
      std::int8_t four[4];
      std::memcpy(four, &activations[i], 4);
      std::int32_t total = sum[i];
      for (std::size_t k = 0; k < 4; ++k) total += weights[4 * i + k] * four[k];
      return total;
    });
  }
  static Ints DotWide(const Ints& sum, const Bytes& weights, const Ints& activations) {
    return Dot(sum, weights, activations);
  }
  static Vec ToFloats(const Ints& v) {
    return {Each<Vec::Floats>([&](std::size_t i) { return v[i]; })};
  }

  static float LargestMagnitude(const float* x) {
    float largest = 0;
    for (int i = 0; i < 32; ++i) largest = std::max(largest, std::fabs(x[i]));
    return largest;
  }
  static void QuantizeGroup(const float* x, float factor, std::int8_t* values, std::int32_t* sums) {
    sums[0] = sums[1] = 0;
    for (int i = 0; i < 32; ++i) {
      const float value = std::clamp(std::nearbyint(x[i] * factor), -127.0f, 127.0f);
      values[i] = static_cast<std::int8_t>(value);
      sums[i / 16] += values[i];
    }
  }
};
