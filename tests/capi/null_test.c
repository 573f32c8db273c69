// NULL for every pointer of every function: an error that names it, or the answer that carat.h promises.
#include <string.h>

#include "check.h"

#define IS_NULL(name, call) CHECK_ERROR(CARAT_INVALID_ARGUMENT, name " is NULL", call, error)

// Outputs that must be NULL after an error.
typedef struct outputs {
  carat_tokenizer* tokenizer;
  carat_tokens* tokens;
  carat_string* string;
  carat_stream_decoder* decoder;
  carat_model* model;
  carat_tensor_list* tensors;
  carat_candidates* candidates;
  carat_sampler* sampler;
  carat_sampler_chain* chain;
  carat_session* session;
  carat_generation* run;
  carat_generation_result* result;
} outputs;

static void tokenizer(const carat_tokenizer* some, carat_error* error) {
  outputs o;
  memset(&o, 0xAA, sizeof o);
  const int32_t id = 3;
  const char* text = "x";
  size_t size = 0;
  IS_NULL("path", carat_tokenizer_load(NULL, 3, &o.tokenizer, error));
  CHECK(o.tokenizer == NULL);
  IS_NULL("tokenizer", carat_tokenizer_load("x", 1, NULL, error));
  IS_NULL("tokenizer", carat_tokenizer_share(NULL, &o.tokenizer, error));
  IS_NULL("shared", carat_tokenizer_share(some, NULL, error));
  IS_NULL("tokenizer", carat_tokenizer_encode(NULL, "x", 1, NULL, &o.tokens, error));
  CHECK(o.tokens == NULL);
  IS_NULL("text", carat_tokenizer_encode(some, NULL, 1, NULL, &o.tokens, error));
  IS_NULL("tokens", carat_tokenizer_encode(some, "x", 1, NULL, NULL, error));
  IS_NULL("tokenizer", carat_tokenizer_decode(NULL, &id, 1, NULL, &o.string, error));
  CHECK(o.string == NULL);
  IS_NULL("tokens", carat_tokenizer_decode(some, NULL, 1, NULL, &o.string, error));
  IS_NULL("text", carat_tokenizer_decode(some, &id, 1, NULL, NULL, error));
  CHECK(strcmp(carat_tokenizer_piece(NULL, 3, &size), "") == 0 && size == 0);
  CHECK(carat_tokenizer_id_of(NULL, "x", 1) == -1);
  CHECK(carat_tokenizer_id_of(some, NULL, 1) == -1);
  CHECK(carat_tokenizer_is_special(NULL, 3) == 0);
  CHECK(carat_tokenizer_vocabulary_size(NULL) == 0);
  CHECK(carat_tokenizer_bos(NULL) == -1);

  IS_NULL("tokenizer", carat_stream_decoder_new(NULL, NULL, &o.decoder, error));
  CHECK(o.decoder == NULL);
  IS_NULL("decoder", carat_stream_decoder_new(some, NULL, NULL, error));
  IS_NULL("decoder", carat_stream_decoder_next(NULL, 3, &text, &size, error));
  CHECK(text == NULL);
  IS_NULL("decoder", carat_stream_decoder_finish(NULL, &text, &size, error));
  carat_stream_decoder* decoder = NULL;
  CHECK_OK(carat_stream_decoder_new(some, NULL, &decoder, error), error);
  IS_NULL("text", carat_stream_decoder_next(decoder, 3, NULL, &size, error));
  IS_NULL("text", carat_stream_decoder_finish(decoder, NULL, &size, error));
  CHECK_OK(carat_stream_decoder_next(decoder, 3, &text, NULL, error), error);
  CHECK_OK(carat_stream_decoder_finish(decoder, &text, NULL, error), error);
  carat_stream_decoder_free(decoder);
}

static void model(const carat_model* some, carat_error* error) {
  outputs o;
  memset(&o, 0xAA, sizeof o);
  carat_model_info info;
  carat_sampling_options sampling;
  carat_tensor_info tensor;
  carat_memory_needs needs;
  CHECK(carat_model_info_init(&info, sizeof info) == CARAT_OK);
  CHECK(carat_sampling_options_init(&sampling, sizeof sampling) == CARAT_OK);
  CHECK(carat_tensor_info_init(&tensor, sizeof tensor) == CARAT_OK);
  CHECK(carat_memory_needs_init(&needs, sizeof needs) == CARAT_OK);
  size_t count = 0;
  IS_NULL("count", carat_available_instruction_sets(NULL, 0, NULL, error));
  IS_NULL("sets", carat_available_instruction_sets(NULL, 2, &count, error));
  IS_NULL("path", carat_model_load(NULL, 2, NULL, &o.model, error));
  CHECK(o.model == NULL);
  IS_NULL("model", carat_model_load("x", 1, NULL, NULL, error));
  CHECK_STATUS(CARAT_NOT_FOUND, carat_model_load("/no/such/folder", 15, NULL, &o.model, error), error);
  IS_NULL("in", carat_quantize(NULL, 2, "x", 1, NULL, error));
  IS_NULL("out", carat_quantize("x", 1, NULL, 2, NULL, error));
  IS_NULL("model", carat_model_share(NULL, &o.model, error));
  IS_NULL("shared", carat_model_share(some, NULL, error));
  IS_NULL("model", carat_model_get_info(NULL, &info, error));
  IS_NULL("carat_model_info", carat_model_get_info(some, NULL, error));
  IS_NULL("model", carat_model_tokenizer(NULL, &o.tokenizer, error));
  CHECK(o.tokenizer == NULL);
  IS_NULL("tokenizer", carat_model_tokenizer(some, NULL, error));
  IS_NULL("model", carat_model_default_sampling(NULL, &sampling, error));
  IS_NULL("carat_sampling_options", carat_model_default_sampling(some, NULL, error));
  IS_NULL("model", carat_model_stop_tokens(NULL, &o.tokens, error));
  CHECK(o.tokens == NULL);
  IS_NULL("tokens", carat_model_stop_tokens(some, NULL, error));
  CHECK(carat_model_threads(NULL) == 0);
  CHECK(carat_model_instruction_set(NULL) == 0);
  IS_NULL("model", carat_model_tensors(NULL, &o.tensors, error));
  CHECK(o.tensors == NULL);
  IS_NULL("tensors", carat_model_tensors(some, NULL, error));
  CHECK(carat_tensor_list_size(NULL) == 0);
  IS_NULL("tensors", carat_tensor_list_get(NULL, 0, &tensor, error));
  CHECK_OK(carat_model_tensors(some, &o.tensors, error), error);
  IS_NULL("carat_tensor_info", carat_tensor_list_get(o.tensors, 0, NULL, error));
  carat_tensor_list_free(o.tensors);
  IS_NULL("model", carat_model_estimate_memory(NULL, NULL, &needs, error));
  IS_NULL("carat_memory_needs", carat_model_estimate_memory(some, NULL, NULL, error));
}

static void samplers(carat_error* error) {
  outputs o;
  memset(&o, 0xAA, sizeof o);
  IS_NULL("data", carat_candidates_new(NULL, 1, 0, &o.candidates, error));
  CHECK(o.candidates == NULL);
  carat_candidate item = {1, 1};
  IS_NULL("candidates", carat_candidates_new(&item, 1, 0, NULL, error));
  CHECK(carat_candidates_data(NULL) == NULL && carat_candidates_size(NULL) == 0);
  CHECK(carat_candidates_sorted(NULL) == 0 && carat_candidates_selected(NULL) == -1);
  carat_candidates_set_sorted(NULL, 1);
  carat_candidates_sort(NULL);
  carat_candidates_keep_highest(NULL, 1);
  carat_candidates_truncate(NULL, 1);
  carat_candidates_select(NULL, 1);

  carat_sampler_functions functions;
  CHECK(carat_sampler_functions_init(&functions, sizeof functions) == CARAT_OK);
  IS_NULL("carat_sampler_functions", carat_sampler_new(NULL, NULL, &o.sampler, error));
  IS_NULL("carat_sampler_functions.apply", carat_sampler_new(&functions, NULL, &o.sampler, error));
  functions.name = NULL;
  IS_NULL("carat_sampler_functions.name", carat_sampler_new(&functions, NULL, &o.sampler, error));
  CHECK(o.sampler == NULL);
  IS_NULL("sampler", carat_sampler_new(&functions, NULL, NULL, error));
  IS_NULL("bias", carat_sampler_new_logit_bias(NULL, 1, &o.sampler, error));
  IS_NULL("sampler", carat_sampler_new_logit_bias(NULL, 0, NULL, error));
  IS_NULL("sampler", carat_sampler_new_penalties(1, 0, 0, 0, NULL, error));
  IS_NULL("sampler", carat_sampler_new_temperature(1, NULL, error));
  IS_NULL("sampler", carat_sampler_new_top_k(1, NULL, error));
  IS_NULL("sampler", carat_sampler_new_top_p(1, NULL, error));
  IS_NULL("sampler", carat_sampler_new_min_p(0, NULL, error));
  IS_NULL("sampler", carat_sampler_new_typical(1, NULL, error));
  IS_NULL("sampler", carat_sampler_new_greedy(NULL, error));
  IS_NULL("sampler", carat_sampler_new_draw(1, NULL, error));

  carat_candidates* list = NULL;
  carat_sampler* greedy = NULL;
  size_t size = 9;
  CHECK_OK(carat_candidates_new(&item, 1, 0, &list, error), error);
  CHECK_OK(carat_sampler_new_greedy(&greedy, error), error);
  CHECK(strcmp(carat_sampler_name(NULL, &size), "") == 0 && size == 0);
  IS_NULL("sampler", carat_sampler_apply(NULL, list, error));
  IS_NULL("candidates", carat_sampler_apply(greedy, NULL, error));
  IS_NULL("sampler", carat_sampler_accept(NULL, 1, CARAT_TOKEN_PROMPT, error));
  IS_NULL("sampler", carat_sampler_reset(NULL, error));
  IS_NULL("sampler", carat_sampler_clone(NULL, &o.sampler, error));
  IS_NULL("clone", carat_sampler_clone(greedy, NULL, error));

  carat_sampler_chain* chain = NULL;
  int32_t token = 0;
  const float logit = 1;
  IS_NULL("chain", carat_sampler_chain_new(NULL, NULL, error));
  IS_NULL("chain", carat_sampler_chain_new_empty(NULL, error));
  CHECK_OK(carat_sampler_chain_new(NULL, &chain, error), error);
  IS_NULL("chain", carat_sampler_chain_insert(NULL, 0, greedy, error));
  IS_NULL("sampler", carat_sampler_chain_insert(chain, 0, NULL, error));
  IS_NULL("chain", carat_sampler_chain_append(NULL, greedy, error));
  IS_NULL("sampler", carat_sampler_chain_append(chain, NULL, error));
  CHECK(carat_sampler_chain_size(NULL) == 0);
  size = 9;
  CHECK(strcmp(carat_sampler_chain_name(NULL, 0, &size), "") == 0 && size == 0);
  IS_NULL("chain", carat_sampler_chain_sample(NULL, &logit, 1, &token, error));
  IS_NULL("logits", carat_sampler_chain_sample(chain, NULL, 1, &token, error));
  IS_NULL("token", carat_sampler_chain_sample(chain, &logit, 1, NULL, error));
  IS_NULL("chain", carat_sampler_chain_accept(NULL, 1, CARAT_TOKEN_PROMPT, error));
  IS_NULL("chain", carat_sampler_chain_reset(NULL, error));
  IS_NULL("chain", carat_sampler_chain_clone(NULL, &o.chain, error));
  CHECK(o.chain == NULL);
  IS_NULL("clone", carat_sampler_chain_clone(chain, NULL, error));
  carat_sampler_chain_free(chain);
  carat_sampler_free(greedy);
  carat_candidates_free(list);
}

static void grammars(const carat_model* some_model, const carat_tokenizer* some_tokenizer,
                     carat_error* error) {
  carat_grammar* grammar = NULL;
  carat_grammar_vocabulary* vocabulary = NULL;
  carat_constraint* constraint = NULL;
  carat_sampler* sampler = NULL;
  const uint64_t* words = NULL;
  float logit = 0;
  IS_NULL("schema", carat_grammar_from_json_schema(NULL, 2, NULL, &grammar, error));
  IS_NULL("grammar", carat_grammar_from_json_schema("{}", 2, NULL, NULL, error));
  IS_NULL("text", carat_grammar_from_gbnf(NULL, 2, NULL, 0, &grammar, error));
  IS_NULL("root", carat_grammar_from_gbnf("x", 1, NULL, 3, &grammar, error));
  IS_NULL("grammar", carat_grammar_from_gbnf("x", 1, NULL, 0, NULL, error));
  IS_NULL("tools", carat_grammar_from_tools(NULL, 2, 0, &grammar, error));
  IS_NULL("grammar", carat_grammar_from_tools("[]", 2, 0, NULL, error));
  IS_NULL("tokenizer", carat_grammar_vocabulary_new(NULL, NULL, 0, &vocabulary, error));
  IS_NULL("stop_tokens", carat_grammar_vocabulary_new(some_tokenizer, NULL, 1, &vocabulary, error));
  IS_NULL("vocabulary", carat_grammar_vocabulary_new(some_tokenizer, NULL, 0, NULL, error));
  IS_NULL("model", carat_model_grammar_vocabulary(NULL, &vocabulary, error));
  IS_NULL("vocabulary", carat_model_grammar_vocabulary(some_model, NULL, error));
  CHECK(carat_grammar_vocabulary_size(NULL) == 0);
  CHECK_OK(carat_grammar_from_json_schema("{}", 2, NULL, &grammar, error), error);
  CHECK_OK(carat_model_grammar_vocabulary(some_model, &vocabulary, error), error);
  IS_NULL("grammar", carat_constraint_new(NULL, vocabulary, NULL, &constraint, error));
  IS_NULL("vocabulary", carat_constraint_new(grammar, NULL, NULL, &constraint, error));
  IS_NULL("constraint", carat_constraint_new(grammar, vocabulary, NULL, NULL, error));
  CHECK_OK(carat_constraint_new(grammar, vocabulary, NULL, &constraint, error), error);
  carat_grammar_free(grammar);
  carat_grammar_vocabulary_free(vocabulary);
  IS_NULL("constraint", carat_constraint_mask(NULL, &words, NULL, error));
  IS_NULL("words", carat_constraint_mask(constraint, NULL, NULL, error));
  CHECK_OK(carat_constraint_mask(constraint, &words, NULL, error), error);
  IS_NULL("constraint", carat_constraint_mask_logits(NULL, &logit, 1, error));
  IS_NULL("logits", carat_constraint_mask_logits(constraint, NULL, 1, error));
  IS_NULL("constraint", carat_constraint_accept(NULL, 3, error));
  CHECK(carat_constraint_is_complete(NULL) == 0 && carat_constraint_is_active(NULL) == 0);
  CHECK(carat_constraint_position(NULL) == 0);
  IS_NULL("constraint", carat_constraint_rewind(NULL, 0, error));
  carat_constraint* clone = NULL;
  IS_NULL("constraint", carat_constraint_clone(NULL, &clone, error));
  IS_NULL("clone", carat_constraint_clone(constraint, NULL, error));
  IS_NULL("constraint", carat_sampler_new_constraint(NULL, &sampler, error));
  IS_NULL("sampler", carat_sampler_new_constraint(constraint, NULL, error));
  carat_constraint_free(constraint);
}

static void session(const carat_model* some_model, carat_error* error) {
  outputs o;
  memset(&o, 0xAA, sizeof o);
  carat_session* some = NULL;
  const int32_t token = 3;
  const float* logits = &(float){0};
  size_t size = 0;
  IS_NULL("model", carat_session_new(NULL, NULL, &o.session, error));
  CHECK(o.session == NULL);
  IS_NULL("session", carat_session_new(some_model, NULL, NULL, error));
  CHECK_OK(carat_session_new(some_model, NULL, &some, error), error);
  IS_NULL("session", carat_session_prefill(NULL, &token, 1, NULL, error));
  IS_NULL("tokens", carat_session_prefill(some, NULL, 1, NULL, error));
  IS_NULL("session", carat_session_decode(NULL, 3, error));
  CHECK(carat_session_logits_count(NULL) == 0);
  IS_NULL("session", carat_session_logits(NULL, 0, &logits, &size, error));
  CHECK(logits == NULL);
  IS_NULL("logits", carat_session_logits(some, 0, NULL, &size, error));
  IS_NULL("session", carat_session_last_logits(NULL, &logits, &size, error));
  IS_NULL("logits", carat_session_last_logits(some, NULL, &size, error));
  IS_NULL("session", carat_session_rewind(NULL, 0, NULL, error));
  IS_NULL("session", carat_session_clone(NULL, &o.session, error));
  IS_NULL("clone", carat_session_clone(some, NULL, error));
  CHECK(carat_session_tokens(NULL) == NULL);
  CHECK(carat_session_position(NULL) == 0 && carat_session_context_size(NULL) == 0);
  CHECK(carat_session_kv_type(NULL) == 0 && carat_session_prompt_chunk(NULL) == 0);
  CHECK(carat_session_memory_bytes(NULL) == 0);
  IS_NULL("session", carat_session_model(NULL, &o.model, error));
  CHECK(o.model == NULL);
  IS_NULL("model", carat_session_model(some, NULL, error));
  carat_session_cancel(NULL);
  carat_session_clear_cancel(NULL);

  carat_generation_step step;
  carat_generation_stats stats;
  carat_generation* run = NULL;
  carat_generation_result* result = NULL;
  CHECK(carat_generation_step_init(&step, sizeof step) == CARAT_OK);
  CHECK(carat_generation_stats_init(&stats, sizeof stats) == CARAT_OK);
  IS_NULL("session", carat_generation_start(NULL, &token, 1, NULL, &o.run, error));
  CHECK(o.run == NULL);
  IS_NULL("prompt", carat_generation_start(some, NULL, 1, NULL, &o.run, error));
  IS_NULL("generation", carat_generation_start(some, &token, 1, NULL, NULL, error));
  IS_NULL("generation", carat_generation_next(NULL, &step, error));
  IS_NULL("generation", carat_generation_get_stats(NULL, &stats, error));
  CHECK_OK(carat_generation_start(some, &token, 1, NULL, &run, error), error);
  IS_NULL("carat_generation_step", carat_generation_next(run, NULL, error));
  IS_NULL("carat_generation_stats", carat_generation_get_stats(run, NULL, error));
  carat_generation_free(run);

  IS_NULL("session", carat_generate(NULL, &token, 1, NULL, NULL, NULL, &o.result, error));
  CHECK(o.result == NULL);
  IS_NULL("prompt", carat_generate(some, NULL, 1, NULL, NULL, NULL, &o.result, error));
  CHECK(carat_generation_result_tokens(NULL) == NULL && carat_generation_result_token_count(NULL) == 0);
  CHECK(strcmp(carat_generation_result_text(NULL), "") == 0);
  CHECK(carat_generation_result_text_size(NULL) == 0);
  CHECK(carat_generation_result_stop(NULL) == CARAT_STOP_NONE);
  IS_NULL("result", carat_generation_result_get_stats(NULL, &stats, error));
  carat_generation_options options;
  CHECK(carat_generation_options_init(&options, sizeof options) == CARAT_OK);
  options.max_new_tokens = 1;
  CHECK_OK(carat_generate(some, &token, 1, &options, NULL, NULL, &result, error), error);
  IS_NULL("carat_generation_stats", carat_generation_result_get_stats(result, NULL, error));
  carat_generation_result_free(result);
  options.stop_token_count = 2;
  IS_NULL("stop_tokens", carat_generate(some, &token, 1, &options, NULL, NULL, &result, error));
  carat_session_free(some);
}

int main(void) {
  carat_error* error = carat_error_new();
  carat_model* some_model = open_demo();
  carat_tokenizer* some_tokenizer = NULL;
  CHECK_OK(carat_model_tokenizer(some_model, &some_tokenizer, error), error);
  tokenizer(some_tokenizer, error);
  grammars(some_model, some_tokenizer, error);
  model(some_model, error);
  samplers(error);
  session(some_model, error);
  // And without an error object.
  CHECK(carat_session_decode(NULL, 1, NULL) == CARAT_INVALID_ARGUMENT);
  carat_tokenizer_free(some_tokenizer);
  carat_model_free(some_model);
  carat_error_free(error);
  return 0;
}
