// Grammars, and constraints that hold a text to them.
#include "carat/grammar.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "capi/call.h"
#include "capi/carat.h"
#include "capi/handles.h"
#include "capi/sized_struct.h"

using carat::ConstraintOptions;
using carat::Grammar;
using carat::GrammarConstraint;
using carat::GrammarVocabulary;
using carat::Result;
using carat::Sampler;
using carat::Status;
using carat::capi::ArrayOf;
using carat::capi::Call;
using carat::capi::InitStruct;
using carat::capi::ReadOptions;
using carat::capi::Shared;
using carat::capi::TextOf;

carat_status carat_json_schema_options_init(carat_json_schema_options* options, size_t struct_size) {
  return InitStruct(options, struct_size);
}

carat_status carat_constraint_options_init(carat_constraint_options* options, size_t struct_size) {
  return InitStruct(options, struct_size);
}

// Grammars --------------------------------------------------------------------------------------------------

carat_status carat_grammar_from_json_schema(const char* schema, size_t schema_size,
                                            const carat_json_schema_options* options, carat_grammar** grammar,
                                            carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_CLEAR_OUTPUT(grammar);
    CARAT_ASSIGN_OR_RETURN(const std::string_view text, TextOf(schema, schema_size, "schema"));
    CARAT_ASSIGN_OR_RETURN(const carat_json_schema_options read,
                           ReadOptions(options, "carat_json_schema_options"));
    CARAT_ASSIGN_OR_RETURN(Grammar made,
                           Grammar::FromJsonSchema(text, {.max_whitespace = read.max_whitespace,
                                                          .closed_objects = read.closed_objects != 0}));
    *grammar = new carat_grammar{std::move(made)};
    return {};
  });
}

carat_status carat_grammar_from_gbnf(const char* text, size_t text_size, const char* root, size_t root_size,
                                     carat_grammar** grammar, carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_CLEAR_OUTPUT(grammar);
    CARAT_ASSIGN_OR_RETURN(const std::string_view rules, TextOf(text, text_size, "text"));
    CARAT_ASSIGN_OR_RETURN(std::string_view name, TextOf(root, root_size, "root"));
    if (root == nullptr) name = "root";
    CARAT_ASSIGN_OR_RETURN(Grammar made, Grammar::FromGbnf(rules, name));
    *grammar = new carat_grammar{std::move(made)};
    return {};
  });
}

carat_status carat_grammar_from_tools(const char* tools, size_t tools_size, int32_t whole_calls,
                                      carat_grammar** grammar, carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_CLEAR_OUTPUT(grammar);
    CARAT_ASSIGN_OR_RETURN(const std::string_view text, TextOf(tools, tools_size, "tools"));
    CARAT_ASSIGN_OR_RETURN(Grammar made, Grammar::FromTools(text, {.whole_calls = whole_calls != 0}));
    *grammar = new carat_grammar{std::move(made)};
    return {};
  });
}

carat_status carat_tool_grammar_options_init(carat_tool_grammar_options* options, size_t struct_size) {
  return InitStruct(options, struct_size);
}

carat_status carat_grammar_from_tools_with(const char* tools, size_t tools_size,
                                           const carat_tool_grammar_options* options, carat_grammar** grammar,
                                           carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_CLEAR_OUTPUT(grammar);
    CARAT_ASSIGN_OR_RETURN(const std::string_view text, TextOf(tools, tools_size, "tools"));
    CARAT_ASSIGN_OR_RETURN(const carat_tool_grammar_options read,
                           ReadOptions(options, "carat_tool_grammar_options"));
    CARAT_ASSIGN_OR_RETURN(Grammar made,
                           Grammar::FromTools(text, {.whole_calls = read.whole_calls != 0,
                                                     .closed_objects = read.closed_objects != 0}));
    *grammar = new carat_grammar{std::move(made)};
    return {};
  });
}

void carat_grammar_free(carat_grammar* grammar) {
  delete grammar;
}

// Vocabularies ----------------------------------------------------------------------------------------------

carat_status carat_grammar_vocabulary_new(const carat_tokenizer* tokenizer, const int32_t* stop_tokens,
                                          size_t stop_token_count, carat_grammar_vocabulary** vocabulary,
                                          carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_CLEAR_OUTPUT(vocabulary);
    CARAT_RETURN_IF_NULL(tokenizer);
    CARAT_ASSIGN_OR_RETURN(const std::span<const std::int32_t> stops,
                           ArrayOf(stop_tokens, stop_token_count, "stop_tokens"));
    CARAT_ASSIGN_OR_RETURN(GrammarVocabulary made, GrammarVocabulary::Create(tokenizer->value, stops));
    *vocabulary = new carat_grammar_vocabulary{std::move(made)};
    return {};
  });
}

carat_status carat_model_grammar_vocabulary(const carat_model* model, carat_grammar_vocabulary** vocabulary,
                                            carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_CLEAR_OUTPUT(vocabulary);
    CARAT_RETURN_IF_NULL(model);
    CARAT_ASSIGN_OR_RETURN(GrammarVocabulary shared, model->value.grammar_vocabulary());
    *vocabulary = new carat_grammar_vocabulary{std::move(shared)};
    return {};
  });
}

void carat_grammar_vocabulary_free(carat_grammar_vocabulary* vocabulary) {
  delete vocabulary;
}

int32_t carat_grammar_vocabulary_size(const carat_grammar_vocabulary* vocabulary) {
  return vocabulary == nullptr ? 0 : vocabulary->value.size();
}

// Constraints -----------------------------------------------------------------------------------------------

carat_status carat_constraint_new(const carat_grammar* grammar, const carat_grammar_vocabulary* vocabulary,
                                  const carat_constraint_options* options, carat_constraint** constraint,
                                  carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_CLEAR_OUTPUT(constraint);
    CARAT_RETURN_IF_NULL(grammar);
    CARAT_RETURN_IF_NULL(vocabulary);
    CARAT_ASSIGN_OR_RETURN(const carat_constraint_options read,
                           ReadOptions(options, "carat_constraint_options"));
    ConstraintOptions how;
    how.trigger = read.trigger;
    how.repeat = read.repeat != 0;
    how.free_begin = read.free_begin;
    how.free_end = read.free_end;
    CARAT_ASSIGN_OR_RETURN(GrammarConstraint made,
                           GrammarConstraint::Create(grammar->value, vocabulary->value, how));
    *constraint = new carat_constraint{std::move(made)};
    return {};
  });
}

void carat_constraint_free(carat_constraint* constraint) {
  delete constraint;
}

carat_status carat_constraint_mask(carat_constraint* constraint, const uint64_t** words, size_t* word_count,
                                   carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_CLEAR_OUTPUT(words);
    if (word_count != nullptr) *word_count = 0;
    CARAT_RETURN_IF_NULL(constraint);
    CARAT_ASSIGN_OR_RETURN(const std::span<const std::uint64_t> mask, constraint->value.Mask());
    *words = mask.data();
    if (word_count != nullptr) *word_count = mask.size();
    return {};
  });
}

carat_status carat_constraint_mask_logits(carat_constraint* constraint, float* logits, size_t logit_count,
                                          carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_RETURN_IF_NULL(constraint);
    CARAT_ASSIGN_OR_RETURN(const std::span<float> values, ArrayOf(logits, logit_count, "logits"));
    return constraint->value.MaskLogits(values);
  });
}

carat_status carat_constraint_accept(carat_constraint* constraint, int32_t token, carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_RETURN_IF_NULL(constraint);
    return constraint->value.Accept(token);
  });
}

int32_t carat_constraint_is_complete(const carat_constraint* constraint) {
  return constraint != nullptr && constraint->value.IsComplete() ? 1 : 0;
}

int32_t carat_constraint_is_active(const carat_constraint* constraint) {
  return constraint != nullptr && constraint->value.IsActive() ? 1 : 0;
}

int64_t carat_constraint_position(const carat_constraint* constraint) {
  return constraint == nullptr ? 0 : constraint->value.position();
}

carat_status carat_constraint_rewind(carat_constraint* constraint, int64_t position, carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_RETURN_IF_NULL(constraint);
    return constraint->value.Rewind(position);
  });
}

carat_status carat_constraint_clone(const carat_constraint* constraint, carat_constraint** clone,
                                    carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_CLEAR_OUTPUT(clone);
    CARAT_RETURN_IF_NULL(constraint);
    CARAT_ASSIGN_OR_RETURN(GrammarConstraint copy, constraint->value.Clone());
    *clone = new carat_constraint{std::move(copy)};
    return {};
  });
}

carat_status carat_sampler_new_constraint(const carat_constraint* constraint, carat_sampler** sampler,
                                          carat_error* error) {
  return Call(error, [&]() -> Status {
    CARAT_CLEAR_OUTPUT(sampler);
    CARAT_RETURN_IF_NULL(constraint);
    CARAT_ASSIGN_OR_RETURN(std::unique_ptr<Sampler> made, carat::samplers::Constraint(constraint->value));
    *sampler = new carat_sampler{std::make_shared<Shared<std::unique_ptr<Sampler>>>(std::move(made))};
    return {};
  });
}
