// The reference's numbers through the C ABI: logits, hidden states and greedy continuations of every
// checkpoint in tests/golden/models, and the demo checkpoint's answers.
#include "golden.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

// Beyond rounding: float32 activations, weights exactly bf16.
static const float kLogitTolerance = 1e-3f;
static const float kHiddenTolerance = 1e-3f;
// Where the two best logits are nearer than this, rounding may choose.
static const double kClearMargin = 2e-3;

typedef struct hidden_error {
  const golden* expected;
  size_t values;  // compared
  float largest;  // relative to the largest value of its layer
} hidden_error;

static void compare_hidden(void* user_data, int32_t layer, int64_t first_position, int64_t count,
                           const float* states, size_t hidden_size) {
  hidden_error* e = user_data;
  const golden* g = e->expected;
  CHECK((size_t)layer < g->hidden_layers && hidden_size == g->hidden_size);
  const float* whole_layer = g->hidden + (size_t)layer * g->prompt_count * hidden_size;
  const float* expected = whole_layer + (size_t)first_position * hidden_size;
  float scale = 0;
  for (size_t i = 0; i < g->prompt_count * hidden_size; ++i) scale = fmaxf(scale, fabsf(whole_layer[i]));
  for (size_t i = 0; i < (size_t)count * hidden_size; ++i) {
    CHECK(isfinite(states[i]));
    e->largest = fmaxf(e->largest, fabsf(states[i] - expected[i]) / scale);
  }
  e->values += (size_t)count * hidden_size;
}

static void prompt_logits(const carat_model* model, const golden* g) {
  carat_error* error = carat_error_new();
  carat_session* session = NULL;
  carat_prefill_options options;
  CHECK(carat_prefill_options_init(&options, sizeof options) == CARAT_OK);
  int64_t* positions = malloc(g->logit_rows * sizeof *positions);
  CHECK(positions != NULL);
  for (size_t i = 0; i < g->logit_rows; ++i) positions[i] = (int64_t)(g->prompt_count - g->logit_rows + i);
  options.logits = CARAT_LOGITS_LISTED;
  options.positions = positions;
  options.position_count = g->logit_rows;
  hidden_error hidden = {g, 0, 0};
  // With hidden states, then without: work that is left out must not change a logit.
  for (int round = g->hidden == NULL ? 1 : 0; round < 2; ++round) {
    options.hidden_states = round == 0 ? compare_hidden : NULL;
    options.hidden_states_user_data = &hidden;
    CHECK_OK(carat_session_new(model, NULL, &session, error), error);
    CHECK_OK(carat_session_prefill(session, g->prompt, g->prompt_count, &options, error), error);
    CHECK(carat_session_logits_count(session) == g->logit_rows);
    float largest = 0;
    for (size_t row = 0; row < g->logit_rows; ++row) {
      const float* logits = NULL;
      size_t size = 0;
      CHECK_OK(carat_session_logits(session, row, &logits, &size, error), error);
      CHECK(size == g->vocabulary);
      for (size_t i = 0; i < size; ++i) {
        CHECK(isfinite(logits[i]));
        largest = fmaxf(largest, fabsf(logits[i] - g->logits[row * size + i]));
      }
    }
    printf("    logits: %zu rows, largest error %.2e\n", g->logit_rows, (double)largest);
    CHECK(largest <= kLogitTolerance);
    carat_session_free(session);
  }
  if (g->hidden != NULL) {
    CHECK(hidden.values == g->hidden_layers * g->prompt_count * g->hidden_size);
    printf("    hidden: %zu layers, largest relative error %.2e\n", g->hidden_layers, (double)hidden.largest);
    CHECK(hidden.largest <= kHiddenTolerance);
  }
  free(positions);
  carat_error_free(error);
}

// Returns how many tokens were compared.
static size_t greedy(const carat_model* model, const golden* g, int32_t stop_at_model_stop_tokens) {
  carat_error* error = carat_error_new();
  carat_session* session = NULL;
  carat_sampling_options sampling;
  carat_generation_options options;
  carat_generation_result* result = NULL;
  CHECK(carat_sampling_options_init(&sampling, sizeof sampling) == CARAT_OK);
  sampling.temperature = 0;
  CHECK(carat_generation_options_init(&options, sizeof options) == CARAT_OK);
  options.sampling = &sampling;
  options.max_new_tokens = (int64_t)g->greedy_count;
  options.stop_at_model_stop_tokens = stop_at_model_stop_tokens;
  CHECK_OK(carat_session_new(model, NULL, &session, error), error);
  CHECK_OK(carat_generate(session, g->prompt, g->prompt_count, &options, NULL, NULL, &result, error), error);
  const int32_t* tokens = carat_generation_result_tokens(result);
  const size_t count = carat_generation_result_token_count(result);
  size_t compared = 0;
  while (compared < g->greedy_count) {
    const int same = compared < count && tokens[compared] == g->greedy[compared];
    if (!same) {
      printf("    greedy: id %zu is %d, the reference has %d\n", compared,
             compared < count ? (int)tokens[compared] : -1, (int)g->greedy[compared]);
      CHECK(g->margins != NULL);
      CHECK(g->margins[compared] <= kClearMargin);
      break;  // from here on it is another text
    }
    ++compared;
  }
  printf("    greedy: %zu of %zu ids\n", compared, g->greedy_count);
  carat_generation_result_free(result);
  carat_session_free(session);
  carat_error_free(error);
  return compared;
}

static void checkpoint(const char* name) {
  carat_error* error = carat_error_new();
  char folder[1000];
  snprintf(folder, sizeof folder, "%s/%s", CARAT_TEST_DATA, name);
  carat_model* model = NULL;
  carat_model_options options;
  CHECK(carat_model_options_init(&options, sizeof options) == CARAT_OK);
  options.precision = CARAT_PRECISION_FLOAT32;
  CHECK_OK(carat_model_load(folder, strlen(folder), &options, &model, error), error);
  static const char* const cases[] = {"text", "past_window"};
  for (size_t i = 0; i < 2; ++i) {
    printf("%s/%s\n", name, cases[i]);
    golden* g = golden_read(folder, cases[i]);
    prompt_logits(model, g);
    CHECK(greedy(model, g, 0) > 0);
    golden_free(g);
  }
  carat_model_free(model);
  carat_error_free(error);
}

static void demo(void) {
  carat_model* model = open_demo();
  int compared = 0;
  for (size_t i = 0;; ++i) {
    golden* g = golden_read_expected(CARAT_DEMO_MODEL, i);
    if (g == NULL) break;
    if (strcmp(g->kind, "see") != 0 && strcmp(g->kind, "hear") != 0) {
      printf("demo/%s\n", g->kind);
      CHECK(greedy(model, g, 1) == g->greedy_count);
      ++compared;
    }
    golden_free(g);
  }
  CHECK(compared > 5);
  carat_model_free(model);
}

int main(int argc, char** argv) {
  CHECK(argc == 2);
  if (strcmp(argv[1], "demo") == 0) {
    demo();
  } else {
    checkpoint(argv[1]);
  }
  return 0;
}
