// --schema, --json and --grammar: what an answer must be.
#ifndef CARAT_EXAMPLES_CLI_ANSWER_FORM_H_
#define CARAT_EXAMPLES_CLI_ANSWER_FORM_H_

#include <optional>
#include <string>

#include "CLI/CLI.hpp"
#include "carat/grammar.h"

namespace carat::cli {

struct AnswerFormArguments {
  std::string schema;   // a file
  std::string grammar;  // a file
  bool json = false;
};

void AddAnswerFormArguments(CLI::App& command, const char* group, AnswerFormArguments& arguments);

// Nothing if the answer may be anything. Throws Error.
std::optional<Grammar> MakeAnswerGrammar(const AnswerFormArguments& arguments);

}  // namespace carat::cli

#endif  // CARAT_EXAMPLES_CLI_ANSWER_FORM_H_
