#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void check_failed(const char* file, int line, const char* what) {
  fprintf(stderr, "%s:%d: %s\n", file, line, what);
  exit(1);
}

void check_status(const char* file, int line, const char* what, carat_status expected, carat_status found,
                  const carat_error* error) {
  if (found != expected) {
    fprintf(stderr, "%s:%d: %s returned %s, but should return %s: %s\n", file, line, what,
            carat_status_name(found), carat_status_name(expected), carat_error_message(error));
    exit(1);
  }
  if (error == NULL) return;
  if (carat_error_code(error) != found) check_failed(file, line, "the error holds another code");
  if ((carat_error_message_size(error) == 0) != (found == CARAT_OK)) {
    check_failed(file, line, "there must be a sentence exactly if there is an error");
  }
}

void check_contains(const char* file, int line, const char* whole, const char* part) {
  if (strstr(whole, part) != NULL) return;
  fprintf(stderr, "%s:%d: '%s' does not contain '%s'\n", file, line, whole, part);
  exit(1);
}

carat_model* open_demo(void) {
  carat_error* error = carat_error_new();
  carat_model_options options;
  carat_model* model = NULL;
  CHECK(carat_model_options_init(&options, sizeof options) == CARAT_OK);
  options.threads = 2;
  options.precision = CARAT_PRECISION_FLOAT32;
  CHECK_OK(carat_model_load(CARAT_DEMO_MODEL, strlen(CARAT_DEMO_MODEL), &options, &model, error), error);
  carat_error_free(error);
  return model;
}

carat_tokens* encode_demo(const carat_model* model, const char* text) {
  carat_error* error = carat_error_new();
  carat_tokenizer* tokenizer = NULL;
  carat_tokens* tokens = NULL;
  carat_encode_options options;
  CHECK(carat_encode_options_init(&options, sizeof options) == CARAT_OK);
  options.add_bos = 1;
  CHECK_OK(carat_model_tokenizer(model, &tokenizer, error), error);
  CHECK_OK(carat_tokenizer_encode(tokenizer, text, strlen(text), &options, &tokens, error), error);
  carat_tokenizer_free(tokenizer);
  carat_error_free(error);
  return tokens;
}

carat_session* demo_session(int64_t context_size) {
  carat_error* error = carat_error_new();
  carat_model* model = open_demo();
  carat_session* session = NULL;
  carat_session_options options;
  CHECK(carat_session_options_init(&options, sizeof options) == CARAT_OK);
  options.context_size = context_size;
  CHECK_OK(carat_session_new(model, &options, &session, error), error);
  carat_model_free(model);
  carat_error_free(error);
  return session;
}
