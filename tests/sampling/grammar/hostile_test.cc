// Grammars from people who mean harm: errors, in bounded time and memory, and nothing worse. Under
// sanitizers this is a fuzzer of some seconds.
#include <chrono>
#include <fstream>
#include <sstream>

#include "gtest/gtest.h"
#include "tests/base/small_stack.h"
#include "tests/sampling/grammar/test_vocabulary.h"

namespace carat::test {
namespace {

std::string Repeated(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

TEST(Hostile, DeepNesting) {
  for (const int depth : {100, 400, 600, 10000, 200000}) {
    const std::string items = Repeated(R"({"items":)", depth) + "{}" + Repeated("}", depth);
    const std::string all_of = Repeated(R"({"allOf":[)", depth) + "{}" + Repeated("]}", depth);
    const std::string constant = R"({"const":)" + Repeated("[", depth) + Repeated("]", depth) + "}";
    const auto grammar = Grammar::FromJsonSchema(items);
    EXPECT_EQ(grammar.ok(), depth < 500) << grammar.status().ToString();
    EXPECT_EQ(Grammar::FromJsonSchema(constant).ok(), depth < 500);
    EXPECT_EQ(Grammar::FromJsonSchema(all_of).status().code(), StatusCode::kInvalidArgument);
    EXPECT_FALSE(Grammar::FromGbnf("root ::= " + Repeated("(", 10 * depth)).ok());
    EXPECT_FALSE(Grammar::FromJsonSchema(R"({"pattern": ")" + Repeated("(", 10 * depth) + "\"}").ok());
  }
}

// Hosts have threads with small stacks.
TEST(Hostile, DeepNestingNeedsLittleStack) {
  std::vector<std::string> schemas, grammars;
  for (const int depth : {10, 20, 31, 32, 99, 480}) {
    for (const char* begin : {R"({"allOf":[)", R"({"anyOf":[)", R"({"oneOf":[)"})
      schemas.push_back(Repeated(begin, depth) +
                        R"({"type":"object","properties":{"a":{"const":1}},"required":["a"]})" +
                        Repeated("]}", depth));
    schemas.push_back(Repeated(R"({"items":)", depth) + "{}" + Repeated("}", depth));
    schemas.push_back(R"({"const":)" + Repeated("[", depth) + Repeated("]", depth) + "}");
    schemas.push_back(R"({"pattern":")" + Repeated("(", depth) + "a" + Repeated(")?", depth) + R"("})");
    grammars.push_back("root ::= " + Repeated("(", depth) + "\"a\"" + Repeated(")", depth));
    grammars.push_back("root ::= " + Repeated("(", depth) + "\"a\"" + Repeated("|\"b\")*", depth));
  }
  const std::string two = R"({"type":"object","properties":{"a":)" + Repeated(R"({"oneOf":[)", 25) +
                          R"({"const":1})" + Repeated("]}", 25) + R"(},"required":["a"]})";
  schemas.push_back(R"({"oneOf":[)" + two + "," + two + "]}");
  RunOnSmallStack([&] {
    for (const std::string& schema : schemas) {
      const auto grammar = Grammar::FromJsonSchema(schema);
      if (grammar.ok()) EXPECT_TRUE(GrammarConstraint::Create(*grammar, TestVocabulary())->Mask().ok());
      EXPECT_FALSE(Grammar::FromTools("[{\"name\":\"f\",\"parameters\":" + schema + "}]").ok() &&
                   !grammar.ok());
    }
    for (const std::string& text : grammars) {
      const auto grammar = Grammar::FromGbnf(text);
      if (grammar.ok()) EXPECT_TRUE(GrammarConstraint::Create(*grammar, TestVocabulary())->Mask().ok());
    }
  });
}

TEST(Hostile, DeepDocuments) {
  const auto grammar = Grammar::FromJsonSchema("{}", {.max_whitespace = 0});
  ASSERT_TRUE(grammar.ok());
  GrammarConstraint constraint = Constrain(*grammar);
  for (int i = 0; i < 20000; ++i) ASSERT_TRUE(constraint.Accept(ByteToken('[')).ok());
  for (int i = 0; i < 20000; ++i) {
    EXPECT_FALSE(constraint.IsComplete());
    ASSERT_TRUE(constraint.Accept(ByteToken(']')).ok());
  }
  EXPECT_TRUE(constraint.IsComplete());
}

TEST(Hostile, TooLargeIsAnError) {
  std::string chain = R"({"$defs": {)";
  for (int i = 0; i < 40; ++i) {
    const std::string next = R"({"$ref": "#/$defs/d)" + std::to_string(i + 1) + "\"}";
    chain += "\"d" + std::to_string(i) + R"(": {"anyOf": [)" + next + "," + next + "]},";
  }
  chain += R"("d40": {"type": "null"}}, "$ref": "#/$defs/d0"})";
  std::string members = R"({"properties": {)";
  for (int i = 0; i < 6000; ++i) members += (i > 0 ? ",\"k" : "\"k") + std::to_string(i) + "\": true";
  members += "}}";
  std::string product = R"({"allOf": [)";
  for (int i = 2; i < 60; ++i) {
    product += std::string(i > 2 ? "," : "") + R"({"pattern": "^(a{)" + std::to_string(i) + R"(})*$"})";
  }
  product += "]}";
  for (const std::string& schema :
       {chain, members, product, std::string(R"({"pattern": "^(a|b)*a(a|b){30}$"})"),
        std::string(R"({"pattern": "^(ab)*$", "minLength": 1, "maxLength": 999999999})"),
        std::string(R"({"minLength": 9999999999})"), std::string(R"({"type": "integer", "maximum": 1e6000})"),
        std::string(R"({"multipleOf": 1e-300})")}) {
    const auto start = std::chrono::steady_clock::now();
    const auto grammar = Grammar::FromJsonSchema(schema);
    EXPECT_FALSE(grammar.ok()) << schema.substr(0, 100);
    const auto code = grammar.status().code();
    EXPECT_TRUE(code == StatusCode::kResourceExhausted || code == StatusCode::kInvalidArgument)
        << grammar.status().ToString();
    // Not a matter of speed but of being bounded at all.
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(60));
  }
}

TEST(Hostile, AmbiguityIsBounded) {
  // Every bracket can be read in two ways; their stacks are shared.
  const auto grammar = Grammar::FromJsonSchema(
      R"({"$defs": {"a": {"anyOf": [{"type": "array", "items": {"$ref": "#/$defs/a"}},
          {"type": "array", "items": {"$ref": "#/$defs/a"}, "maxItems": 9}]}}, "$ref": "#/$defs/a"})");
  ASSERT_TRUE(grammar.ok()) << grammar.status().ToString();
  GrammarConstraint constraint = Constrain(*grammar);
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(constraint.Accept(ByteToken('[')).ok());
  ASSERT_TRUE(constraint.Mask().ok());
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(constraint.Accept(ByteToken(']')).ok());
  EXPECT_TRUE(constraint.IsComplete());

  std::string rules = "root ::= r0\n";
  for (int i = 0; i < 40; ++i) {
    const std::string next = "r" + std::to_string(i + 1);
    rules += "r" + std::to_string(i) + " ::= " + next + " \"x\" | " + next + " \"y\"\n";
  }
  const auto many = Grammar::FromGbnf(rules + "r40 ::= \"a\"");
  ASSERT_TRUE(many.ok());
  EXPECT_EQ(GrammarConstraint::Create(*many, TestVocabulary()).status().code(),
            StatusCode::kResourceExhausted);
  GrammarConstraint later = Constrain(*Grammar::FromGbnf(rules + "r40 ::= \"a\"\n", "r36"));
  EXPECT_TRUE(later.Accept(ByteToken('a')).ok());
  GrammarConstraint sleeping = Constrain(*many, {.trigger = kCallBegin});
  EXPECT_EQ(sleeping.Accept(kCallBegin).code(), StatusCode::kResourceExhausted);
  EXPECT_TRUE(sleeping.Accept(kQuote).ok());
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// Runs whatever comes of it: random tokens of the mask, then an end.
void Exercise(const Grammar& grammar, std::mt19937_64& random) {
  auto constraint = GrammarConstraint::Create(grammar, TestVocabulary());
  if (!constraint.ok()) return;
  for (int step = 0; step < 8; ++step) {
    const auto mask = constraint->Mask();
    if (!mask.ok()) {
      EXPECT_EQ(mask.status().code(), StatusCode::kResourceExhausted);
      return;
    }
    std::vector<std::int32_t> allowed;
    for (std::int32_t token = 0; token < TestVocabulary().size(); ++token) {
      if (IsSet(*mask, token)) allowed.push_back(token);
    }
    EXPECT_FALSE(allowed.empty() && !constraint->IsComplete());
    if (allowed.empty()) return;
    const Status accepted = constraint->Accept(allowed[random() % allowed.size()]);
    EXPECT_TRUE(accepted.ok() || accepted.code() == StatusCode::kResourceExhausted) << accepted.ToString();
    if (!accepted.ok()) return;
  }
}

std::string Mutated(std::string text, const std::string& marks, std::mt19937_64& random) {
  for (std::uint64_t i = 1 + random() % 4; i > 0 && !text.empty(); --i) {
    const std::size_t at = random() % text.size();
    const std::size_t length = random() % 12;
    switch (random() % 5) {
      case 0:
        text.erase(at, length);
        break;
      case 1:
        text.insert(at, text.substr(random() % text.size(), length));
        break;
      case 2:
        text[at] = static_cast<char>(random());
        break;
      default:
        text[at] = marks[random() % marks.size()];
    }
  }
  return text;
}

TEST(Hostile, MutatedSchemas) {
  std::mt19937_64 random(21);
  std::istringstream lines(ReadFile(CARAT_GRAMMAR_TESTS "/schema_cases.json"));
  std::vector<std::string> schemas;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t begin = line.find("\"schema\":") + 9;
    schemas.push_back(line.substr(begin, line.find(",\"valid\":") - begin));
  }
  int compiled = 0;
  for (int i = 0; i < 3000; ++i) {
    const std::string schema =
        Mutated(schemas[random() % schemas.size()], "{}[]\":,0123456789-.etfn^$*+?()|\\", random);
    const auto grammar = Grammar::FromJsonSchema(schema);
    if (!grammar.ok()) continue;
    ++compiled;
    Exercise(*grammar, random);
  }
  EXPECT_GT(compiled, 100);
}

TEST(Hostile, MutatedGrammarsAndTools) {
  std::mt19937_64 random(22);
  const std::string gbnf =
      "root ::= item (\",\" item)* # list\n  | !<[300]> <|tool_call>\nitem ::= [a-z]+ | \"(\" root? \")\" | "
      "num{1,3}\nnum ::= [0-9] | "
      "\"\\x41\" . ";
  const std::string tools =
      R"([{"function": {"name": "f", "parameters": {"properties": {"a": {"type": "string"}, "b": {"enum": ["x"]}}}}}])";
  int compiled = 0;
  for (int i = 0; i < 3000; ++i) {
    const auto grammar =
        i % 2 == 0 ? Grammar::FromGbnf(Mutated(gbnf, "()[]{}*+?|\"\\^-,.: \nabr09<>!", random))
                   : Grammar::FromTools(Mutated(tools, "{}[]\":,abx", random), {.whole_calls = i % 4 == 1});
    if (!grammar.ok()) continue;
    ++compiled;
    Exercise(*grammar, random);
  }
  EXPECT_GT(compiled, 100);
}

TEST(Hostile, RandomBytes) {
  std::mt19937_64 random(23);
  for (int i = 0; i < 2000; ++i) {
    std::string text(random() % 40, ' ');
    for (char& byte : text) byte = static_cast<char>(random());
    EXPECT_FALSE(Grammar::FromJsonSchema(text).ok());
    EXPECT_FALSE(Grammar::FromGbnf(text).ok());
    EXPECT_FALSE(Grammar::FromTools(text).ok());
  }
}

}  // namespace
}  // namespace carat::test
