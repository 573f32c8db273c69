// Reads what the reference computed, for the C tests.
#ifndef CARAT_TESTS_CAPI_GOLDEN_H_
#define CARAT_TESTS_CAPI_GOLDEN_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// One case: a prompt, and what comes out of it. Owned by golden_free.
typedef struct golden {
  char kind[32];  // the case's name, or the demo's kind
  int32_t* prompt;
  size_t prompt_count;
  float* logits;  // [logit_rows, vocabulary], of the last positions of the prompt
  size_t logit_rows;
  size_t vocabulary;
  float* hidden;  // [hidden_layers, prompt_count, hidden_size], or NULL
  size_t hidden_layers;
  size_t hidden_size;
  int32_t* greedy;
  size_t greedy_count;
  double* margins;  // [greedy_count], or NULL
} golden;

// The case of that name in FOLDER/golden.safetensors and FOLDER/cases.json. Ends the program if it is not
// there.
golden* golden_read(const char* folder, const char* name);

// The index-th case of FOLDER/expected.json; NULL beyond the last. It has no logits.
golden* golden_read_expected(const char* folder, size_t index);

void golden_free(golden* g);

#ifdef __cplusplus
}
#endif

#endif  // CARAT_TESTS_CAPI_GOLDEN_H_
