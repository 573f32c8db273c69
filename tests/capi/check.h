// What the C tests share: checks that end the program with a sentence, and the models they run on.
#ifndef CARAT_TESTS_CAPI_CHECK_H_
#define CARAT_TESTS_CAPI_CHECK_H_

#include <carat.h>
#include <stddef.h>
#include <stdint.h>

// Prints where and what, and exits with 1.
_Noreturn void check_failed(const char* file, int line, const char* what);

#define CHECK(condition)                                            \
  do {                                                              \
    if (!(condition)) check_failed(__FILE__, __LINE__, #condition); \
  } while (0)

// The call must return `expected`; the error that it was given must say the same.
#define CHECK_STATUS(expected, call, error) \
  check_status(__FILE__, __LINE__, #call, (expected), (call), (error))
#define CHECK_OK(call, error) CHECK_STATUS(CARAT_OK, call, error)
void check_status(const char* file, int line, const char* what, carat_status expected, carat_status found,
                  const carat_error* error);

// As CHECK_STATUS, and the sentence must contain `text`.
#define CHECK_ERROR(expected, text, call, error)                            \
  do {                                                                      \
    CHECK_STATUS(expected, call, error);                                    \
    check_contains(__FILE__, __LINE__, carat_error_message(error), (text)); \
  } while (0)
void check_contains(const char* file, int line, const char* whole, const char* part);

// The demo checkpoint, opened with 2 threads, and text as its ids, <bos> in front.
carat_model* open_demo(void);
carat_tokens* encode_demo(const carat_model* model, const char* text);

// A session on the demo checkpoint; the model's handle is freed already.
carat_session* demo_session(int64_t context_size);

#endif  // CARAT_TESTS_CAPI_CHECK_H_
