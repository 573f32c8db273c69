// The tokenizer and the stream decoder.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

static const char kText[] = "Who are you? \xF0\x9F\x8E\x89 na\xC3\xAFve <turn|>";

static carat_tokens* encode(const carat_tokenizer* tokenizer, const char* text, int parse_special,
                            int add_bos) {
  carat_error* error = carat_error_new();
  carat_encode_options options;
  carat_tokens* tokens = NULL;
  CHECK(carat_encode_options_init(&options, sizeof options) == CARAT_OK);
  options.parse_special = parse_special;
  options.add_bos = add_bos;
  CHECK_OK(carat_tokenizer_encode(tokenizer, text, strlen(text), &options, &tokens, error), error);
  carat_error_free(error);
  return tokens;
}

static void check_text(const carat_string* string, const char* expected) {
  CHECK(carat_string_size(string) == strlen(expected));
  CHECK(strcmp(carat_string_data(string), expected) == 0);
}

static void there_and_back(const carat_tokenizer* tokenizer) {
  carat_error* error = carat_error_new();
  carat_tokens* plain = encode(tokenizer, kText, 0, 0);
  carat_tokens* parsed = encode(tokenizer, kText, 1, 1);
  const int32_t bos = carat_tokenizer_bos(tokenizer);
  const int32_t turn = carat_tokenizer_id_of(tokenizer, "<turn|>", 7);
  CHECK(bos >= 0 && turn >= 0);
  CHECK(carat_tokens_size(plain) > 2 && carat_tokens_size(parsed) > 2);
  // A user's "<turn|>" is text, unless special tokens are asked for.
  CHECK(carat_tokens_data(plain)[0] != bos);
  for (size_t i = 0; i < carat_tokens_size(plain); ++i) CHECK(carat_tokens_data(plain)[i] != turn);
  CHECK(carat_tokens_data(parsed)[0] == bos);
  CHECK(carat_tokens_data(parsed)[carat_tokens_size(parsed) - 1] == turn);

  carat_string* text = NULL;
  CHECK_OK(carat_tokenizer_decode(tokenizer, carat_tokens_data(plain), carat_tokens_size(plain), NULL, &text,
                                  error),
           error);
  check_text(text, kText);
  carat_string_free(text);

  carat_decode_options skip;
  CHECK(carat_decode_options_init(&skip, sizeof skip) == CARAT_OK);
  skip.skip_special = 1;
  CHECK_OK(carat_tokenizer_decode(tokenizer, carat_tokens_data(parsed), carat_tokens_size(parsed), &skip,
                                  &text, error),
           error);
  char without_turn[sizeof kText];
  memcpy(without_turn, kText, sizeof kText);
  without_turn[strlen(kText) - 7] = '\0';
  check_text(text, without_turn);
  carat_string_free(text);

  CHECK_OK(carat_tokenizer_decode(tokenizer, NULL, 0, NULL, &text, error), error);
  check_text(text, "");
  carat_string_free(text);
  const int32_t outside = carat_tokenizer_vocabulary_size(tokenizer);
  CHECK_STATUS(CARAT_OUT_OF_RANGE, carat_tokenizer_decode(tokenizer, &outside, 1, NULL, &text, error), error);
  CHECK(text == NULL);
  carat_tokens_free(plain);
  carat_tokens_free(parsed);
  carat_error_free(error);
}

static void pieces(const carat_tokenizer* tokenizer) {
  CHECK(carat_tokenizer_vocabulary_size(tokenizer) > 256);
  const int32_t bos = carat_tokenizer_bos(tokenizer);
  size_t size = 0;
  const char* piece = carat_tokenizer_piece(tokenizer, bos, &size);
  CHECK(size == 5 && memcmp(piece, "<bos>", 5) == 0);
  CHECK(carat_tokenizer_piece(tokenizer, bos, NULL) == piece);
  CHECK(carat_tokenizer_id_of(tokenizer, "<bos>", 5) == bos);
  CHECK(carat_tokenizer_id_of(tokenizer, "no such piece at all", 20) == -1);
  CHECK(carat_tokenizer_is_special(tokenizer, bos) == 1);
  carat_tokens* word = encode(tokenizer, "the", 0, 0);
  CHECK(carat_tokenizer_is_special(tokenizer, carat_tokens_data(word)[0]) == 0);
  carat_tokens_free(word);

  static const int32_t outside[] = {-1, INT32_MIN, INT32_MAX};
  for (size_t i = 0; i < 3; ++i) {
    piece = carat_tokenizer_piece(tokenizer, outside[i], &size);
    CHECK(piece != NULL && size == 0);
    CHECK(carat_tokenizer_is_special(tokenizer, outside[i]) == 0);
  }
}

static void streaming(const carat_tokenizer* tokenizer) {
  carat_error* error = carat_error_new();
  carat_tokens* tokens = encode(tokenizer, kText, 0, 0);
  carat_stream_decoder* decoder = NULL;
  char whole[200];
  CHECK_OK(carat_stream_decoder_new(tokenizer, NULL, &decoder, error), error);
  // Twice: after finish it is as new.
  for (int round = 0; round < 2; ++round) {
    size_t length = 0;
    const char* text = NULL;
    size_t size = 99;
    for (size_t i = 0; i < carat_tokens_size(tokens); ++i) {
      CHECK_OK(carat_stream_decoder_next(decoder, carat_tokens_data(tokens)[i], &text, &size, error), error);
      CHECK(strlen(text) == size && length + size < sizeof whole);
      // No piece begins in the middle of a character.
      CHECK(size == 0 || ((unsigned char)text[0] & 0xC0) != 0x80);
      memcpy(whole + length, text, size);
      length += size;
    }
    CHECK_STATUS(CARAT_OUT_OF_RANGE, carat_stream_decoder_next(decoder, -5, &text, &size, error), error);
    CHECK(text == NULL);
    CHECK_OK(carat_stream_decoder_finish(decoder, &text, &size, error), error);
    // What a piece of bytes at the end may have held back.
    memcpy(whole + length, text, size);
    whole[length + size] = '\0';
    CHECK(strcmp(whole, kText) == 0);
  }

  // Half a character is held back, and comes out as U+FFFD in the end.
  const int32_t half = carat_tokenizer_id_of(tokenizer, "<0xF0>", 6);
  if (half >= 0) {
    const char* text = NULL;
    size_t size = 99;
    CHECK_OK(carat_stream_decoder_next(decoder, half, &text, &size, error), error);
    CHECK(size == 0);
    CHECK_OK(carat_stream_decoder_finish(decoder, &text, &size, error), error);
    CHECK(strcmp(text, "\xEF\xBF\xBD") == 0);
  }
  carat_stream_decoder_free(decoder);
  carat_tokens_free(tokens);
  carat_error_free(error);
}

// The tokenizer's own loading gives what the model's does.
static void loading(const carat_tokenizer* of_model) {
  carat_error* error = carat_error_new();
  carat_tokenizer* loaded = NULL;
  CHECK_OK(carat_tokenizer_load(CARAT_DEMO_MODEL, strlen(CARAT_DEMO_MODEL), &loaded, error), error);
  CHECK(carat_tokenizer_vocabulary_size(loaded) == carat_tokenizer_vocabulary_size(of_model));
  carat_tokens* a = encode(loaded, kText, 1, 1);
  carat_tokens* b = encode(of_model, kText, 1, 1);
  CHECK(carat_tokens_size(a) == carat_tokens_size(b));
  CHECK(memcmp(carat_tokens_data(a), carat_tokens_data(b), 4 * carat_tokens_size(a)) == 0);
  carat_tokens_free(a);
  carat_tokens_free(b);
  carat_tokenizer_free(loaded);
  carat_error_free(error);
}

int main(void) {
  carat_error* error = carat_error_new();
  carat_model* model = open_demo();
  carat_tokenizer* tokenizer = NULL;
  carat_tokenizer* shared = NULL;
  CHECK_OK(carat_model_tokenizer(model, &tokenizer, error), error);
  carat_model_free(model);
  CHECK_OK(carat_tokenizer_share(tokenizer, &shared, error), error);
  carat_tokenizer_free(tokenizer);
  there_and_back(shared);
  pieces(shared);
  streaming(shared);
  loading(shared);
  carat_tokenizer_free(shared);
  carat_error_free(error);
  return 0;
}
