#include "lib/weights/audio_config.h"

#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "lib/base/error.h"
#include "lib/base/file_mapping.h"
#include "lib/base/json.h"
#include "lib/weights/folder/config_values.h"

namespace carat::internal {
namespace {

constexpr double kLargest = std::numeric_limits<double>::max();

// What the reference assumes where the file says nothing.
namespace defaults {
constexpr std::int64_t kHiddenSize = 1024;
constexpr std::int64_t kLayerCount = 12;
constexpr std::int64_t kAttentionHeads = 8;
constexpr std::int64_t kConvKernel = 5;
constexpr std::int64_t kFirstChannels = 128;
constexpr std::int64_t kSecondChannels = 32;
constexpr std::int64_t kOutputSize = 1536;
constexpr std::int64_t kChunkSize = 12;
constexpr std::int64_t kContextLeft = 13;
constexpr double kSoftcap = 50;
constexpr double kResidualWeight = 0.5;
constexpr double kNormEpsilon = 1e-6;
constexpr double kGradientClipping = 1e10;
}  // namespace defaults

Status CheckName(const JsonObject& object, std::string_view key, std::string_view expected) {
  CARAT_ASSIGN_OR_RETURN(const std::optional<std::string> name, object.String(key));
  if (!name || *name == expected) return {};
  return Unimplemented("%s is '%s', but this version of carat runs '%s' only", object.Locate(key), *name,
                       std::string(expected));
}

// Refuses a number that asks for a step that carat lacks.
Status CheckZero(const JsonObject& object, std::string_view key) {
  CARAT_ASSIGN_OR_RETURN(const auto value, FindNumber(object, key, {-kLargest, kLargest}));
  if (!value || *value == 0) return {};
  return Unimplemented("%s is %g, but this version of carat runs 0 only", object.Locate(key), *value);
}

Result<double> NumberOr(const JsonObject& object, std::string_view key, double otherwise, NumberRange range) {
  CARAT_ASSIGN_OR_RETURN(const auto value, FindNumber(object, key, range));
  return value.value_or(otherwise);
}

// The tower attends to the past only, in chunks that carat does not need; the reference's sinusoids fit its
// distances only where both numbers agree.
Status ReadAttention(const JsonObject& object, AudioConfig& config) {
  CARAT_ASSIGN_OR_RETURN(const std::int64_t left, IntegerOr(object, "attention_context_left",
                                                            defaults::kContextLeft, kVisiblePositions));
  CARAT_ASSIGN_OR_RETURN(const std::int64_t chunk,
                         IntegerOr(object, "attention_chunk_size", defaults::kChunkSize, kVisiblePositions));
  CARAT_ASSIGN_OR_RETURN(const std::int64_t right,
                         IntegerOr(object, "attention_context_right", 0, {0, kVisiblePositions.high}));
  if (right != 0) {
    return Unimplemented("%s is %d, but this version of carat runs towers that look back only",
                         object.Locate("attention_context_right"), right);
  }
  if (chunk != left - 1) {
    return Unimplemented(
        "%s is %d, but this version of carat runs chunks of attention_context_left - 1, %d, only",
        object.Locate("attention_chunk_size"), chunk, left - 1);
  }
  config.visible_positions = left - 1;
  CARAT_ASSIGN_OR_RETURN(config.attention_softcap,
                         NumberOr(object, "attention_logit_cap", defaults::kSoftcap, {0, 1e30, true}));
  return {};
}

Status ReadHeads(const JsonObject& object, AudioConfig& config) {
  CARAT_ASSIGN_OR_RETURN(config.hidden_size,
                         IntegerOr(object, "hidden_size", defaults::kHiddenSize, {4, kWidth.high / 4}));
  CARAT_ASSIGN_OR_RETURN(config.attention_heads,
                         IntegerOr(object, "num_attention_heads", defaults::kAttentionHeads, kHeads));
  if (config.hidden_size % config.attention_heads != 0) {
    return InvalidArgument("%s is %d, which num_attention_heads, %d, does not divide",
                           object.Locate("hidden_size"), config.hidden_size, config.attention_heads);
  }
  if (config.hidden_size % 2 != 0) {
    return InvalidArgument("%s is %d, but must be even: positions are pairs of sine and cosine",
                           object.Locate("hidden_size"), config.hidden_size);
  }
  config.head_dim = config.hidden_size / config.attention_heads;
  return {};
}

Status ReadChannels(const JsonObject& object, AudioConfig& config) {
  constexpr std::string_view kKey = "subsampling_conv_channels";
  CARAT_ASSIGN_OR_RETURN(const auto channels, object.Integers(kKey));
  if (channels && channels->size() != 2) {
    return InvalidArgument("%s has %d entries, but there are two convolutions", object.Locate(kKey),
                           channels->size());
  }
  config.first_channels = channels ? (*channels)[0] : defaults::kFirstChannels;
  config.second_channels = channels ? (*channels)[1] : defaults::kSecondChannels;
  for (const std::int64_t count : {config.first_channels, config.second_channels}) {
    if (count >= kChannels.low && count <= kChannels.high) continue;
    return InvalidArgument("%s holds %d, but must lie in %d .. %d", object.Locate(kKey), count, kChannels.low,
                           kChannels.high);
  }
  return {};
}

// The reference clamps activations to this; carat does not, since no float32 sum of a tower comes near it.
Status CheckGradientClipping(const JsonObject& object) {
  constexpr std::string_view kKey = "gradient_clipping";
  CARAT_ASSIGN_OR_RETURN(const double clip,
                         NumberOr(object, kKey, defaults::kGradientClipping, {0, kLargest, true}));
  if (clip >= 1e6) return {};
  return Unimplemented("%s is %g, but this version of carat runs values from 1e6 on only",
                       object.Locate(kKey), clip);
}

Result<AudioConfig> ParseTower(const JsonObject& object) {
  AudioConfig config;
  CARAT_RETURN_IF_ERROR(CheckName(object, "model_type", "gemma4_audio"));
  CARAT_RETURN_IF_ERROR(CheckName(object, "hidden_act", "silu"));
  CARAT_RETURN_IF_ERROR(CheckGradientClipping(object));
  CARAT_RETURN_IF_ERROR(ReadHeads(object, config));
  CARAT_RETURN_IF_ERROR(ReadAttention(object, config));
  CARAT_RETURN_IF_ERROR(ReadChannels(object, config));
  CARAT_ASSIGN_OR_RETURN(config.layers,
                         IntegerOr(object, "num_hidden_layers", defaults::kLayerCount, kLayers));
  CARAT_ASSIGN_OR_RETURN(config.conv_kernel,
                         IntegerOr(object, "conv_kernel_size", defaults::kConvKernel, kConvolutionKernel));
  CARAT_ASSIGN_OR_RETURN(config.output_size,
                         IntegerOr(object, "output_proj_dims", defaults::kOutputSize, kWidth));
  CARAT_ASSIGN_OR_RETURN(config.residual_weight,
                         NumberOr(object, "residual_weight", defaults::kResidualWeight, {-1e6, 1e6}));
  CARAT_ASSIGN_OR_RETURN(config.clipped_linears, BooleanOr(object, "use_clipped_linears", true));
  CARAT_ASSIGN_OR_RETURN(config.rms_norm_epsilon,
                         NumberOr(object, "rms_norm_eps", defaults::kNormEpsilon, {0, 1, true}));
  return config;
}

Result<std::int64_t> FramePart(const JsonObject& object, std::string_view samples_key,
                               std::string_view milliseconds_key, std::int64_t rate, double milliseconds) {
  CARAT_ASSIGN_OR_RETURN(const auto samples, FindInteger(object, samples_key, kFrameSamples));
  CARAT_ASSIGN_OR_RETURN(const double ms, NumberOr(object, milliseconds_key, milliseconds, {0, 1e4, true}));
  if (samples) return *samples;
  return std::llround(static_cast<double>(rate) * ms / 1000);
}

// The reference derives the size of its transform from the frame; where the file names it, both must agree.
Status ReadFft(const JsonObject& object, MelConfig& mel) {
  CARAT_ASSIGN_OR_RETURN(const bool overdrive, BooleanOr(object, "fft_overdrive", false));
  mel.fft_length = 1;
  while (mel.fft_length < mel.frame_length) mel.fft_length *= 2;
  if (overdrive) mel.fft_length *= 2;
  CARAT_ASSIGN_OR_RETURN(const auto named, FindInteger(object, "fft_length", kFrameSamples));
  if (!named || *named == mel.fft_length) return {};
  return InvalidArgument("%s is %d, but frames of %d samples need %d", object.Locate("fft_length"), *named,
                         mel.frame_length, mel.fft_length);
}

Status CheckExtractor(const JsonObject& object) {
  CARAT_RETURN_IF_ERROR(CheckName(object, "feature_extractor_type", "Gemma4AudioFeatureExtractor"));
  CARAT_RETURN_IF_ERROR(CheckZero(object, "dither"));
  CARAT_RETURN_IF_ERROR(CheckZero(object, "preemphasis"));
  CARAT_RETURN_IF_ERROR(CheckZero(object, "padding_value"));
  for (const std::string_view key : {"per_bin_mean", "per_bin_stddev"}) {
    if (!object.Has(key)) continue;
    return Unimplemented("%s is there, but this version of carat runs unnormalised features only",
                         object.Locate(key));
  }
  return {};
}

Status ReadExtractor(const JsonObject& object, MelConfig& mel) {
  CARAT_RETURN_IF_ERROR(CheckExtractor(object));
  CARAT_ASSIGN_OR_RETURN(mel.sample_rate, IntegerOr(object, "sampling_rate", mel.sample_rate, kSampleRates));
  CARAT_ASSIGN_OR_RETURN(mel.bins, IntegerOr(object, "feature_size", mel.bins, kMelBins));
  CARAT_ASSIGN_OR_RETURN(mel.frame_length,
                         FramePart(object, "frame_length", "frame_length_ms", mel.sample_rate, 20));
  CARAT_ASSIGN_OR_RETURN(mel.hop_length,
                         FramePart(object, "hop_length", "hop_length_ms", mel.sample_rate, 10));
  if (mel.frame_length < kFrameSamples.low || mel.frame_length > kFrameSamples.high || mel.hop_length < 1 ||
      mel.hop_length > mel.frame_length) {
    return InvalidArgument("%s: frames of %d samples stepped by %d are out of range",
                           object.Locate("frame_length"), mel.frame_length, mel.hop_length);
  }
  CARAT_RETURN_IF_ERROR(ReadFft(object, mel));
  const double nyquist = static_cast<double>(mel.sample_rate) / 2;
  CARAT_ASSIGN_OR_RETURN(mel.min_frequency,
                         NumberOr(object, "min_frequency", mel.min_frequency, {0, nyquist}));
  CARAT_ASSIGN_OR_RETURN(mel.max_frequency,
                         NumberOr(object, "max_frequency", mel.max_frequency, {0, nyquist, true}));
  if (mel.min_frequency >= mel.max_frequency) {
    return InvalidArgument("%s is %g, but must lie below max_frequency, %g", object.Locate("min_frequency"),
                           mel.min_frequency, mel.max_frequency);
  }
  CARAT_ASSIGN_OR_RETURN(mel.floor, NumberOr(object, "mel_floor", mel.floor, {0, 1, true}));
  CARAT_ASSIGN_OR_RETURN(mel.input_scale,
                         NumberOr(object, "input_scale_factor", mel.input_scale, {0, 1e6, true}));
  return {};
}

Status ReadProcessor(const JsonObject& root, MelConfig& mel) {
  CARAT_ASSIGN_OR_RETURN(const auto extractor, root.Object("feature_extractor"));
  if (extractor) CARAT_RETURN_IF_ERROR(ReadExtractor(*extractor, mel));
  CARAT_ASSIGN_OR_RETURN(const std::int64_t tokens, IntegerOr(root, "audio_seq_length", 750, kSoundTokens));
  CARAT_ASSIGN_OR_RETURN(const std::int64_t each,
                         IntegerOr(root, "audio_ms_per_token", 40, kTokenMilliseconds));
  mel.max_milliseconds = tokens * each;
  return {};
}

}  // namespace

Result<std::optional<AudioConfig>> ParseAudioConfig(std::string_view config_text,
                                                    std::string_view processor_text,
                                                    const std::string& source) {
  const std::string config_path = source + "/config.json";
  CARAT_ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::Parse(config_text, config_path));
  CARAT_ASSIGN_OR_RETURN(const JsonObject root, JsonObject::From(document.root(), config_path, ""));
  CARAT_ASSIGN_OR_RETURN(const auto audio, root.Object("audio_config"));
  if (!audio) return std::optional<AudioConfig>();
  CARAT_ASSIGN_OR_RETURN(AudioConfig config, ParseTower(*audio));
  if (!processor_text.empty()) {
    const std::string path = source + "/processor_config.json";
    CARAT_ASSIGN_OR_RETURN(const JsonDocument processor, JsonDocument::Parse(processor_text, path));
    CARAT_ASSIGN_OR_RETURN(const JsonObject object, JsonObject::From(processor.root(), path, ""));
    CARAT_RETURN_IF_ERROR(ReadProcessor(object, config.mel));
  }
  return std::optional<AudioConfig>(config);
}

Result<std::optional<AudioConfig>> ReadAudioConfig(const std::string& folder) {
  CARAT_ASSIGN_OR_RETURN(const std::string config, ReadJsonText(folder + "/config.json"));
  const std::string processor_path = folder + "/processor_config.json";
  std::string processor;
  if (FileExists(processor_path)) {
    CARAT_ASSIGN_OR_RETURN(processor, ReadJsonText(processor_path));
  }
  return ParseAudioConfig(config, processor, folder);
}

}  // namespace carat::internal
