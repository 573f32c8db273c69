// GBNF, calls of tools, and constraints through the public header.
#include <thread>

#include "gtest/gtest.h"
#include "tests/sampling/grammar/test_vocabulary.h"

namespace carat::test {
namespace {

void CheckGbnf(const std::string& text, const std::vector<std::string>& yes,
               const std::vector<std::string>& no) {
  SCOPED_TRACE(text);
  std::mt19937_64 random(6);
  const auto grammar = Grammar::FromGbnf(text);
  ASSERT_TRUE(grammar.ok()) << grammar.status().ToString();
  for (const std::string& one : yes) EXPECT_TRUE(Admits(*grammar, one, random)) << one;
  for (const std::string& one : no) EXPECT_FALSE(Admits(*grammar, one, random)) << one;
}

TEST(Gbnf, Languages) {
  CheckGbnf(R"(root ::= "yes" | "no")", {"yes", "no"}, {"", "y", "yesno"});
  CheckGbnf("# sums\nroot ::= term (\"+\" term)*  # of terms\nterm ::= [0-9]+ | (\"(\"\n  root \")\")\n",
            {"1", "12+3", "(1+2)+3", "((1))"}, {"", "+", "(1", "1+"});
  CheckGbnf("root ::= x{2} y{1,} z{0,2}\nx ::= \"x\"\ny ::= [yY]\nz ::= .", {"xxy", "xxyYzz", "xxyé日"},
            {"xy", "xxyzzz", "xx"});
  CheckGbnf("root ::= [^a-y\\n]+ | \"\\x41\\u65e5\\U0001F600\\\"\"", {"zé日😀", "A日😀\""}, {"za", "z\n", ""});
  CheckGbnf("root ::= a*\na ::= b? \"nd\"?\nb ::= (\"a\" | )*", {"", "and", "aandand"}, {"d"});
  CheckGbnf("root ::= [日-本]{2}", {"日本"}, {"日", "日a"});
}

TEST(Gbnf, ALineThatBeginsWithABarGoesOn) {
  CheckGbnf("root ::= foo\n  | bar\nfoo ::= \"a\"\nbar ::= \"b\"\n", {"a", "b"}, {"", "ab"});
  CheckGbnf("root ::= \"a\"\n\n# or else\n\t| \"b\" # this\n\n|\n\"c\"\n", {"a", "b", "c"}, {"", "ab"});
  CheckGbnf("root ::= \"a\"\r\n| \"b\"\r\nx ::= \"c\"\r\n", {"a", "b"}, {"", "c"});
  CheckGbnf("root ::= (\"a\"\n | \"b\"\n)+\n | \"c\"", {"ab", "c"}, {"", "ac"});
  // As in llama.cpp, nothing in front of the first bar is an alternative.
  CheckGbnf("root ::=\n  | \"a\"\n  | \"b\"", {"", "a", "b"}, {"ab"});
  CheckGbnf("\uFEFFroot ::= \"a\"", {"a"}, {""});
}

// Tokens by name or id, each as itself and as its bytes.
std::vector<std::int32_t> Ids(std::string_view text) {
  std::vector<std::int32_t> ids;
  for (const char c : text) ids.push_back(ByteToken(c));
  return ids;
}

bool AdmitsIds(const Grammar& grammar, const std::vector<std::int32_t>& ids) {
  GrammarConstraint constraint = Constrain(grammar);
  for (const std::int32_t id : ids) {
    const auto mask = constraint.Mask();
    EXPECT_TRUE(mask.ok());
    const bool in_mask = IsSet(*mask, id);
    EXPECT_EQ(in_mask, constraint.Accept(id).ok()) << id;
    if (!in_mask) return false;
  }
  return constraint.IsComplete();
}

std::vector<std::int32_t> operator+(std::vector<std::int32_t> a, const std::vector<std::int32_t>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

TEST(Gbnf, Tokens) {
  using V = std::vector<std::int32_t>;
  const auto thought =
      Grammar::FromGbnf("root ::= <|channel> thinking <channel|> .*\nthinking ::= !<channel|>*");
  ASSERT_TRUE(thought.ok()) << thought.status().ToString();
  EXPECT_TRUE(AdmitsIds(*thought, V{kThoughtBegin} + Ids("hm\xFF") + V{kQuote, kThoughtEnd} + Ids("yes")));
  EXPECT_TRUE(AdmitsIds(*thought, {kThoughtBegin, kThoughtBegin, kThoughtEnd}));
  EXPECT_FALSE(AdmitsIds(*thought, {kThoughtBegin}));
  EXPECT_FALSE(AdmitsIds(*thought, Ids("<|channel>")));  // the token is meant, not its text
  EXPECT_FALSE(AdmitsIds(*thought, {kThoughtBegin, kStop}));
  EXPECT_FALSE(AdmitsIds(*thought, {kThoughtBegin, kThoughtEnd, kThoughtEnd}));

  const auto by_id = Grammar::FromGbnf("root ::= <[5]> !<[6]>* <[6]> .*");
  ASSERT_TRUE(by_id.ok());
  EXPECT_TRUE(AdmitsIds(*by_id, V{kThoughtBegin} + Ids("x") + V{kThoughtEnd} + Ids("y")));

  // A token of text is that token alone, not its bytes; "!" reads one token however long it is.
  const std::int32_t ab = *TokenWith("ab");
  const auto text = Grammar::FromGbnf("root ::= <[" + std::to_string(ab) + "]> | \"abc\" | !<[" +
                                      std::to_string(ab) + "]> \"z\"");
  ASSERT_TRUE(text.ok());
  EXPECT_TRUE(AdmitsIds(*text, {ab}));
  EXPECT_FALSE(AdmitsIds(*text, Ids("ab")));
  EXPECT_TRUE(AdmitsIds(*text, V{ab} + Ids("c")));
  EXPECT_TRUE(AdmitsIds(*text, Ids("abc")));
  EXPECT_TRUE(AdmitsIds(*text, V{*TokenWith("foo")} + Ids("z")));
  EXPECT_FALSE(AdmitsIds(*text, V{ab} + Ids("z")));

  // A stop token comes where it is named, and where the text is a whole.
  const auto stop = Grammar::FromGbnf("root ::= \"a\" <eos> | !<[0]>");
  ASSERT_TRUE(stop.ok());
  EXPECT_TRUE(AdmitsIds(*stop, Ids("a") + V{kStop}));
  EXPECT_FALSE(AdmitsIds(*stop, {kStop}));
  EXPECT_FALSE(AdmitsIds(*stop, {0}));
  EXPECT_TRUE(AdmitsIds(*stop, {kQuote}));
}

TEST(Gbnf, TokensThatAVocabularyHasNot) {
  for (const char* rules : {"root ::= <nowhere>", "root ::= \"a\" | !<nowhere>", "root ::= <[1000000]>"}) {
    const auto grammar = Grammar::FromGbnf(rules);
    ASSERT_TRUE(grammar.ok()) << grammar.status().ToString();
    const auto constraint = GrammarConstraint::Create(*grammar, TestVocabulary());
    EXPECT_EQ(constraint.status().code(), StatusCode::kFailedPrecondition) << rules;
    EXPECT_NE(constraint.status().message().find("the grammar needs the token <"), std::string::npos)
        << constraint.status().ToString();
  }
  // A name can be a text token's, too.
  EXPECT_TRUE(GrammarConstraint::Create(*Grammar::FromGbnf("root ::= <b>"), TestVocabulary()).ok());
}

// The mask is exact: it is what trying every token says.
TEST(Gbnf, MasksWithTokensEqualTryingEveryToken) {
  for (const char* rules :
       {"root ::= <|channel> !<channel|>* <channel|> \"ab\"*",
        "root ::= (!<[40]> \"a\" | !<[41]> \"b\" | \"ab\")*", "root ::= (<b> | !<b> | \"{}\")* <eos>?",
        "root ::= x{2,3}\nx ::= !<|tool_call> | \"tr\" <[2]>"}) {
    const auto grammar = Grammar::FromGbnf(rules);
    ASSERT_TRUE(grammar.ok()) << grammar.status().ToString();
    std::mt19937_64 random(7);
    for (int walk = 0; walk < 20; ++walk) {
      GrammarConstraint constraint = Constrain(*grammar);
      for (int step = 0; step < 6; ++step) {
        const auto mask = constraint.Mask();
        ASSERT_TRUE(mask.ok());
        const std::vector<std::uint64_t> bits(mask->begin(), mask->end());
        std::vector<std::int32_t> allowed;
        for (std::int32_t token = 0; token < TestVocabulary().size(); ++token) {
          const std::int64_t position = constraint.position();
          const bool accepted = constraint.Accept(token).ok();
          ASSERT_EQ(accepted, IsSet(bits, token)) << rules << " and token " << token;
          if (accepted) ASSERT_TRUE(constraint.Rewind(position).ok());
          if (accepted && token != kStop) allowed.push_back(token);
        }
        if (allowed.empty()) break;
        ASSERT_TRUE(constraint.Accept(allowed[random() % allowed.size()]).ok());
      }
    }
  }
}

TEST(Gbnf, Errors) {
  const std::pair<const char*, const char*> wrong[] = {
      {"", "no rule 'root'"},
      {"root ::= missing", "'missing'"},
      {"root ::= root \"a\" | \"b\"", "begins with itself"},
      {"root ::= a\na ::= b?  root", "begins with itself"},
      {"root ::= \"a\" root", "has no end"},
      {"root ::= []", "has no end"},
      {"root ::= \"a", "closing quote"},
      {"root ::= (\"a\"", "')'"},
      {"root ::= [a", "']'"},
      {"root ::= \"a\"{2", "'}'"},
      {"root ::= \"a\"{3,2}", "line 1"},
      {"root ::= \"\\q\"", "escape"},
      {"root ::= \"\\uD800\"", "no character"},
      {"root \"a\"", "'::='"},
      {"root ::= \"a\"\nroot ::= \"b\"", "twice"},
      {"root ::= \"a\" )", "line 1"},
      {"root ::= \"\xFF\"", "UTF-8"},
      {"root ::= \"a\"\n| <b", "line 2 has a '<' without its '>'"},
      {"root ::= <a\n>", "line 1 has a '<' without its '>'"},
      {"root ::= <>", "a token without a name"},
      {"root ::= <[x]>", "without its id"},
      {"root ::= <[]>", "without its id"},
      {"root ::= <[12>", "without its id"},
      {"root ::= <[99999999999]>", "without its id"},
      {"root ::= ! <a>", "a '!' in front of what is no token"},
      {"root ::= !\"a\"", "a '!' in front of what is no token"},
      {"| \"a\"", "line 1"},
  };
  std::string root_b = "root ::= a\na ::= b?  root\nb ::= \"b\"";
  EXPECT_NE(Grammar::FromGbnf(root_b).status().message().find("begins with itself"), std::string::npos);
  for (const auto& [text, part] : wrong) {
    if (std::string(text).find("b?") != std::string::npos) continue;  // root_b
    const auto grammar = Grammar::FromGbnf(text);
    EXPECT_EQ(grammar.status().code(), StatusCode::kInvalidArgument) << text;
    EXPECT_NE(grammar.status().message().find(part), std::string::npos) << grammar.status().ToString();
  }
  EXPECT_EQ(Grammar::FromGbnf("root ::= ((\"a\"{9999}){9999}){9999}").status().code(),
            StatusCode::kResourceExhausted);
  EXPECT_TRUE(Grammar::FromGbnf("other ::= \"a\"", "other").ok());
}

constexpr char kTools[] = R"([
    {"type": "function", "function": {"name": "get_weather", "description": "Weather",
     "parameters": {"type": "object", "properties": {"city": {"type": "string", "maxLength": 6},
       "days": {"type": "integer", "minimum": 1, "maximum": 10}, "units": {"enum": ["C", "F"]},
       "tags": {"type": "array", "items": {"$ref": "#/$defs/tag"}}},
       "$defs": {"tag": {"type": "object", "properties": {"n": {"type": "null"}}, "additionalProperties": false}},
       "required": ["city"], "additionalProperties": false}}},
    {"name": "get_time"}])";

// Control tokens by single characters that stand for them: Q for <|"|>, < and > for the call's.
std::vector<std::int32_t> Tokens(const std::string& text) {
  std::vector<std::int32_t> tokens;
  for (const char c : text) {
    tokens.push_back(c == 'Q' ? kQuote : c == '<' ? kCallBegin : c == '>' ? kCallEnd : ByteToken(c));
  }
  return tokens;
}

bool AdmitsTokens(const Grammar& grammar, const std::string& text) {
  GrammarConstraint constraint = Constrain(grammar);
  for (const std::int32_t token : Tokens(text)) {
    const auto mask = constraint.Mask();
    EXPECT_TRUE(mask.ok());
    const bool in_mask = IsSet(*mask, token);
    const bool accepted = constraint.Accept(token).ok();
    EXPECT_EQ(in_mask, accepted) << text;
    if (!accepted) return false;
  }
  return constraint.IsComplete();
}

TEST(Tools, CallsOfDeclaredTools) {
  const auto grammar = Grammar::FromTools(kTools);
  ASSERT_TRUE(grammar.ok()) << grammar.status().ToString();
  for (const char* yes : {"call:get_time{}>", "call:get_weather{city:QRomeQ}>", "call:get_weather{city:QQ}>",
                          "call:get_weather{days:10,city:Qa\"{,}Q,units:QFQ}>",
                          "call:get_weather{tags:[{},{n:null}],city:Qx\ny\\Q}>"}) {
    EXPECT_TRUE(AdmitsTokens(*grammar, yes)) << yes;
  }
  for (const char* no : {"call:get_time{}", "call:get_time{a:1}>", "call:get{}>", "call:get_weather{}>",
                         "call:get_weather{city:Rome}>", "call:get_weather{city:\"Rome\"}>",
                         "call:get_weather{city:QToo longQ}>", "call:get_weather{city:QaQ,days:11}>",
                         "call:get_weather{city:QaQ,units:QKQ}>", "call:get_weather{city:QaQ, days:1}>",
                         "call:get_weather{city:QaQ}>>", "<call:get_time{}>",
                         "call:get_weather{city:QaQ,city:QbQ}>", "call:get_weather{\"city\":QaQ}>"}) {
    EXPECT_FALSE(AdmitsTokens(*grammar, no)) << no;
  }
  const auto whole = Grammar::FromTools(kTools, {.whole_calls = true});
  ASSERT_TRUE(whole.ok());
  EXPECT_TRUE(AdmitsTokens(*whole, "<call:get_time{}>"));
  EXPECT_TRUE(AdmitsTokens(*whole, "<call:get_time{}><call:get_weather{city:QaQ}>"));
  EXPECT_FALSE(AdmitsTokens(*whole, "call:get_time{}>"));
  EXPECT_FALSE(AdmitsTokens(*whole, "<call:get_time{}><"));
}

TEST(Tools, FreeArguments) {
  const auto grammar = Grammar::FromTools(R"({"name": "f", "parameters": {"type": "object"}})");
  ASSERT_TRUE(grammar.ok()) << grammar.status().ToString();
  EXPECT_TRUE(AdmitsTokens(*grammar, "call:f{}>"));
  EXPECT_TRUE(AdmitsTokens(*grammar, "call:f{a:{b_1:[1.5,true,QxQ]},c:null}>"));
  EXPECT_FALSE(AdmitsTokens(*grammar, "call:f{a b:1}>"));
  EXPECT_FALSE(AdmitsTokens(*grammar, "call:f{:1}>"));
  EXPECT_FALSE(AdmitsTokens(*grammar, "call:f{a:x}>"));
}

TEST(Tools, NumbersOfAnySize) {
  const auto grammar = Grammar::FromTools(R"({"name": "f", "parameters": {"type": "object", "properties": {
      "n": {"type": "integer", "minimum": 18446744073709551616}}, "required": ["n"], "additionalProperties": false}})");
  ASSERT_TRUE(grammar.ok()) << grammar.status().ToString();
  EXPECT_TRUE(AdmitsTokens(*grammar, "call:f{n:18446744073709551616}>"));
  EXPECT_TRUE(AdmitsTokens(*grammar, "call:f{n:99999999999999999999999999999999}>"));
  EXPECT_FALSE(AdmitsTokens(*grammar, "call:f{n:18446744073709551615}>"));
}

TEST(Tools, ClosedObjects) {
  const char* tool =
      R"({"name": "f", "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}}})";
  const auto open = Grammar::FromTools(tool);
  const auto closed = Grammar::FromTools(tool, {.closed_objects = true});
  ASSERT_TRUE(open.ok() && closed.ok());
  for (const Grammar* grammar : {&*open, &*closed}) {
    EXPECT_TRUE(AdmitsTokens(*grammar, "call:f{a:1}>"));
    EXPECT_TRUE(AdmitsTokens(*grammar, "call:f{}>"));
    EXPECT_FALSE(AdmitsTokens(*grammar, "call:f{a:QxQ}>"));
  }
  EXPECT_TRUE(AdmitsTokens(*open, "call:f{b:QxQ}>"));
  EXPECT_FALSE(AdmitsTokens(*closed, "call:f{b:QxQ}>"));
}

TEST(Tools, Errors) {
  const std::pair<const char*, const char*> wrong[] = {
      {"[]", "none"},
      {"[1]", "#/0"},
      {"[{}]", "name"},
      {R"([{"name": "a{b"}])", "a{b"},
      {R"([{"name": "a"}, {"name": "a"}])", "two"},
      {R"([{"name": "a", "parameters": {"type": "string"}}])", "'a'"},
  };
  for (const auto& [tools, part] : wrong) {
    const auto grammar = Grammar::FromTools(tools);
    EXPECT_EQ(grammar.status().code(), StatusCode::kInvalidArgument) << tools;
    EXPECT_NE(grammar.status().message().find(part), std::string::npos) << grammar.status().ToString();
  }
  const auto keyword = Grammar::FromTools(R"([{"name": "tool", "parameters": {"not": {"const": 1}}}])");
  EXPECT_EQ(keyword.status().code(), StatusCode::kUnimplemented);
  EXPECT_NE(keyword.status().message().find("'tool'"), std::string::npos);
}

Grammar Number() {
  return *Grammar::FromJsonSchema(R"({"type": "integer", "maximum": 99, "minimum": 10})",
                                  {.max_whitespace = 0});
}

TEST(Constraint, StopTokenComesExactlyWhenComplete) {
  GrammarConstraint constraint = Constrain(Number());
  EXPECT_TRUE(constraint.IsActive());
  EXPECT_FALSE(constraint.IsComplete());
  EXPECT_FALSE(constraint.Accept(kStop).ok());
  ASSERT_TRUE(constraint.Accept(ByteToken('4')).ok());
  EXPECT_FALSE(IsSet(*constraint.Mask(), kStop));
  ASSERT_TRUE(constraint.Accept(ByteToken('2')).ok());
  EXPECT_TRUE(constraint.IsComplete());
  const auto mask = constraint.Mask();
  for (std::int32_t token = 0; token < TestVocabulary().size(); ++token) {
    EXPECT_EQ(IsSet(*mask, token), token == kStop) << token;
  }
  const auto wrong = constraint.Accept(ByteToken('0'));
  EXPECT_EQ(wrong.code(), StatusCode::kInvalidArgument);
  EXPECT_NE(wrong.message().find("after 2 tokens"), std::string::npos);
  ASSERT_TRUE(constraint.Accept(kStop).ok());
  EXPECT_TRUE(constraint.IsComplete());
}

TEST(Constraint, RewindAndClone) {
  const auto grammar = Grammar::FromJsonSchema(
      R"({"type": "object", "properties": {"a": {"type": "array", "items": {"type": "integer", "maximum": 5}}},
          "required": ["a"]})");
  ASSERT_TRUE(grammar.ok());
  GrammarConstraint constraint = Constrain(*grammar);
  const std::string text = R"({"a": [1, -3, 5], "b": {"c": "d"}})";
  std::vector<std::vector<std::uint64_t>> masks;
  for (const char byte : text) {
    const auto mask = constraint.Mask();
    masks.emplace_back(mask->begin(), mask->end());
    ASSERT_TRUE(constraint.Accept(ByteToken(byte)).ok());
  }
  EXPECT_EQ(constraint.position(), static_cast<std::int64_t>(text.size()));
  std::mt19937_64 random(8);
  for (int i = 0; i < 100; ++i) {
    const std::size_t to = random() % (text.size() + 1);
    auto copy = constraint.Clone();
    ASSERT_TRUE(copy.ok() && copy->Rewind(static_cast<std::int64_t>(to)).ok());
    for (std::size_t at = to; at < text.size(); ++at) {
      const auto mask = copy->Mask();
      ASSERT_TRUE(std::equal(mask->begin(), mask->end(), masks[at].begin())) << at;
      ASSERT_TRUE(copy->Accept(ByteToken(text[at])).ok());
    }
    EXPECT_TRUE(copy->IsComplete());
  }
  EXPECT_EQ(constraint.Rewind(-1).code(), StatusCode::kOutOfRange);
  EXPECT_EQ(constraint.Rewind(1000).code(), StatusCode::kOutOfRange);
}

TEST(Constraint, SleepsUntilItsTrigger) {
  GrammarConstraint constraint =
      Constrain(*Grammar::FromTools(kTools), {.trigger = kCallBegin, .repeat = true});
  for (int round = 0; round < 2; ++round) {
    EXPECT_FALSE(constraint.IsActive());
    EXPECT_TRUE(constraint.IsComplete());
    EXPECT_TRUE(IsSet(*constraint.Mask(), kStop) && IsSet(*constraint.Mask(), ByteToken('x')));
    ASSERT_TRUE(constraint.Accept(ByteToken('x')).ok());
    ASSERT_TRUE(constraint.Accept(kCallBegin).ok());
    EXPECT_TRUE(constraint.IsActive());
    EXPECT_FALSE(IsSet(*constraint.Mask(), kStop) || IsSet(*constraint.Mask(), ByteToken('x')));
    for (const std::int32_t token : Tokens("call:get_time{}>")) ASSERT_TRUE(constraint.Accept(token).ok());
  }
  EXPECT_FALSE(constraint.IsActive());
}

TEST(Constraint, ThoughtsStayFree) {
  GrammarConstraint constraint = Constrain(Number(), {.free_begin = kThoughtBegin, .free_end = kThoughtEnd});
  EXPECT_TRUE(IsSet(*constraint.Mask(), kThoughtBegin) && IsSet(*constraint.Mask(), ByteToken('1')));
  EXPECT_FALSE(IsSet(*constraint.Mask(), ByteToken('x')));
  for (const std::int32_t token : {kThoughtBegin, ByteToken('x'), kQuote}) {
    ASSERT_TRUE(constraint.Accept(token).ok());
    EXPECT_FALSE(constraint.IsActive() || constraint.IsComplete());
  }
  EXPECT_FALSE(IsSet(*constraint.Mask(), kStop));
  EXPECT_FALSE(constraint.Accept(kStop).ok());
  ASSERT_TRUE(constraint.Accept(kThoughtEnd).ok());
  for (const char byte : std::string("42")) ASSERT_TRUE(constraint.Accept(ByteToken(byte)).ok());
  EXPECT_TRUE(constraint.IsComplete());
  EXPECT_FALSE(constraint.Accept(kThoughtBegin).ok());
}

TEST(Constraint, Errors) {
  const Grammar grammar = Number();
  const auto create = [&](const ConstraintOptions& options) {
    return GrammarConstraint::Create(grammar, TestVocabulary(), options).status().code();
  };
  EXPECT_EQ(create({.trigger = 100000}), StatusCode::kOutOfRange);
  EXPECT_EQ(create({.trigger = -2}), StatusCode::kOutOfRange);
  EXPECT_EQ(create({.free_begin = 3}), StatusCode::kInvalidArgument);
  EXPECT_EQ(create({.repeat = true}), StatusCode::kInvalidArgument);
  GrammarConstraint constraint = Constrain(grammar);
  EXPECT_EQ(constraint.Accept(-1).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(constraint.Accept(100000).code(), StatusCode::kInvalidArgument);
  GrammarConstraint other = std::move(constraint);
  EXPECT_EQ(constraint.Mask().status().code(), StatusCode::kFailedPrecondition);  // NOLINT: moved from
  EXPECT_EQ(constraint.Accept(3).code(), StatusCode::kFailedPrecondition);
  EXPECT_FALSE(constraint.IsActive() || constraint.IsComplete());
}

// The loop of a generation, with logits that want something else.
TEST(Constraint, InAChain) {
  SamplingOptions options{.top_k = 40, .top_p = 0.9F, .logit_bias = {{ByteToken('x'), 50.0F}}, .seed = 3};
  const auto grammar = Grammar::FromJsonSchema(
      R"({"type": "object", "properties": {"n": {"type": "integer", "minimum": 0, "maximum": 50}},
          "required": ["n"], "additionalProperties": false})",
      {.max_whitespace = 1});
  ASSERT_TRUE(grammar.ok());
  options.constraint = std::make_shared<const GrammarConstraint>(Constrain(*grammar));
  auto chain = SamplerChain::Create(options);
  ASSERT_TRUE(chain.ok());
  EXPECT_EQ(chain->name(0), "constraint");
  std::mt19937_64 random(9);
  std::normal_distribution<float> bell(0, 3);
  for (int run = 0; run < 20; ++run) {
    ASSERT_TRUE(chain->Reset().ok());
    ASSERT_TRUE(chain->Accept(ByteToken('x'), TokenOrigin::kPrompt).ok());
    std::string text;
    for (int step = 0; step < 100; ++step) {
      std::vector<float> logits(static_cast<std::size_t>(TestVocabulary().size()) + 3);
      for (float& logit : logits) logit = bell(random);
      const auto token = chain->Sample(logits);
      ASSERT_TRUE(token.ok()) << token.status().ToString();
      ASSERT_TRUE(chain->Accept(*token).ok());
      if (*token == kStop) break;
      text += BytesOf(*token);
      if (step == 2) *chain = *chain->Clone();
    }
    EXPECT_TRUE(AdmitsBytes(*grammar, text)) << text;
  }
  // A token that the constraint does not know of.
  ASSERT_TRUE(chain->Reset().ok());
  ASSERT_TRUE(chain->Accept(ByteToken('x')).ok());
  const std::vector<float> logits(static_cast<std::size_t>(TestVocabulary().size()), 0.0F);
  EXPECT_EQ(chain->Sample(logits).status().code(), StatusCode::kInvalidArgument);
}

TEST(Constraint, SortedCandidatesStayAsTheyAre) {
  auto sampler = samplers::Constraint(Constrain(Number()));
  ASSERT_TRUE(sampler.ok());
  Candidate items[] = {{ByteToken('x'), 3}, {ByteToken('7'), 2}, {ByteToken('0'), 1}, {ByteToken('1'), 0}};
  CandidateList candidates(items, 4, true);
  ASSERT_TRUE((*sampler)->Apply(candidates).ok());
  ASSERT_EQ(candidates.size(), 2U);
  EXPECT_EQ(items[0].token, ByteToken('7'));
  EXPECT_EQ(items[1].token, ByteToken('1'));
  EXPECT_TRUE(candidates.sorted());
}

TEST(Constraint, ManyThreadsShareAGrammar) {
  const auto grammar =
      Grammar::FromJsonSchema(R"({"type": "string", "pattern": "^[a-f]*$", "maxLength": 12})");
  ASSERT_TRUE(grammar.ok());
  std::vector<std::thread> threads;
  std::atomic<int> complete{0};
  for (unsigned t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937_64 random(t);
      for (int i = 0; i < 20; ++i) complete += Admits(*grammar, "\"abcdefabcdef\"", random) ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(complete, 80);
}

}  // namespace
}  // namespace carat::test
