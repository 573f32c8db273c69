#include "lib/sampling/grammar/tool_calls.h"

#include <algorithm>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "lib/base/error.h"
#include "lib/base/json_tree.h"
#include "lib/sampling/grammar/compiler.h"
#include "lib/sampling/grammar/graph_builder.h"

namespace carat::internal {
namespace {

// One tool's declaration.
struct Tool {
  std::string name;
  Conjunction arguments;  // always an object
};

Result<Tool> ReadTool(const JsonTree& tree, std::uint32_t node, SchemaReader& reader) {
  if (!tree[node].is_object()) {
    return InvalidArgument("tools: %s must be an object", tree.PathOf(node));
  }
  const std::uint32_t function = tree.Find(node, "function").value_or(node);
  const auto name = tree.Find(function, "name");
  if (!name || !tree[*name].is_string() || tree[*name].text().empty()) {
    return InvalidArgument("tools: %s has no name", tree.PathOf(function));
  }
  Tool tool{std::string(tree[*name].text()), {{Part::Kind::kAnyObject, 0}}};
  if (tool.name.find_first_of("{}:<>\"") != std::string::npos) {
    return InvalidArgument("tools: a tool cannot have the name '%s'", tool.name);
  }
  const auto parameters = tree.Find(function, "parameters");
  if (parameters && !tree[*parameters].is_null()) {
    reader.AddBase(*parameters);
    tool.arguments = Union(tool.arguments, {{Part::Kind::kSchema, *parameters}});
  } else {
    // Without parameters there are no arguments.
    tool.arguments = {};
  }
  return tool;
}

}  // namespace

Result<std::shared_ptr<const Program>> CompileJsonSchema(std::string_view schema, std::uint16_t most_spaces,
                                                         bool closed_objects) {
  CARAT_ASSIGN_OR_RETURN(const JsonTree tree, JsonTree::Parse(schema, "schema"));
  auto program = std::make_shared<Program>();
  program->most_spaces = most_spaces;
  SchemaReader reader(tree, closed_objects);
  SchemaCompiler compiler(reader, *program, Notation::kJson);
  const std::uint32_t root = compiler.RuleOf({{Part::Kind::kSchema, 0}});
  CARAT_RETURN_IF_ERROR(compiler.Compile());
  RemoveDeadEnds(*program);
  program->rules[0] = program->rules[root];
  if (program->rules[0].starts.empty()) return InvalidArgument("schema: no document fits it");
  return std::shared_ptr<const Program>(std::move(program));
}

Result<std::shared_ptr<const Program>> CompileTools(std::string_view tools, bool whole, bool closed_objects) {
  CARAT_ASSIGN_OR_RETURN(const JsonTree tree, JsonTree::Parse(tools, "tools"));
  constexpr std::uint32_t kRoot = 0;
  const auto nodes = tree.root().is_array() ? tree.root().children() : std::span(&kRoot, 1);
  if (nodes.empty()) return InvalidArgument("tools: there is none");
  auto program = std::make_shared<Program>();
  program->tokens = {{std::string(kStringToken)}, {std::string(kCallEndToken)}};
  if (whole) program->tokens.push_back({std::string(kCallBeginToken)});
  SchemaReader reader(tree, closed_objects);
  SchemaCompiler compiler(reader, *program, Notation::kToolCall);

  GraphElement graph;
  GraphBuilder builder(graph);
  const std::uint32_t accept = builder.Accept();
  const std::uint32_t end = whole ? builder.Loop(accept) : accept;
  const std::uint32_t close = builder.Token(1, end);
  std::vector<GraphBuilder::Way> ways;
  std::set<std::string> names;
  std::vector<std::pair<std::string, std::uint32_t>> rules;
  for (const std::uint32_t node : nodes) {
    CARAT_ASSIGN_OR_RETURN(const Tool tool, ReadTool(tree, node, reader));
    if (!names.insert(tool.name).second) {
      return InvalidArgument("tools: there are two with the name '%s'", tool.name);
    }
    if (tool.arguments.empty()) {
      ways.push_back({"call:" + tool.name + "{}", close});
      continue;
    }
    const std::uint32_t rule = compiler.RuleOf(tool.arguments);
    rules.emplace_back(tool.name, rule);
    ways.push_back({"call:" + tool.name, builder.Call(rule, close)});
    if (Status status = compiler.Compile(); !status.ok()) {
      return Status(status.code(), "tools: '" + tool.name + "': " + std::string(status.message()));
    }
  }
  std::uint32_t begin = builder.Texts(std::move(ways));
  if (whole) {
    begin = builder.Token(2, begin);
    builder.SetOther(end, begin);
  }
  Frame start;
  start.element = static_cast<std::uint32_t>(program->elements.size());
  start.x = begin;
  program->elements.emplace_back(std::move(graph));
  program->rules[0].starts = {start};
  RemoveDeadEnds(*program);
  for (const auto& [name, rule] : rules) {
    if (!program->rules[rule].starts.empty()) continue;
    return InvalidArgument("tools: no arguments fit the parameters of '%s'", name);
  }
  return std::shared_ptr<const Program>(std::move(program));
}

}  // namespace carat::internal
