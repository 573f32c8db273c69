// Version, status names, error objects, strings and tokens.
#include <stdio.h>
#include <string.h>

#include "check.h"

static void versions(void) {
  char expected[32];
  snprintf(expected, sizeof expected, "%d.%d.%d", CARAT_VERSION_MAJOR, CARAT_VERSION_MINOR,
           CARAT_VERSION_PATCH);
  CHECK(strcmp(carat_version_string(), expected) == 0);
  CHECK(carat_abi_version() == CARAT_ABI_VERSION);
}

static void status_names(void) {
  CHECK(strcmp(carat_status_name(CARAT_OK), "OK") == 0);
  CHECK(strcmp(carat_status_name(CARAT_INVALID_ARGUMENT), "INVALID_ARGUMENT") == 0);
  CHECK(strcmp(carat_status_name(CARAT_UNAUTHENTICATED), "UNAUTHENTICATED") == 0);
  CHECK(strcmp(carat_status_name(17), "UNKNOWN") == 0);
  CHECK(strcmp(carat_status_name(-1), "UNKNOWN") == 0);
  CHECK(strcmp(carat_status_name(INT32_MIN), "UNKNOWN") == 0);
}

static void errors(void) {
  carat_error* error = carat_error_new();
  CHECK(error != NULL);
  CHECK(carat_error_code(error) == CARAT_OK);
  CHECK(carat_error_message_size(error) == 0);
  CHECK(strcmp(carat_error_message(error), "") == 0);

  CHECK(carat_error_set(error, CARAT_NOT_FOUND, "no such word", 7) == CARAT_NOT_FOUND);
  CHECK(carat_error_code(error) == CARAT_NOT_FOUND);
  CHECK(strcmp(carat_error_message(error), "no such") == 0);
  CHECK(carat_error_message_size(error) == 7);
  CHECK(carat_error_set(error, CARAT_ABORTED, NULL, 0) == CARAT_ABORTED);
  CHECK(strcmp(carat_error_message(error), "") == 0);
  CHECK(carat_error_set(NULL, CARAT_ABORTED, "x", 1) == CARAT_ABORTED);

  // A failing call fills it, and a call that succeeds clears it.
  carat_tokenizer* tokenizer = (carat_tokenizer*)error;
  CHECK_ERROR(CARAT_NOT_FOUND, "/nowhere/at/all",
              carat_tokenizer_load("/nowhere/at/all", 15, &tokenizer, error), error);
  CHECK(tokenizer == NULL);
  size_t count = 0;
  CHECK_OK(carat_available_instruction_sets(NULL, 0, &count, error), error);
  CHECK(carat_error_code(error) == CARAT_OK);
  CHECK(strcmp(carat_error_message(error), "") == 0);

  // Without an error object the code is there all the same.
  CHECK(carat_tokenizer_load("/nowhere/at/all", 15, &tokenizer, NULL) == CARAT_NOT_FOUND);
  carat_error_free(error);
}

static void null_is_answered(void) {
  carat_error_free(NULL);
  carat_string_free(NULL);
  carat_tokens_free(NULL);
  CHECK(carat_error_code(NULL) == CARAT_OK);
  CHECK(strcmp(carat_error_message(NULL), "") == 0);
  CHECK(carat_error_message_size(NULL) == 0);
  CHECK(strcmp(carat_string_data(NULL), "") == 0);
  CHECK(carat_string_size(NULL) == 0);
  CHECK(carat_tokens_data(NULL) == NULL);
  CHECK(carat_tokens_size(NULL) == 0);
}

int main(void) {
  versions();
  status_names();
  errors();
  null_is_answered();
  return 0;
}
