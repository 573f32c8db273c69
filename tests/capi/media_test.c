// Pictures, video and sound: soft tokens, prompts, streams, cancelling.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

enum { kWidth = 100, kHeight = 60, kSamples = 16000 };

// A picture and a sound that are not all the same.
static uint8_t* make_picture(void) {
  uint8_t* pixels = malloc((size_t)kWidth * kHeight * 3);
  CHECK(pixels != NULL);
  for (size_t i = 0; i < (size_t)kWidth * kHeight * 3; ++i) pixels[i] = (uint8_t)(i * 7 % 251);
  return pixels;
}

static float* make_sound(void) {
  float* samples = malloc(sizeof(float) * kSamples);
  CHECK(samples != NULL);
  for (int i = 0; i < kSamples; ++i) samples[i] = 0.5f * sinf(0.05f * (float)i);
  return samples;
}

static void check_equal(const carat_soft_tokens* a, const carat_soft_tokens* b, float tolerance) {
  size_t a_size = 0;
  size_t b_size = 0;
  const float* x = carat_soft_tokens_rows(a, &a_size);
  const float* y = carat_soft_tokens_rows(b, &b_size);
  CHECK(a_size == b_size && a_size > 0);
  for (size_t i = 0; i < a_size; ++i) CHECK(fabsf(x[i] - y[i]) <= tolerance);
}

static void pictures(const carat_model* model, const carat_model_info* info) {
  carat_error* error = carat_error_new();
  uint8_t* pixels = make_picture();
  carat_media_trace* trace = carat_media_trace_new();
  carat_media_options options;
  CHECK(carat_media_options_init(&options, sizeof options) == CARAT_OK);
  options.budget = 70;
  options.precision = CARAT_TOWER_FLOAT32;
  options.trace = trace;
  carat_soft_tokens* picture = NULL;
  CHECK_OK(carat_encode_image(model, pixels, kWidth, kHeight, 3 * kWidth, &options, &picture, error), error);
  CHECK(carat_soft_tokens_kind(picture) == CARAT_MEDIA_IMAGE);
  const int64_t count = carat_soft_tokens_count(picture);
  CHECK(count > 30 && count <= 70);
  size_t size = 0;
  carat_soft_tokens_rows(picture, &size);
  CHECK(size == (size_t)count * (size_t)info->hidden_size);
  CHECK(carat_soft_tokens_memory_bytes(picture) == size * sizeof(float));
  CHECK(carat_media_trace_patches(trace, &size) != NULL && size == (size_t)count * 9 * 768);
  CHECK(carat_media_trace_positions(trace, &size) != NULL && size == (size_t)count * 9 * 2);
  CHECK(carat_media_trace_tower(trace, &size) != NULL && size % (size_t)count == 0);
  CHECK(carat_media_trace_mel(trace, &size, NULL, NULL) == NULL && size == 0);

  // A wider stride is the same picture.
  uint8_t* padded = malloc((size_t)kHeight * 400);
  CHECK(padded != NULL);
  for (int y = 0; y < kHeight; ++y)
    memcpy(padded + (size_t)y * 400, pixels + (size_t)y * kWidth * 3, kWidth * 3);
  carat_soft_tokens* again = NULL;
  CHECK_OK(carat_encode_image(model, padded, kWidth, kHeight, 400, &options, &again, error), error);
  check_equal(picture, again, 0);
  carat_soft_tokens_free(again);
  free(padded);

  // Two frames of a video are two pictures.
  const carat_video_frame frames[2] = {{pixels, 3 * kWidth, 0.0, kWidth, kHeight},
                                       {pixels, 3 * kWidth, 61.0, kWidth, kHeight}};
  carat_soft_tokens* video = NULL;
  CHECK_OK(carat_encode_video(model, frames, 2, &options, &video, error), error);
  CHECK(carat_soft_tokens_kind(video) == CARAT_MEDIA_VIDEO);
  CHECK(carat_soft_tokens_count(video) == 2 * count);

  carat_release_towers(model);
  CHECK_ERROR(CARAT_INVALID_ARGUMENT, "pixels",
              carat_encode_image(model, NULL, 8, 8, 24, NULL, &again, error), error);
  CHECK(again == NULL);
  CHECK_ERROR(CARAT_INVALID_ARGUMENT, "stride",
              carat_encode_image(model, pixels, 8, 8, 23, NULL, &again, error), error);
  options.budget = 71;
  CHECK_ERROR(CARAT_INVALID_ARGUMENT, "71",
              carat_encode_image(model, pixels, 8, 8, 24, &options, &again, error), error);
  options.budget = 0;
  options.precision = 9;
  CHECK_ERROR(CARAT_INVALID_ARGUMENT, "precision",
              carat_encode_image(model, pixels, 8, 8, 24, &options, &again, error), error);

  carat_cancel_flag* flag = carat_cancel_flag_new();
  carat_cancel_flag_set(flag);
  options.precision = CARAT_TOWER_AUTO;
  options.cancel = flag;
  CHECK_STATUS(CARAT_CANCELLED,
               carat_encode_image(model, pixels, kWidth, kHeight, 3 * kWidth, &options, &again, error),
               error);
  carat_cancel_flag_clear(flag);
  CHECK_OK(carat_encode_image(model, pixels, kWidth, kHeight, 3 * kWidth, &options, &again, error), error);
  carat_soft_tokens_free(again);
  carat_cancel_flag_free(flag);
  carat_media_trace_free(trace);
  carat_soft_tokens_free(video);
  carat_soft_tokens_free(picture);
  free(pixels);
  carat_error_free(error);
}

static void sounds(const carat_model* model) {
  carat_error* error = carat_error_new();
  float* samples = make_sound();
  int16_t* samples16 = malloc(sizeof(int16_t) * kSamples);
  CHECK(samples16 != NULL);
  for (int i = 0; i < kSamples; ++i) {
    samples16[i] = (int16_t)lrintf(samples[i] * 32768.0f);
    samples[i] = (float)samples16[i] / 32768.0f;
  }
  carat_media_trace* trace = carat_media_trace_new();
  carat_media_options options;
  CHECK(carat_media_options_init(&options, sizeof options) == CARAT_OK);
  options.trace = trace;
  carat_soft_tokens* clip = NULL;
  carat_soft_tokens* clip16 = NULL;
  CHECK_OK(carat_encode_audio(model, samples, kSamples, 1, 16000, &options, &clip, error), error);
  CHECK(carat_soft_tokens_kind(clip) == CARAT_MEDIA_AUDIO);
  CHECK(carat_soft_tokens_count(clip) == 25);
  int64_t frames = 0;
  int64_t valid = 0;
  size_t size = 0;
  CHECK(carat_media_trace_mel(trace, &size, &frames, &valid) != NULL);
  CHECK(valid == 99 && frames >= valid && size == (size_t)frames * 128);
  CHECK(carat_media_trace_tower(trace, &size) != NULL && size % 25 == 0);
  CHECK_OK(carat_encode_audio_int16(model, samples16, kSamples, 1, 16000, NULL, &clip16, error), error);
  check_equal(clip, clip16, 0);

  // While it is recorded, in pieces.
  carat_audio_stream* stream = NULL;
  CHECK_OK(carat_audio_stream_start(model, 1, 16000, NULL, &stream, error), error);
  for (int at = 0; at < kSamples; at += 2000) {
    if (at % 4000 == 0) {
      CHECK_OK(carat_audio_stream_feed(stream, samples + at, 2000, error), error);
    } else {
      CHECK_OK(carat_audio_stream_feed_int16(stream, samples16 + at, 2000, error), error);
    }
  }
  CHECK(fabs(carat_audio_stream_seconds(stream) - 1.0) < 1e-9);
  carat_soft_tokens* streamed = NULL;
  CHECK_OK(carat_audio_stream_finish(stream, &streamed, error), error);
  check_equal(clip, streamed, 1e-5f);
  carat_soft_tokens* none = NULL;
  CHECK_STATUS(CARAT_FAILED_PRECONDITION, carat_audio_stream_finish(stream, &none, error), error);
  CHECK_STATUS(CARAT_FAILED_PRECONDITION, carat_audio_stream_feed(stream, samples, 10, error), error);
  carat_audio_stream_free(stream);

  // One second, cut so that no piece is longer than 0.3 s.
  int64_t cuts[16];
  size_t count = 0;
  CHECK_OK(carat_find_quiet_cuts(samples, kSamples, 1, 16000, 0.3, cuts, 16, &count, error), error);
  CHECK(count >= 4 && count <= 16 && cuts[0] == 0);
  for (size_t i = 0; i < count; ++i) {
    const int64_t end = i + 1 < count ? cuts[i + 1] : kSamples;
    CHECK(end > cuts[i] && end - cuts[i] <= 4800);
  }
  CHECK_STATUS(CARAT_INVALID_ARGUMENT,
               carat_encode_audio(model, samples, kSamples, 3, 16000, NULL, &none, error), error);
  CHECK_STATUS(CARAT_INVALID_ARGUMENT,
               carat_encode_audio(model, NULL, kSamples, 1, 16000, NULL, &none, error), error);
  CHECK(none == NULL);
  carat_soft_tokens_free(streamed);
  carat_soft_tokens_free(clip16);
  carat_soft_tokens_free(clip);
  carat_media_trace_free(trace);
  free(samples16);
  free(samples);
  carat_error_free(error);
}

static void prompts(const carat_model* model, const carat_model_info* info) {
  carat_error* error = carat_error_new();
  const size_t hidden = (size_t)info->hidden_size;
  float* rows = malloc(sizeof(float) * 5 * hidden);
  CHECK(rows != NULL);
  for (size_t i = 0; i < 5 * hidden; ++i) rows[i] = sinf((float)i);
  carat_soft_tokens* soft = NULL;
  CHECK_OK(carat_soft_tokens_from_rows(model, CARAT_MEDIA_IMAGE, rows, 5, NULL, NULL, 0, &soft, error),
           error);
  const int64_t frame_rows[2] = {2, 3};
  const double seconds[2] = {0, 1.5};
  carat_soft_tokens* video = NULL;
  CHECK_OK(
      carat_soft_tokens_from_rows(model, CARAT_MEDIA_VIDEO, rows, 5, frame_rows, seconds, 2, &video, error),
      error);
  carat_soft_tokens* none = NULL;
  CHECK_STATUS(
      CARAT_INVALID_ARGUMENT,
      carat_soft_tokens_from_rows(model, CARAT_MEDIA_VIDEO, rows, 4, frame_rows, seconds, 2, &none, error),
      error);
  CHECK_STATUS(
      CARAT_INVALID_ARGUMENT,
      carat_soft_tokens_from_rows(model, CARAT_MEDIA_IMAGE, rows, (size_t)-1, NULL, NULL, 0, &none, error),
      error);

  carat_prompt* prompt = NULL;
  CHECK_OK(carat_prompt_new(model, &prompt, error), error);
  const int32_t begin[1] = {2};
  CHECK_OK(carat_prompt_add_tokens(prompt, begin, 1, error), error);
  CHECK_OK(carat_prompt_add_media(prompt, soft, error), error);
  CHECK_OK(carat_prompt_add_text(prompt, "Read the digits.", 16, NULL, error), error);
  CHECK_OK(carat_prompt_add_soft_tokens(prompt, soft, error), error);
  CHECK_OK(carat_prompt_add_media(prompt, video, error), error);
  size_t size = 0;
  const int32_t* tokens = carat_prompt_tokens(prompt, &size);
  CHECK(size > 1 + 7 + 5 + 9 && tokens[0] == 2 && tokens[2] == tokens[6] && tokens[1] != tokens[2]);

  carat_session* session = NULL;
  CHECK_OK(carat_session_new(model, NULL, &session, error), error);
  CHECK_OK(carat_session_prefill_prompt(session, prompt, NULL, error), error);
  CHECK(carat_session_position(session) == (int64_t)size);
  CHECK_OK(carat_session_rewind(session, 0, NULL, error), error);

  // Pulled and run, the same tokens.
  carat_generation_options options;
  CHECK(carat_generation_options_init(&options, sizeof options) == CARAT_OK);
  carat_sampling_options sampling;
  CHECK(carat_sampling_options_init(&sampling, sizeof sampling) == CARAT_OK);
  sampling.temperature = 0;
  options.sampling = &sampling;
  options.max_new_tokens = 5;
  carat_generation_result* result = NULL;
  CHECK_OK(carat_generate_prompt(session, prompt, &options, NULL, NULL, &result, error), error);
  CHECK_OK(carat_session_rewind(session, 0, NULL, error), error);
  carat_generation* run = NULL;
  CHECK_OK(carat_generation_start_prompt(session, prompt, &options, &run, error), error);
  carat_prompt_free(prompt);
  for (size_t i = 0; i < carat_generation_result_token_count(result); ++i) {
    carat_generation_step step;
    CHECK(carat_generation_step_init(&step, sizeof step) == CARAT_OK);
    CHECK_OK(carat_generation_next(run, &step, error), error);
    CHECK(step.token == carat_generation_result_tokens(result)[i]);
  }
  carat_generation_free(run);
  carat_generation_result_free(result);
  carat_session_free(session);
  carat_soft_tokens_free(video);
  carat_soft_tokens_free(soft);
  free(rows);
  carat_error_free(error);
}

static void nothing(void) {
  carat_error* error = carat_error_new();
  carat_soft_tokens* soft = NULL;
  carat_prompt* prompt = NULL;
  carat_generation* run = NULL;
  carat_audio_stream* stream = NULL;
  size_t size = 7;
  carat_cancel_flag_set(NULL);
  carat_cancel_flag_clear(NULL);
  carat_cancel_flag_free(NULL);
  carat_media_trace_free(NULL);
  carat_soft_tokens_free(NULL);
  carat_audio_stream_free(NULL);
  carat_prompt_free(NULL);
  carat_release_towers(NULL);
  CHECK(carat_media_trace_patches(NULL, &size) == NULL && size == 0);
  CHECK(carat_media_trace_positions(NULL, NULL) == NULL);
  CHECK(carat_media_trace_tower(NULL, NULL) == NULL);
  CHECK(carat_media_options_init(NULL, 8) == CARAT_INVALID_ARGUMENT);
  CHECK(carat_soft_tokens_kind(NULL) == 0 && carat_soft_tokens_count(NULL) == 0);
  CHECK(carat_soft_tokens_rows(NULL, NULL) == NULL && carat_soft_tokens_memory_bytes(NULL) == 0);
  CHECK(carat_audio_stream_seconds(NULL) == 0);
  CHECK(carat_prompt_tokens(NULL, &size) == NULL && size == 0);
  CHECK_STATUS(CARAT_INVALID_ARGUMENT, carat_encode_image(NULL, NULL, 1, 1, 3, NULL, &soft, error), error);
  CHECK_STATUS(CARAT_INVALID_ARGUMENT, carat_encode_image(NULL, NULL, 1, 1, 3, NULL, NULL, error), error);
  CHECK_STATUS(CARAT_INVALID_ARGUMENT, carat_encode_video(NULL, NULL, 0, NULL, &soft, error), error);
  CHECK_STATUS(CARAT_INVALID_ARGUMENT, carat_encode_audio(NULL, NULL, 0, 1, 16000, NULL, &soft, error),
               error);
  CHECK_STATUS(CARAT_INVALID_ARGUMENT, carat_encode_audio_int16(NULL, NULL, 0, 1, 16000, NULL, &soft, error),
               error);
  CHECK_STATUS(CARAT_INVALID_ARGUMENT, carat_find_quiet_cuts(NULL, 0, 1, 16000, 30, NULL, 0, &size, error),
               error);
  CHECK_STATUS(CARAT_INVALID_ARGUMENT, carat_audio_stream_start(NULL, 1, 16000, NULL, &stream, error), error);
  CHECK_STATUS(CARAT_INVALID_ARGUMENT, carat_audio_stream_feed(NULL, NULL, 0, error), error);
  CHECK_STATUS(CARAT_INVALID_ARGUMENT, carat_audio_stream_finish(NULL, &soft, error), error);
  CHECK_STATUS(CARAT_INVALID_ARGUMENT, carat_prompt_new(NULL, &prompt, error), error);
  CHECK_STATUS(CARAT_INVALID_ARGUMENT, carat_prompt_add_tokens(NULL, NULL, 0, error), error);
  CHECK_STATUS(CARAT_INVALID_ARGUMENT, carat_prompt_add_text(NULL, "", 0, NULL, error), error);
  CHECK_STATUS(CARAT_INVALID_ARGUMENT, carat_prompt_add_media(NULL, NULL, error), error);
  CHECK_STATUS(CARAT_INVALID_ARGUMENT, carat_prompt_add_soft_tokens(NULL, NULL, error), error);
  CHECK_STATUS(CARAT_INVALID_ARGUMENT, carat_session_prefill_prompt(NULL, NULL, NULL, error), error);
  CHECK_STATUS(CARAT_INVALID_ARGUMENT, carat_generation_start_prompt(NULL, NULL, NULL, &run, error), error);
  CHECK_STATUS(CARAT_INVALID_ARGUMENT, carat_generate_prompt(NULL, NULL, NULL, NULL, NULL, NULL, error),
               error);
  carat_error_free(error);
}

int main(void) {
  carat_model* model = open_demo();
  carat_error* error = carat_error_new();
  carat_model_info info;
  CHECK(carat_model_info_init(&info, sizeof info) == CARAT_OK);
  CHECK_OK(carat_model_get_info(model, &info, error), error);
  pictures(model, &info);
  sounds(model);
  prompts(model, &info);
  nothing();
  carat_error_free(error);
  carat_model_free(model);
  return 0;
}
