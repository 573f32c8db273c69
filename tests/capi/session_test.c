// Sessions: wanted logits, hidden states, rewind, clone, sizes, and errors that leave them as they were.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

#define TINY CARAT_TEST_DATA "/tiny-e2b"
enum { kVocabulary = 640, kHidden = 96, kLayers = 10, kPrompt = 12 };
static const int32_t kTokens[kPrompt] = {2, 100, 101, 102, 103, 300, 200, 10, 639, 0, 5, 77};

static carat_session* open_session(const carat_session_options* options) {
  carat_error* error = carat_error_new();
  carat_model* model = NULL;
  carat_session* session = NULL;
  carat_model_options model_options;
  CHECK(carat_model_options_init(&model_options, sizeof model_options) == CARAT_OK);
  model_options.precision = CARAT_PRECISION_FLOAT32;  // chunks of one prompt then agree closely
  CHECK_OK(carat_model_load(TINY, strlen(TINY), &model_options, &model, error), error);
  CHECK_OK(carat_session_new(model, options, &session, error), error);
  carat_model_free(model);
  carat_error_free(error);
  return session;
}

static void sizes(void) {
  carat_error* error = carat_error_new();
  carat_session_options options;
  CHECK(carat_session_options_init(&options, sizeof options) == CARAT_OK);
  options.context_size = 50;
  options.kv_type = CARAT_KV_BFLOAT16;
  options.prompt_chunk = 7;
  carat_session* session = open_session(&options);
  CHECK(carat_session_context_size(session) == 50);
  CHECK(carat_session_kv_type(session) == CARAT_KV_BFLOAT16);
  CHECK(carat_session_prompt_chunk(session) == 7);
  CHECK(carat_session_position(session) == 0);
  CHECK(carat_session_memory_bytes(session) > 0);
  carat_model* model = NULL;
  CHECK_OK(carat_session_model(session, &model, error), error);
  carat_session_free(session);
  carat_model_info info;
  CHECK(carat_model_info_init(&info, sizeof info) == CARAT_OK);
  CHECK_OK(carat_model_get_info(model, &info, error), error);
  CHECK(info.layers == kLayers);

  CHECK_OK(carat_session_new(model, NULL, &session, error), error);
  CHECK(carat_session_context_size(session) == 4096);
  CHECK(carat_session_kv_type(session) == CARAT_KV_FLOAT32);
  CHECK(carat_session_prompt_chunk(session) > 0);
  carat_session_free(session);

  for (carat_kv_type type = CARAT_KV_FLOAT32; type <= CARAT_KV_INT8; ++type) {
    options.kv_type = type;
    CHECK_OK(carat_session_new(model, &options, &session, error), error);
    CHECK(carat_session_kv_type(session) == type);
    carat_session_free(session);
  }
  session = NULL;

  options.context_size = -1;
  CHECK_ERROR(CARAT_INVALID_ARGUMENT, "-1", carat_session_new(model, &options, &session, error), error);
  options.context_size = 50;
  options.kv_type = -9;
  CHECK_ERROR(CARAT_INVALID_ARGUMENT, "kv_type is -9", carat_session_new(model, &options, &session, error),
              error);
  options.kv_type = CARAT_KV_AUTO;
  options.prompt_chunk = -3;
  CHECK_ERROR(CARAT_INVALID_ARGUMENT, "-3", carat_session_new(model, &options, &session, error), error);
  CHECK(session == NULL);
  carat_model_free(model);
  carat_error_free(error);
}

static void check_close(const float* a, const float* b) {
  for (int i = 0; i < kVocabulary; ++i) CHECK(fabsf(a[i] - b[i]) < 1e-4f);
}

// All, listed, last and no logits are the same numbers, as far as there are any.
static void wanted_logits(void) {
  carat_error* error = carat_error_new();
  carat_prefill_options options;
  CHECK(carat_prefill_options_init(&options, sizeof options) == CARAT_OK);
  carat_session* all = open_session(NULL);
  options.logits = CARAT_LOGITS_ALL;
  CHECK_OK(carat_session_prefill(all, kTokens, kPrompt, &options, error), error);
  CHECK(carat_session_logits_count(all) == kPrompt);

  carat_session* listed = open_session(NULL);
  static const int64_t positions[] = {0, 4, 11};
  options.logits = CARAT_LOGITS_LISTED;
  options.positions = positions;
  options.position_count = 3;
  CHECK_OK(carat_session_prefill(listed, kTokens, kPrompt, &options, error), error);
  CHECK(carat_session_logits_count(listed) == 3);
  for (size_t i = 0; i < 3; ++i) {
    const float* a = NULL;
    const float* b = NULL;
    size_t size = 0;
    CHECK_OK(carat_session_logits(all, (size_t)positions[i], &a, &size, error), error);
    CHECK(size == kVocabulary);
    CHECK_OK(carat_session_logits(listed, i, &b, NULL, error), error);
    check_close(a, b);
  }
  const float* logits = NULL;
  CHECK_STATUS(CARAT_OUT_OF_RANGE, carat_session_logits(listed, 3, &logits, NULL, error), error);
  CHECK(logits == NULL);

  carat_session* none = open_session(NULL);
  options.logits = CARAT_LOGITS_NONE;
  CHECK_OK(carat_session_prefill(none, kTokens, kPrompt - 1, &options, error), error);
  CHECK(carat_session_logits_count(none) == 0);
  CHECK_STATUS(CARAT_FAILED_PRECONDITION, carat_session_last_logits(none, &logits, NULL, error), error);
  CHECK_OK(carat_session_decode(none, kTokens[kPrompt - 1], error), error);
  const float* last = NULL;
  CHECK_OK(carat_session_last_logits(none, &logits, NULL, error), error);
  CHECK_OK(carat_session_last_logits(all, &last, NULL, error), error);
  check_close(logits, last);

  options.logits = CARAT_LOGITS_LISTED;
  static const int64_t unordered[] = {4, 0};
  options.positions = unordered;
  options.position_count = 2;
  CHECK_STATUS(CARAT_INVALID_ARGUMENT, carat_session_prefill(none, kTokens, 5, &options, error), error);
  options.positions = NULL;
  CHECK_ERROR(CARAT_INVALID_ARGUMENT, "positions is NULL",
              carat_session_prefill(none, kTokens, 5, &options, error), error);
  options.position_count = 0;
  options.logits = 4;
  CHECK_ERROR(CARAT_INVALID_ARGUMENT, "logits is 4", carat_session_prefill(none, kTokens, 5, &options, error),
              error);
  CHECK(carat_session_position(none) == kPrompt);
  carat_session_free(all);
  carat_session_free(listed);
  carat_session_free(none);
  carat_error_free(error);
}

typedef struct states {
  int seen[kLayers + 1][kPrompt];
  float last_norm;
  int progress_calls;
  int64_t done;
  carat_session* session;
  carat_status meddling;
} states;

static void watch_states(void* user_data, int32_t layer, int64_t first_position, int64_t count,
                         const float* values, size_t hidden_size) {
  states* s = user_data;
  CHECK(layer >= 0 && layer <= kLayers && hidden_size == kHidden && count >= 1);
  for (int64_t i = 0; i < count; ++i) {
    CHECK(first_position + i < kPrompt);
    ++s->seen[layer][first_position + i];
    for (size_t k = 0; k < hidden_size; ++k) CHECK(isfinite(values[(size_t)i * hidden_size + k]));
  }
}

static int32_t watch_progress(void* user_data, int64_t done, int64_t total) {
  states* s = user_data;
  CHECK(total == kPrompt && done > s->done && done <= total);
  s->done = done;
  ++s->progress_calls;
  s->meddling = carat_session_rewind(s->session, 0, NULL, NULL);
  return 1;
}

static void hidden_states_and_progress(void) {
  carat_error* error = carat_error_new();
  carat_session_options session_options;
  CHECK(carat_session_options_init(&session_options, sizeof session_options) == CARAT_OK);
  session_options.prompt_chunk = 5;
  carat_session* session = open_session(&session_options);
  states* s = calloc(1, sizeof *s);
  s->session = session;
  carat_prefill_options options;
  CHECK(carat_prefill_options_init(&options, sizeof options) == CARAT_OK);
  options.hidden_states = watch_states;
  options.hidden_states_user_data = s;
  options.progress = watch_progress;
  options.progress_user_data = s;
  CHECK_OK(carat_session_prefill(session, kTokens, kPrompt, &options, error), error);
  for (int layer = 0; layer <= kLayers; ++layer) {
    for (int i = 0; i < kPrompt; ++i) CHECK(s->seen[layer][i] == 1);
  }
  CHECK(s->progress_calls == 3 && s->done == kPrompt);
  CHECK(s->meddling == CARAT_FAILED_PRECONDITION);  // a callback cannot change the session at work
  free(s);
  carat_session_free(session);
  carat_error_free(error);
}

static void rewind_and_clone(void) {
  carat_error* error = carat_error_new();
  carat_session* session = open_session(NULL);
  carat_session* clone = NULL;
  CHECK_OK(carat_session_prefill(session, kTokens, kPrompt, NULL, error), error);
  float before[kVocabulary];
  const float* logits = NULL;
  CHECK_OK(carat_session_last_logits(session, &logits, NULL, error), error);
  memcpy(before, logits, sizeof before);

  CHECK_OK(carat_session_clone(session, &clone, error), error);
  carat_rewind_result result;
  CHECK(carat_rewind_result_init(&result, sizeof result) == CARAT_OK);
  CHECK_OK(carat_session_rewind(session, 9, &result, error), error);
  CHECK(result.position == 9 && result.kept <= 9 && result.kept >= 0);
  CHECK(carat_session_position(session) == 9 && carat_session_logits_count(session) == 0);
  CHECK(memcmp(carat_session_tokens(session), kTokens, 9 * sizeof(int32_t)) == 0);
  CHECK_OK(carat_session_prefill(session, kTokens + 9, 3, NULL, error), error);
  CHECK_OK(carat_session_last_logits(session, &logits, NULL, error), error);
  check_close(before, logits);

  // The clone knows nothing of it, and lives on its own.
  carat_session_free(session);
  CHECK(carat_session_position(clone) == kPrompt);
  CHECK_OK(carat_session_last_logits(clone, &logits, NULL, error), error);
  CHECK(memcmp(before, logits, sizeof before) == 0);
  CHECK_OK(carat_session_decode(clone, 7, error), error);
  CHECK_OK(carat_session_rewind(clone, 0, NULL, error), error);
  CHECK(carat_session_position(clone) == 0);
  CHECK_STATUS(CARAT_OUT_OF_RANGE, carat_session_rewind(clone, 1, NULL, error), error);
  CHECK_STATUS(CARAT_OUT_OF_RANGE, carat_session_rewind(clone, -1, &result, error), error);
  result.struct_size = 5;
  CHECK_STATUS(CARAT_INVALID_ARGUMENT, carat_session_rewind(clone, 0, &result, error), error);
  carat_session_free(clone);
  carat_error_free(error);
}

static void errors_change_nothing(void) {
  carat_error* error = carat_error_new();
  carat_session_options options;
  CHECK(carat_session_options_init(&options, sizeof options) == CARAT_OK);
  options.context_size = 16;
  carat_session* session = open_session(&options);
  CHECK_OK(carat_session_prefill(session, kTokens, kPrompt, NULL, error), error);
  static const int32_t wrong[] = {5, kVocabulary};
  CHECK_ERROR(CARAT_OUT_OF_RANGE, "640", carat_session_prefill(session, wrong, 2, NULL, error), error);
  CHECK_STATUS(CARAT_OUT_OF_RANGE, carat_session_decode(session, -1, error), error);
  CHECK_STATUS(CARAT_INVALID_ARGUMENT, carat_session_prefill(session, NULL, 0, NULL, error), error);
  CHECK_ERROR(CARAT_INVALID_ARGUMENT, "tokens is NULL", carat_session_prefill(session, NULL, 4, NULL, error),
              error);
  CHECK_STATUS(CARAT_RESOURCE_EXHAUSTED, carat_session_prefill(session, kTokens, 5, NULL, error), error);
  CHECK(carat_session_position(session) == kPrompt);
  for (int i = 0; i < 4; ++i) CHECK_OK(carat_session_decode(session, 3, error), error);
  CHECK_STATUS(CARAT_RESOURCE_EXHAUSTED, carat_session_decode(session, 3, error), error);
  CHECK(carat_session_position(session) == 16);
  carat_session_free(session);
  carat_error_free(error);
}

int main(void) {
  sizes();
  wanted_logits();
  hidden_states_and_progress();
  rewind_and_clone();
  errors_change_nothing();
  return 0;
}
