// Grammars and constraints: by hand, in a chain, and in a generation of the demo checkpoint.
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "check.h"

static int allowed(carat_constraint* constraint, int32_t token, carat_error* error) {
  const uint64_t* words = NULL;
  size_t count = 0;
  CHECK_OK(carat_constraint_mask(constraint, &words, &count, error), error);
  CHECK(words != NULL && (size_t)token / 64 < count);
  return (words[token / 64] >> (token % 64) & 1) != 0;
}

static carat_grammar* schema(const char* text, carat_error* error) {
  carat_grammar* grammar = NULL;
  CHECK_OK(carat_grammar_from_json_schema(text, strlen(text), NULL, &grammar, error), error);
  return grammar;
}

// The document that the constraint allows step by step is the text, cut as the tokenizer cuts it.
static void accept_text(carat_constraint* constraint, const carat_tokenizer* tokenizer, const char* text,
                        carat_error* error) {
  carat_tokens* tokens = NULL;
  CHECK_OK(carat_tokenizer_encode(tokenizer, text, strlen(text), NULL, &tokens, error), error);
  for (size_t i = 0; i < carat_tokens_size(tokens); ++i) {
    CHECK(allowed(constraint, carat_tokens_data(tokens)[i], error));
    CHECK_OK(carat_constraint_accept(constraint, carat_tokens_data(tokens)[i], error), error);
  }
  carat_tokens_free(tokens);
}

static void by_hand(const carat_model* model, carat_error* error) {
  carat_tokenizer* tokenizer = NULL;
  carat_grammar_vocabulary* vocabulary = NULL;
  carat_grammar_vocabulary* own = NULL;
  carat_constraint* constraint = NULL;
  carat_constraint* clone = NULL;
  carat_tokens* stops = NULL;
  CHECK_OK(carat_model_tokenizer(model, &tokenizer, error), error);
  CHECK_OK(carat_model_stop_tokens(model, &stops, error), error);
  const int32_t stop = carat_tokens_data(stops)[0];
  CHECK_OK(carat_model_grammar_vocabulary(model, &vocabulary, error), error);
  CHECK(carat_grammar_vocabulary_size(vocabulary) == carat_tokenizer_vocabulary_size(tokenizer));
  CHECK_OK(carat_grammar_vocabulary_new(tokenizer, &stop, 1, &own, error), error);
  carat_grammar_vocabulary_free(own);
  const int32_t beyond = carat_tokenizer_vocabulary_size(tokenizer);
  CHECK_STATUS(CARAT_OUT_OF_RANGE, carat_grammar_vocabulary_new(tokenizer, &beyond, 1, &own, error), error);
  CHECK(own == NULL);

  carat_grammar* grammar = schema("{\"type\":\"array\",\"items\":{\"type\":\"integer\"}}", error);
  CHECK_OK(carat_constraint_new(grammar, vocabulary, NULL, &constraint, error), error);
  carat_grammar_free(grammar);
  carat_grammar_vocabulary_free(vocabulary);
  CHECK(carat_constraint_is_active(constraint) == 1 && carat_constraint_is_complete(constraint) == 0);
  CHECK(!allowed(constraint, stop, error));
  CHECK_ERROR(CARAT_INVALID_ARGUMENT, "not allowed", carat_constraint_accept(constraint, stop, error), error);
  accept_text(constraint, tokenizer, "[1, 2", error);
  const int64_t position = carat_constraint_position(constraint);
  CHECK_OK(carat_constraint_clone(constraint, &clone, error), error);
  accept_text(clone, tokenizer, ", 3]", error);
  CHECK(carat_constraint_is_complete(clone) == 1 && allowed(clone, stop, error));
  CHECK_OK(carat_constraint_rewind(clone, position, error), error);
  CHECK(carat_constraint_position(clone) == position && carat_constraint_is_complete(clone) == 0);
  CHECK_STATUS(CARAT_OUT_OF_RANGE, carat_constraint_rewind(clone, 1000, error), error);
  carat_constraint_free(clone);

  float logits[4096];
  CHECK(beyond <= 4096);
  for (int32_t i = 0; i < beyond; ++i) logits[i] = 1;
  CHECK_OK(carat_constraint_mask_logits(constraint, logits, (size_t)beyond, error), error);
  for (int32_t i = 0; i < beyond; ++i) CHECK((logits[i] == 1) == allowed(constraint, i, error));
  carat_constraint_free(constraint);
  carat_tokens_free(stops);
  carat_tokenizer_free(tokenizer);
}

static void other_grammars(const carat_model* model, carat_error* error) {
  carat_grammar_vocabulary* vocabulary = NULL;
  carat_tokenizer* tokenizer = NULL;
  carat_grammar* grammar = NULL;
  carat_constraint* constraint = NULL;
  CHECK_OK(carat_model_grammar_vocabulary(model, &vocabulary, error), error);
  CHECK_OK(carat_model_tokenizer(model, &tokenizer, error), error);
  const char* gbnf = "root ::= other other\nother ::= \"ab\" | \"c\"";
  CHECK_OK(carat_grammar_from_gbnf(gbnf, strlen(gbnf), NULL, 0, &grammar, error), error);
  CHECK_OK(carat_constraint_new(grammar, vocabulary, NULL, &constraint, error), error);
  accept_text(constraint, tokenizer, "cab", error);
  CHECK(carat_constraint_is_complete(constraint) == 1);
  carat_constraint_free(constraint);
  carat_grammar_free(grammar);
  CHECK_OK(carat_grammar_from_gbnf(gbnf, strlen(gbnf), "other", 5, &grammar, error), error);
  carat_grammar_free(grammar);
  CHECK_ERROR(CARAT_INVALID_ARGUMENT, "'no'",
              carat_grammar_from_gbnf(gbnf, strlen(gbnf), "no", 2, &grammar, error), error);

  const char* tools = "[{\"name\":\"add\",\"parameters\":{\"properties\":{\"a\":{\"type\":\"integer\"}}}}]";
  CHECK_OK(carat_grammar_from_tools(tools, strlen(tools), 0, &grammar, error), error);
  carat_constraint_options options;
  CHECK(carat_constraint_options_init(&options, sizeof options) == CARAT_OK);
  CHECK(options.trigger == -1 && options.repeat == 0 && options.free_begin == -1 && options.free_end == -1);
  options.trigger = carat_tokenizer_id_of(tokenizer, "<|tool_call>", 12);
  options.repeat = 1;
  const int32_t end = carat_tokenizer_id_of(tokenizer, "<tool_call|>", 12);
  CHECK(options.trigger >= 0 && end >= 0);
  CHECK_OK(carat_constraint_new(grammar, vocabulary, &options, &constraint, error), error);
  CHECK(carat_constraint_is_active(constraint) == 0 && carat_constraint_is_complete(constraint) == 1);
  CHECK_OK(carat_constraint_accept(constraint, options.trigger, error), error);
  CHECK(carat_constraint_is_active(constraint) == 1);
  accept_text(constraint, tokenizer, "call:add{a:12}", error);
  CHECK_OK(carat_constraint_accept(constraint, end, error), error);
  CHECK(carat_constraint_is_active(constraint) == 0);
  carat_constraint_free(constraint);
  carat_grammar_free(grammar);
  CHECK_OK(carat_grammar_from_tools(tools, strlen(tools), 1, &grammar, error), error);
  CHECK_OK(carat_constraint_new(grammar, vocabulary, NULL, &constraint, error), error);
  CHECK(allowed(constraint, options.trigger, error));
  carat_constraint_free(constraint);
  carat_grammar_free(grammar);

  // With closed objects the tool takes nothing beyond what it declares.
  for (int32_t closed = 0; closed < 2; ++closed) {
    carat_tool_grammar_options how;
    CHECK(carat_tool_grammar_options_init(&how, sizeof how) == CARAT_OK);
    CHECK(how.whole_calls == 0 && how.closed_objects == 0);
    how.closed_objects = closed;
    CHECK_OK(carat_grammar_from_tools_with(tools, strlen(tools), &how, &grammar, error), error);
    CHECK_OK(carat_constraint_new(grammar, vocabulary, NULL, &constraint, error), error);
    accept_text(constraint, tokenizer, "call:add{", error);
    const int32_t b = carat_tokenizer_id_of(tokenizer, "b", 1);
    CHECK(b >= 0 && allowed(constraint, b, error) == (closed == 0));
    carat_constraint_free(constraint);
    carat_grammar_free(grammar);
  }
  const char* object = "{\"type\":\"object\",\"properties\":{\"a\":true}}";
  for (int32_t closed = 0; closed < 2; ++closed) {
    carat_json_schema_options how;
    CHECK(carat_json_schema_options_init(&how, sizeof how) == CARAT_OK);
    how.closed_objects = closed;
    // A host that was compiled before there was the member.
    if (closed == 0) how.struct_size = offsetof(carat_json_schema_options, closed_objects);
    CHECK_OK(carat_grammar_from_json_schema(object, strlen(object), &how, &grammar, error), error);
    CHECK_OK(carat_constraint_new(grammar, vocabulary, NULL, &constraint, error), error);
    accept_text(constraint, tokenizer, "{\"", error);
    const int32_t b = carat_tokenizer_id_of(tokenizer, "b", 1);
    CHECK(allowed(constraint, b, error) == (closed == 0));
    carat_constraint_free(constraint);
    carat_grammar_free(grammar);
  }

  // A token by name.
  const char* token = "root ::= <|tool_call> !<tool_call|>* <tool_call|>\n  | \"no\"";
  CHECK_OK(carat_grammar_from_gbnf(token, strlen(token), NULL, 0, &grammar, error), error);
  CHECK_OK(carat_constraint_new(grammar, vocabulary, NULL, &constraint, error), error);
  CHECK_OK(carat_constraint_accept(constraint, options.trigger, error), error);
  CHECK(carat_constraint_is_complete(constraint) == 0);
  CHECK_OK(carat_constraint_accept(constraint, end, error), error);
  CHECK(carat_constraint_is_complete(constraint) == 1);
  carat_constraint_free(constraint);
  carat_grammar_free(grammar);
  carat_tokenizer_free(tokenizer);
  carat_grammar_vocabulary_free(vocabulary);
}

static void errors(carat_error* error) {
  carat_grammar* grammar = NULL;
  const char* text = "{\"properties\":{\"a\":{\"not\":{\"const\":1}}}}";
  CHECK_ERROR(CARAT_UNIMPLEMENTED, "'not'",
              carat_grammar_from_json_schema(text, strlen(text), NULL, &grammar, error), error);
  CHECK(grammar == NULL);
  carat_json_schema_options options;
  CHECK(carat_json_schema_options_init(&options, sizeof options) == CARAT_OK);
  CHECK(options.max_whitespace == 64 && options.closed_objects == 0);
  options.max_whitespace = 1001;
  CHECK_ERROR(CARAT_INVALID_ARGUMENT, "1001",
              carat_grammar_from_json_schema("{}", 2, &options, &grammar, error), error);
}

static carat_constraint* constrain(const carat_model* model, const char* text, carat_error* error) {
  carat_grammar_vocabulary* vocabulary = NULL;
  carat_constraint* constraint = NULL;
  carat_grammar* grammar = NULL;
  carat_json_schema_options options;
  CHECK(carat_json_schema_options_init(&options, sizeof options) == CARAT_OK);
  options.max_whitespace = 0;  // so that an answer is short, whatever the model would rather write
  CHECK_OK(carat_grammar_from_json_schema(text, strlen(text), &options, &grammar, error), error);
  CHECK_OK(carat_model_grammar_vocabulary(model, &vocabulary, error), error);
  CHECK_OK(carat_constraint_new(grammar, vocabulary, NULL, &constraint, error), error);
  carat_grammar_free(grammar);
  carat_grammar_vocabulary_free(vocabulary);
  return constraint;
}

static void in_a_chain(const carat_model* model, carat_error* error) {
  carat_constraint* constraint = constrain(model, "{\"const\":7}", error);
  carat_sampler* sampler = NULL;
  carat_sampler* greedy = NULL;
  carat_sampler_chain* chain = NULL;
  carat_tokenizer* tokenizer = NULL;
  CHECK_OK(carat_model_tokenizer(model, &tokenizer, error), error);
  CHECK_OK(carat_sampler_new_constraint(constraint, &sampler, error), error);
  carat_constraint_free(constraint);
  CHECK_OK(carat_sampler_new_greedy(&greedy, error), error);
  CHECK_OK(carat_sampler_chain_new_empty(&chain, error), error);
  CHECK_OK(carat_sampler_chain_append(chain, sampler, error), error);
  CHECK_OK(carat_sampler_chain_append(chain, greedy, error), error);
  carat_sampler_free(sampler);
  carat_sampler_free(greedy);
  float logits[4096] = {0};
  const int32_t seven = carat_tokenizer_id_of(tokenizer, "7", 1);
  CHECK(seven >= 0);
  logits[seven] = -5;
  const int32_t byte = carat_tokenizer_id_of(tokenizer, "<0x37>", 6);  // the same text
  if (byte >= 0) logits[byte] = -10;
  int32_t token = -1;
  CHECK_OK(carat_sampler_chain_sample(chain, logits, (size_t)carat_tokenizer_vocabulary_size(tokenizer),
                                      &token, error),
           error);
  CHECK(token == seven);
  carat_sampler_chain_free(chain);
  carat_tokenizer_free(tokenizer);
}

static void in_a_generation(const carat_model* model, carat_error* error) {
  carat_constraint* constraint = constrain(
      model,
      "{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\",\"minimum\":10,\"maximum\":99},"
      "\"ok\":{\"type\":\"boolean\"}},\"required\":[\"n\",\"ok\"],\"additionalProperties\":false}",
      error);
  carat_tokens* prompt = encode_demo(model, "Hello");
  for (uint64_t seed = 0; seed < 5; ++seed) {
    carat_session* session = NULL;
    carat_generation_result* result = NULL;
    carat_sampling_options sampling;
    carat_generation_options options;
    CHECK(carat_sampling_options_init(&sampling, sizeof sampling) == CARAT_OK);
    CHECK(carat_generation_options_init(&options, sizeof options) == CARAT_OK);
    CHECK(sampling.constraint == NULL);
    sampling.constraint = constraint;
    sampling.seed = seed;
    options.sampling = &sampling;
    options.max_new_tokens = 400;
    CHECK_OK(carat_session_new(model, NULL, &session, error), error);
    CHECK_OK(carat_generate(session, carat_tokens_data(prompt), carat_tokens_size(prompt), &options, NULL,
                            NULL, &result, error),
             error);
    const char* text = carat_generation_result_text(result);
    CHECK(carat_generation_result_stop(result) == CARAT_STOP_TOKEN);
    CHECK(text[0] == '{' && strstr(text, "\"n\":") != NULL && strstr(text, "\"ok\":") != NULL);
    carat_generation_result_free(result);
    carat_session_free(session);
  }
  // The constraint itself has not moved.
  CHECK(carat_constraint_position(constraint) == 0);
  carat_constraint_free(constraint);
  carat_tokens_free(prompt);
}

int main(void) {
  carat_error* error = carat_error_new();
  carat_model* model = open_demo();
  by_hand(model, error);
  other_grammars(model, error);
  errors(error);
  in_a_chain(model, error);
  in_a_generation(model, error);
  carat_grammar_free(NULL);
  carat_grammar_vocabulary_free(NULL);
  carat_constraint_free(NULL);
  carat_model_free(model);
  carat_error_free(error);
  return 0;
}
