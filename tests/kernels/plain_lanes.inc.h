// The vector type of integer_kernels.inc.h in plain C++, as wide as that of AVX-512.
struct Lanes {
  static constexpr int kLanes = 16;
  static constexpr int kPassVectors = 4;
  static constexpr int kTogether = 3;
  static constexpr bool kWideIsSigned = false;
  using Bytes = std::array<std::uint8_t, 64>;
  using Ints = std::array<std::int32_t, 16>;
  using Floats = std::array<float, 16>;

  template <typename To, typename F>
  static To Each(F f) {
    To to;
    for (std::size_t i = 0; i < to.size(); ++i) to[i] = static_cast<typename To::value_type>(f(i));
    return to;
  }
  template <typename To>
  static To Read(const void* p) {
    To to;
    std::memcpy(to.data(), p, sizeof(To));
    return to;
  }

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
  static Floats ToFloats(const Ints& v) {
    return Each<Floats>([&](std::size_t i) { return v[i]; });
  }
  static Floats ZeroFloats() { return {}; }
  static Floats BroadcastFloat(const float* p) {
    return Each<Floats>([&](std::size_t) { return *p; });
  }
  static Floats LoadFloats(const float* p) { return Read<Floats>(p); }
  static Floats LoadHalves(const std::byte* p) {
    return Each<Floats>([&](std::size_t i) { return LoadValue(p, NumberFormat::kF16, i); });
  }
  static Floats LoadInt8(const std::byte* p) {
    return Each<Floats>([&](std::size_t i) { return static_cast<std::int8_t>(p[i]); });
  }
  static Floats Multiply(const Floats& a, const Floats& b) {
    return Each<Floats>([&](std::size_t i) { return a[i] * b[i]; });
  }
  static Floats MultiplyAdd(const Floats& a, const Floats& b, const Floats& c) {
    return Each<Floats>([&](std::size_t i) { return std::fma(a[i], b[i], c[i]); });
  }
  // The first `count` of 16.
  static void Store(float* p, const Floats& v, std::int64_t count) {
    for (std::size_t i = 0; i < v.size() && static_cast<std::int64_t>(i) < count; ++i) p[i] = v[i];
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
