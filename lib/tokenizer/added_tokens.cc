#include "lib/tokenizer/added_tokens.h"

#include <algorithm>
#include <utility>

#include "lib/tokenizer/characters.h"

namespace carat::internal {
namespace {

unsigned char ByteAt(std::string_view text, std::size_t i) {
  return static_cast<unsigned char>(text[i]);
}

bool StandsAlone(std::string_view text, std::size_t begin, std::size_t end) {
  if (begin > 0 && IsWordCharacter(LastCharacter(text.substr(0, begin)).code)) return false;
  return end == text.size() || !IsWordCharacter(FirstCharacter(text.substr(end)).code);
}

// Where the white space before `begin` begins, but not before `limit`.
std::size_t SkipSpaceLeft(std::string_view text, std::size_t begin, std::size_t limit) {
  while (begin > limit) {
    const Character last = LastCharacter(text.substr(0, begin));
    if (!IsWhiteSpace(last.code)) break;
    begin -= last.length;
  }
  return begin;
}

// Where white space ends. Remembers the last run, so that asking from many places inside it is linear.
class SpaceSkipper {
 public:
  explicit SpaceSkipper(std::string_view text) : text_(text) {}

  std::size_t Right(std::size_t end) {
    if (end >= run_begin_ && end < run_end_) return run_end_;
    run_begin_ = run_end_ = end;
    while (run_end_ < text_.size()) {
      const Character first = FirstCharacter(text_.substr(run_end_));
      if (!IsWhiteSpace(first.code)) break;
      run_end_ += first.length;
    }
    return run_end_;
  }

 private:
  std::string_view text_;
  std::size_t run_begin_ = 0, run_end_ = 0;
};

}  // namespace

AddedTokenFinder::AddedTokenFinder(std::vector<AddedToken> tokens) : tokens_(std::move(tokens)) {
  // std::string compares bytes as unsigned, which is the order that LongestAt narrows in.
  std::sort(tokens_.begin(), tokens_.end(),
            [](const AddedToken& a, const AddedToken& b) { return a.content < b.content; });
  for (const AddedToken& token : tokens_) ++first_byte_[ByteAt(token.content, 0) + 1U];
  for (std::size_t i = 1; i < first_byte_.size(); ++i) first_byte_[i] += first_byte_[i - 1];
}

const AddedToken* AddedTokenFinder::LongestAt(std::string_view text) const {
  const unsigned char lead = ByteAt(text, 0);
  auto first = tokens_.begin() + first_byte_[lead];
  auto last = tokens_.begin() + first_byte_[lead + 1U];
  const AddedToken* longest = nullptr;
  // Between first and last stand the tokens that begin with the first `depth` bytes of the text.
  for (std::size_t depth = 1; first != last; ++depth) {
    if (first->content.size() == depth) longest = &*first++;
    if (depth == text.size()) break;
    const unsigned char byte = ByteAt(text, depth);
    first = std::partition_point(
        first, last, [depth, byte](const AddedToken& token) { return ByteAt(token.content, depth) < byte; });
    last = std::partition_point(
        first, last, [depth, byte](const AddedToken& token) { return ByteAt(token.content, depth) == byte; });
  }
  return longest;
}

void AddedTokenFinder::Split(std::string_view text, bool find_special, std::vector<TextPart>* parts) const {
  SpaceSkipper spaces(text);
  std::size_t done = 0;  // the text before this is in parts
  for (std::size_t at = 0; at < text.size();) {
    const AddedToken* token = LongestAt(text.substr(at));
    if (token == nullptr) {
      ++at;
      continue;
    }
    std::size_t begin = at;
    std::size_t end = at + token->content.size();
    at = end;  // the search goes on here whatever the token's white space takes, as in the reference
    if (token->special && !find_special) continue;
    if (token->single_word && !StandsAlone(text, begin, end)) continue;
    // White space that the token before has taken is not there for this one.
    if (token->strip_left) begin = std::max(SkipSpaceLeft(text, begin, done), done);
    if (token->strip_right) end = spaces.Right(end);
    if (done < begin) parts->push_back({text.substr(done, begin - done)});
    // The token before may have taken all of this one; the reference drops it then.
    if (begin < end) parts->push_back({text.substr(begin, end - begin), token->id});
    done = end;
  }
  if (done < text.size()) parts->push_back({text.substr(done)});
}

}  // namespace carat::internal
