// `Tiles` of simd/amx.h in plain C++. It fails a test where the processor would raise an exception.
struct Tiles {
  struct State {
    TileConfig config;
    bool configured;
    std::byte bytes[8][16][64];
  };
  static inline thread_local State state;

  static void Configure(const TileConfig& config) {
    EXPECT_EQ(config.palette, 1);
    for (int tile = 0; tile < 16; ++tile) {
      EXPECT_LE(config.rows[tile], tile < 8 ? 16 : 0);
      EXPECT_LE(config.row_bytes[tile], tile < 8 ? 64 : 0);
      EXPECT_EQ(config.rows[tile] == 0, config.row_bytes[tile] == 0);
    }
    state = State{config, true, {}};
  }
  static void Release() { state.configured = false; }
  template <int tile>
  static void Zero() {
    Check(tile);
    std::memset(state.bytes[tile], 0, sizeof(state.bytes[tile]));
  }
  template <int tile>
  static void Load(const void* from, std::int64_t stride) {
    Zero<tile>();
    for (int r = 0; r < state.config.rows[tile]; ++r)
      std::memcpy(state.bytes[tile][r], static_cast<const std::byte*>(from) + r * stride,
                  state.config.row_bytes[tile]);
  }
  template <int tile>
  static void Store(void* to, std::int64_t stride) {
    Check(tile);
    for (int r = 0; r < state.config.rows[tile]; ++r)
      std::memcpy(static_cast<std::byte*>(to) + r * stride, state.bytes[tile][r],
                  state.config.row_bytes[tile]);
  }
  template <int sum, int a, int b>
  static void DotInt8() {
    CheckShapes(sum, a, b);
    for (int r = 0; r < state.config.rows[sum]; ++r) {
      for (int n = 0; n < state.config.row_bytes[sum] / 4; ++n) {
        auto total = Read<std::int32_t>(sum, r, n);
        for (int k = 0; k < state.config.row_bytes[a]; ++k)
          total += Read<std::int8_t>(a, r, k) * Read<std::int8_t>(b, k / 4, 4 * n + k % 4);
        std::memcpy(&state.bytes[sum][r][4 * n], &total, 4);
      }
    }
  }
  // Sums of even and of odd columns apart, as the processor adds them.
  template <int sum, int a, int b>
  static void DotBf16() {
    CheckShapes(sum, a, b);
    for (int r = 0; r < state.config.rows[sum]; ++r) {
      for (int n = 0; n < state.config.row_bytes[sum] / 4; ++n) {
        float parts[2] = {0, 0};
        // Products of bf16 numbers are exact in float32: nothing needs to be fused.
        for (int k = 0; k < state.config.row_bytes[a] / 2; ++k)
          parts[k % 2] +=
              Widen(Read<std::uint16_t>(a, r, k)) * Widen(Read<std::uint16_t>(b, k / 2, 2 * n + k % 2));
        const float total = Read<float>(sum, r, n) + (parts[0] + parts[1]);
        std::memcpy(&state.bytes[sum][r][4 * n], &total, 4);
      }
    }
  }

 private:
  static void Check(int tile) {
    EXPECT_TRUE(state.configured) << "tiles are used without a configuration";
    EXPECT_GT(state.config.rows[tile], 0) << "tile " << tile << " is not configured";
  }
  static void CheckShapes(int sum, int a, int b) {
    for (const int tile : {sum, a, b}) Check(tile);
    EXPECT_EQ(state.config.rows[sum], state.config.rows[a]);
    EXPECT_EQ(state.config.row_bytes[sum], state.config.row_bytes[b]);
    EXPECT_EQ(state.config.row_bytes[a], 4 * state.config.rows[b]);
  }
  template <typename T>
  static T Read(int tile, int row, int index) {
    T value;
    std::memcpy(&value, &state.bytes[tile][row][index * static_cast<int>(sizeof(T))], sizeof(T));
    return value;
  }
  static float Widen(std::uint16_t bits) {
    return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
  }
};
