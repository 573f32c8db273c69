// Opening models, what they say about themselves, progress, log, and the host's task runner.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

#define TINY CARAT_TEST_DATA "/tiny-e2b"

static carat_model* open_tiny(const carat_model_options* options) {
  carat_error* error = carat_error_new();
  carat_model* model = NULL;
  CHECK_OK(carat_model_load(TINY, strlen(TINY), options, &model, error), error);
  carat_error_free(error);
  return model;
}

static void info(const carat_model* model) {
  carat_error* error = carat_error_new();
  carat_model_info info;
  CHECK(carat_model_info_init(&info, sizeof info) == CARAT_OK);
  CHECK_OK(carat_model_get_info(model, &info, error), error);
  CHECK(strcmp(info.path, TINY) == 0 && info.path_size == strlen(TINY));
  CHECK(strcmp(info.architecture, "gemma4") == 0 && info.architecture_size == 6);
  CHECK(info.layers == 10 && info.kv_shared_layers == 5 && info.hidden_size == 96);
  CHECK(info.vocabulary_size == 640 && info.sliding_window == 16 && info.context_length == 4096);
  CHECK(info.experts == 0 && info.experts_per_token == 0 && info.parameters > 100000);
  CHECK(info.has_vision == 1 && info.has_audio == 1);
  CHECK(info.struct_size == sizeof info);
  info.struct_size = 8;
  CHECK_STATUS(CARAT_INVALID_ARGUMENT, carat_model_get_info(model, &info, error), error);
  carat_error_free(error);
}

static void tensors(const carat_model* model) {
  carat_error* error = carat_error_new();
  carat_tensor_list* list = NULL;
  CHECK_OK(carat_model_tensors(model, &list, error), error);
  CHECK(carat_tensor_list_size(list) > 100);
  carat_tensor_info tensor;
  CHECK(carat_tensor_info_init(&tensor, sizeof tensor) == CARAT_OK);
  int embeddings = 0;
  for (size_t i = 0; i < carat_tensor_list_size(list); ++i) {
    CHECK_OK(carat_tensor_list_get(list, i, &tensor, error), error);
    CHECK(strlen(tensor.name) == tensor.name_size && strlen(tensor.format) == tensor.format_size);
    CHECK(strlen(tensor.file) == tensor.file_size && strstr(tensor.file, ".safetensors") != NULL);
    if (strstr(tensor.name, "embed_tokens.weight") == NULL) continue;
    ++embeddings;
    CHECK(strcmp(tensor.format, "BF16") == 0);
    CHECK(tensor.rank == 2 && tensor.shape[0] == 640 && tensor.shape[1] == 96);
    CHECK(tensor.bytes == 2 * 640 * 96);
  }
  CHECK(embeddings == 1);
  CHECK_STATUS(CARAT_OUT_OF_RANGE, carat_tensor_list_get(list, carat_tensor_list_size(list), &tensor, error),
               error);
  carat_tensor_list_free(list);
  carat_error_free(error);
}

static void recommendations(void) {
  carat_error* error = carat_error_new();
  carat_model* model = open_demo();
  carat_sampling_options sampling;
  CHECK(carat_sampling_options_init(&sampling, sizeof sampling) == CARAT_OK);
  CHECK_OK(carat_model_default_sampling(model, &sampling, error), error);
  // The demo's generation_config.json.
  CHECK(sampling.temperature == 1.0f && sampling.top_k == 64 && sampling.top_p == 0.95f);
  CHECK(sampling.logit_bias_count == 0 || sampling.logit_bias != NULL);
  carat_sampler_chain* chain = NULL;
  CHECK_OK(carat_sampler_chain_new(&sampling, &chain, error), error);
  carat_sampler_chain_free(chain);
  carat_tokens* stop = NULL;
  CHECK_OK(carat_model_stop_tokens(model, &stop, error), error);
  CHECK(carat_tokens_size(stop) == 3);
  CHECK(carat_tokens_data(stop)[0] == 1 && carat_tokens_data(stop)[1] == 6 &&
        carat_tokens_data(stop)[2] == 14);
  carat_tokens_free(stop);
  carat_model_free(model);
  carat_error_free(error);
}

static void memory(const carat_model* model) {
  carat_error* error = carat_error_new();
  carat_memory_needs needs;
  carat_memory_needs half;
  carat_session_options options;
  CHECK(carat_memory_needs_init(&needs, sizeof needs) == CARAT_OK);
  CHECK(carat_memory_needs_init(&half, sizeof half) == CARAT_OK);
  CHECK(carat_session_options_init(&options, sizeof options) == CARAT_OK);
  options.context_size = 1000;
  options.kv_type = CARAT_KV_FLOAT32;
  CHECK_OK(carat_model_estimate_memory(model, &options, &needs, error), error);
  CHECK(needs.weights_touched > 0 && needs.weights_looked_up > 0 && needs.workspace > 0);
  CHECK(needs.kv_sliding > 0 && needs.kv_full_per_position > 0);
  CHECK(needs.kv_full >= 1000 * needs.kv_full_per_position);
  options.kv_type = CARAT_KV_BFLOAT16;
  CHECK_OK(carat_model_estimate_memory(model, &options, &half, error), error);
  CHECK(2 * half.kv_full_per_position == needs.kv_full_per_position);
  // Integers: as many bytes, or half of them, and scales of four bytes.
  options.kv_type = CARAT_KV_INT16;
  carat_memory_needs integers;
  CHECK(carat_memory_needs_init(&integers, sizeof integers) == CARAT_OK);
  CHECK_OK(carat_model_estimate_memory(model, &options, &integers, error), error);
  const uint64_t scales = integers.kv_full_per_position - half.kv_full_per_position;
  CHECK(scales > 0 && scales % 8 == 0);
  options.kv_type = CARAT_KV_INT8;
  CHECK_OK(carat_model_estimate_memory(model, &options, &integers, error), error);
  CHECK(integers.kv_full_per_position > half.kv_full_per_position / 2 &&
        4 * integers.kv_full_per_position < 3 * half.kv_full_per_position);
  options.kv_type = 5;
  CHECK_ERROR(CARAT_INVALID_ARGUMENT, "kv_type is 5",
              carat_model_estimate_memory(model, &options, &half, error), error);
  options.kv_type = CARAT_KV_AUTO;
  options.context_size = -4;
  CHECK_STATUS(CARAT_INVALID_ARGUMENT, carat_model_estimate_memory(model, &options, &half, error), error);
  carat_error_free(error);
}

static void instruction_sets(const carat_model* model) {
  carat_error* error = carat_error_new();
  CHECK(strcmp(carat_instruction_set_name(CARAT_INSTRUCTION_SET_AUTO), "auto") == 0);
  CHECK(strcmp(carat_instruction_set_name(CARAT_INSTRUCTION_SET_PLAIN), "plain") == 0);
  CHECK(strcmp(carat_instruction_set_name(CARAT_INSTRUCTION_SET_AVX2), "avx2") == 0);
  CHECK(strcmp(carat_instruction_set_name(CARAT_INSTRUCTION_SET_AVX512), "avx512") == 0);
  CHECK(strcmp(carat_instruction_set_name(CARAT_INSTRUCTION_SET_AVX512_VNNI), "avx512vnni") == 0);
  CHECK(strcmp(carat_instruction_set_name(CARAT_INSTRUCTION_SET_AVX512_BF16), "avx512bf16") == 0);
  CHECK(strcmp(carat_instruction_set_name(CARAT_INSTRUCTION_SET_AVX512_AMX), "avx512amx") == 0);
  CHECK(strcmp(carat_instruction_set_name(CARAT_INSTRUCTION_SET_NEON), "neon") == 0);
  CHECK(strcmp(carat_instruction_set_name(CARAT_INSTRUCTION_SET_NEON_DOT), "neondot") == 0);
  CHECK(strcmp(carat_instruction_set_name(CARAT_INSTRUCTION_SET_AVX2_VNNI), "avx2vnni") == 0);
  CHECK(strcmp(carat_instruction_set_name(CARAT_INSTRUCTION_SET_NEON_I8MM), "neoni8mm") == 0);
  CHECK(strcmp(carat_instruction_set_name(77), "unknown") == 0);
  carat_instruction_set sets[16] = {9, 9, 9};
  size_t count = 0;
  size_t again = 0;
  CHECK_OK(carat_available_instruction_sets(sets, 16, &count, error), error);
  CHECK(count >= 1 && count <= 5);
  CHECK(sets[0] == CARAT_INSTRUCTION_SET_PLAIN);
  CHECK(carat_model_instruction_set(model) >= CARAT_INSTRUCTION_SET_PLAIN);
  // Less room than there are sets: as many as fit, and the true count.
  carat_instruction_set one[2] = {9, 9};
  CHECK_OK(carat_available_instruction_sets(one, 1, &again, error), error);
  CHECK(again == count && one[0] == sets[0] && one[1] == 9);

  carat_model_options options;
  CHECK(carat_model_options_init(&options, sizeof options) == CARAT_OK);
  options.instruction_set = CARAT_INSTRUCTION_SET_PLAIN;
  options.threads = 1;
  carat_model* plain = open_tiny(&options);
  CHECK(carat_model_instruction_set(plain) == CARAT_INSTRUCTION_SET_PLAIN);
  CHECK(carat_model_threads(plain) == 1);
  carat_model_free(plain);
  options.instruction_set = 40;
  carat_model* none = NULL;
  CHECK_ERROR(CARAT_INVALID_ARGUMENT, "instruction_set is 40",
              carat_model_load(TINY, strlen(TINY), &options, &none, error), error);
  CHECK(none == NULL);
  carat_error_free(error);
}

typedef struct watch {
  int calls;
  int stop_at;
  int64_t done;
  int64_t total;
  int log_lines;
} watch;

static int32_t watch_progress(void* user_data, int64_t done, int64_t total) {
  watch* w = user_data;
  CHECK(done >= w->done && done <= total);
  w->done = done;
  w->total = total;
  return ++w->calls != w->stop_at;
}

static void watch_log(void* user_data, carat_log_severity severity, const char* line, size_t line_size) {
  watch* w = user_data;
  CHECK(severity == CARAT_LOG_INFO || severity == CARAT_LOG_WARNING);
  CHECK(line != NULL && line_size > 0);
  ++w->log_lines;
}

static void progress_and_log(void) {
  carat_error* error = carat_error_new();
  watch w = {0, 0, 0, 0, 0};
  carat_model_options options;
  CHECK(carat_model_options_init(&options, sizeof options) == CARAT_OK);
  options.preload = 1;
  options.progress = watch_progress;
  options.progress_user_data = &w;
  options.log = watch_log;
  options.log_user_data = &w;
  carat_model* model = open_tiny(&options);
  CHECK(w.calls > 0 && w.done == w.total && w.total > 0);
  carat_model_free(model);

  watch stopper = {0, 1, 0, 0, 0};
  options.progress_user_data = &stopper;
  CHECK_STATUS(CARAT_CANCELLED, carat_model_load(TINY, strlen(TINY), &options, &model, error), error);
  CHECK(model == NULL && stopper.calls == 1);
  carat_error_free(error);
}

// A runner with one new thread for every task but the first: slow, and right.
typedef struct host_threads {
  int32_t concurrency;
  int runs;
  int tasks;
  int released;
} host_threads;

typedef struct host_task {
  carat_task task;
  void* context;
  int32_t index;
  pthread_t thread;
} host_task;

static int32_t host_concurrency(void* user_data) {
  return ((host_threads*)user_data)->concurrency;
}

static void* host_task_main(void* argument) {
  host_task* t = argument;
  t->task(t->context, t->index);
  return NULL;
}

static void host_run(void* user_data, int32_t count, carat_task task, void* context) {
  host_threads* host = user_data;
  host_task tasks[8];
  CHECK(count >= 1 && count <= host->concurrency);
  ++host->runs;
  host->tasks += count;
  for (int32_t i = 1; i < count; ++i) {
    tasks[i] = (host_task){.task = task, .context = context, .index = i};
    CHECK(pthread_create(&tasks[i].thread, NULL, host_task_main, &tasks[i]) == 0);
  }
  task(context, 0);
  for (int32_t i = 1; i < count; ++i) CHECK(pthread_join(tasks[i].thread, NULL) == 0);
}

static void host_release(void* user_data) {
  ++((host_threads*)user_data)->released;
}

static carat_session* prompt_read(const carat_model* model) {
  carat_error* error = carat_error_new();
  carat_session* session = NULL;
  static const int32_t prompt[] = {2, 100, 101, 102, 103, 300, 200, 10};
  CHECK_OK(carat_session_new(model, NULL, &session, error), error);
  CHECK_OK(carat_session_prefill(session, prompt, 8, NULL, error), error);
  carat_error_free(error);
  return session;
}

static int32_t stop_at_once(void* user_data, int64_t done, int64_t total) {
  (void)user_data;
  (void)done;
  (void)total;
  return 0;
}

// A model written as GGUF with 8 bits, and opened again.
static void quantize(void) {
  static const char kFile[] = "capi_model_test.gguf";
  carat_error* error = carat_error_new();
  remove(kFile);
  carat_quantize_options options;
  CHECK(carat_quantize_options_init(&options, sizeof options) == CARAT_OK);
  options.type = "q7_9";
  options.type_size = 4;
  CHECK_ERROR(CARAT_INVALID_ARGUMENT, "q7_9",
              carat_quantize(TINY, strlen(TINY), kFile, strlen(kFile), &options, error), error);
  options.type = "q8_0";
  options.progress = stop_at_once;
  CHECK_STATUS(CARAT_CANCELLED, carat_quantize(TINY, strlen(TINY), kFile, strlen(kFile), &options, error),
               error);
  options.progress = NULL;
  options.threads = -1;
  CHECK_STATUS(CARAT_INVALID_ARGUMENT,
               carat_quantize(TINY, strlen(TINY), kFile, strlen(kFile), &options, error), error);
  options.threads = 2;
  CHECK_OK(carat_quantize(TINY, strlen(TINY), kFile, strlen(kFile), &options, error), error);
  CHECK_STATUS(CARAT_ALREADY_EXISTS,
               carat_quantize(TINY, strlen(TINY), kFile, strlen(kFile), &options, error), error);
  carat_model* model = NULL;
  CHECK_OK(carat_model_load(kFile, strlen(kFile), NULL, &model, error), error);
  carat_model_info info;
  CHECK(carat_model_info_init(&info, sizeof info) == CARAT_OK);
  CHECK_OK(carat_model_get_info(model, &info, error), error);
  CHECK(info.layers == 10 && info.vocabulary_size == 640 && info.integer_weights == 1);
  carat_model_free(model);
  CHECK(remove(kFile) == 0);
  carat_error_free(error);
}

static carat_model_info info_of(const carat_model* model) {
  carat_error* error = carat_error_new();
  carat_model_info info;
  CHECK(carat_model_info_init(&info, sizeof info) == CARAT_OK);
  CHECK_OK(carat_model_get_info(model, &info, error), error);
  carat_error_free(error);
  return info;
}

// A picture's soft tokens: the same bits of both.
static void same_picture(const carat_model* a, const carat_model* b) {
  enum { kSide = 48 };
  carat_error* error = carat_error_new();
  uint8_t pixels[kSide * kSide * 3];
  for (size_t i = 0; i < sizeof pixels; ++i) pixels[i] = (uint8_t)(i * 7 % 251);
  carat_soft_tokens* of_a = NULL;
  carat_soft_tokens* of_b = NULL;
  CHECK_OK(carat_encode_image(a, pixels, kSide, kSide, 3 * kSide, NULL, &of_a, error), error);
  CHECK_OK(carat_encode_image(b, pixels, kSide, kSide, 3 * kSide, NULL, &of_b, error), error);
  size_t size_a = 0;
  size_t size_b = 0;
  const float* rows_a = carat_soft_tokens_rows(of_a, &size_a);
  const float* rows_b = carat_soft_tokens_rows(of_b, &size_b);
  CHECK(size_a > 0 && size_a == size_b && memcmp(rows_a, rows_b, size_a * sizeof(float)) == 0);
  carat_soft_tokens_free(of_a);
  carat_soft_tokens_free(of_b);
  carat_error_free(error);
}

// Towers in a file of their own, written and opened again.
static void mmproj(void) {
  static const char kText[] = "capi_model_test_text.gguf";
  static const char kTowers[] = "capi_model_test_mmproj.gguf";
  carat_error* error = carat_error_new();
  remove(kText);
  remove(kTowers);
  carat_quantize_options options;
  CHECK(carat_quantize_options_init(&options, sizeof options) == CARAT_OK);
  CHECK(options.mmproj == NULL && options.mmproj_size == 0);
  options.type = "bf16";
  options.type_size = 4;
  options.mmproj = kText;
  options.mmproj_size = strlen(kText);
  CHECK_ERROR(CARAT_INVALID_ARGUMENT, "one name",
              carat_quantize(TINY, strlen(TINY), kText, strlen(kText), &options, error), error);
  options.mmproj = NULL;
  CHECK_ERROR(CARAT_INVALID_ARGUMENT, "carat_quantize_options.mmproj",
              carat_quantize(TINY, strlen(TINY), kText, strlen(kText), &options, error), error);
  options.mmproj = kTowers;
  options.mmproj_size = strlen(kTowers);
  CHECK_OK(carat_quantize(TINY, strlen(TINY), kText, strlen(kText), &options, error), error);
  CHECK(remove(kText) == 0);
  CHECK_ERROR(CARAT_ALREADY_EXISTS, kTowers,
              carat_quantize(TINY, strlen(TINY), kText, strlen(kText), &options, error), error);
  options.overwrite = 1;
  CHECK_OK(carat_quantize(TINY, strlen(TINY), kText, strlen(kText), &options, error), error);
  // A text decoder alone has no towers to write.
  CHECK_STATUS(CARAT_FAILED_PRECONDITION,
               carat_quantize(kText, strlen(kText), "capi_model_test_none.gguf", 25, &options, error), error);

  carat_model_options with;
  CHECK(carat_model_options_init(&with, sizeof with) == CARAT_OK);
  CHECK(with.mmproj == NULL && with.mmproj_size == 0);
  with.threads = 1;
  carat_model* model = NULL;
  CHECK_OK(carat_model_load(kText, strlen(kText), &with, &model, error), error);
  CHECK(info_of(model).has_vision == 0 && info_of(model).has_audio == 0);
  carat_model_free(model);
  with.mmproj = kTowers;
  with.mmproj_size = strlen(kTowers);
  CHECK_OK(carat_model_load(kText, strlen(kText), &with, &model, error), error);
  CHECK(info_of(model).has_vision == 1 && info_of(model).has_audio == 1);
  carat_model* folder = open_tiny(NULL);
  same_picture(model, folder);
  carat_model_free(model);
  // In memory, a file that is cut afterwards does not matter.
  CHECK(with.read_into_memory == 0);
  with.read_into_memory = 1;
  CHECK_OK(carat_model_load(kText, strlen(kText), &with, &model, error), error);
  FILE* cut = fopen(kTowers, "wb");
  CHECK(cut != NULL && fclose(cut) == 0);
  same_picture(model, folder);
  carat_model_free(folder);
  carat_model_free(model);
  with.read_into_memory = 0;
  CHECK_ERROR(CARAT_INVALID_ARGUMENT, kTowers, carat_model_load(TINY, strlen(TINY), &with, &model, error),
              error);
  with.mmproj = "/nowhere";
  with.mmproj_size = 8;
  CHECK_ERROR(CARAT_NOT_FOUND, "/nowhere", carat_model_load(kText, strlen(kText), &with, &model, error),
              error);
  with.mmproj = NULL;
  CHECK_ERROR(CARAT_INVALID_ARGUMENT, "carat_model_options.mmproj",
              carat_model_load(kText, strlen(kText), &with, &model, error), error);
  // A host that was compiled before there was such a member.
  with.struct_size = offsetof(carat_model_options, mmproj);
  CHECK_OK(carat_model_load(kText, strlen(kText), &with, &model, error), error);
  CHECK(info_of(model).has_vision == 0);
  carat_model_free(model);
  CHECK(remove(kText) == 0 && remove(kTowers) == 0);
  carat_error_free(error);
}

static void task_runner(void) {
  carat_error* error = carat_error_new();
  carat_model_options options;
  CHECK(carat_model_options_init(&options, sizeof options) == CARAT_OK);
  options.threads = 1;
  carat_model* alone = open_tiny(&options);
  carat_session* reference = prompt_read(alone);

  host_threads host = {3, 0, 0, 0};
  carat_task_runner runner;
  CHECK(carat_task_runner_init(&runner, sizeof runner) == CARAT_OK);
  options.runner = &runner;
  carat_model* model = NULL;
  runner.user_data = &host;
  runner.release = host_release;
  CHECK_ERROR(CARAT_INVALID_ARGUMENT, "carat_task_runner.concurrency is NULL",
              carat_model_load(TINY, strlen(TINY), &options, &model, error), error);
  runner.concurrency = host_concurrency;
  CHECK_ERROR(CARAT_INVALID_ARGUMENT, "carat_task_runner.run is NULL",
              carat_model_load(TINY, strlen(TINY), &options, &model, error), error);
  runner.run = host_run;
  host.concurrency = 0;
  CHECK_ERROR(CARAT_INVALID_ARGUMENT, "returned 0",
              carat_model_load(TINY, strlen(TINY), &options, &model, error), error);
  host.concurrency = 3;
  CHECK_STATUS(CARAT_NOT_FOUND, carat_model_load("/nowhere", 8, &options, &model, error), error);
  runner.struct_size = 3;
  CHECK_STATUS(CARAT_INVALID_ARGUMENT, carat_model_load(TINY, strlen(TINY), &options, &model, error), error);
  runner.struct_size = sizeof runner;
  CHECK(host.released == 0);  // whoever fails leaves user_data to the host

  model = open_tiny(&options);
  memset(&runner, 0, sizeof runner);  // it was copied
  CHECK(carat_model_threads(model) == 3);
  carat_session* session = prompt_read(model);
  CHECK(host.runs > 0 && host.tasks > host.runs);
  // The same numbers, whoever's threads, however many.
  const float* a = NULL;
  const float* b = NULL;
  size_t size = 0;
  CHECK_OK(carat_session_last_logits(reference, &a, NULL, error), error);
  CHECK_OK(carat_session_last_logits(session, &b, &size, error), error);
  CHECK(size == 640 && memcmp(a, b, sizeof(float) * size) == 0);

  carat_model_free(model);
  CHECK(host.released == 0);  // the session still needs it
  carat_session_free(session);
  CHECK(host.released == 1);
  carat_session_free(reference);
  carat_model_free(alone);
  carat_error_free(error);
}

int main(void) {
  carat_error* error = carat_error_new();
  carat_model* first = open_tiny(NULL);
  carat_model* model = NULL;
  CHECK_OK(carat_model_share(first, &model, error), error);
  carat_model_free(first);
  CHECK(carat_model_threads(model) >= 1);
  info(model);
  tensors(model);
  memory(model);
  instruction_sets(model);
  carat_model_free(model);
  recommendations();
  progress_and_log();
  quantize();
  mmproj();
  task_runner();
  carat_error_free(error);
  return 0;
}
