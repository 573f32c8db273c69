// Pictures, videos and sounds of a case: encoding them, and putting them where the prompt has them.
#include <algorithm>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "carat/media.h"
#include "carat/media_files.h"
#include "examples/cli/check/probe.h"
#include "examples/cli/error.h"

namespace carat::cli {
namespace {

constexpr TowerPrecision kPrecision = TowerPrecision::kFloat32;

EncodedMedia EncodeImageTensor(const ProbeContext& context, const ReferenceCase& reference,
                               std::size_t index) {
  const std::string name = absl::StrFormat("image%d", index);
  const Tensor<std::uint8_t> pixels = context.folder.ReadBytes(reference, name + "_rgb", 3);
  if (index >= reference.image_budgets.size())
    throw Error(kExitBadInput, absl::StrFormat("%s/cases.json: '%s' has no piece for %s",
                                               context.folder.path(), reference.name, name));
  const ImageView view{pixels.values.data(), static_cast<std::int32_t>(pixels.shape[1]),
                       static_cast<std::int32_t>(pixels.shape[0]), 3 * pixels.shape[1]};
  EncodedMedia media{name, SoftTokens(nullptr), {}, {}};
  const ImageOptions options{
      .budget = reference.image_budgets[index], .precision = kPrecision, .trace = &media.image};
  media.soft = ValueOrThrow(EncodeImage(context.model, view, options));
  return media;
}

EncodedMedia EncodeVideoTensor(const ProbeContext& context, const ReferenceCase& reference) {
  const Tensor<std::uint8_t> pixels = context.folder.ReadBytes(reference, "video_rgb", 4);
  const std::int64_t frame_bytes = pixels.shape[1] * pixels.shape[2] * pixels.shape[3];
  std::vector<VideoFrame> frames;
  for (std::int64_t i = 0; i < pixels.shape[0]; ++i) {
    const ImageView view{pixels.values.data() + i * frame_bytes, static_cast<std::int32_t>(pixels.shape[2]),
                         static_cast<std::int32_t>(pixels.shape[1]), 3 * pixels.shape[2]};
    const double rate = reference.video_frames_per_second;
    frames.push_back({view, rate > 0 ? static_cast<double>(i) / rate : 0.0});
  }
  EncodedMedia media{"video", SoftTokens(nullptr), {}, {}};
  media.soft = ValueOrThrow(EncodeVideo(context.model, frames, {.precision = kPrecision}));
  return media;
}

EncodedMedia EncodeAudioTensor(const ProbeContext& context, const ReferenceCase& reference,
                               std::size_t index) {
  const std::string name = absl::StrFormat("audio%d", index);
  const Tensor<float> samples = context.folder.ReadFloats(reference, name + "_samples", 1);
  EncodedMedia media{name, SoftTokens(nullptr), {}, {}};
  const AudioView view{.samples = samples.values.data(), .frames = samples.shape[0]};
  media.soft =
      ValueOrThrow(EncodeAudio(context.model, view, {.precision = kPrecision, .trace = &media.audio}));
  return media;
}

EncodedMedia EncodeImageFile(const ProbeContext& context, const std::string& file) {
  const Picture picture = ValueOrThrow(ReadPicture(context.folder.path() + "/" + file));
  EncodedMedia media{"image0", SoftTokens(nullptr), {}, {}};
  media.soft = ValueOrThrow(EncodeImage(
      context.model,
      ImageView{picture.rgb.data(), picture.width, picture.height, std::int64_t{3} * picture.width},
      {.precision = kPrecision}));
  return media;
}

EncodedMedia EncodeAudioFile(const ProbeContext& context, const std::string& file) {
  const Sound sound = ValueOrThrow(ReadSound(context.folder.path() + "/" + file));
  EncodedMedia media{"audio0", SoftTokens(nullptr), {}, {}};
  const AudioView view{.samples = sound.samples.data(),
                       .frames = static_cast<std::int64_t>(sound.samples.size()) / sound.channels,
                       .channels = sound.channels,
                       .sample_rate = sound.sample_rate};
  media.soft = ValueOrThrow(EncodeAudio(context.model, view, {.precision = kPrecision}));
  return media;
}

// The id that holds the places of a medium's soft tokens.
std::int32_t PlaceholderOf(const ProbeContext& context, const SoftTokens& soft) {
  Prompt prompt(context.model);
  ThrowIfError(prompt.AddSoftTokens(soft));
  return prompt.tokens()[0];
}

// Soft tokens first .. first+count-1 as media of their own.
SoftTokens Slice(const ProbeContext& context, const SoftTokens& soft, std::int64_t first,
                 std::int64_t count) {
  const std::int64_t width = context.model.info().hidden_size;
  if (first + count > soft.count())
    throw Error(kExitDifferent, absl::StrFormat("%s: the prompt has places for more than %d soft tokens",
                                                context.folder.path(), soft.count()));
  const auto rows =
      soft.rows().subspan(static_cast<std::size_t>(first * width), static_cast<std::size_t>(count * width));
  if (soft.kind() != MediaKind::kVideo)
    return ValueOrThrow(SoftTokens::FromRows(context.model, soft.kind(), rows));
  const std::vector<std::int64_t> frames = {count};
  const std::vector<double> seconds = {0.0};
  return ValueOrThrow(SoftTokens::FromRows(context.model, soft.kind(), rows, frames, seconds));
}

}  // namespace

std::vector<EncodedMedia> EncodeMedia(const ProbeContext& context, const ReferenceCase& reference) {
  std::vector<EncodedMedia> media;
  for (std::size_t i = 0; context.folder.HasTensor(reference, absl::StrFormat("image%d_rgb", i)); ++i)
    media.push_back(EncodeImageTensor(context, reference, i));
  if (context.folder.HasTensor(reference, "video_rgb"))
    media.push_back(EncodeVideoTensor(context, reference));
  for (std::size_t i = 0; context.folder.HasTensor(reference, absl::StrFormat("audio%d_samples", i)); ++i)
    media.push_back(EncodeAudioTensor(context, reference, i));
  if (reference.image_file.has_value()) media.push_back(EncodeImageFile(context, *reference.image_file));
  if (reference.audio_file.has_value()) media.push_back(EncodeAudioFile(context, *reference.audio_file));
  return media;
}

Prompt BuildPrompt(const ProbeContext& context, const ReferenceCase& reference) {
  Prompt prompt(context.model);
  if (reference.media.empty()) {
    ThrowIfError(prompt.AddTokens(reference.prompt));
    return prompt;
  }
  // The soft tokens of each kind in one row, and how many of them have found their place.
  struct Supply {
    std::vector<SoftTokens> media;
    std::size_t current = 0;
    std::int64_t used = 0;
  };
  std::map<std::int32_t, Supply> supplies;  // by placeholder
  for (const EncodedMedia& media : EncodeMedia(context, reference))
    supplies[PlaceholderOf(context, media.soft)].media.push_back(media.soft);

  const auto supply_at = [&](std::size_t i) {
    if (!reference.types.empty() && reference.types[i] == 0) return supplies.end();
    return supplies.find(reference.prompt[i]);
  };
  for (std::size_t i = 0; i < reference.prompt.size();) {
    const auto found = supply_at(i);
    std::size_t end = i + 1;
    while (end < reference.prompt.size() && supply_at(end) == found) ++end;
    const auto count = static_cast<std::int64_t>(end - i);
    if (found == supplies.end()) {
      ThrowIfError(prompt.AddTokens(std::span(reference.prompt).subspan(i, end - i)));
    } else {
      Supply& supply = found->second;
      if (supply.current == supply.media.size())
        throw Error(kExitBadInput, absl::StrFormat("%s: case '%s' has places for more media than it has",
                                                   context.folder.path(), reference.name));
      const SoftTokens& soft = supply.media[supply.current];
      ThrowIfError(prompt.AddSoftTokens(Slice(context, soft, supply.used, count)));
      supply.used += count;
      if (supply.used == soft.count()) {
        ++supply.current;
        supply.used = 0;
      }
    }
    i = end;
  }
  return prompt;
}

}  // namespace carat::cli
