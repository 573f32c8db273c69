// carat/grammar.h: answers of a form that is decided beforehand: JSON by a schema, any language by a
// grammar, calls of declared tools.
//
//   carat::Result<carat::Grammar> grammar = carat::Grammar::FromJsonSchema(R"({
//       "type": "object",
//       "properties": {"city": {"type": "string"}, "degrees": {"type": "integer", "minimum": -90}},
//       "required": ["city", "degrees"],
//       "additionalProperties": false})");
//   carat::Result<carat::GrammarVocabulary> vocabulary = model.grammar_vocabulary();
//   carat::Result<carat::GrammarConstraint> constraint =
//       carat::GrammarConstraint::Create(*grammar, *vocabulary);
//   carat::SamplingOptions sampling = model.default_sampling();
//   sampling.constraint = std::make_shared<const carat::GrammarConstraint>(*std::move(constraint));
//   // a Generation with this sampling writes {"city": "Rome", "degrees": 21} and stops
//
// The replies of a Conversation take a Grammar as it is (ReplyOptions::answer), and leave thoughts free.
//
// Exact: a token is allowed if and only if the text so far and the token's bytes together are the beginning
// of a whole, for every way of cutting a text into tokens, in the middle of a character too. A stop token is
// allowed if and only if the text is a whole. Nothing that is allowed leads to a dead end. (Rules of a GBNF
// that name tokens are about tokens instead of bytes: see FromGbnf.)
//
// JSON Schema. Known are type, enum, const, properties, patternProperties, additionalProperties,
// propertyNames, required, minProperties, maxProperties, items, prefixItems, additionalItems, minItems,
// maxItems, minLength, maxLength (in code points), pattern, format (date, time, date-time, duration, uuid,
// email, hostname, ipv4, ipv6, uri, json-pointer), minimum, maximum, exclusiveMinimum, exclusiveMaximum (also
// as truth values), multipleOf, $ref into the schema itself (by pointer, $id or $anchor), $defs, definitions,
// allOf, anyOf, oneOf where no value fits two, nullable (OpenAPI's: null fits too), and true and false. With
// limits:
//  - uniqueItems where the items have at most 32 values: an enum, constants, truth values, a short range of
//    integers.
//  - not with true, false, {} and a schema of types alone.
//  - unevaluatedProperties with true, and with false where no anyOf speaks of the same object.
// Annotations say nothing about documents: title, description, default, examples, $schema, $id, $comment,
// discriminator, contentSchema, everything that begins with x-, and those of OpenAPI, of editors and of
// generators. So do values of format that are not listed here (int32, byte, password). Every other keyword is
// an error that names it: it may ask for something. How documents are written:
//  - Members of an object may come in any order, each declared key once. Keys that the schema does not name
//    may come too, unless additionalProperties or JsonSchemaOptions::closed_objects say otherwise, and are
//    not compared with each other.
//  - White space may stand wherever JSON allows it, at most JsonSchemaOptions::max_whitespace characters in
//    one place.
//  - Strings may have every escape that JSON has, but no half of a surrogate pair.
//  - Integers have no point and no exponent, and so have numbers of enum and const that the schema writes
//    without; multiples (multipleOf) have no exponent; other numbers may have both. Values are compared
//    exactly, not as they would be rounded, whatever their size; bounds of integers have at most 5000 digits,
//    multipleOf 15.
//  - pattern is a regular expression of ECMA 262 without look-around, back references, \b and \p{}; it may
//    match anywhere, as the draft says.
// In the text of a schema the last of equal keys counts, as in most readers of JSON.
//
// Threads: a Grammar and a GrammarVocabulary never change, and any number of threads may use them; they are
// light handles. A GrammarConstraint belongs to one thread at a time. Since 0.1.
#ifndef CARAT_GRAMMAR_H_
#define CARAT_GRAMMAR_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "carat/export.h"
#include "carat/sampler.h"
#include "carat/status.h"
#include "carat/tokenizer.h"

namespace carat {

namespace internal {
struct Program;
class TokenTrie;
class ConstraintImpl;
}  // namespace internal

// Since 0.1.
struct JsonSchemaOptions {
  // The most characters of white space in one place, 0 to 1000. 0 is the compact form. Without a limit, a
  // model that has nothing to say may write spaces for ever.
  std::int32_t max_whitespace = 64;
  // An object has no members beyond those that its schema names by properties or patternProperties, as if
  // additionalProperties were false wherever it is not there. A schema without properties still admits any
  // object. false, the default, is what the standard says: other members may have any value.
  bool closed_objects = false;
};

// Since 0.1.
struct ToolGrammarOptions {
  // false: from behind <|tool_call> to <tool_call|>, once: for ConstraintOptions::trigger. true: one or more
  // whole calls with these tokens, and nothing else: for an answer that must be calls.
  bool whole_calls = false;
  // As JsonSchemaOptions::closed_objects, for the tools' parameters.
  bool closed_objects = false;
};

// A language, compiled. Since 0.1.
class CARAT_EXPORT Grammar {
 public:
  // The documents that a schema admits. Errors: UNIMPLEMENTED naming a keyword that is not supported, and
  // where it stands; INVALID_ARGUMENT for what is no schema, or one that no document fits; RESOURCE_EXHAUSTED
  // for one that needs too large an automaton.
  static Result<Grammar> FromJsonSchema(std::string_view schema,
                                        const JsonSchemaOptions& options = {}) noexcept;

  // The language of a grammar in the notation GBNF: `name ::= "text" [a-z] other-rule ( ... | ... )* ...`,
  // with repetitions * + ? {m} {m,} {m,n}, `.` for any character, escapes \n \r \t \xHH \uHHHH \UHHHHHHHH,
  // and comments behind #. A rule ends with its line, except inside parentheses, behind `|` and where the
  // next line begins with `|`.
  //
  // Tokens: `<name>` is the token with this name ("<|turn>") or else the first one with this text, `<[7]>`
  // the token with this id, and `!` in front of either any one token except that and the stop tokens. They
  // speak of tokens, not of what these say: where a rule has <|turn>, seven tokens that spell it are not
  // allowed. A stop token that is named is allowed there too. GrammarConstraint::Create looks for the ids.
  //
  // Errors: INVALID_ARGUMENT with the line, also for rules that begin with themselves or never end;
  // RESOURCE_EXHAUSTED.
  static Result<Grammar> FromGbnf(std::string_view text, std::string_view root = "root") noexcept;

  // Calls of tools in Gemma 4's notation, `call:NAME{key:value,...}`, with strings between the control
  // tokens <|"|>. `tools` is JSON: a list of {"type": "function", "function": {"name", "parameters"}}, or of
  // {"name", "parameters"}, where parameters is a JSON Schema. Arguments that it declares are held to their
  // schemas; others may come too unless it has additionalProperties (ToolGrammarOptions::closed_objects). A
  // tool without parameters takes none. Errors: as FromJsonSchema, naming the tool.
  static Result<Grammar> FromTools(std::string_view tools, const ToolGrammarOptions& options = {}) noexcept;

  // For carat's own use.
  explicit Grammar(std::shared_ptr<const internal::Program> program) noexcept;
  const std::shared_ptr<const internal::Program>& program() const noexcept { return program_; }

 private:
  std::shared_ptr<const internal::Program> program_;
};

// A tokenizer's vocabulary, made ready for grammars: once for a model, and used by all its constraints. Takes
// some 35 MB and a fraction of a second for 262,144 tokens. Model::grammar_vocabulary has that of a model.
// Since 0.1.
class CARAT_EXPORT GrammarVocabulary {
 public:
  // `stop_tokens` are allowed where a text is a whole, and nowhere else. Errors: OUT_OF_RANGE for a stop
  // token that the tokenizer does not have, RESOURCE_EXHAUSTED.
  static Result<GrammarVocabulary> Create(const Tokenizer& tokenizer,
                                          std::span<const std::int32_t> stop_tokens) noexcept;

  // The number of ids.
  std::int32_t size() const noexcept;
  std::size_t memory_bytes() const noexcept;

  // For carat's own use.
  explicit GrammarVocabulary(std::shared_ptr<const internal::TokenTrie> trie) noexcept;
  const std::shared_ptr<const internal::TokenTrie>& trie() const noexcept { return trie_; }

 private:
  std::shared_ptr<const internal::TokenTrie> trie_;
};

// When a constraint holds. -1 is no token. Since 0.1.
struct ConstraintOptions {
  // -1: from the first token on. Otherwise everything is allowed until this token has been accepted, and the
  // grammar begins behind it.
  std::int32_t trigger = -1;
  // With a trigger: when the text is a whole, everything is allowed again, until the next trigger.
  bool repeat = false;
  // A stretch that is free and may stand in front of the text, for thoughts: where the text could begin,
  // `free_begin` may come too; then everything but stop tokens is allowed, and behind `free_end` the text can
  // begin again.
  std::int32_t free_begin = -1;
  std::int32_t free_end = -1;
};

// Where one text stands in its grammar. Since 0.1.
class CARAT_EXPORT GrammarConstraint {
 public:
  // Errors: FAILED_PRECONDITION if the grammar needs a token that the vocabulary does not have, OUT_OF_RANGE
  // for a token of the options.
  static Result<GrammarConstraint> Create(const Grammar& grammar, const GrammarVocabulary& vocabulary,
                                          const ConstraintOptions& options = {}) noexcept;
  ~GrammarConstraint();
  GrammarConstraint(GrammarConstraint&&) noexcept;
  GrammarConstraint& operator=(GrammarConstraint&&) noexcept;

  // Which tokens may come next: bit i % 64 of word i / 64 for token i, [(size + 63) / 64] words. Valid until
  // the next call. Errors: RESOURCE_EXHAUSTED, also where the text can be read in too many ways at once.
  Result<std::span<const std::uint64_t>> Mask() noexcept;

  // Sets the logits of all other tokens to -infinity; those beyond the vocabulary too. Errors: as Mask.
  Status MaskLogits(std::span<float> logits) noexcept;

  // Goes on by a token. Errors: INVALID_ARGUMENT for one that is not allowed, and the constraint is as
  // before.
  Status Accept(std::int32_t token) noexcept;

  // Whether the text may end here: it is a whole, or the constraint does not hold now.
  bool IsComplete() const noexcept;
  // Whether the grammar decides about the next token. It does not before the trigger and in a free stretch.
  bool IsActive() const noexcept;

  // The number of tokens accepted.
  std::int64_t position() const noexcept;
  // Takes tokens back until `position` of them are left, for those that were only tried. Errors: OUT_OF_RANGE
  // for a position not in 0 .. position().
  Status Rewind(std::int64_t position) noexcept;

  // An independent copy in the same state.
  Result<GrammarConstraint> Clone() const noexcept;

 private:
  explicit GrammarConstraint(std::unique_ptr<internal::ConstraintImpl> impl) noexcept;
  std::unique_ptr<internal::ConstraintImpl> impl_;
};

namespace samplers {
// Drops the candidates that the constraint does not allow; what SamplingOptions::constraint puts in front of
// a chain. Begins with a copy of it, in its state. Prompt tokens do not move it. A generated token that is
// not allowed (only a host's own doing can bring one) is an error of the next SamplerChain::Sample. Since
// 0.1.
CARAT_EXPORT Result<std::unique_ptr<Sampler>> Constraint(const GrammarConstraint& constraint) noexcept;
}  // namespace samplers

}  // namespace carat

#endif  // CARAT_GRAMMAR_H_
