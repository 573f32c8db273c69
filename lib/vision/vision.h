// The public face of the vision room: pictures and frames of videos to soft tokens of the text model.
#ifndef CARAT_LIB_VISION_VISION_H_
#define CARAT_LIB_VISION_VISION_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "carat/status.h"
#include "lib/base/aligned_buffer.h"
#include "lib/base/thread_pool.h"
#include "lib/kernels/matmul.h"
#include "lib/vision/picture.h"
#include "lib/weights/checkpoint.h"
#include "lib/weights/vision_config.h"

namespace carat::internal {

struct VisionWeights;
struct TowerPlan;

struct VisionOptions {
  // kAuto: bf16 if the weights are and the processor multiplies them faster, else float32. kFloat32: exact to
  // rounding, what the reference is compared with. kBf16: activations and attention weights rounded to bf16;
  // emulated, slowly, where the processor has no bf16. Sums, norms and the residual stream are float32 in any
  // case.
  MatMulPrecision precision = MatMulPrecision::kAuto;
};

// A picture as the text model reads it. Independent of the encoder it came from.
struct EncodedPicture {
  std::int64_t soft_tokens = 0;
  std::int64_t text_hidden = 0;
  std::int64_t vision_hidden = 0;
  AlignedBuffer<float> embeddings;  // [soft_tokens, text_hidden]: rows of the text model's input
  AlignedBuffer<float> pooled;      // [soft_tokens, vision_hidden] before the projection, if asked for
};

struct EncodeOptions {
  bool keep_pooled = false;
  const std::atomic<bool>* cancelled = nullptr;  // looked at many times a second
};

// What encoding one picture of a budget takes, in bytes.
struct VisionMemory {
  std::uint64_t weights = 0;      // mapped; resident once used, until ReleaseWeights
  std::uint64_t activations = 0;  // while a picture is encoded
  std::uint64_t result = 0;       // of EncodedPicture::embeddings
};

// Any number of threads may use one at once.
class VisionEncoder {
 public:
  // Reads the configuration and nothing else: weights are looked at when the first picture is encoded. What
  // is given must outlive the encoder. Errors: NOT_FOUND if the checkpoint has no vision tower, those of
  // ReadVisionConfig and ReadVisionBudgets.
  static Result<std::unique_ptr<VisionEncoder>> Create(const Checkpoint& checkpoint, const Kernels& kernels,
                                                       const ParallelWork& work,
                                                       const VisionOptions& options = {});
  // The same with a configuration that was read elsewhere.
  VisionEncoder(const Checkpoint& checkpoint, const VisionConfig& config, const VisionBudgets& budgets,
                const Kernels& kernels, const ParallelWork& work, const VisionOptions& options);
  ~VisionEncoder();

  const VisionConfig& config() const { return config_; }
  const VisionBudgets& budgets() const { return budgets_; }

  // Resizes a picture to at most `budget` soft tokens (70, 140, 280, 560, 1120) and cuts it into patches; 0
  // is the default for pictures. Errors: those of PreparePicture.
  Result<PreparedPicture> Prepare(const ImageView& view, std::int64_t budget = 0) const;

  // Errors: CANCELLED; INVALID_ARGUMENT for a picture that this tower cannot have prepared; NOT_FOUND and
  // INVALID_ARGUMENT for tensors; FAILED_PRECONDITION for bf16 with weights that are none;
  // RESOURCE_EXHAUSTED.
  Result<EncodedPicture> Encode(const PreparedPicture& picture, const EncodeOptions& options = {}) const;

  // For a picture that has all the soft tokens of its budget. Errors: as for Encode.
  Result<VisionMemory> EstimateMemory(std::int64_t budget) const;

  // Whether products are in bf16. Errors: as for Encode.
  Result<bool> uses_bf16() const;

  // Looks at the weights now, so that errors come early. Errors: as for Encode.
  Status BindWeights() const;
  // Forgets what was copied from the checkpoint and lets its mapped pages go. The next picture gets them
  // back.
  void ReleaseWeights() const;

 private:
  struct Bound;
  Result<std::shared_ptr<const Bound>> Weights() const;
  TowerPlan Plan(const Bound& bound, std::int64_t patches) const;
  Status CheckPrepared(const PreparedPicture& picture) const;

  const Checkpoint& checkpoint_;
  VisionConfig config_;
  VisionBudgets budgets_;
  const Kernels& kernels_;
  const ParallelWork& work_;
  VisionOptions options_;
  mutable std::mutex mutex_;
  mutable std::shared_ptr<const Bound> bound_;  // by the first picture
};

// One frame of a video and when it is shown.
struct VideoFrame {
  ImageView view;
  double seconds = 0;
};

struct EncodedFrame {
  std::string stamp;  // "mm:ss", which the prompt has in front of the frame
  EncodedPicture picture;
};

// "mm:ss", rounded down, minutes beyond 99 in full. Errors: INVALID_ARGUMENT for a time that is negative, no
// number or beyond kLongestVideo.
inline constexpr double kLongestVideo = 1e7;
Result<std::string> VideoStamp(double seconds);

// Which frames of a video of `total` the reference takes when it may take `wanted`: evenly from the first on;
// all, if there are no more. Errors: INVALID_ARGUMENT for numbers below 1.
Result<std::vector<std::int64_t>> SampleVideoFrames(std::int64_t total, std::int64_t wanted);
inline constexpr std::int64_t kVideoFrames = 32;  // the reference's default

// Every frame is a picture of `budget` soft tokens at most; 0 is the default for frames. Errors: those of
// Prepare, Encode and VideoStamp, naming the frame.
Result<std::vector<EncodedFrame>> EncodeVideo(const VisionEncoder& encoder,
                                              std::span<const VideoFrame> frames, std::int64_t budget = 0,
                                              const std::atomic<bool>* cancelled = nullptr);

}  // namespace carat::internal

#endif  // CARAT_LIB_VISION_VISION_H_
