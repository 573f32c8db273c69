// The reader behind JsonTree.
#ifndef CARAT_LIB_BASE_JSON_READER_H_
#define CARAT_LIB_BASE_JSON_READER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/json_tree.h"

namespace carat::internal {

struct JsonTreeData {
  struct Node {
    JsonKind kind = JsonKind::kNull;
    std::uint32_t parent = 0;
    std::uint32_t index = 0;                    // in the parent
    std::uint32_t key_begin = 0, key_size = 0;  // in `texts`
    std::uint32_t begin = 0, size = 0;          // of strings and numbers in `texts`, of others in `children`
  };
  std::vector<Node> nodes;
  std::vector<std::uint32_t> children;  // those of one value stand together
  std::string texts;                    // keys, strings and numbers, one after the other
};

// Reads one text. It keeps the open brackets in a vector, so its stack does not grow with the depth.
class JsonReader {
 public:
  // `text` is borrowed and has less than 4 GB.
  JsonReader(std::string_view text, std::size_t deepest, JsonTreeData& data)
      : text_(text), deepest_(deepest), data_(data) {}

  // False for what is not JSON: problem() then says what is wrong, line() and column() where.
  bool Read();

  const std::string& problem() const { return problem_; }
  std::size_t line() const;
  std::size_t column() const;  // in characters

 private:
  struct Open {
    std::uint32_t node;
    std::size_t first_pending;
  };

  bool AtEnd() const { return at_ == text_.size(); }
  char Peek() const { return AtEnd() ? '\0' : text_[at_]; }
  bool Take(std::string_view word);
  void SkipSpace();
  bool Fail(std::string problem);
  // "expected X, but found Y", where Y is what stands here.
  bool Expected(std::string_view what);

  std::uint32_t AddNode();
  // Reads a value, of an array or object only the beginning.
  bool ReadValue();
  bool ReadWord(std::string_view word, JsonKind kind);
  bool ReadNumber();
  // Appends what the string that begins here says to the texts.
  bool ReadString(std::uint32_t* begin, std::uint32_t* size);
  bool ReadEscape();
  bool ReadHex(std::uint32_t* value);
  bool ReadCharacter();
  bool ReadKey();
  bool OpenContainer(JsonKind kind);
  void CloseContainer();
  // Leaves of equal keys the first place and the last value.
  void DropEarlierKeys(std::size_t first_pending);
  // After a value: up to where the next one begins, or to the end of the text.
  bool ReadAfterValue();

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t deepest_;
  JsonTreeData& data_;
  std::vector<Open> open_;
  std::vector<std::uint32_t> pending_;  // children of the open containers
  std::uint32_t key_begin_ = 0, key_size_ = 0;
  bool done_ = false;
  std::string problem_;
  std::size_t problem_at_ = 0;
};

}  // namespace carat::internal

#endif  // CARAT_LIB_BASE_JSON_READER_H_
