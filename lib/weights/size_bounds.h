// The largest sizes that carat takes from a configuration, in one place: every one becomes memory or a loop.
//
// They lie far above every released model, and so low that no product of two overflows and that what a file
// asks for without bringing as many bytes itself (layers' entries, filterbanks, prepared pictures) stays
// small. Sizes of tensors are checked against the file besides. A value outside its range is INVALID_ARGUMENT
// naming file, key, value and range.
#ifndef CARAT_LIB_WEIGHTS_SIZE_BOUNDS_H_
#define CARAT_LIB_WEIGHTS_SIZE_BOUNDS_H_

#include <cstdint>

namespace carat::internal {

// Both ends belong to it.
struct IntegerRange {
  std::int64_t low;
  std::int64_t high;
};

// What is a width (rows or columns of a matrix) has to be a kWidth as well once it is computed from two
// sizes.
//                                                                            released   what it becomes
inline constexpr IntegerRange kWidth = {1, std::int64_t{1} << 24};       // 21,504     rows and columns
inline constexpr IntegerRange kVocabulary = {1, std::int64_t{1} << 24};  // 262,144    logits, pieces
inline constexpr IntegerRange kLayers = {1, 1024};                       // 60         entries, caches
inline constexpr IntegerRange kHeads = {1, 4096};                        // 32         rows of scores
inline constexpr IntegerRange kHeadDim = {2, 8192};                      // 512        rows of a cache
inline constexpr IntegerRange kExperts = {1, 4096};                      // 128        router's scores
inline constexpr IntegerRange kPositions = {1, std::int64_t{1} << 27};   // 262,144    caches, windows

// The vision tower.
inline constexpr IntegerRange kPatchSides = {1, 64};    // 16         pixels of a patch
inline constexpr IntegerRange kPoolingSides = {1, 16};  // 3          patches of a token
inline constexpr IntegerRange kTokenSides = {1, 128};   // 48         their product: pixels
inline constexpr IntegerRange kTablePositions = {1, std::int64_t{1} << 20};  // 10,240   rows of a table

// The audio tower.
inline constexpr IntegerRange kMelBins = {4, 1024};                       // 128        filterbank
inline constexpr IntegerRange kFrameSamples = {2, 8192};                  // 320        filterbank, transform
inline constexpr IntegerRange kSampleRates = {1000, 768000};              // 16,000     length of a frame
inline constexpr IntegerRange kVisiblePositions = {2, 1024};              // 13         sinusoids, caches
inline constexpr IntegerRange kConvolutionKernel = {1, 256};              // 5          state of a stream
inline constexpr IntegerRange kChannels = {1, 4096};                      // 128        rows of a convolution
inline constexpr IntegerRange kSoundTokens = {1, std::int64_t{1} << 20};  // 750        longest sound
inline constexpr IntegerRange kTokenMilliseconds = {1, 10000};            // 40         longest sound

}  // namespace carat::internal

#endif  // CARAT_LIB_WEIGHTS_SIZE_BOUNDS_H_
