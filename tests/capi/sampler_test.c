// Candidates, the built-in samplers one by one, a host's sampler, and chains.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

static void candidates(void) {
  carat_error* error = carat_error_new();
  carat_candidate items[] = {{0, 1.0f}, {1, 3.0f}, {2, 2.0f}, {3, 3.0f}, {4, -1.0f}};
  carat_candidates* list = NULL;
  CHECK_OK(carat_candidates_new(items, 5, 0, &list, error), error);
  CHECK(carat_candidates_size(list) == 5 && carat_candidates_data(list) == items);
  CHECK(carat_candidates_sorted(list) == 0 && carat_candidates_selected(list) == -1);
  carat_candidates_sort(list);
  static const int32_t order[] = {1, 3, 2, 0, 4};  // equal logits: the lower id first
  for (size_t i = 0; i < 5; ++i) CHECK(carat_candidates_data(list)[i].token == order[i]);
  CHECK(carat_candidates_sorted(list) == 1);
  carat_candidates_truncate(list, 4);
  carat_candidates_truncate(list, 100);
  CHECK(carat_candidates_size(list) == 4);
  items[0].logit = 0;
  carat_candidates_set_sorted(list, 0);
  CHECK(carat_candidates_sorted(list) == 0);
  carat_candidates_keep_highest(list, 2);
  CHECK(carat_candidates_size(list) == 2);
  CHECK(items[0].token == 3 && items[1].token == 2 && carat_candidates_sorted(list) == 1);
  carat_candidates_select(list, 2);
  CHECK(carat_candidates_selected(list) == 2);
  carat_candidates_free(list);
  CHECK_OK(carat_candidates_new(NULL, 0, 1, &list, error), error);
  CHECK(carat_candidates_size(list) == 0 && carat_candidates_sorted(list) == 1);
  carat_candidates_free(list);
  carat_error_free(error);
}

// Applies a sampler to the logits 0, 1, 2, 3 of the tokens 0 .. 3, and frees it. Returns how many are left.
static size_t apply(carat_sampler* sampler, const char* name, carat_candidate items[4], int32_t* selected) {
  carat_error* error = carat_error_new();
  size_t name_size = 0;
  const char* found = carat_sampler_name(sampler, &name_size);
  CHECK(name_size == strlen(name) && memcmp(found, name, name_size) == 0);
  for (int32_t i = 0; i < 4; ++i) items[i] = (carat_candidate){i, (float)i};
  carat_candidates* list = NULL;
  CHECK_OK(carat_candidates_new(items, 4, 0, &list, error), error);
  CHECK_OK(carat_sampler_apply(sampler, list, error), error);
  const size_t left = carat_candidates_size(list);
  *selected = carat_candidates_selected(list);
  carat_candidates_free(list);
  carat_sampler_free(sampler);
  carat_error_free(error);
  return left;
}

static float logit_of(const carat_candidate* items, size_t count, int32_t token) {
  for (size_t i = 0; i < count; ++i) {
    if (items[i].token == token) return items[i].logit;
  }
  check_failed(__FILE__, __LINE__, "the token is not there");
}

static void built_in(void) {
  carat_error* error = carat_error_new();
  carat_sampler* s = NULL;
  carat_candidate items[4];
  int32_t selected = -1;

  const carat_logit_bias bias[] = {{1, 5.0f}, {3, -INFINITY}};
  CHECK_OK(carat_sampler_new_logit_bias(bias, 2, &s, error), error);
  size_t left = apply(s, "logit-bias", items, &selected);
  CHECK(logit_of(items, left, 1) == 6.0f && selected == -1);
  for (size_t i = 0; i < left; ++i) CHECK(items[i].token != 3 || items[i].logit == -INFINITY);

  CHECK_OK(carat_sampler_new_temperature(0.5f, &s, error), error);
  CHECK(apply(s, "temperature", items, &selected) == 4 && logit_of(items, 4, 3) == 6.0f);

  CHECK_OK(carat_sampler_new_top_k(2, &s, error), error);
  CHECK(apply(s, "top-k", items, &selected) == 2 && items[0].token == 3 && items[1].token == 2);

  // The probabilities are 0.0321, 0.0871, 0.2369, 0.6439.
  CHECK_OK(carat_sampler_new_top_p(0.8f, &s, error), error);
  CHECK(apply(s, "top-p", items, &selected) == 2);
  CHECK_OK(carat_sampler_new_min_p(0.1f, &s, error), error);
  CHECK(apply(s, "min-p", items, &selected) == 3);
  // Surprise minus entropy (0.948): 2.49, 1.49, 0.49, -0.51. Nearest is token 2, then 3.
  CHECK_OK(carat_sampler_new_typical(0.2f, &s, error), error);
  CHECK(apply(s, "typical", items, &selected) == 1 && items[0].token == 2);

  CHECK_OK(carat_sampler_new_greedy(&s, error), error);
  apply(s, "greedy", items, &selected);
  CHECK(selected == 3);
  CHECK_OK(carat_sampler_new_draw(1, &s, error), error);
  apply(s, "draw", items, &selected);
  CHECK(selected >= 0 && selected <= 3);

  // Out of range: each names its value.
  CHECK_ERROR(CARAT_INVALID_ARGUMENT, "-1", carat_sampler_new_temperature(-1, &s, error), error);
  CHECK_ERROR(CARAT_INVALID_ARGUMENT, "-7", carat_sampler_new_top_k(-7, &s, error), error);
  CHECK_ERROR(CARAT_INVALID_ARGUMENT, "1.5", carat_sampler_new_top_p(1.5f, &s, error), error);
  CHECK_ERROR(CARAT_INVALID_ARGUMENT, "1.5", carat_sampler_new_min_p(1.5f, &s, error), error);
  CHECK_ERROR(CARAT_INVALID_ARGUMENT, "1.5", carat_sampler_new_typical(1.5f, &s, error), error);
  CHECK_STATUS(CARAT_INVALID_ARGUMENT, carat_sampler_new_penalties(0, 0, 0, 0, &s, error), error);
  CHECK_STATUS(CARAT_INVALID_ARGUMENT, carat_sampler_new_logit_bias(NULL, 2, &s, error), error);
  CHECK(s == NULL);
  carat_error_free(error);
}

static void penalties_remember(void) {
  carat_error* error = carat_error_new();
  carat_sampler* s = NULL;
  carat_sampler* copy = NULL;
  carat_candidate items[4];
  int32_t selected = -1;
  CHECK_OK(carat_sampler_new_penalties(2.0f, 0.25f, 0.5f, 0, &s, error), error);
  CHECK_OK(carat_sampler_accept(s, 2, CARAT_TOKEN_PROMPT, error), error);
  CHECK_OK(carat_sampler_accept(s, 3, CARAT_TOKEN_GENERATED, error), error);
  CHECK_OK(carat_sampler_accept(s, 3, CARAT_TOKEN_GENERATED, error), error);
  CHECK_ERROR(CARAT_INVALID_ARGUMENT, "origin is 2", carat_sampler_accept(s, 3, 2, error), error);
  CHECK_OK(carat_sampler_clone(s, &copy, error), error);
  CHECK_OK(carat_sampler_reset(s, error), error);
  size_t left = apply(copy, "penalties", items, &selected);
  CHECK(logit_of(items, left, 2) == 1.0f);                     // 2 / 2
  CHECK(logit_of(items, left, 3) == 1.5f - 2 * 0.25f - 0.5f);  // 3 / 2, generated twice
  left = apply(s, "penalties", items, &selected);
  CHECK(logit_of(items, left, 2) == 2.0f && logit_of(items, left, 3) == 3.0f);
  carat_error_free(error);
}

// A host's sampler that forbids one token and counts what happens to it.
typedef struct counts {
  int applied, accepted, reset, cloned, released;
  int32_t last_token;
  carat_token_origin last_origin;
} counts;

typedef struct forbid {
  int32_t token;
  counts* counts;
  carat_status fail_with;
  const char* sentence;
} forbid;

static carat_status forbid_apply(void* user_data, carat_candidates* list, carat_error* error) {
  forbid* self = user_data;
  ++self->counts->applied;
  if (self->fail_with != CARAT_OK) {
    const char* sentence = self->sentence;
    if (sentence != NULL) return carat_error_set(error, self->fail_with, sentence, strlen(sentence));
    return self->fail_with;
  }
  carat_candidate* items = carat_candidates_data(list);
  size_t kept = 0;
  for (size_t i = 0; i < carat_candidates_size(list); ++i) {
    if (items[i].token != self->token) items[kept++] = items[i];
  }
  carat_candidates_truncate(list, kept);
  carat_candidates_free(list);  // carat's own: nothing happens
  return CARAT_OK;
}

static void forbid_accept(void* user_data, int32_t token, carat_token_origin origin) {
  forbid* self = user_data;
  ++self->counts->accepted;
  self->counts->last_token = token;
  self->counts->last_origin = origin;
}

static void forbid_reset(void* user_data) {
  ++((forbid*)user_data)->counts->reset;
}

static carat_status forbid_clone(void* user_data, void** copy, carat_error* error) {
  forbid* self = user_data;
  forbid* made = malloc(sizeof *made);
  if (made == NULL) return carat_error_set(error, CARAT_RESOURCE_EXHAUSTED, "forbid: no memory", 17);
  *made = *self;
  ++self->counts->cloned;
  *copy = made;
  return CARAT_OK;
}

static void forbid_release(void* user_data) {
  ++((forbid*)user_data)->counts->released;
  free(user_data);
}

static carat_sampler* new_forbid(int32_t token, counts* c, forbid** inside) {
  carat_error* error = carat_error_new();
  char name[] = "forbid";
  carat_sampler_functions functions;
  CHECK(carat_sampler_functions_init(&functions, sizeof functions) == CARAT_OK);
  functions.name = name;
  functions.name_size = 6;
  functions.apply = forbid_apply;
  functions.accept = forbid_accept;
  functions.reset = forbid_reset;
  functions.clone = forbid_clone;
  functions.release = forbid_release;
  forbid* data = malloc(sizeof *data);
  CHECK(data != NULL);
  *data = (forbid){token, c, CARAT_OK, NULL};
  carat_sampler* sampler = NULL;
  CHECK_OK(carat_sampler_new(&functions, data, &sampler, error), error);
  name[0] = '?';  // it was copied
  if (inside != NULL) *inside = data;
  carat_error_free(error);
  return sampler;
}

static void host_sampler_alone(void) {
  carat_error* error = carat_error_new();
  carat_candidate items[4];
  int32_t selected = -1;
  counts c = {0};
  carat_sampler* sampler = new_forbid(3, &c, NULL);
  carat_sampler* copy = NULL;
  CHECK_OK(carat_sampler_accept(sampler, 7, CARAT_TOKEN_PROMPT, error), error);
  CHECK(c.accepted == 1 && c.last_token == 7 && c.last_origin == CARAT_TOKEN_PROMPT);
  CHECK_OK(carat_sampler_reset(sampler, error), error);
  CHECK_OK(carat_sampler_clone(sampler, &copy, error), error);
  CHECK(apply(sampler, "forbid", items, &selected) == 3);
  CHECK(c.released == 1);
  CHECK(apply(copy, "forbid", items, &selected) == 3);
  CHECK(c.applied == 2 && c.reset == 1 && c.cloned == 1 && c.released == 2);

  carat_sampler_functions functions;
  CHECK(carat_sampler_functions_init(&functions, sizeof functions) == CARAT_OK);
  CHECK_ERROR(CARAT_INVALID_ARGUMENT, "apply is NULL", carat_sampler_new(&functions, NULL, &sampler, error),
              error);
  CHECK_ERROR(CARAT_INVALID_ARGUMENT, "carat_sampler_functions is NULL",
              carat_sampler_new(NULL, NULL, &sampler, error), error);
  // Only apply: the others do nothing, and cannot clone.
  forbid plain = {1, &c, CARAT_OK, NULL};
  functions.apply = forbid_apply;
  CHECK_OK(carat_sampler_new(&functions, &plain, &sampler, error), error);
  CHECK_OK(carat_sampler_accept(sampler, 1, CARAT_TOKEN_GENERATED, error), error);
  CHECK_OK(carat_sampler_reset(sampler, error), error);
  CHECK_ERROR(CARAT_UNIMPLEMENTED, "'host'", carat_sampler_clone(sampler, &copy, error), error);
  CHECK(copy == NULL);
  CHECK(apply(sampler, "host", items, &selected) == 3);
  CHECK(c.accepted == 1 && c.released == 2);
  carat_error_free(error);
}

static void check_name(const carat_sampler_chain* chain, size_t index, const char* name) {
  size_t size = 0;
  const char* found = carat_sampler_chain_name(chain, index, &size);
  CHECK(size == strlen(name) && memcmp(found, name, size) == 0);
}

static int32_t sample(carat_sampler_chain* chain) {
  carat_error* error = carat_error_new();
  static const float logits[] = {0, 1, 2, 3};
  int32_t token = -5;
  CHECK_OK(carat_sampler_chain_sample(chain, logits, 4, &token, error), error);
  CHECK_OK(carat_sampler_chain_accept(chain, token, CARAT_TOKEN_GENERATED, error), error);
  carat_error_free(error);
  return token;
}

static void chains(void) {
  carat_error* error = carat_error_new();
  counts c = {0};
  forbid* inside = NULL;
  carat_sampler* own = new_forbid(3, &c, &inside);
  carat_sampler* greedy = NULL;
  carat_sampler_chain* chain = NULL;
  carat_sampler_chain* copy = NULL;
  int32_t token = 0;
  static const float logits[] = {0, 1, 2, 3};
  CHECK_OK(carat_sampler_new_greedy(&greedy, error), error);
  CHECK_OK(carat_sampler_chain_new_empty(&chain, error), error);
  CHECK(carat_sampler_chain_size(chain) == 0);
  CHECK_STATUS(CARAT_FAILED_PRECONDITION, carat_sampler_chain_sample(chain, logits, 4, &token, error), error);
  CHECK(token == -1);
  CHECK_OK(carat_sampler_chain_append(chain, greedy, error), error);
  CHECK(sample(chain) == 3);

  CHECK_STATUS(CARAT_OUT_OF_RANGE, carat_sampler_chain_insert(chain, 2, own, error), error);
  CHECK_OK(carat_sampler_chain_insert(chain, 0, own, error), error);  // it is still there
  CHECK(carat_sampler_chain_size(chain) == 2);
  check_name(chain, 0, "forbid");
  check_name(chain, 1, "greedy");
  check_name(chain, 2, "");
  CHECK(sample(chain) == 2 && c.applied == 1 && c.last_token == 2);

  // The handles are empty shells now.
  size_t name_size = 9;
  CHECK(strcmp(carat_sampler_name(own, &name_size), "") == 0 && name_size == 0);
  CHECK_ERROR(CARAT_FAILED_PRECONDITION, "went into a chain", carat_sampler_reset(own, error), error);
  CHECK_STATUS(CARAT_FAILED_PRECONDITION, carat_sampler_chain_append(chain, own, error), error);
  carat_sampler_free(own);
  carat_sampler_free(greedy);
  CHECK(c.released == 0);

  CHECK_OK(carat_sampler_chain_clone(chain, &copy, error), error);
  CHECK_OK(carat_sampler_chain_reset(chain, error), error);
  CHECK(c.cloned == 1 && c.reset == 1);
  // What a host's sampler says is what the caller hears.
  inside->fail_with = CARAT_UNAVAILABLE;
  inside->sentence = "the moon is down";
  CHECK_ERROR(CARAT_UNAVAILABLE, "the moon is down",
              carat_sampler_chain_sample(chain, logits, 4, &token, error), error);
  inside->sentence = NULL;
  CHECK_ERROR(CARAT_UNAVAILABLE, "forbid", carat_sampler_chain_sample(chain, logits, 4, &token, error),
              error);
  inside->fail_with = 4711;
  CHECK_ERROR(CARAT_INTERNAL, "4711", carat_sampler_chain_sample(chain, logits, 4, &token, error), error);
  carat_sampler_chain_free(chain);
  CHECK(c.released == 1);
  CHECK(sample(copy) == 2);
  carat_sampler_chain_free(copy);
  CHECK(c.released == 2);
  carat_error_free(error);
}

static void chains_from_options(void) {
  carat_error* error = carat_error_new();
  carat_sampling_options options;
  carat_sampler_chain* a = NULL;
  carat_sampler_chain* b = NULL;
  CHECK(carat_sampling_options_init(&options, sizeof options) == CARAT_OK);
  options.seed = 11;
  options.temperature = 2;
  carat_logit_bias bias = {2, -INFINITY};
  options.logit_bias = &bias;
  options.logit_bias_count = 1;
  CHECK_OK(carat_sampler_chain_new(&options, &a, error), error);
  bias = (carat_logit_bias){0, 100};  // it was copied
  int seen[4] = {0, 0, 0, 0};
  int32_t first[64];
  for (int i = 0; i < 64; ++i) ++seen[first[i] = sample(a)];
  CHECK(seen[2] == 0 && seen[0] > 0 && seen[1] > 0 && seen[3] > seen[1]);
  // Reset, a clone and the same seed: the same tokens.
  CHECK_OK(carat_sampler_chain_reset(a, error), error);
  CHECK_OK(carat_sampler_chain_clone(a, &b, error), error);
  for (int i = 0; i < 64; ++i) CHECK(sample(a) == first[i] && sample(b) == first[i]);
  carat_sampler_chain_free(a);
  carat_sampler_chain_free(b);

  options.temperature = 0;
  options.logit_bias_count = 0;
  options.logit_bias = NULL;
  CHECK_OK(carat_sampler_chain_new(&options, &a, error), error);
  CHECK(sample(a) == 3);
  int32_t token = 0;
  const float not_a_number[] = {0, NAN, 1};
  CHECK_STATUS(CARAT_INVALID_ARGUMENT, carat_sampler_chain_sample(a, not_a_number, 3, &token, error), error);
  CHECK_STATUS(CARAT_INVALID_ARGUMENT, carat_sampler_chain_sample(a, NULL, 0, &token, error), error);
  CHECK_ERROR(CARAT_INVALID_ARGUMENT, "logits is NULL", carat_sampler_chain_sample(a, NULL, 3, &token, error),
              error);
  CHECK_ERROR(CARAT_INVALID_ARGUMENT, "impossible",
              carat_sampler_chain_sample(a, not_a_number, (size_t)-1 / 2, &token, error), error);
  CHECK_STATUS(CARAT_INVALID_ARGUMENT, carat_sampler_chain_accept(a, 0, -1, error), error);
  carat_sampler_chain_free(a);

  options.top_p = 2;
  CHECK_ERROR(CARAT_INVALID_ARGUMENT, "top_p", carat_sampler_chain_new(&options, &a, error), error);
  CHECK(a == NULL);
  carat_error_free(error);
}

// A sampler that uses the chain that it is in.
typedef struct meddler {
  carat_sampler_chain* chain;
  carat_status seen;
} meddler;

static carat_status meddle(void* user_data, carat_candidates* list, carat_error* error) {
  meddler* self = user_data;
  (void)list;
  (void)error;
  self->seen = carat_sampler_chain_reset(self->chain, NULL);
  carat_sampler_chain_free(self->chain);
  self->chain = NULL;
  return CARAT_OK;
}

static void callbacks_may_not_change_but_may_free(void) {
  carat_error* error = carat_error_new();
  meddler m = {NULL, CARAT_OK};
  carat_sampler_functions functions;
  CHECK(carat_sampler_functions_init(&functions, sizeof functions) == CARAT_OK);
  functions.apply = meddle;
  carat_sampler* sampler = NULL;
  carat_sampler* greedy = NULL;
  CHECK_OK(carat_sampler_new(&functions, &m, &sampler, error), error);
  CHECK_OK(carat_sampler_new_greedy(&greedy, error), error);
  CHECK_OK(carat_sampler_chain_new_empty(&m.chain, error), error);
  CHECK_OK(carat_sampler_chain_append(m.chain, sampler, error), error);
  CHECK_OK(carat_sampler_chain_append(m.chain, greedy, error), error);
  carat_sampler_free(sampler);
  carat_sampler_free(greedy);
  static const float logits[] = {0, 5, 2};
  int32_t token = -1;
  CHECK_OK(carat_sampler_chain_sample(m.chain, logits, 3, &token, error), error);
  CHECK(token == 1 && m.seen == CARAT_FAILED_PRECONDITION && m.chain == NULL);
  carat_error_free(error);
}

int main(void) {
  candidates();
  built_in();
  penalties_remember();
  host_sampler_alone();
  chains();
  chains_from_options();
  callbacks_may_not_change_but_may_free();
  return 0;
}
