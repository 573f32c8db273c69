// Running a program: all ways at once in which the bytes so far can be read.
//
// A way is a stack of frames. Ways share their lower parts: a `Top` is the uppermost frame and the number of
// a set of `Node`s that may lie below it, each of which lies on a set of its own. Nodes and sets are equal
// only if their numbers are, so that ways which have become the same are one.
#ifndef CARAT_LIB_SAMPLING_GRAMMAR_MACHINE_H_
#define CARAT_LIB_SAMPLING_GRAMMAR_MACHINE_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "lib/sampling/grammar/interning.h"
#include "lib/sampling/grammar/program.h"

namespace carat::internal {

struct Top {
  Frame frame;
  std::uint32_t below = 0;  // a set of nodes; 0 is the empty one, below the root

  bool operator==(const Top&) const = default;
};
using Tops = std::vector<Top>;

// A copy goes on independently from the same place.
class Machine {
 public:
  explicit Machine(std::shared_ptr<const Program> program) : program_(std::move(program)) {
    sets_.NumberOf({});
  }

  const Program& program() const { return *program_; }

  // Before the first byte.
  void Begin(Tops& tops);
  // All ways on by one byte; none if it cannot come.
  void Read(const Tops& from, std::uint8_t byte, Tops& to);
  // The same by a token that the grammar speaks of as a token, whatever its bytes. `slots` are the ids of the
  // program's tokens; one that ends texts is only read where it is named.
  void ReadToken(const Tops& from, std::int32_t token, std::span<const std::int32_t> slots, bool ends_texts,
                 Tops& to);
  // Adds other ways that the same token leads to.
  void AddWays(const Tops& more, Tops& tops);
  // One way whose upper frame has ended.
  void Finish(std::uint32_t below, Tops& to);
  // Adds the slots of tokens that may come, and those of which any other token may.
  void CollectSlots(const Tops& tops, std::vector<std::uint32_t>& slots,
                    std::vector<std::uint32_t>& all_but) const;
  // Whether what was read is a whole.
  static bool IsComplete(const Tops& tops, const Program& program);

  // Too many ways at once: what was computed since is not to be trusted.
  bool overflowed() const { return overflowed_; }
  void ClearOverflow() { overflowed_ = false; }

  // What has been noted since a mark can be forgotten, if no ways from after it are kept.
  struct Mark {
    std::size_t nodes, sets, keys, texts;
  };
  Mark mark() const { return {nodes_.size(), sets_.size(), keys_.size(), texts_.size()}; }
  void Forget(const Mark& mark);

 private:
  struct Node {
    Frame frame;  // goes on when what lies above has ended
    std::uint32_t below;

    std::size_t Hash() const;
    bool operator==(const Node&) const = default;
  };
  struct NodeSet {
    std::vector<std::uint32_t> nodes;  // sorted

    std::size_t Hash() const;
    bool operator==(const NodeSet&) const = default;
  };
  // The keys that an object has, and what follows from them.
  struct Keys {
    std::uint32_t element = 0;
    std::uint32_t count = 0;
    std::vector<std::uint64_t> seen;
    // Of these the others make all.
    std::vector<std::uint64_t> allowed;
    bool may_close = false;
    bool may_continue = false;

    std::size_t Hash() const;
    bool operator==(const Keys& other) const {
      return element == other.element && count == other.count && seen == other.seen;
    }
  };
  struct Text {
    std::string value;

    std::size_t Hash() const { return std::hash<std::string>()(value); }
    bool operator==(const Text&) const = default;
  };

  const Element& ElementOf(const Frame& frame) const { return program_->elements[frame.element]; }
  void Add(const Frame& frame, std::uint32_t below, Tops& to);
  void Join(Tops& tops);
  // Moves the frame by a byte; false if it cannot be. Only a graph may have further ways, which it adds.
  bool Move(Frame& frame, std::uint8_t byte);
  bool MoveRoot(Frame& frame, std::uint8_t byte) const;
  bool MoveString(const StringElement& element, Frame& frame, std::uint8_t byte) const;
  bool MoveNumber(const NumberElement& element, Frame& frame, std::uint8_t byte);
  bool MoveArray(const ArrayElement& element, Frame& frame, std::uint8_t byte) const;
  bool MoveObject(const ObjectElement& element, Frame& frame, std::uint8_t byte);
  bool MoveKey(const ObjectElement& element, Frame& frame, std::uint8_t byte);
  bool MoveSpace(Frame& frame, std::uint8_t byte) const;
  bool MoveToken(Frame& frame, std::int32_t token, std::span<const std::int32_t> slots,
                 bool ends_texts) const;
  std::uint32_t SlotOf(const Frame& frame) const;
  std::uint32_t ExcludedSlotOf(const Frame& frame) const;
  // The rule that has to be read here, and where it goes on afterwards; kNone if there is none.
  std::uint32_t CallOf(const Frame& frame, Frame& after);
  // Of an array without repeats, the same for the value with this number: kNone if it is there already.
  std::uint32_t UniqueCallOf(const ArrayElement& array, const Frame& frame, std::uint32_t value,
                             Frame& after) const;
  void AddCall(std::uint32_t rule, const Frame& after, std::uint32_t below, Tops& pending);
  bool Accepts(const Frame& frame) const;
  static bool IsWaiting(const Element& element, const Frame& frame);

  std::uint32_t NoKeys(std::uint32_t element);
  std::uint32_t WithKey(std::uint32_t keys, std::uint32_t member);
  void Conclude(Keys& keys) const;
  bool KeyIsAlive(const ObjectElement& element, const Keys& keys, std::uint32_t state) const;

  std::shared_ptr<const Program> program_;
  Interning<Node> nodes_;
  Interning<NodeSet> sets_;
  Interning<Keys> keys_;
  Interning<Text> texts_;
  Tops visited_;
  bool overflowed_ = false;

  friend class MaskComputer;
};

// What the phases of a frame mean, by element.
namespace phase {
enum Root : std::uint16_t { kBefore, kAfter };
enum String : std::uint16_t { kOpen, kDone, kInside };  // kInside + StringReader::Mode
enum Array : std::uint16_t { kArrayOpen, kFirstItem, kAfterItem, kNextItem, kArrayDone };
enum Object : std::uint16_t {
  kObjectOpen,
  kFirstKey,
  kNextKey,
  kAfterKey,
  kBeforeValue,
  kAfterValue,
  kObjectDone,
  kInKey,  // + StringReader::Mode
};
}  // namespace phase

}  // namespace carat::internal

#endif  // CARAT_LIB_SAMPLING_GRAMMAR_MACHINE_H_
