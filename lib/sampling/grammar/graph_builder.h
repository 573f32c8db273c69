// Building graphs backwards: each piece is given the state that it leads to, and returns where it begins.
#ifndef CARAT_LIB_SAMPLING_GRAMMAR_GRAPH_BUILDER_H_
#define CARAT_LIB_SAMPLING_GRAMMAR_GRAPH_BUILDER_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/sampling/grammar/program.h"

namespace carat::internal {

class GraphBuilder {
 public:
  explicit GraphBuilder(GraphElement& graph) : graph_(graph) {}

  std::uint32_t Accept();
  std::uint32_t Text(std::string_view text, std::uint32_t next);
  // One of the characters, in UTF-8.
  std::uint32_t Character(const CodePointSet& set, std::uint32_t next);
  std::uint32_t Either(std::uint32_t one, std::uint32_t other);
  std::uint32_t Call(std::uint32_t rule, std::uint32_t next);
  std::uint32_t Token(std::uint32_t slot, std::uint32_t next);
  // Any token except that of a slot.
  std::uint32_t OtherToken(std::uint32_t slot, std::uint32_t next);
  // A split whose second way is set later, for loops.
  std::uint32_t Loop(std::uint32_t next) { return Either(next, next); }
  void SetOther(std::uint32_t split, std::uint32_t other) { graph_.states[split].other = other; }

  // One of the texts, each with its own state behind it. There must be one.
  struct Way {
    std::string text;
    std::uint32_t next;
  };
  std::uint32_t Texts(std::vector<Way> ways);

  std::size_t size() const { return graph_.states.size(); }

 private:
  using State = GraphElement::State;
  std::uint32_t Add(State state);
  std::uint32_t Byte(std::uint8_t first, std::uint8_t last, std::uint32_t next);
  std::uint32_t Utf8Range(char32_t first, char32_t last, std::uint32_t next);

  GraphElement& graph_;
};

}  // namespace carat::internal

#endif  // CARAT_LIB_SAMPLING_GRAMMAR_GRAPH_BUILDER_H_
