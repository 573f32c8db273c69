// Cancelling from another thread: before, during and after work; and many sessions on one model at once.
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "check.h"

#define TINY CARAT_TEST_DATA "/tiny-e2b"

static carat_model* open_tiny(void) {
  carat_error* error = carat_error_new();
  carat_model* model = NULL;
  carat_model_options options;
  CHECK(carat_model_options_init(&options, sizeof options) == CARAT_OK);
  options.threads = 2;
  CHECK_OK(carat_model_load(TINY, strlen(TINY), &options, &model, error), error);
  carat_error_free(error);
  return model;
}

static carat_session* open_session(const carat_model* model, int32_t prompt_chunk) {
  carat_error* error = carat_error_new();
  carat_session_options options;
  carat_session* session = NULL;
  CHECK(carat_session_options_init(&options, sizeof options) == CARAT_OK);
  options.prompt_chunk = prompt_chunk;
  CHECK_OK(carat_session_new(model, &options, &session, error), error);
  carat_error_free(error);
  return session;
}

static void* cancel_now(void* session) {
  carat_session_cancel(session);
  return NULL;
}

// From another thread, which has done it when this returns.
static void cancel_elsewhere(carat_session* session) {
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, cancel_now, session) == 0);
  CHECK(pthread_join(thread, NULL) == 0);
}

static void before(carat_session* session) {
  carat_error* error = carat_error_new();
  const int32_t tokens[] = {2, 3, 4};
  cancel_elsewhere(session);
  CHECK_STATUS(CARAT_CANCELLED, carat_session_prefill(session, tokens, 3, NULL, error), error);
  CHECK_OK(carat_session_prefill(session, tokens, 3, NULL, error), error);  // it was noticed once
  cancel_elsewhere(session);
  carat_session_clear_cancel(session);
  CHECK_OK(carat_session_decode(session, 5, error), error);
  cancel_elsewhere(session);
  CHECK_STATUS(CARAT_CANCELLED, carat_session_decode(session, 5, error), error);
  CHECK(carat_session_position(session) == 4);
  carat_error_free(error);
}

typedef struct during_prompt {
  carat_session* session;
  int64_t at;
  int64_t last;
} during_prompt;

static int32_t cancel_at(void* user_data, int64_t done, int64_t total) {
  during_prompt* d = user_data;
  CHECK(done <= total);
  d->last = done;
  if (done == d->at) cancel_elsewhere(d->session);
  return 1;
}

static int32_t refuse_at(void* user_data, int64_t done, int64_t total) {
  during_prompt* d = user_data;
  CHECK(done <= total);
  d->last = done;
  return done != d->at;
}

static void while_reading(const carat_model* model) {
  carat_error* error = carat_error_new();
  int32_t tokens[40];
  for (int32_t i = 0; i < 40; ++i) tokens[i] = 10 + i;
  const carat_progress_callback ways[] = {cancel_at, refuse_at};
  for (int way = 0; way < 2; ++way) {
    carat_session* session = open_session(model, 4);
    during_prompt d = {session, 12, 0};
    carat_prefill_options options;
    CHECK(carat_prefill_options_init(&options, sizeof options) == CARAT_OK);
    options.progress = ways[way];
    options.progress_user_data = &d;
    CHECK_STATUS(CARAT_CANCELLED, carat_session_prefill(session, tokens, 40, &options, error), error);
    CHECK(d.last == 12 && carat_session_position(session) == 12);  // the chunks that were read stay
    // Going on from there is as if nothing had happened.
    CHECK_OK(carat_session_prefill(session, tokens + 12, 28, NULL, error), error);
    CHECK(carat_session_position(session) == 40);
    carat_session_free(session);
  }
  carat_error_free(error);
}

typedef struct during_steps {
  carat_session* session;
  int steps;
} during_steps;

static int32_t cancel_at_third(void* user_data, const carat_generation_step* step) {
  during_steps* d = user_data;
  CHECK(step->text != NULL);
  if (++d->steps == 3) cancel_elsewhere(d->session);
  return 1;
}

static void while_generating(carat_session* session) {
  carat_error* error = carat_error_new();
  carat_generation_options options;
  CHECK(carat_generation_options_init(&options, sizeof options) == CARAT_OK);
  options.stop_at_model_stop_tokens = 0;
  const int32_t prompt[] = {2, 9};
  during_steps d = {session, 0};
  carat_generation_result* result = NULL;
  CHECK_OK(carat_generate(session, prompt, 2, &options, cancel_at_third, &d, &result, error), error);
  CHECK(carat_generation_result_stop(result) == CARAT_STOP_CANCELLED);
  CHECK(d.steps >= 3 && d.steps <= 4 && carat_generation_result_token_count(result) == 3);
  carat_generation_result_free(result);

  carat_generation* run = NULL;
  carat_generation_step step;
  CHECK(carat_generation_step_init(&step, sizeof step) == CARAT_OK);
  CHECK_OK(carat_generation_start(session, prompt, 2, &options, &run, error), error);
  CHECK_OK(carat_generation_next(run, &step, error), error);
  CHECK(step.stop == CARAT_STOP_NONE);
  cancel_elsewhere(session);
  CHECK_OK(carat_generation_next(run, &step, error), error);
  CHECK(step.stop == CARAT_STOP_CANCELLED);
  carat_generation_free(run);
  CHECK_OK(carat_session_decode(session, 9, error), error);  // and the session is well
  carat_error_free(error);
}

typedef struct later {
  carat_session* session;
  pthread_t thread;
  int started;
} later;

static void* cancel_later(void* session) {
  const struct timespec wait = {0, 5 * 1000 * 1000};
  CHECK(nanosleep(&wait, NULL) == 0);
  carat_session_cancel(session);
  return NULL;
}

static int32_t begin_at_first(void* user_data, const carat_generation_step* step) {
  later* l = user_data;
  CHECK(step->text != NULL);
  if (!l->started) CHECK(pthread_create(&l->thread, NULL, cancel_later, l->session) == 0);
  l->started = 1;
  return 1;
}

// While steps run, without any arrangement between the threads.
static void truly_at_the_same_time(carat_session* session) {
  carat_error* error = carat_error_new();
  carat_generation_options options;
  CHECK(carat_generation_options_init(&options, sizeof options) == CARAT_OK);
  options.stop_at_model_stop_tokens = 0;
  const int32_t prompt[] = {2, 9};
  later l = {.session = session, .started = 0};
  carat_generation_result* result = NULL;
  CHECK_OK(carat_generate(session, prompt, 2, &options, begin_at_first, &l, &result, error), error);
  CHECK(l.started && pthread_join(l.thread, NULL) == 0);
  CHECK(carat_generation_result_stop(result) == CARAT_STOP_CANCELLED);
  carat_generation_result_free(result);
  carat_error_free(error);
}

typedef struct worker {
  const carat_model* model;
  int32_t tokens[16];
} worker;

static void* generate_alone(void* argument) {
  worker* w = argument;
  carat_error* error = carat_error_new();
  carat_session* session = open_session(w->model, 0);
  carat_sampling_options sampling;
  carat_generation_options options;
  carat_generation_result* result = NULL;
  CHECK(carat_sampling_options_init(&sampling, sizeof sampling) == CARAT_OK);
  sampling.temperature = 0;
  CHECK(carat_generation_options_init(&options, sizeof options) == CARAT_OK);
  options.sampling = &sampling;
  options.max_new_tokens = 16;
  options.stop_at_model_stop_tokens = 0;
  const int32_t prompt[] = {2, 9, 50, 51};
  CHECK_OK(carat_generate(session, prompt, 4, &options, NULL, NULL, &result, error), error);
  CHECK(carat_generation_result_token_count(result) == 16);
  memcpy(w->tokens, carat_generation_result_tokens(result), sizeof w->tokens);
  carat_generation_result_free(result);
  carat_session_free(session);
  carat_error_free(error);
  return NULL;
}

static void one_model_many_threads(const carat_model* model) {
  enum { kThreads = 3 };
  pthread_t threads[kThreads];
  worker workers[kThreads + 1];
  for (int i = 0; i <= kThreads; ++i) workers[i].model = model;
  for (int i = 0; i < kThreads; ++i) {
    CHECK(pthread_create(&threads[i], NULL, generate_alone, &workers[i]) == 0);
  }
  for (int i = 0; i < kThreads; ++i) CHECK(pthread_join(threads[i], NULL) == 0);
  generate_alone(&workers[kThreads]);
  for (int i = 0; i < kThreads; ++i) {
    CHECK(memcmp(workers[i].tokens, workers[kThreads].tokens, sizeof workers[i].tokens) == 0);
  }
}

int main(void) {
  carat_model* model = open_tiny();
  carat_session* session = open_session(model, 0);
  before(session);
  while_reading(model);
  while_generating(session);
  truly_at_the_same_time(session);
  one_model_many_threads(model);
  carat_session_free(session);
  carat_model_free(model);
  return 0;
}
