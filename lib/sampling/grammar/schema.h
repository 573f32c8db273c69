// JSON Schema in a form without choices at the top: what a schema says is a list of alternatives, each for
// one type. allOf, $ref and several schemas for one place are intersections, anyOf and oneOf are unions;
// what lies inside arrays and objects stays as it is, named by parts.
#ifndef CARAT_LIB_SAMPLING_GRAMMAR_SCHEMA_H_
#define CARAT_LIB_SAMPLING_GRAMMAR_SCHEMA_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/base/json_tree.h"
#include "lib/sampling/grammar/number.h"
#include "lib/sampling/grammar/text_automaton.h"

namespace carat::internal {

// One thing that a value must be: a schema or a constant of the tree, or one of the others.
struct Part {
  enum class Kind : std::uint8_t { kSchema, kConstant, kNothing, kAnyObject, kAnything };
  Kind kind = Kind::kSchema;
  std::uint32_t node = 0;

  auto operator<=>(const Part&) const = default;
};
// All at once; none is anything. Sorted, each once.
using Conjunction = std::vector<Part>;
Conjunction Union(const Conjunction& a, const Conjunction& b);

// What one schema says about an object's members.
struct ObjectShape {
  std::map<std::string, Part> properties;
  std::vector<std::pair<std::shared_ptr<const TextAutomaton>, Part>> patterns;
  std::optional<Part> additional;  // of all others
  bool lists_members = false;      // it has the keyword `properties`

  // What is said of the value of a key.
  void AddPartsOf(const std::string& key, const std::u32string& key_text, Conjunction* parts) const;
};

// A schema for one type.
struct TypedSchema {
  enum class Kind { kNull, kFalse, kTrue, kNumber, kString, kArray, kObject };
  static constexpr std::uint32_t kUnlimited = 0xFFFFFFFF;

  Kind kind = Kind::kNull;
  // Of characters, items or members.
  std::uint32_t least = 0, most = kUnlimited;

  NumberSpec number;
  std::optional<std::vector<std::string>> number_list;  // one of these, if there

  std::vector<std::shared_ptr<const TextAutomaton>> texts;  // all of these
  std::optional<std::vector<std::u32string>> text_list;     // and one of these, if there

  std::vector<Conjunction> first_items;
  Conjunction other_items;
  std::optional<std::uint32_t> unique;  // no two items are the same, says this node

  std::vector<std::shared_ptr<const ObjectShape>> shapes;  // all of these
  std::set<std::string> required;
  Conjunction names;  // what the keys must be

  const Conjunction& ItemAt(std::size_t index) const {
    return index < first_items.size() ? first_items[index] : other_items;
  }
  Conjunction MemberParts(const std::string& key) const;
  // Of an object: allows no members beyond those that its shapes name, unless a shape says something of all
  // others, and beyond `also`.
  void Close(const std::set<std::string>& also = {});
};
using Alternatives = std::vector<TypedSchema>;

class SchemaReader {
 public:
  // `closed_objects`: objects have no members beyond those that their schemas name, as if
  // additionalProperties were false where it is not there. The tree must outlive the reader.
  explicit SchemaReader(const JsonTree& tree, bool closed_objects = false);
  // References inside a node begin there.
  void AddBase(std::uint32_t node) { bases_.insert(node); }

  // Errors: UNIMPLEMENTED naming the keyword, INVALID_ARGUMENT for a schema that is none,
  // RESOURCE_EXHAUSTED.
  Result<std::shared_ptr<const Alternatives>> Read(const Conjunction& parts);
  // The texts of a string schema with its lengths left out, for `texts` and `text_list`.
  static Result<std::shared_ptr<const TextAutomaton>> TextsOf(const TypedSchema& schema);
  // The same with them.
  static Result<std::shared_ptr<const TextAutomaton>> BoundedTextsOf(const TypedSchema& schema);

  // All values that fit, if they are at most kMostListedValues and neither arrays nor objects: of each the
  // ways in which it may be written. Otherwise nothing.
  Result<std::optional<std::vector<Alternatives>>> ListValues(const Conjunction& parts);

  const JsonTree& tree() const { return tree_; }
  bool closed_objects() const { return closed_objects_; }

  static constexpr std::size_t kMostListedValues = 32;

 private:
  using Shared = std::shared_ptr<const Alternatives>;

  Result<Shared> ReadPart(const Part& part, int depth);
  Result<Alternatives> ReadSchema(std::uint32_t node, int depth);
  Result<Alternatives> ReadKeywords(std::uint32_t node);
  Status ReadKeyword(std::uint32_t node, const std::string& key, std::uint32_t value, Alternatives& all,
                     ObjectShape& shape);
  Status ReadNumberKeyword(const std::string& key, std::uint32_t node, std::uint32_t value,
                           TypedSchema& number);
  Status ReadStringKeyword(const std::string& key, std::uint32_t value, TypedSchema& string);
  Status ReadArrayKeyword(const std::string& key, std::uint32_t node, std::uint32_t value,
                          TypedSchema& array);
  Status ReadObjectKeyword(const std::string& key, std::uint32_t value, TypedSchema& object,
                           ObjectShape& shape);
  Status ApplyType(std::uint32_t value, Alternatives& all) const;
  Result<Alternatives> ReadConstants(std::span<const std::uint32_t> nodes) const;
  Result<Alternatives> ReadChoice(std::uint32_t value, bool exclusive, int depth);
  Status ReadNot(std::uint32_t value, Alternatives& all) const;
  Status ReadNullable(std::uint32_t node, Alternatives& all) const;
  Status ReadUnevaluated(std::uint32_t node, Alternatives& all) const;
  // Whether an anyOf speaks of the same place as the schema.
  bool HasAnyOf(std::uint32_t node) const;
  Result<std::uint32_t> Resolve(std::uint32_t value) const;
  // The schema inside `base` that has this name by an $id or an anchor.
  std::optional<std::uint32_t> FindNamed(std::uint32_t base, std::string_view keyword,
                                         std::string_view text) const;
  std::optional<std::uint32_t> FollowFragment(std::uint32_t from, std::string_view fragment) const;
  bool IsInside(std::uint32_t node, std::uint32_t base) const;
  std::uint32_t BaseOf(std::uint32_t node) const;
  Result<bool> MayOverlap(const TypedSchema& a, const TypedSchema& b, int depth);
  Result<bool> AnyOverlap(const Conjunction& a, const Conjunction& b, int depth);
  Result<Alternatives> Intersect(const Alternatives& a, const Alternatives& b) const;
  // A maximum beyond what any answer holds is as good as none; a minimum beyond it is an error.
  Result<std::uint32_t> Count(std::uint32_t value, bool is_maximum) const;
  Status Expect(std::uint32_t node, JsonKind kind) const;
  Status ExpectSchema(std::uint32_t node) const;

  const JsonTree& tree_;
  bool closed_objects_;
  // Values of $id and anchors by keyword and text, and the schemas they are in.
  std::multimap<std::pair<std::string_view, std::string_view>, std::uint32_t> names_;
  std::set<std::uint32_t> bases_ = {0};
  std::map<Part, Shared> known_;
  std::set<Part> active_;
  int chain_ = 0;      // how deep the schema that is being read lies in others
  int comparing_ = 0;  // inside of AnyOverlap, where a schema that is still being read is ABORTED
  std::size_t work_ = 0;
};

}  // namespace carat::internal

#endif  // CARAT_LIB_SAMPLING_GRAMMAR_SCHEMA_H_
