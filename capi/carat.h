// carat.h: Gemma 4 inside your program, from C and from every language that can call C.
//
// The rules, which hold for every function below:
//
//  1. Handles. carat_model, carat_session and the like are opaque. A function that makes one stores it
//     through its last pointer argument before `error`, or stores NULL there if it fails. Who got a handle
//     frees it, with the carat_..._free of its type, once. Freeing NULL does nothing. Any order is right:
//     a handle keeps alive what it needs, so a model may be freed before its sessions, and a session
//     before its generation.
//  2. Errors. A call that can fail returns a carat_status, CARAT_OK or what kind of error, and takes a
//     carat_error last, which may be NULL. If it is not, it then holds the status that was returned and a
//     sentence for a person. The host makes it and frees it, and may use one for many calls. Functions that
//     return a value directly cannot fail.
//  3. NULL. A NULL handle, or a NULL pointer that is not said to be allowed, is CARAT_INVALID_ARGUMENT with a
//     sentence that names it. Functions that return a value directly answer it with 0, with "" if they return
//     text, and with NULL if they return another pointer, where nothing else is said. An array of length 0
//     may be NULL, and so may the pointer through which a length comes back.
//  4. Structs. The ones that begin with struct_size are prepared by their carat_..._init function, which
//     is given sizeof the struct and sets every member to its default; then the host changes what it
//     likes. Later versions append members, whose default is 0, and never change one. So a program and a
//     library of different versions understand each other: what the other side does not know is left at
//     its default, and is CARAT_INVALID_ARGUMENT if it was set. A struct that carat hands to a callback
//     has struct_size set too. NULL options are the defaults. The few structs without struct_size are
//     elements of arrays and never change. Arrays and texts that options point to are copied before the
//     call returns.
//  5. Text is UTF-8, given as pointer and length in bytes. Text that comes from carat has a terminating NUL
//     behind its last byte where this is said, and is never a NULL pointer. Numbers said to be 0 or 1 are
//     truth values; any other value counts as 1.
//  6. Borrowed memory. A pointer into carat's memory is valid until the next call on the handle that it came
//     from, or until that handle is freed, where nothing longer is said.
//  7. Callbacks are called on the thread that called carat, never after that call has returned, except
//     where another life is said. user_data goes to them as it is. They must not throw, longjmp or end the
//     thread. A callback may use other handles; calls that would change the handle that is at work are
//     CARAT_FAILED_PRECONDITION. Freeing a handle inside a callback is allowed: its work ends first.
//  8. Threads. A model and a tokenizer may be used by any number of threads at once. Any other handle belongs
//     to one thread at a time, except for carat_session_cancel, carat_session_clear_cancel and their like of
//     conversations.
//  9. carat never prints, aborts, exits or throws, keeps no state outside its handles, and looks at no
//     network.
//
// A complete program: `hello MODEL_FOLDER TEXT` continues the text.
//
//     #include <carat.h>
//     #include <stdio.h>
//     #include <string.h>
//
//     static int32_t print_step(void* user_data, const carat_generation_step* step) {
//       (void)user_data;
//       fwrite(step->text, 1, step->text_size, stdout);
//       return 1;  // go on
//     }
//
//     int main(int argc, char** argv) {
//       if (argc != 3) return 2;
//       carat_error* error = carat_error_new();
//       carat_model* model = NULL;
//       carat_tokenizer* tokenizer = NULL;
//       carat_tokens* prompt = NULL;
//       carat_session* session = NULL;
//       carat_encode_options encode;
//       carat_encode_options_init(&encode, sizeof encode);
//       encode.add_bos = 1;
//       carat_generation_options options;
//       carat_generation_options_init(&options, sizeof options);
//       options.max_new_tokens = 40;
//
//       const char* folder = argv[1];
//       const char* text = argv[2];
//       int ok =
//           carat_model_load(folder, strlen(folder), NULL, &model, error) == CARAT_OK &&
//           carat_model_tokenizer(model, &tokenizer, error) == CARAT_OK &&
//           carat_tokenizer_encode(tokenizer, text, strlen(text), &encode, &prompt, error) == CARAT_OK &&
//           carat_session_new(model, NULL, &session, error) == CARAT_OK &&
//           carat_generate(session, carat_tokens_data(prompt), carat_tokens_size(prompt), &options,
//                          print_step, NULL, NULL, error) == CARAT_OK;
//       if (!ok) fprintf(stderr, "%s\n", carat_error_message(error));
//       carat_model_free(model);
//       carat_tokenizer_free(tokenizer);
//       carat_tokens_free(prompt);
//       carat_session_free(session);
//       carat_error_free(error);
//       return ok ? 0 : 1;
//     }
//
// Contents: version; errors; strings and tokens; tokenizer; stream decoder; model; candidates; samplers;
// sampler chain; grammars; session; generation; media; chat. "Since" names the version of carat that an item
// first appeared in.
#ifndef CARAT_H_
#define CARAT_H_

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#if defined(CARAT_BUILDING)
#define CARAT_API __declspec(dllexport)
#else
#define CARAT_API __declspec(dllimport)
#endif
#elif defined(__GNUC__)
#define CARAT_API __attribute__((visibility("default")))
#else
#define CARAT_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

// --------------------------------------------------------------------------------------------------------
// Version
// --------------------------------------------------------------------------------------------------------

// The version of this header. Since 0.1.
#define CARAT_VERSION_MAJOR 0
#define CARAT_VERSION_MINOR 1
#define CARAT_VERSION_PATCH 0

// The number of the ABI: it changes only when programs built with an earlier header would break, and is the
// number in the library's name, libcarat.so.0. Since 0.1.
#define CARAT_ABI_VERSION 0

// "0.1.0": the version of the library that is loaded, which may be newer than this header. Static storage,
// NUL-terminated. Since 0.1.
CARAT_API const char* carat_version_string(void);

// CARAT_ABI_VERSION of the library that is loaded. Since 0.1.
CARAT_API int32_t carat_abi_version(void);

// --------------------------------------------------------------------------------------------------------
// Errors
// --------------------------------------------------------------------------------------------------------

// What kind of error. The numbers are those of gRPC and abseil and never change. Since 0.1.
typedef int32_t carat_status;
enum {
  CARAT_OK = 0,
  CARAT_CANCELLED = 1,  // carat_session_cancel was called, or a callback asked to stop
  CARAT_UNKNOWN = 2,
  CARAT_INVALID_ARGUMENT = 3,  // the caller's argument is wrong whatever the state
  CARAT_DEADLINE_EXCEEDED = 4,
  CARAT_NOT_FOUND = 5,  // no such file, no such tensor
  CARAT_ALREADY_EXISTS = 6,
  CARAT_PERMISSION_DENIED = 7,
  CARAT_RESOURCE_EXHAUSTED = 8,   // out of memory, or the context is full
  CARAT_FAILED_PRECONDITION = 9,  // right call, wrong moment
  CARAT_ABORTED = 10,
  CARAT_OUT_OF_RANGE = 11,   // an index or a token id beyond the end
  CARAT_UNIMPLEMENTED = 12,  // a variant that this version cannot run
  CARAT_INTERNAL = 13,       // a defect of carat: please report it
  CARAT_UNAVAILABLE = 14,
  CARAT_DATA_LOSS = 15,  // a file is cut short or contradicts itself
  CARAT_UNAUTHENTICATED = 16
};

// "INVALID_ARGUMENT"; "UNKNOWN" for a number that is none of the above. Static storage, NUL-terminated.
// Since 0.1.
CARAT_API const char* carat_status_name(carat_status status);

// A status and a sentence. The host makes as many as it likes; each belongs to one thread at a time. Since
// 0.1.
typedef struct carat_error carat_error;

// A new one, which holds CARAT_OK and "". NULL if there is no memory, which is fine to pass on. Since 0.1.
CARAT_API carat_error* carat_error_new(void);
CARAT_API void carat_error_free(carat_error* error);

// What the last call that was given this error returned. CARAT_OK for NULL. Since 0.1.
CARAT_API carat_status carat_error_code(const carat_error* error);

// Its sentence, which names the file, the tensor, the number; "" after CARAT_OK and for NULL. NUL-terminated;
// valid until the error is used again or freed. Since 0.1.
CARAT_API const char* carat_error_message(const carat_error* error);

// Bytes in the sentence, without the NUL. Since 0.1.
CARAT_API size_t carat_error_message_size(const carat_error* error);

// Fills an error: for callbacks that are given one. Returns `code`, so that a callback can return what this
// returns. The text is copied; `error` and `message` may be NULL. Since 0.1.
CARAT_API carat_status carat_error_set(carat_error* error, carat_status code, const char* message,
                                       size_t message_size);

// --------------------------------------------------------------------------------------------------------
// Strings and tokens that carat returns
// --------------------------------------------------------------------------------------------------------

// UTF-8 text that the host owns. Since 0.1.
typedef struct carat_string carat_string;
// Its bytes, NUL-terminated. Valid until it is freed. "" for NULL. Since 0.1.
CARAT_API const char* carat_string_data(const carat_string* string);
// Bytes, without the NUL. Since 0.1.
CARAT_API size_t carat_string_size(const carat_string* string);
CARAT_API void carat_string_free(carat_string* string);

// Token ids that the host owns. Since 0.1.
typedef struct carat_tokens carat_tokens;
// [carat_tokens_size]. Valid until it is freed. Since 0.1.
CARAT_API const int32_t* carat_tokens_data(const carat_tokens* tokens);
CARAT_API size_t carat_tokens_size(const carat_tokens* tokens);
CARAT_API void carat_tokens_free(carat_tokens* tokens);

// A text inside an array. Since 0.1.
typedef struct carat_text {
  const char* data;
  size_t size;  // bytes
} carat_text;

// --------------------------------------------------------------------------------------------------------
// Tokenizer: text to token ids and back
// --------------------------------------------------------------------------------------------------------

// An immutable table. Threads: any number at once. Ids are 0 .. carat_tokenizer_vocabulary_size - 1. A
// byte of the input that is no UTF-8 is read as U+FFFD. Since 0.1.
typedef struct carat_tokenizer carat_tokenizer;

// How text is read. Since 0.1.
typedef struct carat_encode_options {
  size_t struct_size;
  // 0: "<turn|>" in the text is seven characters, so text from a user can never smuggle a control token in.
  // 1: control tokens and other added tokens in the text become their ids. Default 0.
  int32_t parse_special;
  // 1: put <bos> in front unless the text already begins with it. Default 0.
  int32_t add_bos;
} carat_encode_options;

// How text is written. Since 0.1.
typedef struct carat_decode_options {
  size_t struct_size;
  // 1: leave control tokens (<bos>, <turn|>, ...) out of the text. Default 0.
  int32_t skip_special;
  int32_t reserved;  // 0
} carat_decode_options;

// These prepare a struct: see rule 4. CARAT_INVALID_ARGUMENT for NULL or a size that no version has. Since
// 0.1.
CARAT_API carat_status carat_encode_options_init(carat_encode_options* options, size_t struct_size);
CARAT_API carat_status carat_decode_options_init(carat_decode_options* options, size_t struct_size);

// Opens tokenizer.json or tokenizer.model: a file of that name, or a folder that holds one of them
// (tokenizer.json first). For a model's own tokenizer there is carat_model_tokenizer. Errors: NOT_FOUND;
// DATA_LOSS for a file that is cut short or malformed; UNIMPLEMENTED for a tokenizer whose pipeline is not
// Gemma's. Since 0.1.
CARAT_API carat_status carat_tokenizer_load(const char* path, size_t path_size, carat_tokenizer** tokenizer,
                                            carat_error* error);

// One more handle to the same tokenizer. Errors: RESOURCE_EXHAUSTED. Since 0.1.
CARAT_API carat_status carat_tokenizer_share(const carat_tokenizer* tokenizer, carat_tokenizer** shared,
                                             carat_error* error);
CARAT_API void carat_tokenizer_free(carat_tokenizer* tokenizer);

// Text to ids, in time and memory linear in the text. Errors: RESOURCE_EXHAUSTED. Since 0.1.
CARAT_API carat_status carat_tokenizer_encode(const carat_tokenizer* tokenizer, const char* text,
                                              size_t text_size, const carat_encode_options* options,
                                              carat_tokens** tokens, carat_error* error);

// Ids to text. Byte pieces that do not form UTF-8 become U+FFFD. Errors: OUT_OF_RANGE for an id outside the
// vocabulary. Since 0.1.
CARAT_API carat_status carat_tokenizer_decode(const carat_tokenizer* tokenizer, const int32_t* tokens,
                                              size_t token_count, const carat_decode_options* options,
                                              carat_string** text, carat_error* error);

// The piece of one id as stored ("\u2581the", "<0x0A>", "<bos>"), [*size]; empty for an id outside the
// vocabulary. Not NUL-terminated; valid as long as any handle to this tokenizer. Since 0.1.
CARAT_API const char* carat_tokenizer_piece(const carat_tokenizer* tokenizer, int32_t token, size_t* size);

// The id whose piece is exactly this, or -1. -1 for NULL. Since 0.1.
CARAT_API int32_t carat_tokenizer_id_of(const carat_tokenizer* tokenizer, const char* piece,
                                        size_t piece_size);

// 1 if the id is a control token (what skip_special leaves out), else 0. Since 0.1.
CARAT_API int32_t carat_tokenizer_is_special(const carat_tokenizer* tokenizer, int32_t token);

// The number of ids. Since 0.1.
CARAT_API int32_t carat_tokenizer_vocabulary_size(const carat_tokenizer* tokenizer);

// The beginning-of-text id; -1 if the file has none, and for NULL. Since 0.1.
CARAT_API int32_t carat_tokenizer_bos(const carat_tokenizer* tokenizer);

// --------------------------------------------------------------------------------------------------------
// Stream decoder: ids to text, one at a time
// --------------------------------------------------------------------------------------------------------

// Never emits part of a character: bytes of one that is not complete are held back until it is. The pieces,
// put together, are what carat_tokenizer_decode gives for all the ids at once. Threads: one at a time.
// Since 0.1.
typedef struct carat_stream_decoder carat_stream_decoder;

// Errors: RESOURCE_EXHAUSTED. Since 0.1.
CARAT_API carat_status carat_stream_decoder_new(const carat_tokenizer* tokenizer,
                                                const carat_decode_options* options,
                                                carat_stream_decoder** decoder, carat_error* error);
CARAT_API void carat_stream_decoder_free(carat_stream_decoder* decoder);

// The text that this id completes, possibly empty. NUL-terminated; valid until the next call on this decoder.
// Errors: OUT_OF_RANGE, and the decoder is as before. Since 0.1.
CARAT_API carat_status carat_stream_decoder_next(carat_stream_decoder* decoder, int32_t token,
                                                 const char** text, size_t* text_size, carat_error* error);

// The held bytes, as U+FFFD where they are no character. The decoder is then as new. Text as above. Since
// 0.1.
CARAT_API carat_status carat_stream_decoder_finish(carat_stream_decoder* decoder, const char** text,
                                                   size_t* text_size, carat_error* error);

// --------------------------------------------------------------------------------------------------------
// Sampling options: used by models, sampler chains and generations
// --------------------------------------------------------------------------------------------------------

// An amount to add to a token's logit; -infinity forbids the token. Since 0.1.
typedef struct carat_logit_bias {
  int32_t token;
  float bias;
} carat_logit_bias;

// What an answer must be: see Grammars below. Since 0.1.
typedef struct carat_constraint carat_constraint;

// How to choose tokens. The defaults change nothing: they draw from the model's distribution as it is.
// Since 0.1.
typedef struct carat_sampling_options {
  size_t struct_size;
  // Added to logits: [logit_bias_count]. Default: none.
  const carat_logit_bias* logit_bias;
  size_t logit_bias_count;
  // The same seed gives the same tokens. Default 0.
  uint64_t seed;
  // Logits are divided by this. 0 is greedy: the highest logit, ties to the lower id, and nothing is random.
  // Default 1.
  float temperature;
  // Only the k highest; 0, the default, is off.
  int32_t top_k;
  // Only the fewest highest whose probabilities reach p together (at least one); 1, the default, is off.
  float top_p;
  // Only those with at least min_p times the highest probability; 0, the default, is off.
  float min_p;
  // Locally typical sampling: the fewest whose surprise is nearest to the entropy and whose probabilities
  // reach p together; 1, the default, is off.
  float typical_p;
  // Logits of tokens seen in prompt or answer are divided by this where positive, multiplied where
  // negative; 1, the default, is off.
  float repetition_penalty;
  // Subtracted from a logit once for each time that the token was generated; 0, the default, is off.
  float frequency_penalty;
  // Subtracted from the logit of every token that was generated; 0, the default, is off.
  float presence_penalty;
  // How many of the latest tokens the penalties look at; 0, the default, is all.
  int32_t penalty_window;
  int32_t reserved;  // 0
  // What the answer must be; a chain begins with a copy of it, in its state. NULL, the default: anything.
  const carat_constraint* constraint;
} carat_sampling_options;

// Prepares the struct: see rule 4. Since 0.1.
CARAT_API carat_status carat_sampling_options_init(carat_sampling_options* options, size_t struct_size);

// --------------------------------------------------------------------------------------------------------
// Model: an open Gemma 4 checkpoint
// --------------------------------------------------------------------------------------------------------

// Weights that never change, mapped from their files: the files must not be changed or cut while a model is
// open. Threads: any number at once, and any number of sessions. Since 0.1.
typedef struct carat_model carat_model;

// Told how far a long operation has come, in its unit (bytes of weights, tokens of a prompt). Returns 1 to go
// on, 0 to stop: the operation then returns CANCELLED. Since 0.1.
typedef int32_t (*carat_progress_callback)(void* user_data, int64_t done, int64_t total);

// How serious a log line is. Since 0.1.
typedef int32_t carat_log_severity;
enum { CARAT_LOG_INFO = 0, CARAT_LOG_WARNING = 1 };

// Receives carat's log lines: there are few, and without this callback they go nowhere. The line is not
// NUL-terminated and has no newline. May be called for as long as a handle to the model or to anything made
// from it lives, by whichever thread is then inside carat. Since 0.1.
typedef void (*carat_log_callback)(void* user_data, carat_log_severity severity, const char* line,
                                   size_t line_size);

// One piece of parallel work. Since 0.1.
typedef void (*carat_task)(void* context, int32_t index);

// Runs carat's parallel work on the host's own threads. The struct is copied; user_data must live until
// `release` is called, or without one as long as any handle to the model or to anything made from it.
// Since 0.1.
typedef struct carat_task_runner {
  size_t struct_size;
  void* user_data;
  // How many tasks may run at the same time, the calling thread included; at least 1. Asked once, while the
  // model is loaded. Must be set.
  int32_t (*concurrency)(void* user_data);
  // Calls task(context, i) once for every i in [0, count), in any order, on any threads, the caller's too,
  // and returns when all have returned. count is at most concurrency. Called by one thread at a time,
  // never from within a task. Must be set.
  void (*run)(void* user_data, int32_t count, carat_task task, void* context);
  // The runner is not needed any more: called once, on the thread that frees the last handle to the model or
  // to anything made from it. Not called if carat_model_load fails: user_data is then still the host's. May
  // be NULL.
  void (*release)(void* user_data);
} carat_task_runner;

// Prepares the struct: see rule 4. Since 0.1.
CARAT_API carat_status carat_task_runner_init(carat_task_runner* runner, size_t struct_size);

// Which vector instructions the kernels use. Since 0.1.
typedef int32_t carat_instruction_set;
enum {
  CARAT_INSTRUCTION_SET_AUTO = 0,         // the best that this machine has
  CARAT_INSTRUCTION_SET_PLAIN = 1,        // plain C++, on every machine; slow
  CARAT_INSTRUCTION_SET_AVX2 = 2,         // x86-64 with AVX2, FMA and F16C
  CARAT_INSTRUCTION_SET_AVX512 = 3,       // x86-64 with AVX-512 F, BW, DQ and VL
  CARAT_INSTRUCTION_SET_AVX512_VNNI = 4,  // the same with VNNI: integer dot products
  CARAT_INSTRUCTION_SET_AVX512_BF16 = 5,  // the same with VNNI and BF16
  CARAT_INSTRUCTION_SET_AVX512_AMX = 6,   // the same with AMX tiles of int8 and bf16. Choosing it, AUTO
                                         // included, asks Linux to let this process use tile registers; where
                                         // it refuses, AUTO takes the next best
  CARAT_INSTRUCTION_SET_NEON = 7,       // 64-bit ARM, every one
  CARAT_INSTRUCTION_SET_NEON_DOT = 8,   // the same with integer dot products (ARMv8.2 dotprod)
  CARAT_INSTRUCTION_SET_AVX2_VNNI = 9,  // x86-64 with AVX2 and AVX-VNNI: integer dot products in 256 bits
  CARAT_INSTRUCTION_SET_NEON_I8MM = 10  // 64-bit ARM with matrix products of int8 and bf16 (ARMv8.6)
};

// "auto", "plain", "avx2", "avx2vnni", "avx512", "avx512vnni", "avx512bf16", "avx512amx", "neon", "neondot",
// "neoni8mm"; "unknown" for a number that is none of the above. Static storage, NUL-terminated. Since 0.1.
CARAT_API const char* carat_instruction_set_name(carat_instruction_set set);

// Those that this machine can run, best last; always at least PLAIN. Stores as many as `capacity` allows, and
// in `count` how many there are, which may be more. `sets` may be NULL if capacity is 0. Since 0.1.
CARAT_API carat_status carat_available_instruction_sets(carat_instruction_set* sets, size_t capacity,
                                                        size_t* count, carat_error* error);

// What weights are computed with. Since 0.1.
typedef int32_t carat_weight_type;
enum {
  CARAT_WEIGHTS_AS_STORED = 0,  // as the checkpoint has them: bf16, or the blocks of a GGUF file
  CARAT_WEIGHTS_INT8 = 1,       // floats are rounded to 8 bits when the model is loaded, a scale for each 32
  // To 4 bits what holds nearly all of them; the head, keys, values and per-layer inputs to 8.
  CARAT_WEIGHTS_INT4 = 2
};

// How activations enter products with bf16 weights; with integer weights they always are 8-bit integers, with
// others float32. Since 0.1.
typedef int32_t carat_precision;
enum {
  CARAT_PRECISION_AUTO = 0,     // bf16 for prompts, where the machine computes with it natively; else float32
  CARAT_PRECISION_FLOAT32 = 1,  // exact; half the speed or less
  CARAT_PRECISION_BFLOAT16 = 2  // bf16, or UNIMPLEMENTED where the machine has no instructions for it
};

// How a model is opened. Since 0.1.
typedef struct carat_model_options {
  size_t struct_size;
  // The host's threads instead of carat's: `threads` is then ignored. Default NULL.
  const carat_task_runner* runner;
  // Told in bytes of weights while packing and then, from 0 again, while preloading. Default NULL.
  carat_progress_callback progress;
  void* progress_user_data;
  // Default NULL.
  carat_log_callback log;
  void* log_user_data;
  // Threads that work on one call, the caller's included; 0, the default, is one for each core that this
  // process may run on. carat starts threads - 1 threads of its own, which sleep when idle.
  int32_t threads;
  // Which kernels. AUTO, the default, can be overridden by the environment variable CARAT_INSTRUCTION_SET;
  // anything else is taken or refused (UNIMPLEMENTED), never replaced.
  carat_instruction_set instruction_set;
  // 1: read every weight that a token needs into memory now instead of when it is first used. Tables that are
  // looked up row by row are left on disk. Default 0.
  int32_t preload;
  // Default AS_STORED. Rounding takes some time while loading, and then memory instead of the file's mapped
  // pages. What is in blocks already stays as it is. Tables that are looked up row by row, norms and routers
  // are never rounded.
  carat_weight_type weight_type;
  // Default AUTO.
  carat_precision precision;
  // 1: read the files of weights into memory now instead of mapping them; see carat_model_load. Default 0.
  int32_t read_into_memory;
  // A GGUF file with the vision and audio towers that belong to a GGUF model, often called mmproj: with it,
  // the model takes pictures and sound. Matrices in blocks are rounded to bf16 in memory when a tower is used
  // first. Folders, and GGUF files with the towers inside, hold their own. NULL, the default: text only for
  // other GGUF files.
  const char* mmproj;
  size_t mmproj_size;
  // Loops that stream weights prefetch so many bytes ahead, 1 .. 65536; -1: not at all. It changes speed
  // only, never a result. 0, the default: the environment's CARAT_STREAM_PREFETCH (auto, off or bytes), or
  // else the fastest of a few distances, measured for 10 to 50 ms on weights that loading left in memory
  // (packed, preloaded or read ones, 128 MB or more); otherwise a default by processor family.
  // carat_model_info says which it is.
  int64_t stream_prefetch_bytes;
} carat_model_options;

// Prepares the struct: see rule 4. Since 0.1.
CARAT_API carat_status carat_model_options_init(carat_model_options* options, size_t struct_size);

// Opens a checkpoint: a folder in the published Hugging Face form (config.json, model.safetensors or
// shards with an index, tokenizer.json or tokenizer.model, and generation_config.json if there is one), a
// GGUF file, any part of a split one, or a folder with one GGUF model. Files are known by their bytes, never
// by their names. A file of a checkpoint's folder (config.json, a shard, ...) stands for the folder, and a
// folder of the Hugging Face cache ("models--...") for the snapshot that its refs/main names, or without that
// for the only or newest one. FIFOs, sockets and devices are not opened.
//
// Weights are mapped from their files. While a model is open, its files must not be changed in place or cut:
// a file that changes gives other results, and reading beyond the new end of a file that was cut raises
// SIGBUS, which ends the process. Deleting a file, or renaming another over it, is safe. With
// `read_into_memory` the whole model takes memory, and nothing that happens to the files after
// carat_model_load matters.
//
// Errors: NOT_FOUND, DATA_LOSS (cut
// short, malformed, contradicting itself), INVALID_ARGUMENT (options), UNIMPLEMENTED (a variant this version
// cannot run), RESOURCE_EXHAUSTED, CANCELLED (by `progress`). The sentence names file, tensor, expected and
// found. Since 0.1.
CARAT_API carat_status carat_model_load(const char* path, size_t path_size,
                                        const carat_model_options* options, carat_model** model,
                                        carat_error* error);

// How a checkpoint is written as a GGUF file. Texts that are NULL, the default, choose what is said. Since
// 0.1.
typedef struct carat_quantize_options {
  size_t struct_size;
  // "q4_0", the default, "q4_k_m", "q5_k_m", "q6_k", "q8_0", "iq4_xs", "bf16", "f16", "f32" and others.
  const char* type;
  size_t type_size;
  // Of the embedding table, which is the head as well: "q6_k", or the type if that is finer.
  const char* embeddings;
  size_t embeddings_size;
  // Of the table of per-layer embeddings: the type.
  const char* per_layer_embeddings;
  size_t per_layer_embeddings_size;
  // Told in bytes of the weights that are read. Default NULL.
  carat_progress_callback progress;
  void* progress_user_data;
  // Default NULL.
  carat_log_callback log;
  void* log_user_data;
  int32_t threads;     // that round, the caller's included; 0, the default: one for each core
  int32_t overwrite;   // 1: replace a file of that name, which otherwise is ALREADY_EXISTS
  int32_t requantize;  // 1: round again what is in blocks of another format, which otherwise is
                       // FAILED_PRECONDITION
  int32_t reserved;    // 0
  // Write the vision and audio towers too, to a GGUF file of that name, which carat_model_options.mmproj
  // takes; FAILED_PRECONDITION if the checkpoint has none. NULL, the default: towers are left out.
  const char* mmproj;
  size_t mmproj_size;
} carat_quantize_options;

// Prepares the struct: see rule 4. Since 0.1.
CARAT_API carat_status carat_quantize_options_init(carat_quantize_options* options, size_t struct_size);

// Reads a checkpoint, whatever carat_model_load opens, and writes its text decoder and tokenizer to the GGUF
// file `out`, which appears when it is complete; of an unfinished one nothing stays behind. Only regular
// files are written: a FIFO, a device, a folder, a link that leads nowhere or "-" is INVALID_ARGUMENT before
// anything is touched; a link to a regular file stays, and the file behind it is replaced (with `overwrite`).
// Weights stream from file to file. carat installs no signal handler; a limit on the size of files
// (RLIMIT_FSIZE) is RESOURCE_EXHAUSTED and raises no SIGXFSZ, as a full disk is. Errors: those of
// carat_model_load; ALREADY_EXISTS; FAILED_PRECONDITION; UNIMPLEMENTED for what GGUF cannot say;
// RESOURCE_EXHAUSTED, UNAVAILABLE if the file cannot be written; CANCELLED by `progress`. Since 0.1.
CARAT_API carat_status carat_quantize(const char* in, size_t in_size, const char* out, size_t out_size,
                                      const carat_quantize_options* options, carat_error* error);

// One more handle to the same model. Errors: RESOURCE_EXHAUSTED. Since 0.1.
CARAT_API carat_status carat_model_share(const carat_model* model, carat_model** shared, carat_error* error);
CARAT_API void carat_model_free(carat_model* model);

// What a checkpoint is. Texts are NUL-terminated and valid as long as the handle that was asked. Since 0.1.
typedef struct carat_model_info {
  size_t struct_size;
  const char* path;  // the folder or file as given
  size_t path_size;
  const char* architecture;  // "gemma4" or "gemma4_text"
  size_t architecture_size;
  int64_t context_length;     // positions that the model was made for
  int64_t parameters;         // of the text decoder, tables included
  int32_t layers;             //
  int32_t kv_shared_layers;   // the last so many have no keys and values of their own
  int32_t hidden_size;        //
  int32_t vocabulary_size;    // rows of the embedding = length of the logits
  int32_t sliding_window;     // positions that a sliding layer sees
  int32_t experts;            // 0 without mixture of experts
  int32_t experts_per_token;  //
  int32_t has_vision;         // 1 if the checkpoint has a vision tower
  int32_t has_audio;          // 1 if the checkpoint has an audio tower
  int32_t integer_weights;    // 1 if some weights are multiplied as integers: int8, int4, blocks
  // Bytes of weights that one generated token reads, as they lie in memory now: what bounds generation. And
  // operations (a multiplication and an addition are two) in products with weights for a prompt token whose
  // logits nobody wants: what bounds the reading of prompts.
  int64_t bytes_per_token;
  int64_t operations_per_prompt_token;
  int64_t stream_prefetch_bytes;  // what was set or measured; 0: none
} carat_model_info;

// Prepares the struct: see rule 4. Since 0.1.
CARAT_API carat_status carat_model_info_init(carat_model_info* info, size_t struct_size);

// Fills a prepared struct. Since 0.1.
CARAT_API carat_status carat_model_get_info(const carat_model* model, carat_model_info* info,
                                            carat_error* error);

// The model's tokenizer, a handle of its own. Errors: RESOURCE_EXHAUSTED. Since 0.1.
CARAT_API carat_status carat_model_tokenizer(const carat_model* model, carat_tokenizer** tokenizer,
                                             carat_error* error);

// What generation_config.json recommends; without one, the defaults. Fills a prepared struct, whose
// logit_bias is then valid as long as this model handle. Since 0.1.
CARAT_API carat_status carat_model_default_sampling(const carat_model* model, carat_sampling_options* options,
                                                    carat_error* error);

// The ids that end an answer: generation_config.json's, or config.json's. Errors: RESOURCE_EXHAUSTED.
// Since 0.1.
CARAT_API carat_status carat_model_stop_tokens(const carat_model* model, carat_tokens** tokens,
                                               carat_error* error);

// The threads and the kernels that were chosen. Since 0.1.
CARAT_API int32_t carat_model_threads(const carat_model* model);
CARAT_API carat_instruction_set carat_model_instruction_set(const carat_model* model);

// Every tensor of a checkpoint, in the order of the files. Threads: any number at once. Since 0.1.
typedef struct carat_tensor_list carat_tensor_list;

// One tensor. What it points to is valid as long as the list; texts are NUL-terminated. Since 0.1.
typedef struct carat_tensor_info {
  size_t struct_size;
  const char* name;
  size_t name_size;
  const char* format;  // "BF16", "F16", "F32"
  size_t format_size;
  const char* file;  // the file's name inside the checkpoint
  size_t file_size;
  const int64_t* shape;  // [rank], outermost first
  size_t rank;
  uint64_t bytes;
} carat_tensor_info;

// Prepares the struct: see rule 4. Since 0.1.
CARAT_API carat_status carat_tensor_info_init(carat_tensor_info* info, size_t struct_size);

// Errors: RESOURCE_EXHAUSTED. Since 0.1.
CARAT_API carat_status carat_model_tensors(const carat_model* model, carat_tensor_list** tensors,
                                           carat_error* error);
CARAT_API void carat_tensor_list_free(carat_tensor_list* tensors);
CARAT_API size_t carat_tensor_list_size(const carat_tensor_list* tensors);

// Fills a prepared struct with the tensor at `index`. Errors: OUT_OF_RANGE. Since 0.1.
CARAT_API carat_status carat_tensor_list_get(const carat_tensor_list* tensors, size_t index,
                                             carat_tensor_info* info, carat_error* error);

// How keys and values are kept. Since 0.1.
typedef int32_t carat_kv_type;
enum {
  CARAT_KV_AUTO = 0,  // as exact as the weights: float32 with float weights (bf16, f16, f32), else int16
  CARAT_KV_FLOAT32 = 1,
  CARAT_KV_BFLOAT16 = 2,  // half the memory; adds a rounding of up to 2^-9 to every key and value
  // Half the memory, and more precise than float16: integers, and a scale for each key and each value.
  // Attention is computed in integers, with the same result on every instruction set. It adds some 1e-4 of
  // a row's root mean square to every number.
  CARAT_KV_INT16 = 3,
  CARAT_KV_INT8 = 4  // a quarter of the memory, for long texts: the same in 8 bits; adds some 1e-2
};

// How a session is made. Since 0.1.
typedef struct carat_session_options {
  size_t struct_size;
  // The most positions that the session will hold; 0, the default, is the model's own context. The cache
  // grows with the text, so a large context costs nothing before it is used.
  int64_t context_size;
  // Default AUTO.
  carat_kv_type kv_type;
  // Prompt tokens that go through the layers together; 0, the default, lets carat choose. Larger is faster
  // and takes more memory; results differ by rounding only.
  int32_t prompt_chunk;
} carat_session_options;

// What a session will take, in bytes. Since 0.1.
typedef struct carat_memory_needs {
  size_t struct_size;
  uint64_t weights_touched;       // weights that every token reads: resident once used
  uint64_t weights_looked_up;     // tables of which a token reads single rows: mapped, resident by the row
  uint64_t kv_sliding;            // rings of the sliding layers: taken when the session is made
  uint64_t kv_full_per_position;  // full-attention layers: grows with the text
  uint64_t kv_full;               // kv_full_per_position for the whole context
  uint64_t workspace;             // activations of one prompt chunk
} carat_memory_needs;

// These prepare a struct: see rule 4. Since 0.1.
CARAT_API carat_status carat_session_options_init(carat_session_options* options, size_t struct_size);
CARAT_API carat_status carat_memory_needs_init(carat_memory_needs* needs, size_t struct_size);

// What a session with these options will take: fills a prepared struct. Errors: INVALID_ARGUMENT as for
// carat_session_new. Since 0.1.
CARAT_API carat_status carat_model_estimate_memory(const carat_model* model,
                                                   const carat_session_options* options,
                                                   carat_memory_needs* needs, carat_error* error);

// --------------------------------------------------------------------------------------------------------
// Candidates: what samplers work on
// --------------------------------------------------------------------------------------------------------

// A token that may come next. Since 0.1.
typedef struct carat_candidate {
  int32_t token;
  float logit;  // -infinity is legal and means never
} carat_candidate;

// The candidates that are left, with the one that was selected, if any. A sampler may change logits, reorder,
// and shorten the list, never lengthen it. Threads: one at a time. Since 0.1.
typedef struct carat_candidates carat_candidates;

// A list over the host's own array, [count], which must live as long as the list and is edited in place: for
// using samplers without a chain. `sorted` is 1 if logits do not increase along it. Errors:
// RESOURCE_EXHAUSTED. Since 0.1.
CARAT_API carat_status carat_candidates_new(carat_candidate* data, size_t count, int32_t sorted,
                                            carat_candidates** candidates, carat_error* error);
// For lists from carat_candidates_new. The one that a callback is given is carat's: freeing it does nothing.
CARAT_API void carat_candidates_free(carat_candidates* candidates);

// [carat_candidates_size], to read and to change. Valid while the list is; NULL for NULL. Since 0.1.
CARAT_API carat_candidate* carat_candidates_data(carat_candidates* candidates);
CARAT_API size_t carat_candidates_size(const carat_candidates* candidates);

// 1 if logits do not increase along the list. Who changes logits or the order says so. Since 0.1.
CARAT_API int32_t carat_candidates_sorted(const carat_candidates* candidates);
CARAT_API void carat_candidates_set_sorted(carat_candidates* candidates, int32_t sorted);

// Sorts by logit, highest first, equal ones by lower id. Does nothing to a sorted list. Since 0.1.
CARAT_API void carat_candidates_sort(carat_candidates* candidates);

// Makes the list consist of its `count` highest, sorted. Linear in the list, but for sorting `count`.
// Since 0.1.
CARAT_API void carat_candidates_keep_highest(carat_candidates* candidates, size_t count);

// Makes the list consist of its first `count`. No effect where it has no more. Since 0.1.
CARAT_API void carat_candidates_truncate(carat_candidates* candidates, size_t count);

// Selects the token: the samplers after this one are not asked any more. Since 0.1.
CARAT_API void carat_candidates_select(carat_candidates* candidates, int32_t token);

// The selected token; -1 if there is none, and for NULL. Since 0.1.
CARAT_API int32_t carat_candidates_selected(const carat_candidates* candidates);

// --------------------------------------------------------------------------------------------------------
// Samplers: one step from logits to the next token
// --------------------------------------------------------------------------------------------------------

// Edits the candidates (drops some, changes logits), or selects one. Threads: one at a time. Since 0.1.
typedef struct carat_sampler carat_sampler;

// Where a token that samplers are told of comes from. Since 0.1.
typedef int32_t carat_token_origin;
enum {
  CARAT_TOKEN_PROMPT = 0,    // the host gave it
  CARAT_TOKEN_GENERATED = 1  // a chain selected it
};

// A sampler of the host's own: what it does. The struct is copied. Since 0.1.
typedef struct carat_sampler_functions {
  size_t struct_size;
  // A short name for lists and errors, "no-repeats". Copied. Default "host".
  const char* name;
  size_t name_size;
  // Edits the candidates, which are valid during the call. Anything but CARAT_OK ends the sampling with that
  // status; `error` is never NULL and carat_error_set may say more. Must be set.
  carat_status (*apply)(void* user_data, carat_candidates* candidates, carat_error* error);
  // A token has become part of the text. May be NULL.
  void (*accept)(void* user_data, int32_t token, carat_token_origin origin);
  // Forget all accepted tokens, and begin again. May be NULL.
  void (*reset)(void* user_data);
  // Stores an independent copy of user_data in the same state, which `release` will be called for too. NULL:
  // chains with this sampler cannot be cloned (UNIMPLEMENTED).
  carat_status (*clone)(void* user_data, void** copy, carat_error* error);
  // The sampler is not needed any more: called once for each user_data, on the thread that frees the last
  // handle to it. May be NULL.
  void (*release)(void* user_data);
} carat_sampler_functions;

// Prepares the struct: see rule 4. Since 0.1.
CARAT_API carat_status carat_sampler_functions_init(carat_sampler_functions* functions, size_t struct_size);

// A sampler of the host's own. If this fails, user_data is still the host's. Errors: INVALID_ARGUMENT (no
// `apply`), RESOURCE_EXHAUSTED. Since 0.1.
CARAT_API carat_status carat_sampler_new(const carat_sampler_functions* functions, void* user_data,
                                         carat_sampler** sampler, carat_error* error);

// The built-in ones. Parameters as in carat_sampling_options. Errors: INVALID_ARGUMENT for a value outside
// its range, RESOURCE_EXHAUSTED. Since 0.1.
CARAT_API carat_status carat_sampler_new_logit_bias(const carat_logit_bias* bias, size_t bias_count,
                                                    carat_sampler** sampler, carat_error* error);
CARAT_API carat_status carat_sampler_new_penalties(float repetition, float frequency, float presence,
                                                   int32_t window, carat_sampler** sampler,
                                                   carat_error* error);
CARAT_API carat_status carat_sampler_new_temperature(float temperature, carat_sampler** sampler,
                                                     carat_error* error);
CARAT_API carat_status carat_sampler_new_top_k(int32_t k, carat_sampler** sampler, carat_error* error);
CARAT_API carat_status carat_sampler_new_top_p(float p, carat_sampler** sampler, carat_error* error);
CARAT_API carat_status carat_sampler_new_min_p(float p, carat_sampler** sampler, carat_error* error);
CARAT_API carat_status carat_sampler_new_typical(float p, carat_sampler** sampler, carat_error* error);
// Selects the highest logit, ties to the lower id.
CARAT_API carat_status carat_sampler_new_greedy(carat_sampler** sampler, carat_error* error);
// Draws one by its probability.
CARAT_API carat_status carat_sampler_new_draw(uint64_t seed, carat_sampler** sampler, carat_error* error);

// Frees the handle; a sampler that went into a chain lives on there. Since 0.1.
CARAT_API void carat_sampler_free(carat_sampler* sampler);

// Its name, [*size]; empty once it went into a chain. Not NUL-terminated; valid as long as the sampler.
// Since 0.1.
CARAT_API const char* carat_sampler_name(const carat_sampler* sampler, size_t* size);

// Using a sampler without a chain. Errors: FAILED_PRECONDITION once it went into a chain, and what a host's
// sampler returns. Since 0.1.
CARAT_API carat_status carat_sampler_apply(carat_sampler* sampler, carat_candidates* candidates,
                                           carat_error* error);
CARAT_API carat_status carat_sampler_accept(carat_sampler* sampler, int32_t token, carat_token_origin origin,
                                            carat_error* error);
CARAT_API carat_status carat_sampler_reset(carat_sampler* sampler, carat_error* error);
CARAT_API carat_status carat_sampler_clone(const carat_sampler* sampler, carat_sampler** clone,
                                           carat_error* error);

// --------------------------------------------------------------------------------------------------------
// Sampler chain: a row of samplers, one of which, usually the last, selects
// --------------------------------------------------------------------------------------------------------

// The same options, seed and logits give the same tokens on every machine. Threads: one at a time. Since 0.1.
typedef struct carat_sampler_chain carat_sampler_chain;

// The chain that the options describe, in the reference's order, behind a constraint if there is one: logit
// bias, penalties, temperature, top-k, top-p, min-p, typical, draw. Errors: INVALID_ARGUMENT naming the
// option, its value and its range. Since 0.1.
CARAT_API carat_status carat_sampler_chain_new(const carat_sampling_options* options,
                                               carat_sampler_chain** chain, carat_error* error);

// A chain without samplers, for building one by hand. Since 0.1.
CARAT_API carat_status carat_sampler_chain_new_empty(carat_sampler_chain** chain, carat_error* error);
CARAT_API void carat_sampler_chain_free(carat_sampler_chain* chain);

// Puts a sampler in, at `index` from the front (0 .. size). It then belongs to the chain: the handle is an
// empty shell, which the host still frees. Errors: OUT_OF_RANGE for the index, FAILED_PRECONDITION for a
// sampler that is in a chain already; the sampler is then as before. RESOURCE_EXHAUSTED: the sampler is
// gone. Since 0.1.
CARAT_API carat_status carat_sampler_chain_insert(carat_sampler_chain* chain, size_t index,
                                                  carat_sampler* sampler, carat_error* error);
// The same at the end. Since 0.1.
CARAT_API carat_status carat_sampler_chain_append(carat_sampler_chain* chain, carat_sampler* sampler,
                                                  carat_error* error);

// How many samplers there are. Since 0.1.
CARAT_API size_t carat_sampler_chain_size(const carat_sampler_chain* chain);

// The name of the sampler at `index`, [*size]; empty beyond the end. Not NUL-terminated; valid as long as the
// sampler is in the chain. Since 0.1.
CARAT_API const char* carat_sampler_chain_name(const carat_sampler_chain* chain, size_t index, size_t* size);

// Chooses a token from the logits of the whole vocabulary, [logit_count]. It does not accept it. Errors:
// INVALID_ARGUMENT for no logits or a NaN among them, FAILED_PRECONDITION if the samplers leave no
// candidate or select none, and what a sampler returns. Since 0.1.
CARAT_API carat_status carat_sampler_chain_sample(carat_sampler_chain* chain, const float* logits,
                                                  size_t logit_count, int32_t* token, carat_error* error);

// Tells every sampler that a token has become part of the text. Since 0.1.
CARAT_API carat_status carat_sampler_chain_accept(carat_sampler_chain* chain, int32_t token,
                                                  carat_token_origin origin, carat_error* error);

// Every sampler begins again, a seeded one with its seed. Since 0.1.
CARAT_API carat_status carat_sampler_chain_reset(carat_sampler_chain* chain, carat_error* error);

// An independent copy in the same state: both go on with the same tokens. Errors: UNIMPLEMENTED for a host's
// sampler without `clone`, RESOURCE_EXHAUSTED. Since 0.1.
CARAT_API carat_status carat_sampler_chain_clone(const carat_sampler_chain* chain,
                                                 carat_sampler_chain** clone, carat_error* error);

// --------------------------------------------------------------------------------------------------------
// Grammars: answers of a form that is decided beforehand
// --------------------------------------------------------------------------------------------------------

// JSON by a schema, any language by a grammar, calls of declared tools.
//
//   carat_grammar* grammar = NULL;
//   carat_grammar_vocabulary* vocabulary = NULL;
//   carat_constraint* constraint = NULL;
//   carat_grammar_from_json_schema(schema, strlen(schema), NULL, &grammar, error);
//   carat_model_grammar_vocabulary(model, &vocabulary, error);
//   carat_constraint_new(grammar, vocabulary, NULL, &constraint, error);
//   sampling.constraint = constraint;  // of carat_sampling_options, for a generation or a chain
//   options.answer = grammar;          // or of carat_reply_options, for a reply of a conversation
//
// Exact: a token is allowed if and only if the text so far and the token's bytes together are the beginning
// of a whole; a stop token if and only if the text is a whole. Which keywords of JSON Schema there are, and
// how documents are written, carat/grammar.h says: members come in any order, white space is limited,
// integers have no point, numbers of any size are compared exactly; annotations and unknown formats say
// nothing, and any other keyword that is not known is an error that names it. Threads: grammars and
// vocabularies never change, and any thread may use them; a constraint belongs to one thread at a time.

// A language, compiled. Since 0.1.
typedef struct carat_grammar carat_grammar;

// Since 0.1.
typedef struct carat_json_schema_options {
  size_t struct_size;
  // The most characters of white space in one place, 0 to 1000. 0 is the compact form. Default 64.
  int32_t max_whitespace;
  int32_t reserved;  // 0
  // 1: an object has no members beyond those that its schema names by properties or patternProperties, as if
  // additionalProperties were false wherever it is not there; a schema without properties still admits any
  // object. 0, the default, is what the standard says: other members may have any value.
  int32_t closed_objects;
  int32_t reserved_2;  // 0
} carat_json_schema_options;

// Prepares a struct: see rule 4. Since 0.1.
CARAT_API carat_status carat_json_schema_options_init(carat_json_schema_options* options, size_t struct_size);

// The documents that a schema admits. Options may be NULL. Errors: UNIMPLEMENTED naming a keyword that is not
// supported, and where it stands; INVALID_ARGUMENT for what is no schema, or one that no document fits;
// RESOURCE_EXHAUSTED for one that needs too large an automaton. Since 0.1.
CARAT_API carat_status carat_grammar_from_json_schema(const char* schema, size_t schema_size,
                                                      const carat_json_schema_options* options,
                                                      carat_grammar** grammar, carat_error* error);

// The language of a grammar in the notation GBNF, from the rule `root`; NULL for "root". Tokens are written
// <name> or <[id]>, any other one behind !: carat/grammar.h says how they count. Errors: INVALID_ARGUMENT
// with the line, also for rules that begin with themselves or never end; RESOURCE_EXHAUSTED. Since 0.1.
CARAT_API carat_status carat_grammar_from_gbnf(const char* text, size_t text_size, const char* root,
                                               size_t root_size, carat_grammar** grammar, carat_error* error);

// Calls of tools in Gemma 4's notation. `tools` is JSON: a list of {"type": "function", "function": {"name",
// "parameters"}}, or of {"name", "parameters"}, where parameters is a JSON Schema. whole_calls 0: from behind
// <|tool_call> to <tool_call|>, once, for a trigger; 1: one or more whole calls with these tokens, for an
// answer that must be calls. Errors: as carat_grammar_from_json_schema, naming the tool. Since 0.1.
CARAT_API carat_status carat_grammar_from_tools(const char* tools, size_t tools_size, int32_t whole_calls,
                                                carat_grammar** grammar, carat_error* error);

// How calls of tools are written. Since 0.1.
typedef struct carat_tool_grammar_options {
  size_t struct_size;
  // 0, the default: from behind <|tool_call> to <tool_call|>, once, for a trigger. 1: one or more whole calls
  // with these tokens, for an answer that must be calls.
  int32_t whole_calls;
  // As in carat_json_schema_options, for the tools' parameters. Default 0.
  int32_t closed_objects;
} carat_tool_grammar_options;

// Prepares a struct: see rule 4. Since 0.1.
CARAT_API carat_status carat_tool_grammar_options_init(carat_tool_grammar_options* options,
                                                       size_t struct_size);

// carat_grammar_from_tools with options, which may be NULL. Since 0.1.
CARAT_API carat_status carat_grammar_from_tools_with(const char* tools, size_t tools_size,
                                                     const carat_tool_grammar_options* options,
                                                     carat_grammar** grammar, carat_error* error);
CARAT_API void carat_grammar_free(carat_grammar* grammar);

// A tokenizer's vocabulary, made ready for grammars: once for a model, and used by all its constraints. Takes
// some 35 MB and a fraction of a second for 262,144 tokens. Since 0.1.
typedef struct carat_grammar_vocabulary carat_grammar_vocabulary;

// `stop_tokens`, [stop_token_count], are allowed where a text is a whole, and nowhere else. Errors:
// OUT_OF_RANGE for one that the tokenizer does not have, RESOURCE_EXHAUSTED. Since 0.1.
CARAT_API carat_status carat_grammar_vocabulary_new(const carat_tokenizer* tokenizer,
                                                    const int32_t* stop_tokens, size_t stop_token_count,
                                                    carat_grammar_vocabulary** vocabulary,
                                                    carat_error* error);
// That of a model, with its stop tokens: made at the first call, then shared. Errors: RESOURCE_EXHAUSTED.
// Since 0.1.
CARAT_API carat_status carat_model_grammar_vocabulary(const carat_model* model,
                                                      carat_grammar_vocabulary** vocabulary,
                                                      carat_error* error);
CARAT_API void carat_grammar_vocabulary_free(carat_grammar_vocabulary* vocabulary);
// The number of ids. Since 0.1.
CARAT_API int32_t carat_grammar_vocabulary_size(const carat_grammar_vocabulary* vocabulary);

// When a constraint holds. -1, the default of all tokens here, is none. Since 0.1.
typedef struct carat_constraint_options {
  size_t struct_size;
  // -1: from the first token on. Otherwise everything is allowed until this token has been accepted, and the
  // grammar begins behind it.
  int32_t trigger;
  // 1, with a trigger: when the text is a whole, everything is allowed again, until the next trigger.
  // Default 0.
  int32_t repeat;
  // A stretch that is free and may stand in front of the text, for thoughts: where the text could begin,
  // free_begin may come too; then everything but stop tokens is allowed, and behind free_end the text can
  // begin again.
  int32_t free_begin;
  int32_t free_end;
} carat_constraint_options;

// Prepares a struct: see rule 4. Since 0.1.
CARAT_API carat_status carat_constraint_options_init(carat_constraint_options* options, size_t struct_size);

// Where one text stands in its grammar. Options may be NULL. Errors: FAILED_PRECONDITION if the grammar needs
// a control token that the vocabulary does not have, OUT_OF_RANGE for a token of the options. Since 0.1.
CARAT_API carat_status carat_constraint_new(const carat_grammar* grammar,
                                            const carat_grammar_vocabulary* vocabulary,
                                            const carat_constraint_options* options,
                                            carat_constraint** constraint, carat_error* error);
CARAT_API void carat_constraint_free(carat_constraint* constraint);

// Which tokens may come next: bit i % 64 of word i / 64 for token i, [*word_count]. Valid until the next call
// on this constraint. Errors: RESOURCE_EXHAUSTED, also where the text can be read in too many ways at once.
// Since 0.1.
CARAT_API carat_status carat_constraint_mask(carat_constraint* constraint, const uint64_t** words,
                                             size_t* word_count, carat_error* error);

// Sets the logits of all other tokens to -infinity. Errors: as carat_constraint_mask. Since 0.1.
CARAT_API carat_status carat_constraint_mask_logits(carat_constraint* constraint, float* logits,
                                                    size_t logit_count, carat_error* error);

// Goes on by a token. Errors: INVALID_ARGUMENT for one that is not allowed, and the constraint is as before.
// Since 0.1.
CARAT_API carat_status carat_constraint_accept(carat_constraint* constraint, int32_t token,
                                               carat_error* error);

// 1 if the text may end here: it is a whole, or the constraint does not hold now. Since 0.1.
CARAT_API int32_t carat_constraint_is_complete(const carat_constraint* constraint);
// 1 if the grammar decides about the next token. It does not before the trigger and in a free stretch. Since
// 0.1.
CARAT_API int32_t carat_constraint_is_active(const carat_constraint* constraint);

// The number of tokens accepted. Since 0.1.
CARAT_API int64_t carat_constraint_position(const carat_constraint* constraint);
// Takes tokens back until `position` of them are left. Errors: OUT_OF_RANGE for a position not in 0 ..
// carat_constraint_position. Since 0.1.
CARAT_API carat_status carat_constraint_rewind(carat_constraint* constraint, int64_t position,
                                               carat_error* error);

// An independent copy in the same state. Errors: RESOURCE_EXHAUSTED. Since 0.1.
CARAT_API carat_status carat_constraint_clone(const carat_constraint* constraint, carat_constraint** clone,
                                              carat_error* error);

// A sampler that drops what the constraint does not allow, with a copy of it in its state: for a chain made
// by hand. Prompt tokens do not move it. Since 0.1.
CARAT_API carat_status carat_sampler_new_constraint(const carat_constraint* constraint,
                                                    carat_sampler** sampler, carat_error* error);

// --------------------------------------------------------------------------------------------------------
// Session: one sequence of tokens, and the logits that follow it
// --------------------------------------------------------------------------------------------------------

// The KV cache of one sequence. Threads: one at a time, but for carat_session_cancel. After an error it is
// as it was before the call, but for prompt chunks that were already read (carat_session_position tells).
// While a generation runs on it, calls that would change it are FAILED_PRECONDITION. Since 0.1.
typedef struct carat_session carat_session;

// Errors: INVALID_ARGUMENT naming the option, RESOURCE_EXHAUSTED. Since 0.1.
CARAT_API carat_status carat_session_new(const carat_model* model, const carat_session_options* options,
                                         carat_session** session, carat_error* error);
CARAT_API void carat_session_free(carat_session* session);

// Receives the hidden states of a run of positions on their way through the layers: what enters layer `layer`
// (0 .. layers-1), and for layer == layers the final normed state. `states` is [count, hidden_size], float32,
// row by row, for positions first_position .. first_position+count-1; valid during the call. Since 0.1.
typedef void (*carat_hidden_states_callback)(void* user_data, int32_t layer, int64_t first_position,
                                             int64_t count, const float* states, size_t hidden_size);

// Which positions of a prompt get logits. Since 0.1.
typedef int32_t carat_wanted_logits;
enum {
  CARAT_LOGITS_LAST = 0,
  CARAT_LOGITS_NONE = 1,
  CARAT_LOGITS_ALL = 2,    // vocabulary_size * 4 bytes each: 1 MB a token for the released models
  CARAT_LOGITS_LISTED = 3  // carat_prefill_options.positions
};

// How a prompt is read. Since 0.1.
typedef struct carat_prefill_options {
  size_t struct_size;
  // For LISTED: indices into the tokens of this call, ascending, [position_count]. Default: none.
  const int64_t* positions;
  size_t position_count;
  // Told in tokens, after each chunk. Default NULL.
  carat_progress_callback progress;
  void* progress_user_data;
  // If set, every layer runs for every position. Default NULL.
  carat_hidden_states_callback hidden_states;
  void* hidden_states_user_data;
  // Work that only unwanted logits need is not done: fewer wanted positions are faster. Default LAST.
  carat_wanted_logits logits;
  int32_t reserved;  // 0
} carat_prefill_options;

// Prepares the struct: see rule 4. Since 0.1.
CARAT_API carat_status carat_prefill_options_init(carat_prefill_options* options, size_t struct_size);

// Appends tokens. Errors: INVALID_ARGUMENT (no tokens, positions out of order), OUT_OF_RANGE (an id
// outside the vocabulary; nothing is appended), RESOURCE_EXHAUSTED (they do not fit the context: nothing
// is appended; or out of memory), CANCELLED (the chunks that were read stay). Since 0.1.
CARAT_API carat_status carat_session_prefill(carat_session* session, const int32_t* tokens,
                                             size_t token_count, const carat_prefill_options* options,
                                             carat_error* error);

// Appends one token, whose logits are then the last ones. Errors: as above. Since 0.1.
CARAT_API carat_status carat_session_decode(carat_session* session, int32_t token, carat_error* error);

// How many positions the last successful prefill or decode computed logits for. Since 0.1.
CARAT_API size_t carat_session_logits_count(const carat_session* session);

// Logits after soft-capping, [vocabulary_size], of the index-th wanted position, in order. `size` may be
// NULL. Valid until the session is changed. Errors: OUT_OF_RANGE. Since 0.1.
CARAT_API carat_status carat_session_logits(const carat_session* session, size_t index, const float** logits,
                                            size_t* size, carat_error* error);

// Those of the last wanted position. Errors: FAILED_PRECONDITION if there are none. Since 0.1.
CARAT_API carat_status carat_session_last_logits(const carat_session* session, const float** logits,
                                                 size_t* size, carat_error* error);

// What a rewind could keep. Since 0.1.
typedef struct carat_rewind_result {
  size_t struct_size;
  // Where the sequence ends now.
  int64_t position;
  // How many of its positions are still in the cache. If fewer than position, because a sliding layer has
  // forgotten keys that the new end would see, then the next prefill or decode reads the rest again first.
  int64_t kept;
} carat_rewind_result;

// Prepares the struct: see rule 4. Since 0.1.
CARAT_API carat_status carat_rewind_result_init(carat_rewind_result* result, size_t struct_size);

// Forgets all positions from `position` on (0 forgets all), and the logits. Fills a prepared `result`,
// which may be NULL. Errors: OUT_OF_RANGE. Since 0.1.
CARAT_API carat_status carat_session_rewind(carat_session* session, int64_t position,
                                            carat_rewind_result* result, carat_error* error);

// Makes a later rewind to the present position keep all of it, however much is read meanwhile: what sliding
// layers would forget by then is set aside. There is one mark, the latest. Since 0.1.
CARAT_API carat_status carat_session_mark(carat_session* session, carat_error* error);

// An independent session in the same state, without the mark, sharing the model's weights and nothing else.
// Errors: RESOURCE_EXHAUSTED. Since 0.1.
CARAT_API carat_status carat_session_clone(const carat_session* session, carat_session** clone,
                                           carat_error* error);

// How many tokens there are, and the most there can be. Since 0.1.
CARAT_API int64_t carat_session_position(const carat_session* session);
CARAT_API int64_t carat_session_context_size(const carat_session* session);

// The tokens so far, [carat_session_position]; valid until the session is changed. Since 0.1.
CARAT_API const int32_t* carat_session_tokens(const carat_session* session);

// The kind of cache and the chunk size that were chosen. Since 0.1.
CARAT_API carat_kv_type carat_session_kv_type(const carat_session* session);
CARAT_API int32_t carat_session_prompt_chunk(const carat_session* session);

// Bytes that this session holds now: cache, activations, logits. Since 0.1.
CARAT_API uint64_t carat_session_memory_bytes(const carat_session* session);

// The session's model, a handle of its own. Errors: RESOURCE_EXHAUSTED. Since 0.1.
CARAT_API carat_status carat_session_model(const carat_session* session, carat_model** model,
                                           carat_error* error);

// Makes the running prefill, decode or generation end soon, with CANCELLED or CARAT_STOP_CANCELLED; if
// none is running, the next one. Threads: any, at any time while the session handle lives. Does nothing
// for NULL. Since 0.1.
CARAT_API void carat_session_cancel(carat_session* session);
// Takes back a cancel that no call has noticed yet. Threads: as above. Since 0.1.
CARAT_API void carat_session_clear_cancel(carat_session* session);

// --------------------------------------------------------------------------------------------------------
// Generation: the loop from a prompt to an answer
// --------------------------------------------------------------------------------------------------------

// Why a generation ended. Since 0.1.
typedef int32_t carat_stop_reason;
enum {
  CARAT_STOP_NONE = 0,          // it goes on
  CARAT_STOP_TOKEN = 1,         // one of the stop ids
  CARAT_STOP_STRING = 2,        // one of the stop strings
  CARAT_STOP_MAX_TOKENS = 3,    // max_new_tokens were generated
  CARAT_STOP_CONTEXT_FULL = 4,  // the session's context is full
  CARAT_STOP_CANCELLED = 5      // carat_session_cancel, or the callback returned 0
};

// Since 0.1.
typedef struct carat_generation_options {
  size_t struct_size;
  // -1, the default: until a stop or the end of the context.
  int64_t max_new_tokens;
  // How to sample. NULL, the default: the model's own recommendation (carat_model_default_sampling).
  const carat_sampling_options* sampling;
  // A chain of the host's, used instead of `sampling`. The generation keeps it alive. Default NULL.
  carat_sampler_chain* chain;
  // Further ids to stop at, [stop_token_count]. Default: none.
  const int32_t* stop_tokens;
  size_t stop_token_count;
  // Texts to stop at, [stop_string_count]. Nothing from the first one on is emitted; text that could be the
  // beginning of one is held back until it is known. Default: none.
  const carat_text* stop_strings;
  size_t stop_string_count;
  // Told in tokens while the prompt is read. Default NULL.
  carat_progress_callback prompt_progress;
  void* prompt_progress_user_data;
  // 1: stop at the model's own stop ids. Default 1.
  int32_t stop_at_model_stop_tokens;
  // How many of the likeliest tokens to report at each step, with their log-probabilities; 0 to 100.
  // Default 0.
  int32_t top_logprobs;
  // 1: control tokens appear in the text. Default 0.
  int32_t show_special;
  int32_t reserved;  // 0
} carat_generation_options;

// A token's natural-log probability under the model, before any sampler. Since 0.1.
typedef struct carat_token_logprob {
  int32_t token;
  float logprob;
} carat_token_logprob;

// One token, or the end. What it points to is valid until the next step, or until the callback returns.
// Since 0.1.
typedef struct carat_generation_step {
  size_t struct_size;
  // Text that became certain with it: whole UTF-8 characters, possibly none. Not NUL-terminated.
  const char* text;
  size_t text_size;
  // The likeliest tokens, highest first, [top_count]; only if top_logprobs > 0.
  const carat_token_logprob* top;
  size_t top_count;
  // The generated token; -1 in a last step that brings only held-back text.
  int32_t token;
  // The token's log-probability; only if top_logprobs > 0.
  float logprob;
  // CARAT_STOP_NONE while it goes on; otherwise this is the last step.
  carat_stop_reason stop;
  int32_t reserved;  // 0
} carat_generation_step;

// How long it took. Since 0.1.
typedef struct carat_generation_stats {
  size_t struct_size;
  int64_t prompt_tokens;
  int64_t generated_tokens;
  double prompt_seconds;
  double generation_seconds;  // after the prompt
} carat_generation_stats;

// These prepare a struct: see rule 4. Since 0.1.
CARAT_API carat_status carat_generation_options_init(carat_generation_options* options, size_t struct_size);
CARAT_API carat_status carat_generation_step_init(carat_generation_step* step, size_t struct_size);
CARAT_API carat_status carat_generation_stats_init(carat_generation_stats* stats, size_t struct_size);

// A running generation, for hosts that own the loop. It keeps its session alive. Threads: those of the
// session. Since 0.1.
//
//     carat_generation* run = NULL;
//     carat_generation_step step;
//     carat_generation_step_init(&step, sizeof step);
//     carat_status status = carat_generation_start(session, prompt, prompt_count, NULL, &run, error);
//     while (status == CARAT_OK && step.stop == CARAT_STOP_NONE) {
//       status = carat_generation_next(run, &step, error);
//       if (status == CARAT_OK) fwrite(step.text, 1, step.text_size, stdout);
//     }
//     carat_generation_free(run);
typedef struct carat_generation carat_generation;

// Reads the prompt (appended to what the session holds; it may be empty if the session has logits). Errors:
// those of carat_session_prefill and carat_sampler_chain_new; INVALID_ARGUMENT for options;
// FAILED_PRECONDITION while another generation runs on the session. Since 0.1.
CARAT_API carat_status carat_generation_start(carat_session* session, const int32_t* prompt,
                                              size_t prompt_count, const carat_generation_options* options,
                                              carat_generation** generation, carat_error* error);

// Ends the generation, wherever it is; the session can then be used again. Since 0.1.
CARAT_API void carat_generation_free(carat_generation* generation);

// The next step: fills a prepared struct. A token is appended to the session when the one after it is asked
// for, so that the last one costs nothing; carat_session_tokens tells which are in. After the last step:
// FAILED_PRECONDITION. A cancel is not an error here but CARAT_STOP_CANCELLED. Since 0.1.
CARAT_API carat_status carat_generation_next(carat_generation* generation, carat_generation_step* step,
                                             carat_error* error);

// Fills a prepared struct. Since 0.1.
CARAT_API carat_status carat_generation_get_stats(const carat_generation* generation,
                                                  carat_generation_stats* stats, carat_error* error);

// Receives the steps of carat_generate. Returns 1 to go on, 0 to stop. Since 0.1.
typedef int32_t (*carat_step_callback)(void* user_data, const carat_generation_step* step);

// What carat_generate brought. Since 0.1.
typedef struct carat_generation_result carat_generation_result;

// Runs a generation to its end. `on_step` may be NULL; `result` may be NULL if it is not wanted. Errors:
// those of carat_generation_start and carat_generation_next; a cancel is one (CANCELLED) only while the
// prompt is read. Since 0.1.
CARAT_API carat_status carat_generate(carat_session* session, const int32_t* prompt, size_t prompt_count,
                                      const carat_generation_options* options, carat_step_callback on_step,
                                      void* user_data, carat_generation_result** result, carat_error* error);

// All tokens, a stop token that ended it included. Valid until the result is freed. Since 0.1.
CARAT_API const int32_t* carat_generation_result_tokens(const carat_generation_result* result);
CARAT_API size_t carat_generation_result_token_count(const carat_generation_result* result);
// All text, NUL-terminated; the size is without the NUL. Valid until the result is freed. Since 0.1.
CARAT_API const char* carat_generation_result_text(const carat_generation_result* result);
CARAT_API size_t carat_generation_result_text_size(const carat_generation_result* result);
// Why it ended. Since 0.1.
CARAT_API carat_stop_reason carat_generation_result_stop(const carat_generation_result* result);
// Fills a prepared struct. Since 0.1.
CARAT_API carat_status carat_generation_result_get_stats(const carat_generation_result* result,
                                                         carat_generation_stats* stats, carat_error* error);
CARAT_API void carat_generation_result_free(carat_generation_result* result);

// --------------------------------------------------------------------------------------------------------
// Pictures, video and sound
// --------------------------------------------------------------------------------------------------------

// A picture, a video or a clip becomes a run of soft tokens: vectors of the text model's width that stand in
// a prompt like tokens. Encoding is the expensive part; soft tokens can be kept and used in any number of
// prompts and sessions of the same checkpoint.
//
//   carat_soft_tokens* picture = NULL;
//   carat_prompt* prompt = NULL;
//   carat_encode_image(model, rgb, width, height, 3 * (int64_t)width, NULL, &picture, error);
//   carat_prompt_new(model, &prompt, error);
//   carat_prompt_add_media(prompt, picture, error);
//   carat_prompt_add_text(prompt, "What is this?", 13, NULL, error);
//   carat_generate_prompt(session, prompt, NULL, on_step, NULL, NULL, error);
//
// Files (PNG, JPEG, WebP, GIF, BMP; WAV, FLAC, OGG, MP3) are read by the optional library carat_media
// (carat_media.h).
// Threads: soft tokens never change, and any thread may use them; a prompt and a stream belong to one thread
// at a time.

// Since 0.1.
typedef int32_t carat_media_kind;
enum {
  CARAT_MEDIA_IMAGE = 1,
  CARAT_MEDIA_VIDEO = 2,
  CARAT_MEDIA_AUDIO = 3,
};

// The arithmetic of the towers. Since 0.1.
typedef int32_t carat_tower_precision;
enum {
  CARAT_TOWER_AUTO = 0,     // what is fastest on this machine within a rounding of bfloat16's size
  CARAT_TOWER_FLOAT32 = 1,  // float32 always: the closest to the reference
};

// Stops a call that encodes, from another thread. Since 0.1.
typedef struct carat_cancel_flag carat_cancel_flag;
// NULL without memory. Since 0.1.
CARAT_API carat_cancel_flag* carat_cancel_flag_new(void);
// A call that was given the flag returns CANCELLED soon; later calls at once. Any thread. Since 0.1.
CARAT_API void carat_cancel_flag_set(carat_cancel_flag* flag);
// As new. Since 0.1.
CARAT_API void carat_cancel_flag_clear(carat_cancel_flag* flag);
// Not while a call that was given it runs. Since 0.1.
CARAT_API void carat_cancel_flag_free(carat_cancel_flag* flag);

// What happened inside a tower, for those who hold a build to a reference. Since 0.1.
typedef struct carat_media_trace carat_media_trace;
// NULL without memory. Since 0.1.
CARAT_API carat_media_trace* carat_media_trace_new(void);
CARAT_API void carat_media_trace_free(carat_media_trace* trace);
// The resized picture as patches, [patches, 16 * 16 * 3], with their columns and rows, [patches, 2]. Valid
// until the next call that is given the trace. `size` counts numbers and may be NULL. Since 0.1.
CARAT_API const uint8_t* carat_media_trace_patches(const carat_media_trace* trace, size_t* size);
CARAT_API const int32_t* carat_media_trace_positions(const carat_media_trace* trace, size_t* size);
// The sound's log-mel features, [frames, bins]; of the frames the first `valid` hear sound. Since 0.1.
CARAT_API const float* carat_media_trace_mel(const carat_media_trace* trace, size_t* size, int64_t* frames,
                                             int64_t* valid);
// The tower's output before its projection, [soft tokens, width of the tower]. Since 0.1.
CARAT_API const float* carat_media_trace_tower(const carat_media_trace* trace, size_t* size);

// Since 0.1.
typedef struct carat_media_options {
  size_t struct_size;
  carat_cancel_flag* cancel;  // borrowed; NULL: cannot be cancelled
  carat_media_trace* trace;   // borrowed; NULL: not traced. Videos and streams leave it alone
  // The most soft tokens for a picture (or for each frame of a video): 70, 140, 280, 560 or 1120. 0, the
  // default, is the checkpoint's own: for pictures usually 280, for frames 70. Sound has no budget.
  int32_t budget;
  // Default AUTO.
  carat_tower_precision precision;
} carat_media_options;

// Prepares a struct: see rule 4. Since 0.1.
CARAT_API carat_status carat_media_options_init(carat_media_options* options, size_t struct_size);

// A frame of a video: RGB, 8 bits, rows from the top `stride` bytes apart, and when it is shown. Since 0.1.
typedef struct carat_video_frame {
  const uint8_t* pixels;
  int64_t stride;
  double seconds;
  int32_t width;
  int32_t height;
} carat_video_frame;

typedef struct carat_soft_tokens carat_soft_tokens;

// Encodes a picture: RGB, 8 bits, rows from the top `stride` bytes apart (at least 3 * width). Options may be
// NULL. Errors of all that encode: INVALID_ARGUMENT, UNIMPLEMENTED if the checkpoint has no such tower, those
// of carat_model_load for its tensors, RESOURCE_EXHAUSTED, CANCELLED. Since 0.1.
CARAT_API carat_status carat_encode_image(const carat_model* model, const uint8_t* pixels, int32_t width,
                                          int32_t height, int64_t stride, const carat_media_options* options,
                                          carat_soft_tokens** soft_tokens, carat_error* error);
CARAT_API carat_status carat_encode_video(const carat_model* model, const carat_video_frame* frames,
                                          size_t frame_count, const carat_media_options* options,
                                          carat_soft_tokens** soft_tokens, carat_error* error);
// Sound of 1 or 2 interleaved channels at any rate, at most 30 seconds (up to 0.1 s more is dropped):
// `frames` samples a channel, in [-1, 1] or 16-bit. Since 0.1.
CARAT_API carat_status carat_encode_audio(const carat_model* model, const float* samples, int64_t frames,
                                          int32_t channels, int32_t sample_rate,
                                          const carat_media_options* options, carat_soft_tokens** soft_tokens,
                                          carat_error* error);
CARAT_API carat_status carat_encode_audio_int16(const carat_model* model, const int16_t* samples,
                                                int64_t frames, int32_t channels, int32_t sample_rate,
                                                const carat_media_options* options,
                                                carat_soft_tokens** soft_tokens, carat_error* error);

// Takes vectors as they are, [row_count, hidden_size], from storage or from an encoder of the host's. A
// video's say how many rows each frame has and when it is shown; for other kinds frame_count is 0. Since 0.1.
CARAT_API carat_status carat_soft_tokens_from_rows(const carat_model* model, carat_media_kind kind,
                                                   const float* rows, size_t row_count,
                                                   const int64_t* frame_rows, const double* frame_seconds,
                                                   size_t frame_count, carat_soft_tokens** soft_tokens,
                                                   carat_error* error);
CARAT_API void carat_soft_tokens_free(carat_soft_tokens* soft_tokens);
CARAT_API carat_media_kind carat_soft_tokens_kind(const carat_soft_tokens* soft_tokens);
// Positions that they take in a prompt, markers and time stamps not counted. Since 0.1.
CARAT_API int64_t carat_soft_tokens_count(const carat_soft_tokens* soft_tokens);
// [count, hidden_size]; valid until they are freed. `size` counts numbers and may be NULL. Since 0.1.
CARAT_API const float* carat_soft_tokens_rows(const carat_soft_tokens* soft_tokens, size_t* size);
CARAT_API uint64_t carat_soft_tokens_memory_bytes(const carat_soft_tokens* soft_tokens);

// Lets the memory of the towers' weights go; the next picture or clip gets it back. Since 0.1.
CARAT_API void carat_release_towers(const carat_model* model);

// Where to cut a long recording so that each piece is at most max_seconds long: the quietest places. Stores
// the frame at which each piece begins, as many as fit `capacity`, and in `count` how many there are. Of
// more than one piece each is at least 0.5 s long, or half of max_seconds. Since 0.1.
CARAT_API carat_status carat_find_quiet_cuts(const float* samples, int64_t frames, int32_t channels,
                                             int32_t sample_rate, double max_seconds, int64_t* cuts,
                                             size_t capacity, size_t* count, carat_error* error);

// A clip that is encoded while it is being recorded; the result equals that of carat_encode_audio. Since 0.1.
typedef struct carat_audio_stream carat_audio_stream;
CARAT_API carat_status carat_audio_stream_start(const carat_model* model, int32_t channels,
                                                int32_t sample_rate, const carat_media_options* options,
                                                carat_audio_stream** stream, carat_error* error);
CARAT_API carat_status carat_audio_stream_feed(carat_audio_stream* stream, const float* samples,
                                               int64_t frames, carat_error* error);
CARAT_API carat_status carat_audio_stream_feed_int16(carat_audio_stream* stream, const int16_t* samples,
                                                     int64_t frames, carat_error* error);
// Seconds fed so far. Since 0.1.
CARAT_API double carat_audio_stream_seconds(const carat_audio_stream* stream);
// The clip's soft tokens; the stream is then at its end. Since 0.1.
CARAT_API carat_status carat_audio_stream_finish(carat_audio_stream* stream, carat_soft_tokens** soft_tokens,
                                                 carat_error* error);
CARAT_API void carat_audio_stream_free(carat_audio_stream* stream);

// A sequence of tokens and soft tokens to be read by a session. Since 0.1.
typedef struct carat_prompt carat_prompt;
CARAT_API carat_status carat_prompt_new(const carat_model* model, carat_prompt** prompt, carat_error* error);
CARAT_API void carat_prompt_free(carat_prompt* prompt);
CARAT_API carat_status carat_prompt_add_tokens(carat_prompt* prompt, const int32_t* tokens,
                                               size_t token_count, carat_error* error);
// A text, encoded by the model's tokenizer; options may be NULL. Since 0.1.
CARAT_API carat_status carat_prompt_add_text(carat_prompt* prompt, const char* text, size_t text_size,
                                             const carat_encode_options* options, carat_error* error);
// Media as the model was taught to see them: a picture or a clip between its markers; a video frame by frame,
// each after its time as mm:ss. Since 0.1.
CARAT_API carat_status carat_prompt_add_media(carat_prompt* prompt, const carat_soft_tokens* soft_tokens,
                                              carat_error* error);
// The soft tokens alone, without markers or times. Since 0.1.
CARAT_API carat_status carat_prompt_add_soft_tokens(carat_prompt* prompt,
                                                    const carat_soft_tokens* soft_tokens, carat_error* error);
// The ids so far, with placeholder ids where soft tokens stand; valid until the next change. Since 0.1.
CARAT_API const int32_t* carat_prompt_tokens(const carat_prompt* prompt, size_t* size);

// As carat_session_prefill, carat_generation_start and carat_generate, with a prompt. It may be freed when
// they return. Since 0.1.
CARAT_API carat_status carat_session_prefill_prompt(carat_session* session, const carat_prompt* prompt,
                                                    const carat_prefill_options* options, carat_error* error);
CARAT_API carat_status carat_generation_start_prompt(carat_session* session, const carat_prompt* prompt,
                                                     const carat_generation_options* options,
                                                     carat_generation** generation, carat_error* error);
CARAT_API carat_status carat_generate_prompt(carat_session* session, const carat_prompt* prompt,
                                             const carat_generation_options* options,
                                             carat_step_callback on_step, void* user_data,
                                             carat_generation_result** result, carat_error* error);

// --------------------------------------------------------------------------------------------------------
// Chat: messages to prompts, replies to events, and conversations that keep both together
// --------------------------------------------------------------------------------------------------------

//   carat_conversation_new(model, &options, NULL, &conversation, error);
//   carat_conversation_add_user(conversation, "What is 710 - 84?", 17, error);
//   carat_conversation_run(conversation, NULL, on_event, user_data, &end, error);
//   while (end == CARAT_REPLY_TOOL_CALLS) {
//     ... carat_conversation_add_tool_result(conversation, id, id_size, "626", 3, 0, error);
//     carat_conversation_run(conversation, NULL, on_event, user_data, &end, error);
//   }
//
// Control tokens are ids that the checkpoint's tokenizer has by name. Everything else, a user's text, a
// tool's result, a tool's description, is encoded as plain text: "<turn|>" in it is seven characters.
// Threads: each of these handles belongs to one thread at a time, but for carat_conversation_cancel.

// Which form of prompt: that of the small models (E2B, E4B) or that of the large ones, whose answers begin
// after an empty thought where thinking is off. AUTO is the checkpoint's own. Since 0.1.
typedef int32_t carat_chat_form;
enum { CARAT_CHAT_FORM_AUTO = 0, CARAT_CHAT_FORM_SMALL = 1, CARAT_CHAT_FORM_LARGE = 2 };

// The checkpoint's form: by its chat template if it has one, otherwise the small one if it has per-layer
// embeddings. AUTO for NULL. Since 0.1.
CARAT_API carat_chat_form carat_model_chat_form(const carat_model* model);

// One message of a conversation. Since 0.1.
typedef struct carat_chat_message carat_chat_message;

// `role` is "system" or "developer" (as the first message), "user", "assistant" or "tool"; `text` what it
// says, and may be empty. Errors: INVALID_ARGUMENT for an empty role. Since 0.1.
CARAT_API carat_status carat_chat_message_new(const char* role, size_t role_size, const char* text,
                                              size_t text_size, carat_chat_message** message,
                                              carat_error* error);
CARAT_API void carat_chat_message_free(carat_chat_message* message);
// Parts, in order: a message that has any shows them instead of its text. Since 0.1.
CARAT_API carat_status carat_chat_message_add_text(carat_chat_message* message, const char* text,
                                                   size_t text_size, carat_error* error);
CARAT_API carat_status carat_chat_message_add_media(carat_chat_message* message,
                                                    const carat_soft_tokens* soft_tokens, carat_error* error);
// An assistant's thought, shown while its turn lasts. Since 0.1.
CARAT_API carat_status carat_chat_message_set_reasoning(carat_chat_message* message, const char* text,
                                                        size_t text_size, carat_error* error);
// A call of an assistant's. `arguments` is a JSON object. Since 0.1.
CARAT_API carat_status carat_chat_message_add_tool_call(carat_chat_message* message, const char* id,
                                                        size_t id_size, const char* name, size_t name_size,
                                                        const char* arguments, size_t arguments_size,
                                                        carat_error* error);
// Of a "tool" message: the call it answers; and with json 1 its text is a JSON value, not a text. Since 0.1.
CARAT_API carat_status carat_chat_message_set_result_of(carat_chat_message* message, const char* call_id,
                                                        size_t call_id_size, int32_t json,
                                                        carat_error* error);
// What it holds: NUL-terminated, valid until it is changed or freed. Parts' texts are put together by `text`
// where there are parts. `size` may be NULL. Since 0.1.
CARAT_API const char* carat_chat_message_role(const carat_chat_message* message, size_t* size);
CARAT_API const char* carat_chat_message_text(const carat_chat_message* message, size_t* size);
CARAT_API const char* carat_chat_message_reasoning(const carat_chat_message* message, size_t* size);
CARAT_API size_t carat_chat_message_tool_call_count(const carat_chat_message* message);
// "" beyond the last call. Since 0.1.
CARAT_API const char* carat_chat_message_tool_call_id(const carat_chat_message* message, size_t index,
                                                      size_t* size);
CARAT_API const char* carat_chat_message_tool_call_name(const carat_chat_message* message, size_t index,
                                                        size_t* size);
CARAT_API const char* carat_chat_message_tool_call_arguments(const carat_chat_message* message, size_t index,
                                                             size_t* size);

// Messages in order. Since 0.1.
typedef struct carat_chat_messages carat_chat_messages;
CARAT_API carat_status carat_chat_messages_new(carat_chat_messages** messages, carat_error* error);
CARAT_API void carat_chat_messages_free(carat_chat_messages* messages);
CARAT_API size_t carat_chat_messages_size(const carat_chat_messages* messages);
// Appends a copy. Since 0.1.
CARAT_API carat_status carat_chat_messages_add(carat_chat_messages* messages,
                                               const carat_chat_message* message, carat_error* error);
// Appends messages from JSON: a list of {"role", "content", "tool_calls", ...} as OpenAI's interface and the
// published chat template have them. `arguments_as_text`: 1 lets arguments of calls be texts that hold JSON.
// Media parts stay empty. Errors: INVALID_ARGUMENT naming message and member; nothing is appended then.
// Since 0.1.
CARAT_API carat_status carat_chat_messages_add_json(carat_chat_messages* messages, const char* json,
                                                    size_t json_size, int32_t arguments_as_text,
                                                    carat_error* error);

// How a conversation is shown to the model. Since 0.1.
typedef struct carat_chat_options {
  size_t struct_size;
  // Functions that the model may call, as JSON: a list of {"type": "function", "function": {"name",
  // "description", "parameters", "strict"}}. Conversations hold arguments to `parameters`; if strict is true
  // they do it or fail, where the schema has a keyword that grammars do not support. Default NULL: none.
  const char* tools;
  size_t tools_size;
  carat_chat_form form;  // default AUTO
  // 1: let the model think before it answers. Default 0.
  int32_t thinking;
  // 1: keep thoughts of earlier turns where they came with tool calls. Default 0.
  int32_t preserve_thinking;
  // 1: do not end with the beginning of the model's turn. Default 0. Conversations do not look at it.
  int32_t no_generation_prompt;
  // 1: the last message is an assistant's that the model goes on with. Default 0. Conversations do not look
  // at it.
  int32_t continue_last;
  // 1: control tokens in texts become their ids. Never with texts of a user or a tool. Default 0.
  int32_t parse_special;
} carat_chat_options;

// Prepares a struct: see rule 4. Since 0.1.
CARAT_API carat_status carat_chat_options_init(carat_chat_options* options, size_t struct_size);

// The prompt as text, for people; `form` must not be AUTO. Errors: INVALID_ARGUMENT for messages and tools
// that the form cannot show. Since 0.1.
CARAT_API carat_status carat_chat_text(const carat_chat_messages* messages, const carat_chat_options* options,
                                       carat_string** text, carat_error* error);
// The prompt, ready to be read by a session. Errors: as above; FAILED_PRECONDITION if the tokenizer was not
// made for chat; INVALID_ARGUMENT for media parts without soft tokens. Since 0.1.
CARAT_API carat_status carat_chat_prompt(const carat_model* model, const carat_chat_messages* messages,
                                         const carat_chat_options* options, carat_prompt** prompt,
                                         carat_error* error);

// The text as a JSON string, quotes included. Since 0.1.
CARAT_API carat_status carat_json_quote(const char* text, size_t text_size, carat_string** json,
                                        carat_error* error);

// What happened in a reply. Since 0.1.
typedef int32_t carat_reply_event_kind;
enum {
  CARAT_REPLY_THOUGHT = 1,              // text of a thought
  CARAT_REPLY_ANSWER = 2,               // text of the answer
  CARAT_REPLY_TOOL_CALL_BEGIN = 3,      // a call begins
  CARAT_REPLY_TOOL_CALL_NAME = 4,       // its function's name is known
  CARAT_REPLY_TOOL_CALL_ARGUMENTS = 5,  // its arguments have grown by `text`, a piece of JSON
  CARAT_REPLY_TOOL_CALL = 6,            // it is complete
  CARAT_REPLY_MALFORMED_TOOL_CALL = 7,  // it is none: `text` is what was written, `problem` what is wrong
  CARAT_REPLY_DONE = 8                  // the reply is over
};

// Why a reply is over. Since 0.1.
typedef int32_t carat_reply_end;
enum {
  CARAT_REPLY_RUNNING = 0,       // it is not
  CARAT_REPLY_STOP = 1,          // the model ended its turn, or a stop string came
  CARAT_REPLY_TOOL_CALLS = 2,    // the model waits for the results of its calls
  CARAT_REPLY_LIMIT = 3,         // as many tokens as were allowed
  CARAT_REPLY_CONTEXT_FULL = 4,  // the session's context is full
  CARAT_REPLY_CANCELLED = 5,
  CARAT_REPLY_LOOP = 6  // the model only repeated itself
};

// An event. Texts are NUL-terminated whole UTF-8 characters, and "" where they mean nothing; valid until the
// next call on the handle that gave the event, or during the callback. Since 0.1.
typedef struct carat_reply_event {
  size_t struct_size;
  const char* text;
  size_t text_size;
  // Of a tool call: its id (in conversations), name and, once complete, arguments as a JSON object.
  const char* call_id;
  size_t call_id_size;
  const char* call_name;
  size_t call_name_size;
  const char* call_arguments;
  size_t call_arguments_size;
  const char* problem;
  size_t problem_size;
  carat_reply_event_kind kind;
  int32_t index;        // of a tool call: which of the reply's, from 0
  carat_reply_end end;  // of DONE
  int32_t reserved;     // 0
} carat_reply_event;

// Prepares a struct: see rule 4. Since 0.1.
CARAT_API carat_status carat_reply_event_init(carat_reply_event* event, size_t struct_size);

// Turns the tokens of a reply into events, by their ids. Since 0.1.
typedef struct carat_reply_parser carat_reply_parser;
// `in_thought`: 1 if the prompt has opened a thought, as it does after tool results with thinking on. Since
// 0.1.
CARAT_API carat_status carat_reply_parser_new(const carat_tokenizer* tokenizer, int32_t in_thought,
                                              carat_reply_parser** parser, carat_error* error);
CARAT_API void carat_reply_parser_free(carat_reply_parser* parser);
// The next token. Errors: OUT_OF_RANGE for an id outside the vocabulary; FAILED_PRECONDITION after the end.
// Since 0.1.
CARAT_API carat_status carat_reply_parser_feed(carat_reply_parser* parser, int32_t token, carat_error* error);
// Ends the reply for a reason of the host's. Does nothing after the end. Since 0.1.
CARAT_API carat_status carat_reply_parser_finish(carat_reply_parser* parser, carat_reply_end reason,
                                                 carat_error* error);
// The next event fills a prepared struct; *found is 1 if there was one, else 0. Since 0.1.
CARAT_API carat_status carat_reply_parser_next(carat_reply_parser* parser, carat_reply_event* event,
                                               int32_t* found, carat_error* error);

// A conversation: its history, and a session whose cache is kept from reply to reply. Since 0.1.
typedef struct carat_conversation carat_conversation;

// Both options may be NULL. Errors: those of carat_session_new; INVALID_ARGUMENT for tools;
// FAILED_PRECONDITION if the tokenizer was not made for chat. Since 0.1.
CARAT_API carat_status carat_conversation_new(const carat_model* model, const carat_chat_options* options,
                                              const carat_session_options* session_options,
                                              carat_conversation** conversation, carat_error* error);
CARAT_API void carat_conversation_free(carat_conversation* conversation);

// While a reply is running, calls that would change the history are FAILED_PRECONDITION. Since 0.1.
CARAT_API carat_status carat_conversation_add_message(carat_conversation* conversation,
                                                      const carat_chat_message* message, carat_error* error);
CARAT_API carat_status carat_conversation_add_user(carat_conversation* conversation, const char* text,
                                                   size_t text_size, carat_error* error);
// The result of a call of the last reply: a text or, with json 1, a JSON value. Errors: NOT_FOUND if no call
// has this id. Since 0.1.
CARAT_API carat_status carat_conversation_add_tool_result(carat_conversation* conversation,
                                                          const char* call_id, size_t call_id_size,
                                                          const char* result, size_t result_size,
                                                          int32_t json, carat_error* error);
CARAT_API size_t carat_conversation_message_count(const carat_conversation* conversation);
// A copy of a message of the history. Errors: OUT_OF_RANGE. Since 0.1.
CARAT_API carat_status carat_conversation_get_message(const carat_conversation* conversation, size_t index,
                                                      carat_chat_message** message, carat_error* error);
// Keeps the first `count` messages. Errors: OUT_OF_RANGE. Since 0.1.
CARAT_API carat_status carat_conversation_truncate(carat_conversation* conversation, size_t count,
                                                   carat_error* error);
// For the replies from now on. Since 0.1.
CARAT_API carat_status carat_conversation_set_options(carat_conversation* conversation,
                                                      const carat_chat_options* options, carat_error* error);

// Whether a reply calls tools. Since 0.1.
typedef int32_t carat_tool_choice;
enum {
  CARAT_TOOL_CHOICE_AUTO = 0,     // the model decides
  CARAT_TOOL_CHOICE_NONE = 1,     // it cannot; the tools are declared all the same
  CARAT_TOOL_CHOICE_REQUIRED = 2  // it must: after its thoughts come calls, and no answer
};

// How a reply is made. Since 0.1.
typedef struct carat_reply_options {
  size_t struct_size;
  // The most tokens, thoughts included; -1, the default: until the model ends or the context is full.
  int64_t max_new_tokens;
  // The most tokens of thought; beyond, the thought is closed and the model must answer. Default -1: no
  // limit.
  int64_t thinking_budget;
  // How to sample; NULL, the default, is the model's own recommendation.
  const carat_sampling_options* sampling;
  // A sampler that stands before all others of `sampling`: a rule of your own. It sees what answer,
  // tool_choice and the tools leave. A clone of it is used. Default NULL.
  const carat_sampler* constraint;
  // Texts of the answer to stop at, [stop_string_count]. Default: none.
  const carat_text* stop_strings;
  size_t stop_string_count;
  // Told in tokens while what is new in the prompt is read. Default NULL.
  carat_progress_callback prompt_progress;
  void* prompt_progress_user_data;
  // Ends a reply whose last so many tokens are one run of tokens over and over, four times at least. 0, the
  // default, is off; 256 lets every list and table pass that is not endless.
  int32_t loop_tokens;
  // 1: go on with the last message, an assistant's. Default 0.
  int32_t continue_last;
  // What the answer must be; NULL, the default: anything. Thoughts are free, also where the prompt has opened
  // one, and instead of an answer the model may call tools, unless tool_choice says otherwise. The model is
  // not told: a message should say what is wanted. A reply that ends by a limit, a loop, a stop string or a
  // cancel is only the beginning of such an answer. With continue_last the answer begins with the last
  // message's text. Borrowed until the call returns.
  const carat_grammar* answer;
  // With tool_choice REQUIRED: the only tool that can be called. Default NULL: any.
  const char* tool_name;
  size_t tool_name_size;
  carat_tool_choice tool_choice;  // default AUTO
  // 1: at most one call. Default 0.
  int32_t single_tool_call;
  // Default 0: calls are held to the declared tools: other names cannot come, nor arguments that their
  // schemas do not admit (of a tool that is not "strict" and whose schema no grammar can be made of: any
  // object). 1: the model writes what it likes, and what is no call comes out as a malformed one.
  int32_t free_tool_calls;
  int32_t reserved;  // 0
  // What calls are held to where a tool's schema lists members of an object but has no additionalProperties.
  // 0, the default: as the standard says, other members may come too, with any value. 1: none can. The form
  // of an answer has an option of its own, in carat_json_schema_options.
  int32_t closed_objects;
  int32_t reserved_2;  // 0
} carat_reply_options;

// Since 0.1.
typedef struct carat_reply_stats {
  size_t struct_size;
  int64_t prompt_tokens;     // of the whole prompt
  int64_t reused_tokens;     // of these, the ones that were in the cache
  int64_t generated_tokens;  // thoughts and control tokens included
  int64_t thought_tokens;
  double prompt_seconds;
  double generation_seconds;  // after the prompt
} carat_reply_stats;

// These prepare a struct: see rule 4. Since 0.1.
CARAT_API carat_status carat_reply_options_init(carat_reply_options* options, size_t struct_size);
CARAT_API carat_status carat_reply_stats_init(carat_reply_stats* stats, size_t struct_size);

// Begins a reply: reads what is new in the prompt. Errors: those of carat_chat_prompt, carat_session_prefill
// and carat_sampler_chain_new; FAILED_PRECONDITION while one is running, or if a call has no result yet;
// INVALID_ARGUMENT for a tool that cannot be required, or a text that cannot be continued to an answer of the
// form asked for; those of carat_grammar_from_tools for tools that are strict; CANCELLED. The history is then
// as before. Since 0.1.
CARAT_API carat_status carat_conversation_start(carat_conversation* conversation,
                                                const carat_reply_options* options, carat_error* error);
// The next event of the reply: fills a prepared struct. After DONE the reply is in the history, as far as it
// came. A cancel is not an error here but CARAT_REPLY_CANCELLED. Since 0.1.
CARAT_API carat_status carat_conversation_next(carat_conversation* conversation, carat_reply_event* event,
                                               carat_error* error);
// Ends the running reply as if it had been cancelled. Since 0.1.
CARAT_API carat_status carat_conversation_stop(carat_conversation* conversation, carat_error* error);

// Receives the events of carat_conversation_run. Returns 1 to go on, 0 to stop. Since 0.1.
typedef int32_t (*carat_reply_callback)(void* user_data, const carat_reply_event* event);

// Start, and next to the end. `on_event` and `end` may be NULL. Since 0.1.
CARAT_API carat_status carat_conversation_run(carat_conversation* conversation,
                                              const carat_reply_options* options,
                                              carat_reply_callback on_event, void* user_data,
                                              carat_reply_end* end, carat_error* error);

// Of the reply that runs or ran last: fills a prepared struct. Since 0.1.
CARAT_API carat_status carat_conversation_get_stats(const carat_conversation* conversation,
                                                    carat_reply_stats* stats, carat_error* error);
// Of its session: how many tokens there are, the most there can be, and the bytes it holds. Since 0.1.
CARAT_API int64_t carat_conversation_position(const carat_conversation* conversation);
CARAT_API int64_t carat_conversation_context_size(const carat_conversation* conversation);
CARAT_API uint64_t carat_conversation_memory_bytes(const carat_conversation* conversation);

// Makes the running start or reply end soon; if none is running, the next one. Any thread, at any time while
// the conversation lives. Since 0.1.
CARAT_API void carat_conversation_cancel(carat_conversation* conversation);
// Takes back a cancel that nothing has noticed yet. Since 0.1.
CARAT_API void carat_conversation_clear_cancel(carat_conversation* conversation);

#ifdef __cplusplus
}  // extern "C"
#endif

#endif  // CARAT_H_
