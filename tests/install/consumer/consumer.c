/* A C program that uses the installed library: prints the number of layers, then the beginning of a text. */
#include <carat.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const char* text = "And it came to pass";
  carat_error* error = carat_error_new();
  carat_model* model = NULL;
  carat_tokenizer* tokenizer = NULL;
  carat_tokens* prompt = NULL;
  carat_session* session = NULL;
  carat_generation_result* result = NULL;
  carat_model_info info;
  carat_model_info_init(&info, sizeof info);
  carat_generation_options options;
  carat_generation_options_init(&options, sizeof options);
  options.max_new_tokens = 5;
  int ok = carat_model_load(argv[1], strlen(argv[1]), NULL, &model, error) == CARAT_OK &&
           carat_model_get_info(model, &info, error) == CARAT_OK &&
           carat_model_tokenizer(model, &tokenizer, error) == CARAT_OK &&
           carat_tokenizer_encode(tokenizer, text, strlen(text), NULL, &prompt, error) == CARAT_OK &&
           carat_session_new(model, NULL, &session, error) == CARAT_OK &&
           carat_generate(session, carat_tokens_data(prompt), carat_tokens_size(prompt), &options, NULL, NULL,
                          &result, error) == CARAT_OK;
  if (ok) printf("%d layers\n%s%s\n", (int)info.layers, text, carat_generation_result_text(result));
  if (!ok) fprintf(stderr, "%s\n", carat_error_message(error));
  carat_generation_result_free(result);
  carat_session_free(session);
  carat_tokens_free(prompt);
  carat_tokenizer_free(tokenizer);
  carat_model_free(model);
  carat_error_free(error);
  return ok ? 0 : 1;
}
