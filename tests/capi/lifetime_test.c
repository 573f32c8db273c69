// Handles freed in every order: whatever is freed first, the others still work.
#include <stdlib.h>
#include <string.h>

#include "check.h"

enum { kHandles = 7 };

typedef struct handles {
  carat_model* model;
  carat_tokenizer* tokenizer;
  carat_stream_decoder* decoder;
  carat_tensor_list* tensors;
  carat_session* session;
  carat_sampler_chain* chain;
  carat_generation* run;
} handles;

// All of them made from one model handle, with a generation at work.
static handles make(const carat_model* original, const carat_tokens* prompt, carat_error* error) {
  handles h = {0};
  carat_generation_options options;
  carat_generation_step step;
  CHECK(carat_generation_options_init(&options, sizeof options) == CARAT_OK);
  CHECK(carat_generation_step_init(&step, sizeof step) == CARAT_OK);
  CHECK_OK(carat_model_share(original, &h.model, error), error);
  CHECK_OK(carat_model_tokenizer(h.model, &h.tokenizer, error), error);
  CHECK_OK(carat_stream_decoder_new(h.tokenizer, NULL, &h.decoder, error), error);
  CHECK_OK(carat_model_tensors(h.model, &h.tensors, error), error);
  CHECK_OK(carat_session_new(h.model, NULL, &h.session, error), error);
  CHECK_OK(carat_sampler_chain_new(NULL, &h.chain, error), error);
  options.chain = h.chain;
  options.stop_at_model_stop_tokens = 0;
  CHECK_OK(carat_generation_start(h.session, carat_tokens_data(prompt), carat_tokens_size(prompt), &options,
                                  &h.run, error),
           error);
  CHECK_OK(carat_generation_next(h.run, &step, error), error);
  return h;
}

static void free_one(handles* h, int which) {
  switch (which) {
    case 0:
      carat_model_free(h->model);
      h->model = NULL;
      break;
    case 1:
      carat_tokenizer_free(h->tokenizer);
      h->tokenizer = NULL;
      break;
    case 2:
      carat_stream_decoder_free(h->decoder);
      h->decoder = NULL;
      break;
    case 3:
      carat_tensor_list_free(h->tensors);
      h->tensors = NULL;
      break;
    case 4:
      carat_session_free(h->session);
      h->session = NULL;
      break;
    case 5:
      carat_sampler_chain_free(h->chain);
      h->chain = NULL;
      break;
    default:
      carat_generation_free(h->run);
      h->run = NULL;
      break;
  }
}

static void use_what_is_left(handles* h, const carat_tokens* prompt, carat_error* error) {
  if (h->model != NULL) {
    carat_model_info info;
    CHECK(carat_model_info_init(&info, sizeof info) == CARAT_OK);
    CHECK_OK(carat_model_get_info(h->model, &info, error), error);
    CHECK(info.layers > 0);
  }
  if (h->tokenizer != NULL) CHECK(carat_tokenizer_bos(h->tokenizer) == carat_tokens_data(prompt)[0]);
  if (h->decoder != NULL) {
    const char* text = NULL;
    size_t size = 0;
    CHECK_OK(carat_stream_decoder_next(h->decoder, carat_tokens_data(prompt)[1], &text, &size, error), error);
  }
  if (h->tensors != NULL) CHECK(carat_tensor_list_size(h->tensors) > 0);
  if (h->session != NULL) CHECK(carat_session_position(h->session) > 0);
  if (h->chain != NULL) CHECK(carat_sampler_chain_size(h->chain) > 0);
  if (h->run != NULL) {
    carat_generation_step step;
    CHECK(carat_generation_step_init(&step, sizeof step) == CARAT_OK);
    CHECK_OK(carat_generation_next(h->run, &step, error), error);
    CHECK(step.token >= 0);
  }
}

static void free_nothing(void) {
  carat_error_free(NULL);
  carat_string_free(NULL);
  carat_tokens_free(NULL);
  carat_tokenizer_free(NULL);
  carat_stream_decoder_free(NULL);
  carat_model_free(NULL);
  carat_tensor_list_free(NULL);
  carat_candidates_free(NULL);
  carat_sampler_free(NULL);
  carat_sampler_chain_free(NULL);
  carat_session_free(NULL);
  carat_generation_free(NULL);
  carat_generation_result_free(NULL);
}

int main(void) {
  free_nothing();
  carat_error* error = carat_error_new();
  carat_model* original = open_demo();
  carat_tokens* prompt = encode_demo(original, "And it came to pass");
  // Every handle once as the first to go and once as the last, every pair in both orders: all rotations of
  // one order and of its reverse.
  for (int turned = 0; turned < 2; ++turned) {
    for (int first = 0; first < kHandles; ++first) {
      handles h = make(original, prompt, error);
      for (int i = 0; i < kHandles; ++i) {
        const int at = (first + i) % kHandles;
        free_one(&h, turned ? kHandles - 1 - at : at);
        use_what_is_left(&h, prompt, error);
      }
    }
  }
  // The last use of the weights, after the last handle that the host had to the model.
  handles h = make(original, prompt, error);
  carat_model_free(original);
  carat_model_free(h.model);
  h.model = NULL;
  use_what_is_left(&h, prompt, error);
  for (int i = 1; i < kHandles; ++i) free_one(&h, i);
  carat_tokens_free(prompt);
  carat_error_free(error);
  return 0;
}
