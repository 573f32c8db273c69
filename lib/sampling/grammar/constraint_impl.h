// What is behind carat::GrammarConstraint.
#ifndef CARAT_LIB_SAMPLING_GRAMMAR_CONSTRAINT_IMPL_H_
#define CARAT_LIB_SAMPLING_GRAMMAR_CONSTRAINT_IMPL_H_

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "carat/grammar.h"
#include "lib/sampling/grammar/machine.h"
#include "lib/sampling/grammar/mask.h"
#include "lib/sampling/grammar/token_trie.h"

namespace carat::internal {

class ConstraintImpl {
 public:
  static Result<std::unique_ptr<ConstraintImpl>> Create(std::shared_ptr<const Program> program,
                                                        std::shared_ptr<const TokenTrie> trie,
                                                        const ConstraintOptions& options);

  Result<std::span<const std::uint64_t>> Mask();
  Status Accept(std::int32_t token);
  bool IsComplete() const;
  bool IsActive() const { return now().mode == Mode::kInside || now().mode == Mode::kEnded; }
  std::int64_t position() const { return static_cast<std::int64_t>(moments_.size()) - 1; }
  Status Rewind(std::int64_t position);

  const TokenTrie& trie() const { return *trie_; }

 private:
  enum class Mode {
    kSleeping,  // before the trigger
    kFree,      // in a free stretch
    kInside,
    kEnded,  // behind a stop token
  };
  // The state after each token.
  struct Moment {
    Mode mode = Mode::kInside;
    bool at_begin = true;
    Tops tops;
    Machine::Mark mark{};
  };

  ConstraintImpl(std::shared_ptr<const Program> program, std::shared_ptr<const TokenTrie> trie,
                 const ConstraintOptions& options)
      : program_(std::move(program)), trie_(std::move(trie)), options_(options), machine_(program_) {}

  const Moment& now() const { return moments_.back(); }
  bool TextIsComplete() const { return Machine::IsComplete(now().tops, *program_); }
  // Complete, and no more can come but white space.
  static bool IsAtItsEnd(const Tops& tops);
  Moment InMode(Mode mode);
  // An error if the machine has given up since it was last asked.
  Status TakeOverflow();
  Status NotAllowed(std::int32_t token) const;
  Result<Moment> After(std::int32_t token);
  Result<Moment> AfterInside(std::int32_t token);
  void SetAllBits();

  std::shared_ptr<const Program> program_;
  std::shared_ptr<const TokenTrie> trie_;
  std::shared_ptr<MaskCache> cache_;
  ConstraintOptions options_;
  std::vector<std::int32_t> slots_;  // the ids of the program's tokens
  Machine machine_;
  std::vector<Moment> moments_;
  TokenBits bits_;
  bool bits_are_new_ = false;
};

}  // namespace carat::internal

#endif  // CARAT_LIB_SAMPLING_GRAMMAR_CONSTRAINT_IMPL_H_
