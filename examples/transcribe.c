// Speech to text, in C.
//
//   transcribe_c MODEL_FOLDER SOUND_FILE
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
  if (argc != 3) return fprintf(stderr, "usage: transcribe_c MODEL_FOLDER SOUND_FILE\n"), 2;
  carat_error* error = carat_error_new();
  carat_model* model = NULL;
  carat_sound* sound = NULL;
  carat_soft_tokens* heard = NULL;
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
           carat_sound_read(argv[2], strlen(argv[2]), &sound, error) == CARAT_OK;
  int64_t frames = 0;
  int32_t channels = 0;
  int32_t rate = 0;
  const float* samples = carat_sound_samples(sound, &frames, &channels, &rate);
  ok = ok && carat_encode_audio(model, samples, frames, channels, rate, NULL, &heard, error) == CARAT_OK &&
       carat_prompt_new(model, &prompt, error) == CARAT_OK &&
       carat_prompt_add_text(prompt, "<bos><|turn>user\n", 17, &control, error) == CARAT_OK &&
       carat_prompt_add_media(prompt, heard, error) == CARAT_OK &&
       carat_prompt_add_text(prompt, "Transcribe the speech.<turn|>\n<|turn>model\n", 43, &control, error) ==
           CARAT_OK &&
       carat_session_new(model, NULL, &session, error) == CARAT_OK &&
       carat_generate_prompt(session, prompt, &options, print_piece, NULL, NULL, error) == CARAT_OK;
  if (ok) puts("");
  if (!ok) fprintf(stderr, "%s\n", carat_error_message(error));
  carat_session_free(session);
  carat_prompt_free(prompt);
  carat_soft_tokens_free(heard);
  carat_sound_free(sound);
  carat_model_free(model);
  carat_error_free(error);
  return ok ? 0 : 1;
}
