// Cosines and sines for the rotary embedding of some positions.
#ifndef CARAT_LIB_TEXT_ROPE_H_
#define CARAT_LIB_TEXT_ROPE_H_

#include <cstdint>
#include <span>
#include <vector>

#include "lib/weights/model_config.h"

namespace carat::internal {

// The turning speeds of one kind of layer: inverse_frequency[i] = theta^(-2i/head_dim) / factor. Like the
// reference they are rounded to float32, and so is position times speed, which matters from some ten thousand
// positions on.
std::vector<float> InverseFrequencies(const RopeConfig& rope, std::int64_t head_dim);

// cos and sin of position * speed, [positions, speeds] each.
void FillRope(std::span<const float> speeds, std::span<const std::int64_t> positions, float* cos, float* sin);

}  // namespace carat::internal

#endif  // CARAT_LIB_TEXT_ROPE_H_
