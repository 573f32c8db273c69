// The tile registers of AMX. Before its inclusion, a target includes simd/tile_config.h outside its
// namespace.
#define CARAT_TILES

// Not the compiler's intrinsics, because those of GCC 12 do not say that a load
// reads memory: stores before it might be moved behind it.
//
// A dot product adds to each word [r, n] of tile `sum` the products of row r of tile `a` with column n of
// tile `b`, whose rows hold four (int8) or two (bf16) rows of the matrix, side by side in each word.
struct Tiles {
  static void Configure(const TileConfig& config) { asm volatile("ldtilecfg %0" : : "m"(config)); }
  // Gives the registers back, so that this thread's state is small again.
  static void Release() { asm volatile("tilerelease" : : : "memory"); }
  template <int tile>
  static void Zero() {
    asm volatile("tilezero %%tmm%c0" : : "i"(tile));
  }
  // Rows are `stride` bytes apart.
  template <int tile>
  static void Load(const void* from, std::int64_t stride) {
    asm volatile("tileloadd (%0,%1,1), %%tmm%c2" : : "r"(from), "r"(stride), "i"(tile) : "memory");
  }
  template <int tile>
  static void Store(void* to, std::int64_t stride) {
    asm volatile("tilestored %%tmm%c2, (%0,%1,1)" : : "r"(to), "r"(stride), "i"(tile) : "memory");
  }
  template <int sum, int a, int b>
  static void DotInt8() {
    asm volatile("tdpbssd %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(sum), "i"(a), "i"(b));
  }
  template <int sum, int a, int b>
  static void DotBf16() {
    asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(sum), "i"(a), "i"(b));
  }
};
