// Pictures, video and sound: soft tokens, prompts, streams.
#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <utility>
#include <vector>

#include "capi/call.h"
#include "capi/carat.h"
#include "capi/handles.h"
#include "capi/options.h"
#include "capi/sized_struct.h"
#include "carat/media.h"
#include "carat/prompt.h"

using carat::AudioOptions;
using carat::AudioStream;
using carat::AudioView;
using carat::EncodeOptions;
using carat::ImageOptions;
using carat::ImageView;
using carat::MediaKind;
using carat::Prompt;
using carat::Result;
using carat::SoftTokens;
using carat::Status;
using carat::TowerPrecision;
using carat::VideoFrame;
using carat::capi::ArrayOf;
using carat::capi::Call;
using carat::capi::InitStruct;
using carat::capi::IsEnumValue;
using carat::capi::ReadOptions;
using carat::capi::Shared;
using carat::capi::TextOf;
using carat::capi::Turn;

struct carat_cancel_flag {
  std::atomic<bool> value{false};
};

struct carat_media_trace {
  carat::ImageTrace image;
  carat::AudioTrace audio;
};

struct carat_audio_stream {
  Shared<AudioStream> core;
  std::int32_t channels;
  std::int32_t sample_rate;
};

namespace {

Result<carat_media_options> ReadMediaOptions(const carat_media_options* given) {
  CARAT_ASSIGN_OR_RETURN(const carat_media_options read, ReadOptions(given, "carat_media_options"));
  CARAT_RETURN_IF_ERROR(IsEnumValue(read.precision, CARAT_TOWER_FLOAT32, "carat_media_options.precision"));
  return read;
}

const std::atomic<bool>* CancelOf(const carat_media_options& options) {
  return options.cancel == nullptr ? nullptr : &options.cancel->value;
}

Result<ImageOptions> ToImageOptions(const carat_media_options* given) {
  CARAT_ASSIGN_OR_RETURN(const carat_media_options read, ReadMediaOptions(given));
  ImageOptions options;
  options.budget = read.budget;
  options.precision = static_cast<TowerPrecision>(read.precision);
  options.cancelled = CancelOf(read);
  if (read.trace != nullptr) {
    *read.trace = {};
    options.trace = &read.trace->image;
  }
  return options;
}

Result<AudioOptions> ToAudioOptions(const carat_media_options* given) {
  CARAT_ASSIGN_OR_RETURN(const carat_media_options read, ReadMediaOptions(given));
  AudioOptions options;
  options.precision = static_cast<TowerPrecision>(read.precision);
  options.cancelled = CancelOf(read);
  if (read.trace != nullptr) {
    *read.trace = {};
    options.trace = &read.trace->audio;
  }
  return options;
}

Status Store(Result<SoftTokens> encoded, carat_soft_tokens** soft_tokens) {
  CARAT_ASSIGN_OR_RETURN(SoftTokens value, std::move(encoded));
  *soft_tokens = new carat_soft_tokens{std::move(value)};
  return {};
}

Status EncodeSound(const carat_model* model, const AudioView& audio, const carat_media_options* options,
                   carat_soft_tokens** soft_tokens) {
  CARAT_CLEAR_OUTPUT(soft_tokens);
  CARAT_RETURN_IF_NULL(model);
  CARAT_ASSIGN_OR_RETURN(const AudioOptions how, ToAudioOptions(options));
  return Store(carat::EncodeAudio(model->value, audio, how), soft_tokens);
}

Status Feed(carat_audio_stream* stream, const float* samples, const std::int16_t* samples16,
            std::int64_t frames) {
  CARAT_RETURN_IF_NULL(stream);
  const Turn turn(stream->core.busy, "audio stream");
  CARAT_RETURN_IF_ERROR(turn.status());
  const AudioView view{samples, samples16, frames, stream->channels, stream->sample_rate};
  return stream->core.value.Feed(view);
}

// The numbers of a trace, lent.
template <typename T>
const T* Lend(const std::vector<T>& values, std::size_t* size) {
  if (size != nullptr) *size = values.size();
  return values.empty() ? nullptr : values.data();
}

template <typename T>
const T* LendNothing(std::size_t* size) {
  if (size != nullptr) *size = 0;
  return nullptr;
}

}  // namespace

carat_cancel_flag* carat_cancel_flag_new(void) {
  return new (std::nothrow) carat_cancel_flag;
}

void carat_cancel_flag_set(carat_cancel_flag* flag) {
  if (flag != nullptr) flag->value.store(true);
}

void carat_cancel_flag_clear(carat_cancel_flag* flag) {
  if (flag != nullptr) flag->value.store(false);
}

void carat_cancel_flag_free(carat_cancel_flag* flag) {
  delete flag;
}

carat_media_trace* carat_media_trace_new(void) {
  return new (std::nothrow) carat_media_trace;
}

void carat_media_trace_free(carat_media_trace* trace) {
  delete trace;
}

const uint8_t* carat_media_trace_patches(const carat_media_trace* trace, size_t* size) {
  return trace == nullptr ? LendNothing<std::uint8_t>(size) : Lend(trace->image.patches, size);
}

const int32_t* carat_media_trace_positions(const carat_media_trace* trace, size_t* size) {
  return trace == nullptr ? LendNothing<std::int32_t>(size) : Lend(trace->image.positions, size);
}

const float* carat_media_trace_mel(const carat_media_trace* trace, size_t* size, int64_t* frames,
                                   int64_t* valid) {
  if (frames != nullptr) *frames = trace == nullptr ? 0 : trace->audio.mel_frames;
  if (valid != nullptr) *valid = trace == nullptr ? 0 : trace->audio.valid_frames;
  return trace == nullptr ? LendNothing<float>(size) : Lend(trace->audio.mel, size);
}

const float* carat_media_trace_tower(const carat_media_trace* trace, size_t* size) {
  if (trace == nullptr) return LendNothing<float>(size);
  return Lend(trace->audio.tower.empty() ? trace->image.tower : trace->audio.tower, size);
}

carat_status carat_media_options_init(carat_media_options* options, size_t struct_size) {
  return InitStruct(options, struct_size);
}

carat_status carat_encode_image(const carat_model* model, const uint8_t* pixels, int32_t width,
                                int32_t height, int64_t stride, const carat_media_options* options,
                                carat_soft_tokens** soft_tokens, carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_CLEAR_OUTPUT(soft_tokens);
    CARAT_RETURN_IF_NULL(model);
    CARAT_ASSIGN_OR_RETURN(const ImageOptions how, ToImageOptions(options));
    return Store(carat::EncodeImage(model->value, ImageView{pixels, width, height, stride}, how),
                 soft_tokens);
  });
}

carat_status carat_encode_video(const carat_model* model, const carat_video_frame* frames, size_t frame_count,
                                const carat_media_options* options, carat_soft_tokens** soft_tokens,
                                carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_CLEAR_OUTPUT(soft_tokens);
    CARAT_RETURN_IF_NULL(model);
    CARAT_ASSIGN_OR_RETURN(const auto given, ArrayOf(frames, frame_count, "frames"));
    CARAT_ASSIGN_OR_RETURN(const ImageOptions how, ToImageOptions(options));
    std::vector<VideoFrame> inside;
    for (const carat_video_frame& frame : given) {
      inside.push_back({{frame.pixels, frame.width, frame.height, frame.stride}, frame.seconds});
    }
    return Store(carat::EncodeVideo(model->value, inside, how), soft_tokens);
  });
}

carat_status carat_encode_audio(const carat_model* model, const float* samples, int64_t frames,
                                int32_t channels, int32_t sample_rate, const carat_media_options* options,
                                carat_soft_tokens** soft_tokens, carat_error* error) {
  return Call(error, [&] {
    return EncodeSound(model, {samples, nullptr, frames, channels, sample_rate}, options, soft_tokens);
  });
}

carat_status carat_encode_audio_int16(const carat_model* model, const int16_t* samples, int64_t frames,
                                      int32_t channels, int32_t sample_rate,
                                      const carat_media_options* options, carat_soft_tokens** soft_tokens,
                                      carat_error* error) {
  return Call(error, [&] {
    return EncodeSound(model, {nullptr, samples, frames, channels, sample_rate}, options, soft_tokens);
  });
}

carat_status carat_soft_tokens_from_rows(const carat_model* model, carat_media_kind kind, const float* rows,
                                         size_t row_count, const int64_t* frame_rows,
                                         const double* frame_seconds, size_t frame_count,
                                         carat_soft_tokens** soft_tokens, carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_CLEAR_OUTPUT(soft_tokens);
    CARAT_RETURN_IF_NULL(model);
    const auto width = static_cast<std::size_t>(model->value.info().hidden_size);
    std::size_t numbers = 0;
    if (__builtin_mul_overflow(row_count, width, &numbers)) {
      return carat::internal::InvalidArgument("row_count, %d, is impossible", row_count);
    }
    CARAT_ASSIGN_OR_RETURN(const auto values, ArrayOf(rows, numbers, "rows"));
    CARAT_ASSIGN_OR_RETURN(const auto counts, ArrayOf(frame_rows, frame_count, "frame_rows"));
    CARAT_ASSIGN_OR_RETURN(const auto seconds, ArrayOf(frame_seconds, frame_count, "frame_seconds"));
    return Store(SoftTokens::FromRows(model->value, static_cast<MediaKind>(kind), values, counts, seconds),
                 soft_tokens);
  });
}

void carat_soft_tokens_free(carat_soft_tokens* soft_tokens) {
  delete soft_tokens;
}

carat_media_kind carat_soft_tokens_kind(const carat_soft_tokens* soft_tokens) {
  return soft_tokens == nullptr ? 0 : static_cast<carat_media_kind>(soft_tokens->value.kind());
}

int64_t carat_soft_tokens_count(const carat_soft_tokens* soft_tokens) {
  return soft_tokens == nullptr ? 0 : soft_tokens->value.count();
}

const float* carat_soft_tokens_rows(const carat_soft_tokens* soft_tokens, size_t* size) {
  if (soft_tokens == nullptr) return LendNothing<float>(size);
  if (size != nullptr) *size = soft_tokens->value.rows().size();
  return soft_tokens->value.rows().data();
}

uint64_t carat_soft_tokens_memory_bytes(const carat_soft_tokens* soft_tokens) {
  return soft_tokens == nullptr ? 0 : soft_tokens->value.memory_bytes();
}

void carat_release_towers(const carat_model* model) {
  if (model != nullptr) carat::ReleaseTowers(model->value);
}

carat_status carat_find_quiet_cuts(const float* samples, int64_t frames, int32_t channels,
                                   int32_t sample_rate, double max_seconds, int64_t* cuts, size_t capacity,
                                   size_t* count, carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_RETURN_IF_NULL(count);
    *count = 0;
    CARAT_ASSIGN_OR_RETURN(const auto target, ArrayOf(cuts, capacity, "cuts"));
    CARAT_ASSIGN_OR_RETURN(
        const auto found,
        carat::FindQuietCuts({samples, nullptr, frames, channels, sample_rate}, max_seconds));
    std::copy_n(found.begin(), std::min(found.size(), target.size()), target.begin());
    *count = found.size();
    return {};
  });
}

carat_status carat_audio_stream_start(const carat_model* model, int32_t channels, int32_t sample_rate,
                                      const carat_media_options* options, carat_audio_stream** stream,
                                      carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_CLEAR_OUTPUT(stream);
    CARAT_RETURN_IF_NULL(model);
    CARAT_ASSIGN_OR_RETURN(const AudioOptions how, ToAudioOptions(options));
    CARAT_ASSIGN_OR_RETURN(AudioStream started, AudioStream::Start(model->value, channels, sample_rate, how));
    *stream = new carat_audio_stream{Shared<AudioStream>(std::move(started)), channels, sample_rate};
    return {};
  });
}

carat_status carat_audio_stream_feed(carat_audio_stream* stream, const float* samples, int64_t frames,
                                     carat_error* error) {
  return Call(error, [&] { return Feed(stream, samples, nullptr, frames); });
}

carat_status carat_audio_stream_feed_int16(carat_audio_stream* stream, const int16_t* samples, int64_t frames,
                                           carat_error* error) {
  return Call(error, [&] { return Feed(stream, nullptr, samples, frames); });
}

double carat_audio_stream_seconds(const carat_audio_stream* stream) {
  return stream == nullptr ? 0 : stream->core.value.seconds();
}

carat_status carat_audio_stream_finish(carat_audio_stream* stream, carat_soft_tokens** soft_tokens,
                                       carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_CLEAR_OUTPUT(soft_tokens);
    CARAT_RETURN_IF_NULL(stream);
    const Turn turn(stream->core.busy, "audio stream");
    CARAT_RETURN_IF_ERROR(turn.status());
    return Store(stream->core.value.Finish(), soft_tokens);
  });
}

void carat_audio_stream_free(carat_audio_stream* stream) {
  delete stream;
}

carat_status carat_prompt_new(const carat_model* model, carat_prompt** prompt, carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_CLEAR_OUTPUT(prompt);
    CARAT_RETURN_IF_NULL(model);
    *prompt = new carat_prompt{Prompt(model->value)};
    return {};
  });
}

void carat_prompt_free(carat_prompt* prompt) {
  delete prompt;
}

carat_status carat_prompt_add_tokens(carat_prompt* prompt, const int32_t* tokens, size_t token_count,
                                     carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_RETURN_IF_NULL(prompt);
    CARAT_ASSIGN_OR_RETURN(const auto ids, ArrayOf(tokens, token_count, "tokens"));
    return prompt->value.AddTokens(ids);
  });
}

carat_status carat_prompt_add_text(carat_prompt* prompt, const char* text, size_t text_size,
                                   const carat_encode_options* options, carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_RETURN_IF_NULL(prompt);
    CARAT_ASSIGN_OR_RETURN(const auto words, TextOf(text, text_size, "text"));
    CARAT_ASSIGN_OR_RETURN(const EncodeOptions how, carat::capi::ToEncodeOptions(options));
    return prompt->value.AddText(words, how);
  });
}

carat_status carat_prompt_add_media(carat_prompt* prompt, const carat_soft_tokens* soft_tokens,
                                    carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_RETURN_IF_NULL(prompt);
    CARAT_RETURN_IF_NULL(soft_tokens);
    return prompt->value.AddMedia(soft_tokens->value);
  });
}

carat_status carat_prompt_add_soft_tokens(carat_prompt* prompt, const carat_soft_tokens* soft_tokens,
                                          carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_RETURN_IF_NULL(prompt);
    CARAT_RETURN_IF_NULL(soft_tokens);
    return prompt->value.AddSoftTokens(soft_tokens->value);
  });
}

const int32_t* carat_prompt_tokens(const carat_prompt* prompt, size_t* size) {
  if (size != nullptr) *size = prompt == nullptr ? 0 : prompt->value.tokens().size();
  return prompt == nullptr ? nullptr : prompt->value.tokens().data();
}
