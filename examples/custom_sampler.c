// Lesson 2, in C: a sampler of your own in the chain, as a struct of functions. This one forbids a letter, so
// that a model that knows a verse by heart has to find other words.
//
//   custom_sampler_c MODEL [PROMPT]
#include <carat.h>
#include <stdio.h>
#include <string.h>

// Drops every candidate token whose text has an h in it. user_data is the tokenizer.
static carat_status without_h(void* user_data, carat_candidates* candidates, carat_error* error) {
  (void)error;
  carat_candidate* items = carat_candidates_data(candidates);
  size_t kept = 0, size = 0;
  for (size_t i = 0; i < carat_candidates_size(candidates); ++i) {
    const char* piece = carat_tokenizer_piece(user_data, items[i].token, &size);
    if (memchr(piece, 'h', size) == NULL) items[kept++] = items[i];
  }
  carat_candidates_truncate(candidates, kept);
  return CARAT_OK;
}

int main(int argc, char** argv) {
  const char* folder = argc > 1 ? argv[1] : ".";
  const char* text = argc > 2 ? argv[2] : "The LORD is my shepherd;";
  carat_encode_options encode;
  carat_encode_options_init(&encode, sizeof encode);
  encode.add_bos = 1;
  carat_generation_options options;
  carat_generation_options_init(&options, sizeof options);
  options.max_new_tokens = 24;
  carat_sampler_functions functions;
  carat_sampler_functions_init(&functions, sizeof functions);
  functions.apply = without_h;

  carat_error* error = carat_error_new();
  carat_model* model = NULL;
  carat_tokenizer* tokenizer = NULL;
  carat_tokens* prompt = NULL;
  carat_session* session = NULL;
  carat_sampler *own = NULL, *greedy = NULL;
  carat_generation_result* result = NULL;
  int ok = carat_model_load(folder, strlen(folder), NULL, &model, error) == CARAT_OK &&
           carat_model_tokenizer(model, &tokenizer, error) == CARAT_OK &&
           carat_tokenizer_encode(tokenizer, text, strlen(text), &encode, &prompt, error) == CARAT_OK &&
           carat_session_new(model, NULL, &session, error) == CARAT_OK &&
           carat_sampler_new(&functions, tokenizer, &own, error) == CARAT_OK &&
           carat_sampler_new_greedy(&greedy, error) == CARAT_OK &&
           carat_sampler_chain_new_empty(&options.chain, error) == CARAT_OK &&
           carat_sampler_chain_append(options.chain, own, error) == CARAT_OK &&
           carat_sampler_chain_append(options.chain, greedy, error) == CARAT_OK &&
           carat_generate(session, carat_tokens_data(prompt), carat_tokens_size(prompt), &options, NULL, NULL,
                          &result, error) == CARAT_OK;
  if (ok) printf("%s\n", carat_generation_result_text(result));
  if (!ok) fprintf(stderr, "%s\n", carat_error_message(error));
  carat_model_free(model), carat_tokenizer_free(tokenizer), carat_tokens_free(prompt);
  carat_session_free(session), carat_sampler_free(own), carat_sampler_free(greedy);
  carat_sampler_chain_free(options.chain), carat_generation_result_free(result), carat_error_free(error);
  return ok ? 0 : 1;
}
