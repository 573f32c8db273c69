// Random schemas with documents that the reference validator has judged (make_schema_cases.py): the mask
// admits exactly the valid ones, in whatever tokens they come.
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "gtest/gtest.h"
#include "lib/base/json.h"
#include "tests/sampling/grammar/test_vocabulary.h"

namespace carat::test {
namespace {

struct Case {
  std::string schema;
  std::vector<std::string> valid, invalid;
};

std::vector<Case> ReadCases() {
  const char* other = std::getenv("CARAT_SCHEMA_CASES");
  const std::string path = other != nullptr ? other : CARAT_GRAMMAR_TESTS "/schema_cases.json";
  auto document = internal::JsonDocument::ParseFile(path);
  EXPECT_TRUE(document.ok()) << document.status().ToString();
  std::vector<Case> cases;
  if (!document.ok()) return cases;
  for (const simdjson::dom::element element : simdjson::dom::array(document->root())) {
    Case one;
    std::ostringstream schema;
    schema << element["schema"];
    one.schema = schema.str();
    const auto read = [&](const char* key, std::vector<std::string>& texts) {
      simdjson::dom::array list;
      EXPECT_FALSE(element[key].get(list));
      for (const auto text : list) texts.emplace_back(std::string_view(text));
    };
    read("valid", one.valid);
    read("invalid", one.invalid);
    cases.push_back(std::move(one));
  }
  return cases;
}

// What some other document of the schema can be is no business of one that is not valid.
bool IsUnsatisfiable(const Status& status) {
  return status.message().find("no document fits") != std::string::npos;
}

// Every beginning of the text that is admitted can be brought to an end.
void CheckNoDeadEnd(const Grammar& grammar, const std::string& schema, const std::string& text,
                    std::mt19937_64& random) {
  GrammarConstraint constraint = Constrain(grammar);
  for (const std::int32_t token : Cut(text, random)) {
    if (!constraint.Accept(token).ok()) break;
  }
  EXPECT_TRUE(FindEnd(constraint, schema).has_value()) << "dead end in " << text;
}

TEST(SchemaCases, MaskAdmitsExactlyTheValidDocuments) {
  std::mt19937_64 random(11);
  int compiled = 0;
  int overlapping = 0;
  int documents = 0;
  for (const Case& one : ReadCases()) {
    SCOPED_TRACE(one.schema);
    const auto grammar = Grammar::FromJsonSchema(one.schema);
    if (!grammar.ok()) {
      const bool overlaps = grammar.status().message().find("oneOf is only supported") != std::string::npos;
      overlapping += overlaps ? 1 : 0;
      EXPECT_TRUE(overlaps || (IsUnsatisfiable(grammar.status()) && one.valid.empty()))
          << grammar.status().ToString();
      continue;
    }
    ++compiled;
    for (const std::string& text : one.valid) {
      EXPECT_TRUE(Admits(*grammar, text, random)) << text;
      CheckNoDeadEnd(*grammar, one.schema, text.substr(0, random() % (text.size() + 1)), random);
    }
    for (const std::string& text : one.invalid) {
      EXPECT_FALSE(Admits(*grammar, text, random)) << text;
      CheckNoDeadEnd(*grammar, one.schema, text, random);
    }
    documents += static_cast<int>(one.valid.size() + one.invalid.size());
    if (HasFailure()) break;
  }
  EXPECT_GT(compiled, 350);
  EXPECT_LT(overlapping, compiled / 20);
  EXPECT_GT(documents, 3000);
}

}  // namespace
}  // namespace carat::test
