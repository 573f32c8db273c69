// Generations: pulled and with a callback, stops, log-probabilities, limits, and who may use the session.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

enum { kNew = 12 };

typedef struct setting {
  carat_session* session;
  carat_tokens* prompt;
  carat_sampling_options greedy;
  carat_generation_options options;
} setting;

// The options point into the setting.
static void prepare(setting* s) {
  carat_error* error = carat_error_new();
  carat_model* model = NULL;
  s->session = demo_session(0);
  CHECK_OK(carat_session_model(s->session, &model, error), error);
  s->prompt = encode_demo(model, "The LORD is my shepherd;");
  carat_model_free(model);
  CHECK(carat_sampling_options_init(&s->greedy, sizeof s->greedy) == CARAT_OK);
  s->greedy.temperature = 0;
  CHECK(carat_generation_options_init(&s->options, sizeof s->options) == CARAT_OK);
  s->options.sampling = &s->greedy;
  s->options.max_new_tokens = kNew;
  s->options.stop_at_model_stop_tokens = 0;
  carat_error_free(error);
}

static void discard(setting* s) {
  carat_session_free(s->session);
  carat_tokens_free(s->prompt);
}

static carat_status generate(setting* s, carat_step_callback on_step, void* user_data,
                             carat_generation_result** result, carat_error* error) {
  CHECK_OK(carat_session_rewind(s->session, 0, NULL, error), error);
  return carat_generate(s->session, carat_tokens_data(s->prompt), carat_tokens_size(s->prompt), &s->options,
                        on_step, user_data, result, error);
}

static carat_status start(setting* s, carat_generation** run, carat_error* error) {
  CHECK_OK(carat_session_rewind(s->session, 0, NULL, error), error);
  return carat_generation_start(s->session, carat_tokens_data(s->prompt), carat_tokens_size(s->prompt),
                                &s->options, run, error);
}

typedef struct collected {
  int32_t tokens[kNew];
  size_t count;
  char text[500];
  size_t text_size;
  size_t steps;
  size_t stop_after;
} collected;

static void collect(collected* c, const carat_generation_step* step) {
  CHECK(step->struct_size == sizeof *step && step->text != NULL);
  ++c->steps;
  if (step->token >= 0) {
    CHECK(c->count < kNew);
    c->tokens[c->count++] = step->token;
  }
  CHECK(c->text_size + step->text_size < sizeof c->text);
  memcpy(c->text + c->text_size, step->text, step->text_size);
  c->text_size += step->text_size;
  c->text[c->text_size] = '\0';
}

static int32_t collect_step(void* user_data, const carat_generation_step* step) {
  collected* c = user_data;
  collect(c, step);
  return c->steps != c->stop_after;
}

static void check_stats(const carat_generation_stats* stats, const setting* s) {
  CHECK(stats->prompt_tokens == (int64_t)carat_tokens_size(s->prompt) && stats->generated_tokens == kNew);
  CHECK(stats->prompt_seconds >= 0 && stats->generation_seconds >= 0);
}

// The callback form and the pull form bring the same.
static void two_forms(setting* s) {
  carat_error* error = carat_error_new();
  carat_generation_result* result = NULL;
  collected pushed = {0};
  CHECK_OK(generate(s, collect_step, &pushed, &result, error), error);
  CHECK(carat_generation_result_stop(result) == CARAT_STOP_MAX_TOKENS);
  CHECK(carat_generation_result_token_count(result) == kNew && pushed.count == kNew);
  CHECK(memcmp(carat_generation_result_tokens(result), pushed.tokens, sizeof pushed.tokens) == 0);
  CHECK(carat_generation_result_text_size(result) == pushed.text_size && pushed.text_size > 0);
  CHECK(strcmp(carat_generation_result_text(result), pushed.text) == 0);
  carat_generation_stats stats;
  CHECK(carat_generation_stats_init(&stats, sizeof stats) == CARAT_OK);
  CHECK_OK(carat_generation_result_get_stats(result, &stats, error), error);
  check_stats(&stats, s);
  carat_generation_result_free(result);

  collected pulled = {0};
  carat_generation* run = NULL;
  carat_generation_step step;
  CHECK(carat_generation_step_init(&step, sizeof step) == CARAT_OK);
  CHECK_OK(start(s, &run, error), error);
  while (step.stop == CARAT_STOP_NONE) {
    CHECK_OK(carat_generation_next(run, &step, error), error);
    collect(&pulled, &step);
  }
  CHECK(step.stop == CARAT_STOP_MAX_TOKENS && pulled.count == kNew);
  CHECK(memcmp(pulled.tokens, pushed.tokens, sizeof pulled.tokens) == 0);
  CHECK(strcmp(pulled.text, pushed.text) == 0);
  CHECK_STATUS(CARAT_FAILED_PRECONDITION, carat_generation_next(run, &step, error), error);
  CHECK_OK(carat_generation_get_stats(run, &stats, error), error);
  check_stats(&stats, s);
  carat_generation_free(run);

  // Neither callback nor result: the session is what is wanted.
  CHECK_OK(generate(s, NULL, NULL, NULL, error), error);
  CHECK(carat_session_position(s->session) >= (int64_t)carat_tokens_size(s->prompt));
  carat_error_free(error);
}

static void stops(setting* s) {
  carat_error* error = carat_error_new();
  carat_generation_result* result = NULL;
  CHECK_OK(generate(s, NULL, NULL, &result, error), error);
  int32_t tokens[kNew];
  char text[500];
  memcpy(tokens, carat_generation_result_tokens(result), sizeof tokens);
  strcpy(text, carat_generation_result_text(result));
  carat_generation_result_free(result);

  // A stop id: the first time that the third token comes up.
  size_t first = 0;
  while (tokens[first] != tokens[2]) ++first;
  s->options.stop_tokens = &tokens[2];
  s->options.stop_token_count = 1;
  CHECK_OK(generate(s, NULL, NULL, &result, error), error);
  CHECK(carat_generation_result_stop(result) == CARAT_STOP_TOKEN);
  CHECK(carat_generation_result_token_count(result) == first + 1);
  carat_generation_result_free(result);
  s->options.stop_token_count = 0;

  // A stop string: nothing from it on is in the text.
  const size_t middle = strlen(text) / 2;
  const carat_text stop_strings[] = {{"\xF0\x9F\x8E\x89", 4}, {text + middle, 4}};
  s->options.stop_strings = stop_strings;
  s->options.stop_string_count = 2;
  collected c = {0};
  CHECK_OK(generate(s, collect_step, &c, &result, error), error);
  CHECK(carat_generation_result_stop(result) == CARAT_STOP_STRING);
  CHECK(strstr(carat_generation_result_text(result), "\xF0\x9F\x8E\x89") == NULL);
  const size_t size = carat_generation_result_text_size(result);
  CHECK(size <= middle && memcmp(carat_generation_result_text(result), text, size) == 0);
  CHECK(memcmp(text + size, stop_strings[1].data, 4) == 0);
  CHECK(strcmp(c.text, carat_generation_result_text(result)) == 0);
  carat_generation_result_free(result);
  const carat_text null_text = {NULL, 3};
  s->options.stop_strings = &null_text;
  s->options.stop_string_count = 1;
  CHECK_ERROR(CARAT_INVALID_ARGUMENT, "stop_strings", generate(s, NULL, NULL, &result, error), error);
  CHECK(result == NULL);
  s->options.stop_strings = NULL;
  CHECK_ERROR(CARAT_INVALID_ARGUMENT, "stop_strings is NULL", generate(s, NULL, NULL, &result, error), error);
  s->options.stop_string_count = 0;

  // The callback says stop.
  collected three = {0};
  three.stop_after = 3;
  CHECK_OK(generate(s, collect_step, &three, &result, error), error);
  CHECK(carat_generation_result_stop(result) == CARAT_STOP_CANCELLED && three.steps >= 3);
  CHECK(carat_generation_result_token_count(result) == 3);
  carat_generation_result_free(result);

  // The context is full.
  carat_session* full = demo_session((int64_t)carat_tokens_size(s->prompt) + 4);
  s->options.max_new_tokens = -1;
  CHECK_OK(carat_generate(full, carat_tokens_data(s->prompt), carat_tokens_size(s->prompt), &s->options, NULL,
                          NULL, &result, error),
           error);
  CHECK(carat_generation_result_stop(result) == CARAT_STOP_CONTEXT_FULL);
  CHECK(carat_generation_result_token_count(result) >= 4);
  carat_generation_result_free(result);
  carat_session_free(full);
  s->options.max_new_tokens = kNew;
  carat_error_free(error);
}

// The model's own ids end an answer, and show_special shows them.
static void model_stops(setting* s) {
  carat_error* error = carat_error_new();
  carat_model* model = NULL;
  carat_tokenizer* tokenizer = NULL;
  carat_tokens* question = NULL;
  static const char text[] = "<bos><|turn>user\nWho are you?<turn|>\n<|turn>model\n";
  carat_encode_options encode;
  CHECK(carat_encode_options_init(&encode, sizeof encode) == CARAT_OK);
  encode.parse_special = 1;
  CHECK_OK(carat_session_model(s->session, &model, error), error);
  CHECK_OK(carat_model_tokenizer(model, &tokenizer, error), error);
  CHECK_OK(carat_tokenizer_encode(tokenizer, text, strlen(text), &encode, &question, error), error);
  for (int show = 0; show < 2; ++show) {
    carat_generation_options options = s->options;
    options.stop_at_model_stop_tokens = 1;
    options.max_new_tokens = 200;
    options.show_special = show;
    carat_generation_result* result = NULL;
    CHECK_OK(carat_session_rewind(s->session, 0, NULL, error), error);
    CHECK_OK(carat_generate(s->session, carat_tokens_data(question), carat_tokens_size(question), &options,
                            NULL, NULL, &result, error),
             error);
    CHECK(carat_generation_result_stop(result) == CARAT_STOP_TOKEN);
    const size_t count = carat_generation_result_token_count(result);
    CHECK(carat_tokenizer_is_special(tokenizer, carat_generation_result_tokens(result)[count - 1]) == 1);
    CHECK((strstr(carat_generation_result_text(result), "<turn|>") != NULL) == (show == 1));
    CHECK(strstr(carat_generation_result_text(result), "carat") != NULL);
    carat_generation_result_free(result);
  }
  carat_tokens_free(question);
  carat_tokenizer_free(tokenizer);
  carat_model_free(model);
  carat_error_free(error);
}

static void log_probabilities(setting* s) {
  carat_error* error = carat_error_new();
  carat_generation* run = NULL;
  carat_generation_step step;
  CHECK(carat_generation_step_init(&step, sizeof step) == CARAT_OK);
  s->options.top_logprobs = 5;
  CHECK_OK(start(s, &run, error), error);
  CHECK_OK(carat_generation_next(run, &step, error), error);
  CHECK(step.top_count == 5 && step.top[0].token == step.token && step.top[0].logprob == step.logprob);
  double sum = 0;
  for (size_t i = 0; i < 5; ++i) {
    CHECK(i == 0 || step.top[i].logprob <= step.top[i - 1].logprob);
    sum += exp((double)step.top[i].logprob);
  }
  CHECK(step.logprob < 0 && sum > 0 && sum < 1.000001);
  carat_generation_free(run);

  // Against the logits themselves.
  const float* logits = NULL;
  size_t size = 0;
  CHECK_OK(carat_session_rewind(s->session, 0, NULL, error), error);
  CHECK_OK(carat_session_prefill(s->session, carat_tokens_data(s->prompt), carat_tokens_size(s->prompt), NULL,
                                 error),
           error);
  CHECK_OK(carat_session_last_logits(s->session, &logits, &size, error), error);
  double total = 0;
  for (size_t i = 0; i < size; ++i) total += exp((double)logits[i]);
  const float expected = (float)((double)logits[step.token] - log(total));
  CHECK(fabsf(expected - step.logprob) < 1e-4f);

  s->options.top_logprobs = 101;
  CHECK_ERROR(CARAT_INVALID_ARGUMENT, "101", start(s, &run, error), error);
  s->options.top_logprobs = 0;
  s->options.max_new_tokens = -2;
  CHECK_STATUS(CARAT_INVALID_ARGUMENT, start(s, &run, error), error);
  s->options.max_new_tokens = kNew;
  s->greedy.top_p = 7;
  CHECK_ERROR(CARAT_INVALID_ARGUMENT, "top_p", start(s, &run, error), error);
  s->greedy.top_p = 1;
  CHECK(run == NULL);
  carat_error_free(error);
}

// Chooses the token with the second-highest logit.
static carat_status second_best(void* user_data, carat_candidates* list, carat_error* error) {
  ++*(int*)user_data;
  if (carat_candidates_size(list) < 2) return carat_error_set(error, CARAT_ABORTED, "too few", 7);
  carat_candidates_keep_highest(list, 2);
  carat_candidates_select(list, carat_candidates_data(list)[1].token);
  return CARAT_OK;
}

static void chains(setting* s) {
  carat_error* error = carat_error_new();
  int calls = 0;
  carat_sampler_functions functions;
  CHECK(carat_sampler_functions_init(&functions, sizeof functions) == CARAT_OK);
  functions.apply = second_best;
  carat_sampler* sampler = NULL;
  carat_generation* run = NULL;
  carat_generation_step step;
  CHECK(carat_generation_step_init(&step, sizeof step) == CARAT_OK);
  CHECK_OK(carat_sampler_new(&functions, &calls, &sampler, error), error);
  CHECK_OK(carat_sampler_chain_new_empty(&s->options.chain, error), error);
  CHECK_OK(carat_sampler_chain_append(s->options.chain, sampler, error), error);
  carat_sampler_free(sampler);
  s->options.top_logprobs = 2;
  CHECK_OK(start(s, &run, error), error);
  CHECK_OK(carat_generation_next(run, &step, error), error);
  CHECK(calls == 1 && step.top[1].token == step.token);
  // The generation keeps the chain, and the session.
  carat_sampler_chain_free(s->options.chain);
  carat_session_free(s->session);
  CHECK_OK(carat_generation_next(run, &step, error), error);
  CHECK(calls == 2 && step.top[1].token == step.token);
  carat_generation_free(run);
  s->options.chain = NULL;
  s->options.top_logprobs = 0;
  s->session = demo_session(0);
  carat_error_free(error);
}

static int32_t use_the_session(void* user_data, const carat_generation_step* step) {
  setting* s = user_data;
  CHECK(step->struct_size == sizeof *step);
  CHECK(carat_session_decode(s->session, 3, NULL) == CARAT_FAILED_PRECONDITION);
  CHECK(carat_session_rewind(s->session, 0, NULL, NULL) == CARAT_FAILED_PRECONDITION);
  CHECK(carat_session_position(s->session) >= (int64_t)carat_tokens_size(s->prompt));
  carat_session_free(s->session);
  s->session = NULL;
  return 0;
}

static void one_generation_at_a_time(setting* s) {
  carat_error* error = carat_error_new();
  carat_generation* run = NULL;
  carat_generation* other = NULL;
  carat_generation_step step;
  CHECK(carat_generation_step_init(&step, sizeof step) == CARAT_OK);
  CHECK_OK(start(s, &run, error), error);
  CHECK_STATUS(CARAT_FAILED_PRECONDITION, carat_session_decode(s->session, 3, error), error);
  CHECK_STATUS(CARAT_FAILED_PRECONDITION, carat_session_rewind(s->session, 0, NULL, error), error);
  const int32_t token = 3;
  CHECK_STATUS(CARAT_FAILED_PRECONDITION, carat_session_prefill(s->session, &token, 1, NULL, error), error);
  CHECK_STATUS(CARAT_FAILED_PRECONDITION,
               carat_generation_start(s->session, &token, 1, &s->options, &other, error), error);
  CHECK_ERROR(CARAT_FAILED_PRECONDITION, "a generation runs on this session",
              carat_generate(s->session, &token, 1, &s->options, NULL, NULL, NULL, error), error);
  CHECK(other == NULL);
  CHECK_OK(carat_generation_next(run, &step, error), error);
  carat_generation_free(run);
  CHECK_OK(carat_session_decode(s->session, step.token, error), error);

  // After its last step the session is free, even if the handle lives.
  s->options.max_new_tokens = 1;
  CHECK_OK(start(s, &run, error), error);
  CHECK_OK(carat_generation_next(run, &step, error), error);
  CHECK(step.stop == CARAT_STOP_MAX_TOKENS);
  CHECK_OK(carat_session_decode(s->session, step.token, error), error);
  // An empty prompt goes on from there.
  CHECK_OK(carat_generation_start(s->session, NULL, 0, &s->options, &other, error), error);
  carat_generation_free(run);  // and does not set the session free
  CHECK_STATUS(CARAT_FAILED_PRECONDITION, carat_session_decode(s->session, 3, error), error);
  carat_generation_free(other);
  s->options.max_new_tokens = kNew;

  step.struct_size = 2;
  CHECK_OK(start(s, &run, error), error);
  CHECK_STATUS(CARAT_INVALID_ARGUMENT, carat_generation_next(run, &step, error), error);
  carat_generation_free(run);

  // A callback may look at the session, not change it, and may free it.
  carat_generation_result* result = NULL;
  CHECK_OK(generate(s, use_the_session, s, &result, error), error);
  CHECK(s->session == NULL && carat_generation_result_stop(result) == CARAT_STOP_CANCELLED);
  carat_generation_result_free(result);
  s->session = demo_session(0);
  carat_error_free(error);
}

static int32_t count_progress(void* user_data, int64_t done, int64_t total) {
  CHECK(done <= total);
  ++*(int*)user_data;
  return 1;
}

static void progress(setting* s) {
  carat_error* error = carat_error_new();
  int calls = 0;
  s->options.prompt_progress = count_progress;
  s->options.prompt_progress_user_data = &calls;
  CHECK_OK(generate(s, NULL, NULL, NULL, error), error);
  CHECK(calls >= 1);
  s->options.prompt_progress = NULL;
  carat_error_free(error);
}

// Options NULL: the model's own sampling and stops.
static void defaults(setting* s) {
  carat_error* error = carat_error_new();
  carat_generation_result* result = NULL;
  carat_session* small = demo_session((int64_t)carat_tokens_size(s->prompt) + 20);
  CHECK_OK(carat_generate(small, carat_tokens_data(s->prompt), carat_tokens_size(s->prompt), NULL, NULL, NULL,
                          &result, error),
           error);
  const carat_stop_reason stop = carat_generation_result_stop(result);
  CHECK(stop == CARAT_STOP_TOKEN || stop == CARAT_STOP_CONTEXT_FULL);
  carat_generation_result_free(result);
  carat_session_free(small);
  carat_error_free(error);
}

int main(void) {
  setting s;
  prepare(&s);
  two_forms(&s);
  stops(&s);
  model_stops(&s);
  log_probabilities(&s);
  chains(&s);
  one_generation_at_a_time(&s);
  progress(&s);
  defaults(&s);
  discard(&s);
  return 0;
}
