// A picture and a question about it, in C.
//
//   describe_image_c MODEL_FOLDER PICTURE [QUESTION]
#include <carat.h>
#include <carat_media.h>
#include <stdio.h>
#include <string.h>

static int32_t print_piece(void* user_data, const carat_generation_step* step) {
  (void)user_data;
  fwrite(step->text, 1, step->text_size, stdout);
  return 1;  // go on
}

int main(int argc, char** argv) {
  if (argc < 3) return fprintf(stderr, "usage: describe_image_c MODEL_FOLDER PICTURE [QUESTION]\n"), 2;
  const char* question = argc > 3 ? argv[3] : "Describe this image.";
  carat_error* error = carat_error_new();
  carat_model* model = NULL;
  carat_picture* picture = NULL;
  carat_soft_tokens* seen = NULL;
  carat_prompt* prompt = NULL;
  carat_session* session = NULL;
  carat_encode_options control;
  carat_sampling_options greedy;
  carat_generation_options options;
  carat_encode_options_init(&control, sizeof control);
  control.parse_special = 1;
  carat_sampling_options_init(&greedy, sizeof greedy);
  greedy.temperature = 0;
  carat_generation_options_init(&options, sizeof options);
  options.sampling = &greedy;

  // Each call is made only if those before it succeeded; every handle may be freed, made or not.
  int ok = carat_model_load(argv[1], strlen(argv[1]), NULL, &model, error) == CARAT_OK &&
           carat_picture_read(argv[2], strlen(argv[2]), &picture, error) == CARAT_OK;
  int32_t width = 0;
  int32_t height = 0;
  const uint8_t* rgb = carat_picture_pixels(picture, &width, &height);
  ok = ok &&
       carat_encode_image(model, rgb, width, height, 3 * (int64_t)width, NULL, &seen, error) == CARAT_OK &&
       carat_prompt_new(model, &prompt, error) == CARAT_OK &&
       carat_prompt_add_text(prompt, "<bos><|turn>user\n", 17, &control, error) == CARAT_OK &&
       carat_prompt_add_media(prompt, seen, error) == CARAT_OK &&
       carat_prompt_add_text(prompt, question, strlen(question), NULL, error) == CARAT_OK &&
       carat_prompt_add_text(prompt, "<turn|>\n<|turn>model\n", 21, &control, error) == CARAT_OK &&
       carat_session_new(model, NULL, &session, error) == CARAT_OK &&
       carat_generate_prompt(session, prompt, &options, print_piece, NULL, NULL, error) == CARAT_OK;
  if (ok) puts("");
  if (!ok) fprintf(stderr, "%s\n", carat_error_message(error));
  carat_session_free(session);
  carat_prompt_free(prompt);
  carat_soft_tokens_free(seen);
  carat_picture_free(picture);
  carat_model_free(model);
  carat_error_free(error);
  return ok ? 0 : 1;
}
