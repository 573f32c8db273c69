// One clip on its way through the tower: the buffers of a block of tokens, and what each layer remembers of
// the tokens before it.
#ifndef CARAT_LIB_AUDIO_AUDIO_CLIP_H_
#define CARAT_LIB_AUDIO_AUDIO_CLIP_H_

#include <cstdint>
#include <vector>

#include "carat/status.h"
#include "lib/audio/audio_matmul.h"
#include "lib/base/aligned_buffer.h"
#include "lib/weights/audio_config.h"

namespace carat::internal {

// What a layer remembers of the tokens before the block.
struct AudioLayerMemory {
  AlignedBuffer<float> keys;    // [heads, visible_positions - 1, head_dim]
  AlignedBuffer<float> values;  // the same
  AlignedBuffer<float> gated;   // [conv_kernel - 1, hidden]
};

// What one worker needs for attention; see relative_attention.cc.
struct AudioAttentionScratch {
  AlignedBuffer<float> scores;    // [tile, tile + visible_positions - 1]
  AlignedBuffer<float> relative;  // [tile, visible_positions]
};

// Queries of one head that a worker takes together.
inline constexpr std::int64_t kAudioTileQueries = 8;

struct AudioClip {
  // For blocks of up to `block` tokens. Errors: RESOURCE_EXHAUSTED.
  static Result<AudioClip> Create(const AudioConfig& config, const MatMul& matmul, std::int64_t block);

  std::size_t memory_bytes() const;

  std::int64_t block = 0;
  std::int64_t tokens = 0;        // that went through, before the block
  AlignedBuffer<float> hidden;    // [block, hidden]: the residual stream
  AlignedBuffer<float> input;     // [block, hidden]: a sublayer's input
  AlignedBuffer<float> sublayer;  // [block, hidden]: its output
  AlignedBuffer<float> queries;   // [block, hidden]
  AlignedBuffer<float> wide;      // [block, widest of what is between]
  // Of the layer at work: its memory, then the block's rows.
  AlignedBuffer<float> keys, values;  // [heads, visible_positions - 1 + block, head_dim]
  AlignedBuffer<float> gated;         // [conv_kernel - 1 + block, hidden]
  MatMulScratch matmul_scratch;
  std::vector<AudioLayerMemory> layers;
  std::vector<AudioAttentionScratch> scratch;  // one for each worker
};

}  // namespace carat::internal

#endif  // CARAT_LIB_AUDIO_AUDIO_CLIP_H_
