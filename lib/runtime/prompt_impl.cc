#include "lib/runtime/prompt_impl.h"

#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <string>

#include "lib/base/error.h"

namespace carat::internal {
namespace {

// The ids that stand for one kind of media in a sequence.
struct Markers {
  std::optional<std::int64_t> begin, placeholder, end;
};

Markers MarkersOf(const ModelImpl& model, MediaKind kind) {
  const MediaTokens& ids = model.config().media;
  switch (kind) {
    case MediaKind::kImage:
      return {ids.image_begin, ids.image, ids.image_end};
    case MediaKind::kVideo:
      return {ids.image_begin, ids.video, ids.image_end};
    case MediaKind::kAudio:
      return {ids.audio_begin, ids.audio, ids.audio_end};
  }
  return {};
}

const char* KindName(MediaKind kind) {
  switch (kind) {
    case MediaKind::kImage:
      return "pictures";
    case MediaKind::kVideo:
      return "video";
    case MediaKind::kAudio:
      return "sound";
  }
  return "media";
}

Result<std::int32_t> MarkerId(const ModelImpl& model, MediaKind kind, const std::optional<std::int64_t>& id,
                              const char* role) {
  if (!id)
    return Unimplemented("this checkpoint names no %s token for %s in its config.json", role, KindName(kind));
  if (*id >= model.config().text.vocabulary_size) {
    return InvalidArgument("the %s token for %s is %d, but the vocabulary ends at %d", role, KindName(kind),
                           *id, model.config().text.vocabulary_size - 1);
  }
  return static_cast<std::int32_t>(*id);
}

// "01:05" for 65.9 seconds.
Result<std::string> TimeStamp(double seconds) {
  if (!(seconds >= 0) || seconds >= 100.0 * 3600) {
    return InvalidArgument("a frame is shown at %g seconds, but times must lie in 0 .. 359999", seconds);
  }
  const auto whole = static_cast<std::int64_t>(seconds);
  return absl::StrFormat("%02d:%02d", whole / 60, whole % 60);
}

}  // namespace

Result<SoftTokens> MakeSoftTokens(const ModelImpl& model, MediaKind kind, AlignedBuffer<float> rows,
                                  std::int64_t count, std::vector<std::int64_t> frames,
                                  std::vector<double> seconds) {
  if (kind != MediaKind::kImage && kind != MediaKind::kVideo && kind != MediaKind::kAudio) {
    return InvalidArgument("kind is %d, which is none of the enumeration", static_cast<int>(kind));
  }
  const Markers markers = MarkersOf(model, kind);
  CARAT_RETURN_IF_ERROR(MarkerId(model, kind, markers.placeholder, "placeholder").status());
  const std::int64_t hidden = model.config().text.hidden_size;
  if (count < 1 || rows.size() != static_cast<std::size_t>(count) * static_cast<std::size_t>(hidden)) {
    return InvalidArgument("%d numbers are no rows of %d, the model's hidden size", rows.size(), hidden);
  }
  for (const float value : rows.span()) {
    if (!std::isfinite(value)) return InvalidArgument("the soft tokens hold a number that is not finite");
  }
  if (kind != MediaKind::kVideo && !(frames.empty() && seconds.empty())) {
    return InvalidArgument("frames belong to a video, not to %s", KindName(kind));
  }
  if (kind == MediaKind::kVideo) {
    if (frames.size() != seconds.size()) {
      return InvalidArgument("%d frames have %d times", frames.size(), seconds.size());
    }
    std::int64_t left = count;
    for (const std::int64_t frame : frames) {
      if (frame < 1 || frame > left) return InvalidArgument("the frames' rows do not add up to %d", count);
      left -= frame;
    }
    if (left != 0) return InvalidArgument("the frames' rows do not add up to %d", count);
    for (const double second : seconds) CARAT_RETURN_IF_ERROR(TimeStamp(second).status());
  }
  auto data = std::make_shared<SoftTokensData>();
  data->kind = kind;
  data->count = count;
  data->hidden_size = hidden;
  data->rows = std::move(rows);
  data->frames = std::move(frames);
  data->seconds = std::move(seconds);
  return SoftTokens(std::move(data));
}

Status PromptData::AddText(std::string_view text, const EncodeOptions& options) {
  CARAT_ASSIGN_OR_RETURN(const auto ids, model->tokenizer().Encode(text, options));
  tokens.insert(tokens.end(), ids.begin(), ids.end());
  return {};
}

Status PromptData::AddRun(const std::shared_ptr<const SoftTokensData>& data, std::int64_t first,
                          std::int64_t count) {
  if (data->hidden_size != model->config().text.hidden_size) {
    return InvalidArgument("these soft tokens are %d wide, but the model's hidden size is %d",
                           data->hidden_size, model->config().text.hidden_size);
  }
  const Markers markers = MarkersOf(*model, data->kind);
  CARAT_ASSIGN_OR_RETURN(const std::int32_t placeholder,
                         MarkerId(*model, data->kind, markers.placeholder, "placeholder"));
  runs.push_back({static_cast<std::int64_t>(tokens.size()), count, first, data});
  tokens.insert(tokens.end(), static_cast<std::size_t>(count), placeholder);
  return {};
}

Status PromptData::AddSoftTokens(const SoftTokens& media) {
  if (!media.data()) return InvalidArgument("these soft tokens have been moved from");
  return AddRun(media.data(), 0, media.data()->count);
}

Status PromptData::AddMedia(const SoftTokens& media) {
  if (!media.data()) return InvalidArgument("these soft tokens have been moved from");
  const auto& data = media.data();
  const Markers markers = MarkersOf(*model, data->kind);
  CARAT_ASSIGN_OR_RETURN(const std::int32_t begin, MarkerId(*model, data->kind, markers.begin, "begin"));
  CARAT_ASSIGN_OR_RETURN(const std::int32_t end, MarkerId(*model, data->kind, markers.end, "end"));
  if (data->kind != MediaKind::kVideo) {
    tokens.push_back(begin);
    CARAT_RETURN_IF_ERROR(AddRun(data, 0, data->count));
    tokens.push_back(end);
    return {};
  }
  std::int64_t first = 0;
  for (std::size_t i = 0; i < data->frames.size(); ++i) {
    CARAT_ASSIGN_OR_RETURN(const std::string stamp, TimeStamp(data->seconds[i]));
    CARAT_RETURN_IF_ERROR(AddText(absl::StrFormat("%s%s ", i == 0 ? "" : " ", stamp), {}));
    tokens.push_back(begin);
    CARAT_RETURN_IF_ERROR(AddRun(data, first, data->frames[i]));
    tokens.push_back(end);
    first += data->frames[i];
  }
  return {};
}

}  // namespace carat::internal
