// From schemas to a program.
#ifndef CARAT_LIB_SAMPLING_GRAMMAR_COMPILER_H_
#define CARAT_LIB_SAMPLING_GRAMMAR_COMPILER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/sampling/grammar/program.h"
#include "lib/sampling/grammar/schema.h"

namespace carat::internal {

// How values are written.
enum class Notation {
  kJson,
  kToolCall,  // bare keys, strings between the control token of slot 0, no white space
};

class SchemaCompiler {
 public:
  SchemaCompiler(SchemaReader& reader, Program& program, Notation notation)
      : reader_(reader), program_(program), notation_(notation) {}

  // The rule for a value of which all parts hold. Its elements come with Compile.
  std::uint32_t RuleOf(const Conjunction& parts);
  // Compiles all rules that were asked for, with all that they need, and removes the ways that lead to no
  // end. Errors: those of SchemaReader.
  Status Compile();

 private:
  Status CompileRule(std::uint32_t rule, const Conjunction& parts);
  Result<Frame> CompileAlternative(const TypedSchema& schema);
  Result<Frame> CompileNumber(const TypedSchema& schema);
  Result<Frame> CompileString(const TypedSchema& schema);
  Result<Frame> CompileArray(const TypedSchema& schema);
  Result<Frame> CompileUniqueArray(const TypedSchema& schema, ArrayElement array);
  Result<Frame> CompileObject(const TypedSchema& schema);
  Result<std::shared_ptr<const TextAutomaton>> KeysOf(const TypedSchema& schema,
                                                      const std::vector<std::string>& names,
                                                      ObjectElement& object);
  Result<std::shared_ptr<const TextAutomaton>> NamesOf(const Conjunction& names);
  Frame AddElement(Element element);
  bool SaysNothingIsAllowed(const Conjunction& parts) const;

  SchemaReader& reader_;
  Program& program_;
  Notation notation_;
  std::map<Conjunction, std::uint32_t> rules_;
  std::vector<std::pair<std::uint32_t, Conjunction>> pending_;
};

// Removes what leads to no end: alternatives, members, items and ways of graphs. A rule without alternatives
// is one that nothing fits.
void RemoveDeadEnds(Program& program);

}  // namespace carat::internal

#endif  // CARAT_LIB_SAMPLING_GRAMMAR_COMPILER_H_
