#include "examples/cli/answer_form.h"

#include "absl/strings/str_format.h"
#include "examples/cli/error.h"
#include "examples/cli/options.h"
#include "examples/cli/text_file.h"

namespace carat::cli {
namespace {

// A space or a newline is enough for people to read it, and a model that likes white space cannot lose
// itself.
constexpr JsonSchemaOptions kCompact{.max_whitespace = 1};

Grammar GrammarOf(const std::string& path, Result<Grammar> made) {
  if (made.ok()) return *std::move(made);
  throw Error(kExitBadInput, absl::StrFormat("%s: %s", path, made.status().message()));
}

}  // namespace

void AddAnswerFormArguments(CLI::App& command, const char* group, AnswerFormArguments& a) {
  CLI::Option* schema =
      AddValue(command, group, "--schema", a.schema, "FILE",
               "The answer is JSON by the JSON Schema in FILE; say in words what you want too");
  CLI::Option* json = AddFlag(command, group, "--json", a.json, "The answer is a JSON object");
  CLI::Option* grammar = AddValue(command, group, "--grammar", a.grammar, "FILE",
                                  "The answer is a text of the grammar in FILE, in the notation GBNF");
  schema->excludes(json)->excludes(grammar);
  json->excludes(grammar);
}

std::optional<Grammar> MakeAnswerGrammar(const AnswerFormArguments& arguments) {
  if (!arguments.schema.empty())
    return GrammarOf(arguments.schema, Grammar::FromJsonSchema(ReadTextFile(arguments.schema), kCompact));
  if (!arguments.grammar.empty())
    return GrammarOf(arguments.grammar, Grammar::FromGbnf(ReadTextFile(arguments.grammar)));
  if (arguments.json) return GrammarOf("--json", Grammar::FromJsonSchema(R"({"type":"object"})", kCompact));
  return std::nullopt;
}

}  // namespace carat::cli
