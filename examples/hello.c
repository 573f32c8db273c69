// Lesson 1, in C: open a checkpoint, ask it something, and print the answer as it comes.
//
//   hello_c MODEL [QUESTION]
#include <carat.h>
#include <stdio.h>
#include <string.h>

static int32_t print_step(void* user_data, const carat_generation_step* step) {
  (void)user_data;
  fwrite(step->text, 1, step->text_size, stdout);
  return fflush(stdout) == 0;  // 0 would stop it
}

int main(int argc, char** argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: %s MODEL [QUESTION]\n", argv[0]);
    return 2;
  }
  // Gemma's form of a question.
  char question[1000];
  snprintf(question, sizeof question, "<bos><|turn>user\n%s<turn|>\n<|turn>model\n",
           argc > 2 ? argv[2] : "Who are you?");

  // Structs are prepared by their init function; then the host changes what it likes. parse_special makes
  // "<|turn>" the control token; text that a user typed should be encoded without it.
  carat_encode_options encode;
  carat_encode_options_init(&encode, sizeof encode);
  encode.parse_special = 1;
  carat_sampling_options greedy;
  carat_sampling_options_init(&greedy, sizeof greedy);
  greedy.temperature = 0;
  carat_generation_options options;
  carat_generation_options_init(&options, sizeof options);
  options.sampling = &greedy;  // without this line, as the checkpoint recommends
  options.max_new_tokens = 200;

  // A NULL handle is an error, not a crash, so a row of calls needs one check.
  carat_error* error = carat_error_new();
  carat_model* model = NULL;
  carat_tokenizer* tokenizer = NULL;
  carat_tokens* prompt = NULL;
  carat_session* session = NULL;
  int ok =
      carat_model_load(argv[1], strlen(argv[1]), NULL, &model, error) == CARAT_OK &&
      carat_model_tokenizer(model, &tokenizer, error) == CARAT_OK &&
      carat_tokenizer_encode(tokenizer, question, strlen(question), &encode, &prompt, error) == CARAT_OK &&
      carat_session_new(model, NULL, &session, error) == CARAT_OK &&
      carat_generate(session, carat_tokens_data(prompt), carat_tokens_size(prompt), &options, print_step,
                     NULL, NULL, error) == CARAT_OK;
  if (ok) printf("\n");
  if (!ok)
    fprintf(stderr, "%s: %s\n", carat_status_name(carat_error_code(error)), carat_error_message(error));
  carat_model_free(model);  // in any order: the session keeps what it needs
  carat_tokenizer_free(tokenizer);
  carat_tokens_free(prompt);
  carat_session_free(session);
  carat_error_free(error);
  return ok ? 0 : 1;
}
