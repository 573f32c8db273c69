// Structs with struct_size: init functions, headers older and newer than the library, sizes that are wrong.
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

typedef carat_status (*init_function)(void* target, size_t struct_size);

// One wrapper for each init function, so that a table of them is plain C.
#define WRAP(name)                                             \
  static carat_status init_##name(void* target, size_t size) { \
    return carat_##name##_init((carat_##name*)target, size);   \
  }
WRAP(encode_options)
WRAP(decode_options)
WRAP(sampling_options)
WRAP(task_runner)
WRAP(model_options)
WRAP(quantize_options)
WRAP(model_info)
WRAP(tensor_info)
WRAP(session_options)
WRAP(memory_needs)
WRAP(sampler_functions)
WRAP(prefill_options)
WRAP(rewind_result)
WRAP(generation_options)
WRAP(generation_step)
WRAP(generation_stats)
WRAP(json_schema_options)
WRAP(tool_grammar_options)
WRAP(constraint_options)

static void every_init_function(void) {
  static const struct {
    init_function init;
    size_t size;
  } all[] = {
      {init_encode_options, sizeof(carat_encode_options)},
      {init_decode_options, sizeof(carat_decode_options)},
      {init_sampling_options, sizeof(carat_sampling_options)},
      {init_task_runner, sizeof(carat_task_runner)},
      {init_model_options, sizeof(carat_model_options)},
      {init_quantize_options, sizeof(carat_quantize_options)},
      {init_model_info, sizeof(carat_model_info)},
      {init_tensor_info, sizeof(carat_tensor_info)},
      {init_session_options, sizeof(carat_session_options)},
      {init_memory_needs, sizeof(carat_memory_needs)},
      {init_sampler_functions, sizeof(carat_sampler_functions)},
      {init_prefill_options, sizeof(carat_prefill_options)},
      {init_rewind_result, sizeof(carat_rewind_result)},
      {init_generation_options, sizeof(carat_generation_options)},
      {init_generation_step, sizeof(carat_generation_step)},
      {init_generation_stats, sizeof(carat_generation_stats)},
      {init_json_schema_options, sizeof(carat_json_schema_options)},
      {init_tool_grammar_options, sizeof(carat_tool_grammar_options)},
      {init_constraint_options, sizeof(carat_constraint_options)},
  };
  for (size_t i = 0; i < sizeof all / sizeof all[0]; ++i) {
    // Exactly as many bytes as are said are written, from the heap so that a sanitizer sees more.
    unsigned char* target = malloc(all[i].size);
    memset(target, 0xAA, all[i].size);
    CHECK(all[i].init(target, all[i].size) == CARAT_OK);
    size_t stored = 0;
    memcpy(&stored, target, sizeof stored);
    CHECK(stored == all[i].size);
    free(target);

    // A newer header's larger struct: what this library does not know is 0.
    const size_t larger = all[i].size + 24;
    target = malloc(larger);
    memset(target, 0xAA, larger);
    CHECK(all[i].init(target, larger) == CARAT_OK);
    memcpy(&stored, target, sizeof stored);
    CHECK(stored == larger);
    for (size_t k = all[i].size; k < larger; ++k) CHECK(target[k] == 0);
    free(target);

    CHECK(all[i].init(NULL, all[i].size) == CARAT_INVALID_ARGUMENT);
    size_t small = 0;
    CHECK(all[i].init(&small, 0) == CARAT_INVALID_ARGUMENT);
    CHECK(all[i].init(&small, sizeof small) == CARAT_INVALID_ARGUMENT);
    CHECK(all[i].init(&small, (size_t)-1) == CARAT_INVALID_ARGUMENT);
    CHECK(small == 0);
  }
}

static void defaults(void) {
  carat_sampling_options sampling;
  CHECK(carat_sampling_options_init(&sampling, sizeof sampling) == CARAT_OK);
  CHECK(sampling.temperature == 1 && sampling.top_k == 0 && sampling.top_p == 1 && sampling.min_p == 0);
  CHECK(sampling.typical_p == 1 && sampling.repetition_penalty == 1 && sampling.frequency_penalty == 0);
  CHECK(sampling.presence_penalty == 0 && sampling.penalty_window == 0 && sampling.seed == 0);
  CHECK(sampling.logit_bias == NULL && sampling.logit_bias_count == 0);
  carat_generation_options generation;
  CHECK(carat_generation_options_init(&generation, sizeof generation) == CARAT_OK);
  CHECK(generation.max_new_tokens == -1 && generation.stop_at_model_stop_tokens == 1);
  CHECK(generation.sampling == NULL && generation.chain == NULL && generation.top_logprobs == 0);
  carat_sampler_functions functions;
  CHECK(carat_sampler_functions_init(&functions, sizeof functions) == CARAT_OK);
  CHECK(functions.name_size == 4 && memcmp(functions.name, "host", 4) == 0);
  CHECK(functions.apply == NULL && functions.clone == NULL);
}

// A struct as a later header might have it.
typedef struct newer_sampling_options {
  carat_sampling_options known;
  int64_t unknown;
} newer_sampling_options;

static void a_newer_header(void) {
  carat_error* error = carat_error_new();
  carat_sampler_chain* chain = NULL;
  newer_sampling_options options;
  CHECK(carat_sampling_options_init(&options.known, sizeof options) == CARAT_OK);
  CHECK_OK(carat_sampler_chain_new(&options.known, &chain, error), error);
  carat_sampler_chain_free(chain);
  // And one of before: what lies behind it is not looked at.
  options.known.constraint = (const carat_constraint*)&options;
  options.known.struct_size = offsetof(carat_sampling_options, constraint);
  CHECK_OK(carat_sampler_chain_new(&options.known, &chain, error), error);
  carat_sampler_chain_free(chain);
  CHECK(carat_sampling_options_init(&options.known, sizeof options) == CARAT_OK);
  options.unknown = 7;
  CHECK_ERROR(CARAT_INVALID_ARGUMENT, "the header is newer",
              carat_sampler_chain_new(&options.known, &chain, error), error);
  CHECK(chain == NULL);
  carat_error_free(error);
}

static void wrong_sizes(void) {
  carat_error* error = carat_error_new();
  carat_sampler_chain* chain = NULL;
  carat_sampling_options options;
  // The first version of the struct ended before `constraint`.
  static const size_t wrong[] = {0, 1, offsetof(carat_sampling_options, constraint) - 1, 1025, (size_t)-1};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; ++i) {
    CHECK(carat_sampling_options_init(&options, sizeof options) == CARAT_OK);
    options.struct_size = wrong[i];
    CHECK_ERROR(CARAT_INVALID_ARGUMENT, "carat_sampling_options_init sets it",
                carat_sampler_chain_new(&options, &chain, error), error);
  }
  CHECK(carat_sampling_options_init(&options, sizeof options) == CARAT_OK);
  options.reserved = 1;
  CHECK_ERROR(CARAT_INVALID_ARGUMENT, "reserved", carat_sampler_chain_new(&options, &chain, error), error);
  CHECK(chain == NULL);
  carat_error_free(error);
}

int main(void) {
  every_init_function();
  defaults();
  a_newer_header();
  wrong_sizes();
  return 0;
}
