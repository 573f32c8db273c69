#include <cmath>
#include <utility>

#include "lib/base/error.h"
#include "lib/vision/vision.h"

namespace carat::internal {
namespace {

// The status of a frame with its number in front.
Status OfFrame(std::size_t index, const Status& status) {
  if (status.ok() || status.code() == StatusCode::kCancelled) return status;
  return Status(status.code(), absl::StrFormat("frame %d of a video: %s", index, status.message()));
}

Result<EncodedFrame> EncodeFrame(const VisionEncoder& encoder, const VideoFrame& frame, std::int64_t budget,
                                 const std::atomic<bool>* cancelled) {
  EncodedFrame encoded;
  CARAT_ASSIGN_OR_RETURN(encoded.stamp, VideoStamp(frame.seconds));
  CARAT_ASSIGN_OR_RETURN(const PreparedPicture prepared, encoder.Prepare(frame.view, budget));
  EncodeOptions options;
  options.cancelled = cancelled;
  CARAT_ASSIGN_OR_RETURN(encoded.picture, encoder.Encode(prepared, options));
  return encoded;
}

}  // namespace

Result<std::string> VideoStamp(double seconds) {
  if (!(seconds >= 0 && seconds <= kLongestVideo)) {
    return InvalidArgument("a frame's time is %g seconds, but must lie in 0 .. %g", seconds, kLongestVideo);
  }
  const auto whole = static_cast<std::int64_t>(std::floor(seconds));
  return absl::StrFormat("%02d:%02d", whole / 60, whole % 60);
}

Result<std::vector<std::int64_t>> SampleVideoFrames(std::int64_t total, std::int64_t wanted) {
  if (total < 1 || wanted < 1) {
    return InvalidArgument("cannot take %d frames of a video of %d", wanted, total);
  }
  const std::int64_t count = std::min(total, wanted);
  const double step = static_cast<double>(total) / static_cast<double>(count);
  std::vector<std::int64_t> frames;
  for (std::int64_t i = 0; i < count; ++i) {
    // By way of float32, as the reference does, so that a multiple just below an integer is that integer.
    frames.push_back(static_cast<std::int64_t>(static_cast<float>(static_cast<double>(i) * step)));
  }
  return frames;
}

Result<std::vector<EncodedFrame>> EncodeVideo(const VisionEncoder& encoder,
                                              std::span<const VideoFrame> frames, std::int64_t budget,
                                              const std::atomic<bool>* cancelled) {
  std::vector<EncodedFrame> encoded;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    auto frame =
        EncodeFrame(encoder, frames[i], budget == 0 ? encoder.budgets().video_frame : budget, cancelled);
    if (!frame.ok()) return OfFrame(i, frame.status());
    encoded.push_back(*std::move(frame));
  }
  return encoded;
}

}  // namespace carat::internal
