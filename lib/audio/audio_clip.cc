#include "lib/audio/audio_clip.h"

#include <algorithm>
#include <initializer_list>
#include <span>
#include <utility>

#include "lib/audio/audio_weights.h"
#include "lib/base/checked.h"
#include "lib/base/error.h"

namespace carat::internal {
namespace {

Status Allocate(AlignedBuffer<float>& buffer, std::initializer_list<std::int64_t> shape) {
  const auto size = CheckedProduct(std::span<const std::int64_t>(shape.begin(), shape.size()));
  if (!size) return ResourceExhausted("the activations of a block of sound are too large to be addressed");
  CARAT_ASSIGN_OR_RETURN(
      buffer, AlignedBuffer<float>::Allocate(static_cast<std::uint64_t>(*size), "the activations of sound"));
  return {};
}

// Buffers of `rows` more positions than a layer remembers.
template <typename Buffers>
Status AllocateMemory(const AudioConfig& config, std::int64_t rows, Buffers& buffers) {
  const std::int64_t positions = config.visible_positions - 1 + rows;
  CARAT_RETURN_IF_ERROR(Allocate(buffers.keys, {config.attention_heads, positions, config.head_dim}));
  CARAT_RETURN_IF_ERROR(Allocate(buffers.values, {config.attention_heads, positions, config.head_dim}));
  return Allocate(buffers.gated, {config.conv_kernel - 1 + rows, config.hidden_size});
}

}  // namespace

Result<AudioClip> AudioClip::Create(const AudioConfig& config, const MatMul& matmul, std::int64_t block) {
  AudioClip clip;
  clip.block = block;
  for (AlignedBuffer<float>* buffer : {&clip.hidden, &clip.input, &clip.sublayer, &clip.queries}) {
    CARAT_RETURN_IF_ERROR(Allocate(*buffer, {block, config.hidden_size}));
  }
  const std::int64_t subsampled = Halved(Halved(config.mel.bins)) * config.second_channels;
  const std::int64_t widest = std::max({config.feed_forward_size(), subsampled, config.output_size});
  CARAT_RETURN_IF_ERROR(Allocate(clip.wide, {block, widest}));
  CARAT_RETURN_IF_ERROR(AllocateMemory(config, block, clip));
  for (std::int64_t i = 0; i < config.layers; ++i) {
    AudioLayerMemory memory;
    CARAT_RETURN_IF_ERROR(AllocateMemory(config, 0, memory));
    clip.layers.push_back(std::move(memory));
  }
  CARAT_ASSIGN_OR_RETURN(clip.matmul_scratch, matmul.MakeScratch(block, matmul.max_k()));
  for (int i = 0; i < matmul.work().workers(); ++i) {
    AudioAttentionScratch scratch;
    CARAT_RETURN_IF_ERROR(
        Allocate(scratch.scores, {kAudioTileQueries, kAudioTileQueries + config.visible_positions - 1}));
    CARAT_RETURN_IF_ERROR(Allocate(scratch.relative, {kAudioTileQueries, config.visible_positions}));
    clip.scratch.push_back(std::move(scratch));
  }
  return clip;
}

std::size_t AudioClip::memory_bytes() const {
  std::size_t floats = 0;
  for (const AlignedBuffer<float>* buffer :
       {&hidden, &input, &sublayer, &queries, &wide, &keys, &values, &gated}) {
    floats += buffer->size();
  }
  for (const AudioLayerMemory& memory : layers) {
    floats += memory.keys.size() + memory.values.size() + memory.gated.size();
  }
  for (const AudioAttentionScratch& s : scratch) floats += s.scores.size() + s.relative.size();
  return floats * sizeof(float) + matmul_scratch.memory_bytes();
}

}  // namespace carat::internal
