#include "carat/grammar.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "lib/base/error.h"
#include "lib/base/guard.h"
#include "lib/sampling/grammar/gbnf.h"
#include "lib/sampling/grammar/token_trie.h"
#include "lib/sampling/grammar/tool_calls.h"

namespace carat {
namespace {

using internal::Guard;
using internal::TokenTrie;

constexpr std::int32_t kMostWhitespace = 1000;

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// What a piece is in the text: "<0x0A>" is a byte, U+2581 a space.
std::string BytesOfPiece(std::string_view piece) {
  if (piece.size() == 6 && piece.substr(0, 3) == "<0x" && piece[5] == '>' && HexValue(piece[3]) >= 0 &&
      HexValue(piece[4]) >= 0) {
    return std::string(1, static_cast<char>(HexValue(piece[3]) * 16 + HexValue(piece[4])));
  }
  constexpr std::string_view kSpaceSymbol = "\xE2\x96\x81";
  std::string bytes;
  bytes.reserve(piece.size());
  while (!piece.empty()) {
    const bool space = piece.substr(0, kSpaceSymbol.size()) == kSpaceSymbol;
    bytes.push_back(space ? ' ' : piece[0]);
    piece.remove_prefix(space ? kSpaceSymbol.size() : 1);
  }
  return bytes;
}

}  // namespace

Grammar::Grammar(std::shared_ptr<const internal::Program> program) noexcept : program_(std::move(program)) {}

Result<Grammar> Grammar::FromJsonSchema(std::string_view schema, const JsonSchemaOptions& options) noexcept {
  return Guard([&]() -> Result<Grammar> {
    if (options.max_whitespace < 0 || options.max_whitespace > kMostWhitespace) {
      return internal::InvalidArgument("max_whitespace is %d, but must lie in 0 .. %d",
                                       options.max_whitespace, kMostWhitespace);
    }
    CARAT_ASSIGN_OR_RETURN(
        auto program, internal::CompileJsonSchema(schema, static_cast<std::uint16_t>(options.max_whitespace),
                                                  options.closed_objects));
    return Grammar(std::move(program));
  });
}

Result<Grammar> Grammar::FromGbnf(std::string_view text, std::string_view root) noexcept {
  return Guard([&]() -> Result<Grammar> {
    CARAT_ASSIGN_OR_RETURN(auto program, internal::CompileGbnf(text, root));
    return Grammar(std::move(program));
  });
}

Result<Grammar> Grammar::FromTools(std::string_view tools, const ToolGrammarOptions& options) noexcept {
  return Guard([&]() -> Result<Grammar> {
    CARAT_ASSIGN_OR_RETURN(auto program,
                           internal::CompileTools(tools, options.whole_calls, options.closed_objects));
    return Grammar(std::move(program));
  });
}

GrammarVocabulary::GrammarVocabulary(std::shared_ptr<const TokenTrie> trie) noexcept
    : trie_(std::move(trie)) {}

Result<GrammarVocabulary> GrammarVocabulary::Create(const Tokenizer& tokenizer,
                                                    std::span<const std::int32_t> stop_tokens) noexcept {
  return Guard([&]() -> Result<GrammarVocabulary> {
    TokenTrie::Vocabulary vocabulary;
    vocabulary.bytes.resize(static_cast<std::size_t>(tokenizer.vocabulary_size()));
    for (std::int32_t id = 0; id < tokenizer.vocabulary_size(); ++id) {
      if (tokenizer.IsSpecial(id)) {
        vocabulary.control_tokens.emplace(tokenizer.Piece(id), id);
      } else {
        vocabulary.bytes[static_cast<std::size_t>(id)] = BytesOfPiece(tokenizer.Piece(id));
      }
    }
    for (const std::int32_t token : stop_tokens) {
      if (token < 0 || token >= tokenizer.vocabulary_size()) {
        return internal::OutOfRange("stop token %d is not in the vocabulary of %d", token,
                                    tokenizer.vocabulary_size());
      }
      vocabulary.stop_tokens.push_back(token);
    }
    CARAT_ASSIGN_OR_RETURN(TokenTrie trie, TokenTrie::Build(std::move(vocabulary)));
    return GrammarVocabulary(std::make_shared<const TokenTrie>(std::move(trie)));
  });
}

std::int32_t GrammarVocabulary::size() const noexcept {
  return trie_ ? static_cast<std::int32_t>(trie_->vocabulary_size()) : 0;
}

std::size_t GrammarVocabulary::memory_bytes() const noexcept {
  return trie_ ? trie_->memory_bytes() : 0;
}

}  // namespace carat
