#include "tests/sampling/grammar/test_vocabulary.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "gtest/gtest.h"
#include "lib/sampling/grammar/token_trie.h"

namespace carat::test {
namespace {

internal::TokenTrie::Vocabulary MakeVocabulary() {
  internal::TokenTrie::Vocabulary vocabulary;
  for (const char* piece :
       {"<pad>", "<eos>", "<|\"|>", "<|tool_call>", "<tool_call|>", "<|channel>", "<channel|>"}) {
    vocabulary.control_tokens[piece] = static_cast<std::int32_t>(vocabulary.bytes.size());
    vocabulary.bytes.emplace_back();
  }
  for (int byte = 0; byte < 256; ++byte) vocabulary.bytes.emplace_back(1, static_cast<char>(byte));
  for (const char* piece : {"{\"",
                            "\": ",
                            "\":\"",
                            "\", \"",
                            "\",\"",
                            "\"}",
                            "\"],",
                            "}}",
                            "]}",
                            "[]",
                            "{}",
                            "[[",
                            "],[",
                            "\"a\"",
                            "\"a\":",
                            "a\"",
                            "b\": [",
                            "ab",
                            "foo",
                            "bar",
                            "true",
                            "tr",
                            "false",
                            "fal",
                            "null",
                            "nul",
                            "12",
                            "0.",
                            "-1",
                            "e-",
                            "1e",
                            "00",
                            ".5",
                            "  ",
                            "    ",
                            "\n  ",
                            "\n",
                            "\n    ",
                            ", ",
                            ": ",
                            "\\n",
                            "\\\"",
                            "\\u00",
                            "\\ud8",
                            "\\u",
                            "u0061",
                            "\\\\",
                            "3d\\ude",
                            "é",
                            "日本",
                            "日",
                            "😀",
                            "é\"",
                            "a日",
                            "name",
                            "name\": ",
                            "\"name\"",
                            "x y",
                            "other",
                            "cd",
                            "abcd",
                            "a",
                            "e",
                            "xyz",
                            "call:",
                            "get_",
                            "call:get_weather{",
                            "city:",
                            "}",
                            "{",
                            "\",\n  \"",
                            "\"}\n",
                            "\":{\"",
                            "1,2",
                            ",\"",
                            "0,",
                            "5]",
                            "\" :",
                            "<b>"}) {
    vocabulary.bytes.emplace_back(piece);
  }
  // A beginning and an end of characters, as no vocabulary should have them.
  vocabulary.bytes.emplace_back("a\xE6\x97");
  vocabulary.bytes.emplace_back("\xA5z");
  vocabulary.stop_tokens = {kStop};
  return vocabulary;
}

}  // namespace

const GrammarVocabulary& TestVocabulary() {
  static const GrammarVocabulary kVocabulary = [] {
    auto trie = internal::TokenTrie::Build(MakeVocabulary());
    return GrammarVocabulary(std::make_shared<const internal::TokenTrie>(*std::move(trie)));
  }();
  return kVocabulary;
}

std::string_view BytesOf(std::int32_t token) {
  return TestVocabulary().trie()->Bytes(token);
}

std::optional<std::int32_t> TokenWith(std::string_view bytes) {
  for (std::int32_t token = 0; token < TestVocabulary().size(); ++token) {
    if (BytesOf(token) == bytes) return token;
  }
  return std::nullopt;
}

bool IsSet(std::span<const std::uint64_t> mask, std::int32_t token) {
  return (mask[static_cast<std::size_t>(token) / 64] >> (token % 64) & 1) != 0;
}

std::vector<std::int32_t> Cut(std::string_view text, std::mt19937_64& random) {
  std::vector<std::int32_t> tokens;
  while (!text.empty()) {
    std::vector<std::int32_t> fitting;
    for (std::int32_t token = kFirstByte; token < TestVocabulary().size(); ++token) {
      if (text.substr(0, BytesOf(token).size()) == BytesOf(token)) fitting.push_back(token);
    }
    tokens.push_back(fitting[random() % fitting.size()]);
    text.remove_prefix(BytesOf(tokens.back()).size());
  }
  return tokens;
}

GrammarConstraint Constrain(const Grammar& grammar, const ConstraintOptions& options) {
  auto constraint = GrammarConstraint::Create(grammar, TestVocabulary(), options);
  EXPECT_TRUE(constraint.ok()) << constraint.status().ToString();
  return *std::move(constraint);
}

bool Admits(const Grammar& grammar, std::string_view text, std::mt19937_64& random) {
  GrammarConstraint constraint = Constrain(grammar);
  for (const std::int32_t token : Cut(text, random)) {
    const auto mask = constraint.Mask();
    EXPECT_TRUE(mask.ok()) << mask.status().ToString();
    if (!mask.ok()) return false;
    const bool in_mask = IsSet(*mask, token);
    const bool accepted = constraint.Accept(token).ok();
    EXPECT_EQ(in_mask, accepted) << text << " at token '" << BytesOf(token) << "'";
    if (!accepted) return false;
  }
  const auto mask = constraint.Mask();
  EXPECT_TRUE(mask.ok()) << mask.status().ToString();
  if (!mask.ok()) return false;
  EXPECT_EQ(IsSet(*mask, kStop), constraint.IsComplete());
  return constraint.IsComplete() && constraint.Accept(kStop).ok();
}

bool AdmitsBytes(const Grammar& grammar, std::string_view text) {
  GrammarConstraint constraint = Constrain(grammar);
  for (const char byte : text) {
    if (!constraint.Accept(ByteToken(byte)).ok()) return false;
  }
  return constraint.IsComplete();
}

namespace {

// Everything between two quotes: names that an object may have to have.
std::vector<std::string> StringsOf(std::string_view json) {
  std::vector<std::string> strings;
  for (std::size_t begin = 0; (begin = json.find('"', begin)) != std::string_view::npos; ++begin) {
    std::size_t end = begin + 1;
    while (end < json.size() && json[end] != '"') end += json[end] == '\\' ? 2 : 1;
    if (end < json.size()) strings.emplace_back(json.substr(begin + 1, end - begin - 1));
    begin = end;
  }
  return strings;
}

bool AcceptAll(GrammarConstraint& constraint, std::string_view text) {
  const std::int64_t position = constraint.position();
  for (const char byte : text) {
    if (constraint.Accept(ByteToken(byte)).ok()) continue;
    EXPECT_TRUE(constraint.Rewind(position).ok());
    return false;
  }
  return true;
}

// Goes on by single tokens, of a few that end things where there is one of them, by one of the strings as a
// name, or by chance: in `luck` of eight cases.
std::optional<std::string> TryToEnd(GrammarConstraint& constraint, const std::vector<std::string>& strings,
                                    std::uint64_t luck, std::mt19937_64& random) {
  static const std::string kOrder = "\"}],:ntf0123456789.e-[{";
  std::string text;
  for (int i = 0; i < 1000; ++i) {
    if (constraint.IsComplete()) return text;
    if (!strings.empty() && random() % 2 == 0) {
      // As the name of a member, where one can come.
      const std::size_t first = random() % strings.size();
      bool named = false;
      for (std::size_t k = 0; k < strings.size() && !named; ++k) {
        const std::string name = '"' + strings[(first + k) % strings.size()] + "\":";
        named = AcceptAll(constraint, name);
        if (named) text += name;
      }
      if (named) continue;
    }
    if (!strings.empty() && random() % 4 == 0) {
      // As part of a text, which a pattern may ask for.
      const std::string& part = strings[random() % strings.size()];
      if (AcceptAll(constraint, part)) text += part;
    }
    const auto mask = constraint.Mask();
    EXPECT_TRUE(mask.ok());
    std::vector<std::int32_t> allowed;
    for (std::int32_t token = 0; token < kFirstByte + 256; ++token) {
      if (token != kStop && IsSet(*mask, token)) allowed.push_back(token);
    }
    EXPECT_FALSE(allowed.empty()) << "no way on behind " << text;
    if (allowed.empty()) return std::nullopt;
    std::int32_t next = allowed[random() % allowed.size()];
    const auto wanted =
        std::find_if(kOrder.begin(), kOrder.end(), [&](char byte) { return IsSet(*mask, ByteToken(byte)); });
    const char some = "abcdefghijklmnopqrstuvwxyz0123456789"[random() % 36];
    // Three of them in a row may be just text.
    const bool again =
        wanted != kOrder.end() && text.size() >= 2 && text.substr(text.size() - 2) == std::string(2, *wanted);
    if (wanted != kOrder.end() && random() % 8 >= luck && !again) {
      next = ByteToken(*wanted);
    } else if (random() % 2 == 0 && IsSet(*mask, ByteToken(some))) {
      next = ByteToken(some);
    }
    EXPECT_TRUE(constraint.Accept(next).ok());
    text += BytesOf(next);
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> FindEnd(const GrammarConstraint& from, std::string_view schema) {
  const std::vector<std::string> strings = StringsOf(schema);
  std::mt19937_64 random(1);
  for (int attempt = 0; attempt < 60; ++attempt) {
    auto constraint = from.Clone();
    EXPECT_TRUE(constraint.ok());
    if (auto text = TryToEnd(*constraint, strings, attempt % 2 == 0 ? 1 : 6, random)) return text;
  }
  return std::nullopt;
}

}  // namespace carat::test
