// Products of quantised weights and activations (gemm.h), written once over `Vec` and `Quads`. The include
// rules of simd/math.inc.h apply. simd/amx.h, included before, adds tile registers (int8_amx.inc.h);
// simd/neon_matrices.h adds matrix instructions (int8_smmla.inc.h).
//
// Vec::kWidth rows of weights stand beside each other in a vector, four columns each.

// Sums must not become arrays in memory: what holds them is inlined by force.
#define CARAT_INLINE __attribute__((always_inline))

using Bytes = Quads::Bytes;
using Ints = Quads::Ints;

constexpr int kVectors = kPanelN / Vec::kWidth;  // vectors across a panel

template <NumberFormat format>
struct Traits {
  static constexpr PackedLayout kLayout = PackedLayoutOf(format);
  static constexpr int kGroups = kBlockK / kLayout.group;
  static constexpr int kQuads = kLayout.group / 4;
  // Values up to 255. Where there is no product of unsigned and signed bytes that cannot overflow, the offset
  // of 128 is taken off the value instead of the sum.
  static constexpr bool kWide = kLayout.offset == 128;
  static constexpr bool kOffsetInSum = kLayout.offset != 0 && !(kWide && Quads::kWideIsSigned);
  // How many k-quads 16-bit sums take exactly, where there are any: each adds two products of a weight and an
  // activation of at most 127.
  static constexpr int kShort = 32767 / (2 * 127 * ((1 << kLayout.bits) - 1));
  static constexpr bool kShortSums = Quads::kHasShortSums && !kWide && kShort > 1;
  static constexpr int kShortQuads = kShort < kQuads ? kShort : kQuads;
};

constexpr int LogOf(int power) {
  return power <= 1 ? 0 : 1 + LogOf(power / 2);
}

// Where vector j begins in the 64-byte lines of its lane group.
constexpr int LineOffset(int j) {
  return j * Vec::kWidth % 16 * 4;
}

// Adds what lies above the nibbles of the eight k-quads of one vector.
template <int kBits>
CARAT_INLINE inline void AddHighBits(const std::byte* from, Bytes* quads) {
  if constexpr (kBits == 5) {
    const Bytes high = Quads::Load(from);
    quads[0] = Quads::Or(quads[0], Quads::And(Quads::template Left<4>(high), 0x10));
    quads[1] = Quads::Or(quads[1], Quads::And(Quads::template Left<3>(high), 0x10));
    quads[2] = Quads::Or(quads[2], Quads::And(Quads::template Left<2>(high), 0x10));
    quads[3] = Quads::Or(quads[3], Quads::And(Quads::template Left<1>(high), 0x10));
    quads[4] = Quads::Or(quads[4], Quads::And(high, 0x10));
    quads[5] = Quads::Or(quads[5], Quads::And(Quads::template Right<1>(high), 0x10));
    quads[6] = Quads::Or(quads[6], Quads::And(Quads::template Right<2>(high), 0x10));
    quads[7] = Quads::Or(quads[7], Quads::And(Quads::template Right<3>(high), 0x10));
  } else {
    for (int half = 0; half < 2; ++half) {
      const Bytes high = Quads::Load(from + 64 * half);
      Bytes* of = quads + 4 * half;
      of[0] = Quads::Or(of[0], Quads::And(Quads::template Left<4>(high), 0x30));
      of[1] = Quads::Or(of[1], Quads::And(Quads::template Left<2>(high), 0x30));
      of[2] = Quads::Or(of[2], Quads::And(high, 0x30));
      of[3] = Quads::Or(of[3], Quads::And(Quads::template Right<2>(high), 0x30));
    }
  }
}

// Calls f(u, k-quad u of the rows of vector j) for all eight, in an order in which few registers hold them.
template <NumberFormat format, typename F>
CARAT_INLINE inline void ForEachQuad(const std::byte* block, int j, F f) {
  constexpr PackedLayout kLayout = PackedLayoutOf(format);
  const std::byte* at = block + j * Vec::kWidth / 16 * kLayout.lane_group_bytes() + LineOffset(j);
  if constexpr (kLayout.bits == 8) {
#pragma GCC unroll 8
    for (int u = 0; u < 8; ++u) f(u, Quads::Load(at + 64 * u));
  } else if constexpr (kLayout.bits == 5 || kLayout.bits == 6) {
    // All are unpacked before any is used: measured to be faster than in turns.
    Bytes quads[8];
    for (int v = 0; v < 4; ++v) {
      const Bytes both = Quads::Load(at + 64 * v);
      quads[v] = Quads::And(both, 0x0f);
      quads[v + 4] = Quads::And(Quads::template Right<4>(both), 0x0f);
    }
    AddHighBits<kLayout.bits>(at + 256, quads);
#pragma GCC unroll 8
    for (int u = 0; u < 8; ++u) f(u, quads[u]);
  } else {
    const auto value = [](Bytes nibbles) CARAT_INLINE {
      if constexpr (kLayout.table) return Quads::Nonlinear(nibbles);
      return nibbles;
    };
#pragma GCC unroll 4
    for (int v = 0; v < 4; ++v) {
      const Bytes both = Quads::Load(at + 64 * v);
      f(v, value(Quads::And(both, 0x0f)));
      f(v + 4, value(Quads::And(Quads::template Right<4>(both), 0x0f)));
    }
  }
}

// The eight k-quads of the rows of vector j.
template <NumberFormat format>
inline void UnpackQuads(const std::byte* block, int j, Bytes* quads) {
  ForEachQuad<format>(block, j, [quads](int u, Bytes quad) CARAT_INLINE { quads[u] = quad; });
}

// Scales, and minimums, of group g for the rows of vector j.
template <NumberFormat format>
inline Vec ScalesOf(const std::byte* super, const std::byte* block, int g, int j) {
  constexpr PackedLayout kLayout = PackedLayoutOf(format);
  const std::byte* scales = block + 4 * kLayout.lane_group_bytes();
  if constexpr (!kLayout.super_scales) return Vec::LoadF16(scales + 2 * Vec::kWidth * j);
  return Vec::Multiply(Vec::LoadF16(super + 2 * Vec::kWidth * j),
                       Vec::LoadInt8(scales + kPanelN * g + Vec::kWidth * j));
}
template <NumberFormat format>
inline Vec MinimumsOf(const std::byte* super, const std::byte* block, int g, int j) {
  constexpr PackedLayout kLayout = PackedLayoutOf(format);
  const std::byte* minimums = block + 4 * kLayout.lane_group_bytes() + kLayout.scale_bytes();
  if constexpr (!kLayout.super_scales) return Vec::LoadF16(minimums + 2 * Vec::kWidth * j);
  return Vec::Multiply(Vec::LoadF16(super + 2 * kPanelN + 2 * Vec::kWidth * j),
                       Vec::LoadInt8(minimums + kPanelN * g + Vec::kWidth * j));
}

// The sum that a group begins with.
template <NumberFormat format>
inline Ints BeginSum(Ints negative_sum) {
  if constexpr (!Traits<format>::kOffsetInSum) return Quads::Zero();
  return Quads::template ShiftLeft<LogOf(PackedLayoutOf(format).offset)>(negative_sum);
}

template <NumberFormat format>
inline Ints Dot(Ints sum, Bytes weights, Ints activations) {
  if constexpr (Traits<format>::kWide) return Quads::DotWide(sum, weights, activations);
  return Quads::Dot(sum, weights, activations);
}

// The integer sums of one K-block for the rows of vector j and kM rows of activations, which are `stride`
// apart. They begin with what is in `sum`.
template <NumberFormat format, int kM, typename Q = Quads>
CARAT_INLINE inline void DotBlock(const std::byte* block, int j, const std::int8_t* activations,
                                  std::int64_t stride, Ints (&sum)[Traits<format>::kGroups][kM]) {
  using T = Traits<format>;
  if constexpr (T::kShortSums) {
    Ints part[8 / T::kShortQuads][kM];
    ForEachQuad<format>(block, j, [&](int u, Bytes weights) CARAT_INLINE {
      for (int r = 0; r < kM; ++r) {
        const Ints products = Q::ShortDot(weights, Q::Broadcast(activations + r * stride + 4 * u));
        Ints& to = part[u / T::kShortQuads][r];
        to = u % T::kShortQuads == 0 ? products : Q::AddShort(to, products);
      }
    });
    for (int p = 0; p < 8 / T::kShortQuads; ++p) {
      for (int r = 0; r < kM; ++r) {
        Ints& to = sum[p * T::kShortQuads / T::kQuads][r];
        to = Q::AddPairs(to, part[p][r]);
      }
    }
  } else {
    ForEachQuad<format>(block, j, [&](int u, Bytes weights) CARAT_INLINE {
      for (int r = 0; r < kM; ++r) {
        Ints& to = sum[u / T::kQuads][r];
        to = Dot<format>(to, weights, Q::Broadcast(activations + r * stride + 4 * u));
      }
    });
  }
}

template <NumberFormat format>
inline const std::int32_t* NegativeSums(const QuantizedRows& x, std::int64_t row, std::int64_t block) {
  const std::int64_t at = row * (x.k / 32) + block;
  return PackedLayoutOf(format).group == 32 ? x.negative_sums + at : x.negative_fine + 2 * at;
}

// Small M: weights go from memory to registers and are used there.
template <NumberFormat format, int kM>
void SmallM(const std::byte* panel, const QuantizedRows& x, std::int64_t first, float* y,
            std::int64_t y_stride, std::int64_t n, std::int64_t prefetch_bytes) {
  using T = Traits<format>;
  Vec result[kVectors][kM];
  for (int j = 0; j < kVectors; ++j) {
    for (int r = 0; r < kM; ++r) result[j][r] = Vec::Zero();
  }
  const std::byte* super = panel;
  const std::int64_t blocks = x.k / kBlockK;
  for (std::int64_t t = 0; t < blocks; ++t) {
    if (T::kLayout.super_scales && t % kBlocksPerSuper == 0) {
      super = panel;
      panel += T::kLayout.super_bytes();
    }
    const std::int8_t* values = x.values + first * x.k + kBlockK * t;
    for (int j = 0; j < kVectors; ++j) {
      if (prefetch_bytes > 0) {
        for (int line = 0; line < T::kLayout.block_bytes(); line += 64 * kVectors)
          __builtin_prefetch(panel + prefetch_bytes + line + 64 * j);
      }
      Ints sum[T::kGroups][kM];
      for (int g = 0; g < T::kGroups; ++g) {
        for (int r = 0; r < kM; ++r)
          sum[g][r] = BeginSum<format>(Quads::Broadcast(NegativeSums<format>(x, first + r, t) + g));
      }
      DotBlock<format, kM>(panel, j, values, x.k, sum);
      for (int g = 0; g < T::kGroups; ++g) {
        const Vec scales = ScalesOf<format>(super, panel, g, j);
        for (int r = 0; r < kM; ++r) {
          const Vec scale = Vec::Set(x.scales[(first + r) * (x.k / 32) + t]);
          result[j][r] =
              Vec::MultiplyAdd(Vec::Multiply(Quads::ToFloats(sum[g][r]), scales), scale, result[j][r]);
          if constexpr (T::kLayout.minimums) {
            const Ints negative = Quads::Broadcast(NegativeSums<format>(x, first + r, t) + g);
            result[j][r] = Vec::MultiplyAdd(MinimumsOf<format>(super, panel, g, j),
                                            Vec::Multiply(scale, Quads::ToFloats(negative)), result[j][r]);
          }
        }
      }
    }
    panel += T::kLayout.block_bytes();
  }
  for (int r = 0; r < kM; ++r) {
    for (int j = 0; j < kVectors; ++j)
      Vec::StoreFirst(y + r * y_stride + j * Vec::kWidth, result[j][r], n - j * Vec::kWidth);
  }
}

// Up to kSmallM rows run in groups of four directly on the packed panel; rereading it from cache costs less
// than unpacking it to memory.
constexpr std::int64_t kSmallM = 12;

template <NumberFormat format>
void RunSmallM(const std::byte* panel, const QuantizedRows& x, std::int64_t first, std::int64_t m, float* y,
               std::int64_t y_stride, std::int64_t n, std::int64_t prefetch_bytes) {
  std::int64_t r = 0;
  const auto run = [&]<int kM>() {
    for (; r + kM <= m; r += kM) {
      SmallM<format, kM>(panel, x, first + r, y + r * y_stride, y_stride, n, r == 0 ? prefetch_bytes : 0);
    }
  };
  run.template operator()<4>();
  run.template operator()<3>();
  run.template operator()<2>();
  run.template operator()<1>();
}

// Up to kUnpackedBlocks blocks, unpacked: values as quads of bytes, scales and minimums as float32.
struct Unpacked {
  std::byte* values;  // [blocks, vectors, 8 quads]
  float* scales;      // [blocks, groups, 64]
  float* minimums;

  template <NumberFormat format>
  Unpacked From(std::int64_t block) const {
    const std::int64_t group = block * Traits<format>::kGroups * kPanelN;
    return {values + block * kUnpackedBlockBytes, scales + group, minimums + group};
  }
};

// Where they are in the scratch of a product, and where its results so far.
inline Unpacked UnpackedIn(std::byte* scratch) {
  auto* scales = reinterpret_cast<float*>(scratch + kUnpackedBlocks * kUnpackedBlockBytes);
  return {scratch, scales, scales + kUnpackedBlocks * 2 * kPanelN};
}
inline float* ResultsIn(std::byte* scratch) {
  return UnpackedIn(scratch).minimums + kUnpackedBlocks * 2 * kPanelN;
}

// `read` reads the eight vectors of bytes of the rows of vector j.
template <NumberFormat format, void (*read)(const std::byte*, int, Bytes*) = UnpackQuads<format>>
void Unpack(const std::byte* super, const std::byte* block, std::int64_t blocks, const Unpacked& to) {
  using T = Traits<format>;
  constexpr int kVectorBytes = Vec::kWidth * 4;
  for (std::int64_t t = 0; t < blocks; ++t) {
    for (int j = 0; j < kVectors; ++j) {
      Bytes quads[8];
      read(block, j, quads);
      std::byte* at = to.values + t * kUnpackedBlockBytes + j * 8 * kVectorBytes;
      for (int u = 0; u < 8; ++u) Quads::StoreBytes(at + u * kVectorBytes, quads[u]);
      for (int g = 0; g < T::kGroups; ++g) {
        const std::int64_t scale = (t * T::kGroups + g) * kPanelN + j * Vec::kWidth;
        Vec::StoreFirst(to.scales + scale, ScalesOf<format>(super, block, g, j), Vec::kWidth);
        if constexpr (T::kLayout.minimums)
          Vec::StoreFirst(to.minimums + scale, MinimumsOf<format>(super, block, g, j), Vec::kWidth);
      }
    }
    block += T::kLayout.block_bytes();
  }
}

// Unpacks `count` K-blocks, the first of which begins a super-block. Returns where the next one lies.
template <NumberFormat format, void (*read)(const std::byte*, int, Bytes*) = UnpackQuads<format>>
inline const std::byte* UnpackSupers(const std::byte* panel, std::int64_t count, const Unpacked& to) {
  constexpr PackedLayout kLayout = PackedLayoutOf(format);
  for (std::int64_t at = 0; at < count; at += kBlocksPerSuper) {
    const std::int64_t some = count - at < kBlocksPerSuper ? count - at : kBlocksPerSuper;
    Unpack<format, read>(panel, panel + kLayout.super_bytes(), some, to.From<format>(at));
    panel += kLayout.super_bytes() + some * kLayout.block_bytes();
  }
  return panel;
}

// Where results go: 64 of a row side by side, rows `stride` apart.
struct Results {
  float* data;
  std::int64_t stride;
  bool begun;  // there are sums of earlier blocks
};

// Adds the products of one group of kM rows of activations, which are `stride` apart, with kPass vectors of
// unpacked weights.
template <NumberFormat format, int kM, typename Q = Quads>
inline void AddQuads(const std::byte* weights, const std::int8_t* values, std::int64_t stride,
                     Ints (&sum)[Quads::kPassVectors][kM]) {
  using T = Traits<format>;
  constexpr int kPass = Quads::kPassVectors;
  constexpr int kVectorBytes = Vec::kWidth * 4;
  const auto load = [weights](int j, int u) {
    return Quads::Keep(Quads::Load(weights + (8 * j + u) * kVectorBytes));
  };
  if constexpr (T::kShortSums) {
#pragma GCC unroll 8
    for (int u = 0; u < T::kQuads; u += T::kShortQuads) {
      Ints part[kPass][kM];
#pragma GCC unroll 8
      for (int v = u; v < u + T::kShortQuads; ++v) {
        Bytes w[kPass];
        for (int j = 0; j < kPass; ++j) w[j] = load(j, v);
        for (int r = 0; r < kM; ++r) {
          const Ints activations = Quads::Broadcast(values + r * stride + 4 * v);
          for (int j = 0; j < kPass; ++j) {
            const Ints products = Q::ShortDot(w[j], activations);
            part[j][r] = v == u ? products : Q::AddShort(part[j][r], products);
          }
        }
      }
      for (int r = 0; r < kM; ++r) {
        for (int j = 0; j < kPass; ++j) sum[j][r] = Q::AddPairs(sum[j][r], part[j][r]);
      }
    }
  } else {
#pragma GCC unroll 8
    for (int u = 0; u < T::kQuads; ++u) {
      Bytes w[kPass];
      for (int j = 0; j < kPass; ++j) w[j] = load(j, u);
      for (int r = 0; r < kM; ++r) {
        const Ints activations = Quads::Broadcast(values + r * stride + 4 * u);
        for (int j = 0; j < kPass; ++j) sum[j][r] = Dot<format>(sum[j][r], w[j], activations);
      }
    }
  }
}

// Adds the unpacked K-blocks' part to kM rows of results.
template <NumberFormat format, int kM>
void AddBlocks(const Unpacked& from, std::int64_t first_block, std::int64_t blocks, const QuantizedRows& x,
               std::int64_t row, const Results& results, float* to) {
  using T = Traits<format>;
  constexpr int kPass = Quads::kPassVectors;
  constexpr int kVectorBytes = Vec::kWidth * 4;
  const std::int64_t groups = x.k / 32;
  for (int pass = 0; pass < kVectors; pass += kPass) {
    Vec result[kPass][kM];
    for (int j = 0; j < kPass; ++j) {
      for (int r = 0; r < kM; ++r) {
        result[j][r] =
            results.begun ? Vec::Load(to + r * results.stride + (pass + j) * Vec::kWidth) : Vec::Zero();
      }
    }
    for (std::int64_t t = 0; t < blocks; ++t) {
      const std::int8_t* values = x.values + row * x.k + kBlockK * (first_block + t);
      const std::byte* weights = from.values + t * kUnpackedBlockBytes + pass * 8 * kVectorBytes;
      for (int g = 0; g < T::kGroups; ++g) {
        Ints sum[kPass][kM];
        for (int r = 0; r < kM; ++r) {
          const Ints begin =
              BeginSum<format>(Quads::Broadcast(NegativeSums<format>(x, row + r, first_block + t) + g));
          for (int j = 0; j < kPass; ++j) sum[j][r] = begin;
        }
        AddQuads<format, kM>(weights + g * T::kQuads * kVectorBytes, values + 4 * g * T::kQuads, x.k, sum);
        const std::int64_t at = (t * T::kGroups + g) * kPanelN + pass * Vec::kWidth;
        for (int r = 0; r < kM; ++r) {
          const Vec scale = Vec::Set(x.scales[(row + r) * groups + first_block + t]);
          for (int j = 0; j < kPass; ++j) {
            const Vec scales = Vec::Load(from.scales + at + j * Vec::kWidth);
            result[j][r] =
                Vec::MultiplyAdd(Vec::Multiply(Quads::ToFloats(sum[j][r]), scales), scale, result[j][r]);
          }
          if constexpr (T::kLayout.minimums) {
            const Ints negative = Quads::Broadcast(NegativeSums<format>(x, row + r, first_block + t) + g);
            const Vec scaled = Vec::Multiply(scale, Quads::ToFloats(negative));
            for (int j = 0; j < kPass; ++j) {
              result[j][r] =
                  Vec::MultiplyAdd(Vec::Load(from.minimums + at + j * Vec::kWidth), scaled, result[j][r]);
            }
          }
        }
      }
    }
    for (int j = 0; j < kPass; ++j) {
      for (int r = 0; r < kM; ++r)
        Vec::StoreFirst(to + r * results.stride + (pass + j) * Vec::kWidth, result[j][r], Vec::kWidth);
    }
  }
}

// Large M: unpack as many K-blocks as fit in the second-level cache, then multiply all rows with them.
template <NumberFormat format>
void LargeM(const std::byte* panel, const QuantizedRows& x, std::int64_t first, std::int64_t m, float* y,
            std::int64_t y_stride, std::int64_t n, std::byte* scratch) {
  constexpr PackedLayout kLayout = PackedLayoutOf(format);
  const Unpacked unpacked = UnpackedIn(scratch);
  Results results{y, y_stride, false};
  if (n < kPanelN) results = {ResultsIn(scratch), kPanelN, false};
  const std::int64_t blocks = x.k / kBlockK;
  for (std::int64_t t = 0; t < blocks; t += kUnpackedBlocks) {
    const std::int64_t count = blocks - t < kUnpackedBlocks ? blocks - t : kUnpackedBlocks;
    panel = UnpackSupers<format>(panel, count, unpacked);
    // While the rows are multiplied, the K-blocks that are unpacked next are prefetched.
    const std::int64_t lines_a_row = count * kLayout.block_bytes() / 64 / m + 1;
    std::int64_t r = 0;
    const auto run = [&]<int kM>() {
      for (; r + kM <= m; r += kM) {
        for (std::int64_t line = r * lines_a_row; line < (r + kM) * lines_a_row; ++line)
          __builtin_prefetch(panel + 64 * line, 0, 2);
        AddBlocks<format, kM>(unpacked, t, count, x, first + r, results, results.data + r * results.stride);
      }
    };
    run.template operator()<Quads::kMr>();
    run.template operator()<2>();
    run.template operator()<1>();
    results.begun = true;
  }
  if (n == kPanelN) return;
  for (std::int64_t r = 0; r < m; ++r)
    __builtin_memcpy(y + r * y_stride, results.data + r * kPanelN,
                     static_cast<std::size_t>(n) * sizeof(float));
}

#if defined(CARAT_TILES)
#include "lib/kernels/gemm/int8_amx.inc.h"
#elif defined(CARAT_MATRICES)
#include "lib/kernels/gemm/int8_smmla.inc.h"
#endif

template <NumberFormat format>
void RunFormat(const std::byte* panel, const QuantizedRows& x, std::int64_t first, std::int64_t m, float* y,
               std::int64_t y_stride, std::int64_t n, std::byte* scratch, std::int64_t prefetch_bytes) {
#if defined(CARAT_TILES)
  if (m >= kFewestTileRows) return LargeMByTiles<format>(panel, x, first, m, y, y_stride, n, scratch);
#elif defined(CARAT_MATRICES)
  if (m > kSmallM) return LargeMByPairs<format>(panel, x, first, m, y, y_stride, n, scratch);
  if (m > 1) return RunSmallMByPairs<format>(panel, x, first, m, y, y_stride, n, prefetch_bytes);
#endif
  if (m <= kSmallM) return RunSmallM<format>(panel, x, first, m, y, y_stride, n, prefetch_bytes);
  LargeM<format>(panel, x, first, m, y, y_stride, n, scratch);
}

void Int8Run(NumberFormat format, const std::byte* panel, const QuantizedRows& x, std::int64_t first,
             std::int64_t m, float* y, std::int64_t y_stride, std::int64_t n, std::byte* scratch,
             std::int64_t prefetch_bytes) {
  switch (format) {
#define CARAT_FORMAT(name) \
  case NumberFormat::name: \
    return RunFormat<NumberFormat::name>(panel, x, first, m, y, y_stride, n, scratch, prefetch_bytes)
    CARAT_FORMAT(kQ4_0);
    CARAT_FORMAT(kQ4_1);
    CARAT_FORMAT(kQ5_0);
    CARAT_FORMAT(kQ5_1);
    CARAT_FORMAT(kQ8_0);
    CARAT_FORMAT(kQ2_K);
    CARAT_FORMAT(kQ3_K);
    CARAT_FORMAT(kQ4_K);
    CARAT_FORMAT(kQ5_K);
    CARAT_FORMAT(kQ6_K);
    CARAT_FORMAT(kIQ4_NL);
    CARAT_FORMAT(kIQ4_XS);
#undef CARAT_FORMAT
    default:  // float formats are not packed
      return;
  }
}

void Int8Quantize(const float* x, const QuantizedRows& to, std::int64_t row) {
  for (std::int64_t g = 0; g < to.k / 32; ++g) {
    const float largest = Quads::LargestMagnitude(x + 32 * g);
    const float factor = largest > 0 ? 127.0f / largest : 0.0f;
    std::int32_t sums[2];
    Quads::QuantizeGroup(x + 32 * g, factor, to.values + row * to.k + 32 * g, sums);
    const std::int64_t at = row * (to.k / 32) + g;
    to.scales[at] = largest / 127.0f;
    to.negative_sums[at] = -(sums[0] + sums[1]);
    to.negative_fine[2 * at] = -sums[0];
    to.negative_fine[2 * at + 1] = -sums[1];
  }
}

constexpr Int8Gemm kInt8 = {.quantize = Int8Quantize, .run = Int8Run};
