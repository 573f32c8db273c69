#include "lib/chat/tool_text.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/error.h"
#include "lib/base/json_tree.h"
#include "lib/base/utf8.h"
#include "lib/chat/python_text.h"

namespace carat::internal {
namespace {

// Where commas go.
class Commas {
 public:
  explicit Commas(PromptWriter& out) : out_(out) {}
  // Before each member.
  PromptWriter& Next() {
    if (!first_) out_.Text(",");
    first_ = false;
    return out_;
  }

 private:
  PromptWriter& out_;
  bool first_ = true;
};

std::optional<JsonValue> TruthyMember(const JsonValue& value, std::string_view key) {
  const auto member = value.Find(key);
  return member && IsTruthy(*member) ? member : std::nullopt;
}

std::string UpperText(const std::optional<JsonValue>& value) {
  return value ? UpperCase(PythonText(*value)) : std::string();
}

// The children of an array or object as they are written: an object's by name.
std::vector<JsonValue> Ordered(const JsonValue& value) {
  if (value.is_object()) return SortedMembers(value);
  std::vector<JsonValue> items;
  items.reserve(value.size());
  for (std::size_t i = 0; i < value.size(); ++i) items.push_back(value[i]);
  return items;
}

void WriteScalar(const JsonValue& value, PromptWriter& out) {
  switch (value.kind()) {
    case JsonKind::kString:
      out.Literal(value.text());
      return;
    case JsonKind::kTrue:
      out.Text("true");
      return;
    case JsonKind::kFalse:
      out.Text("false");
      return;
    case JsonKind::kNull:
      out.Text("null");
      return;
    default:
      out.Text(PythonText(value));
  }
}

// Values of arguments and results: texts between quotes, names bare or, inside schemas, between quotes.
void WriteValue(const JsonValue& value, bool quote_names, PromptWriter& out) {
  struct Open {
    bool array;
    std::vector<JsonValue> children;
    std::size_t next = 0;
  };
  std::vector<Open> open;
  const auto begin = [&](const JsonValue& one) {
    if (!one.is_array() && !one.is_object()) return WriteScalar(one, out);
    out.Text(one.is_array() ? "[" : "{");
    open.push_back({one.is_array(), Ordered(one)});
  };
  begin(value);
  while (!open.empty()) {
    Open& now = open.back();
    if (now.next == now.children.size()) {
      out.Text(now.array ? "]" : "}");
      open.pop_back();
      continue;
    }
    if (now.next > 0) out.Text(",");
    const JsonValue child = now.children[now.next++];
    if (!now.array) {
      quote_names ? out.Literal(child.key()) : out.Text(child.key());
      out.Text(":");
    }
    begin(child);
  }
}

// [QaQ,QbQ]. A text counts as the list of its characters, an object as that of its names.
void WriteNames(const JsonValue& names, PromptWriter& out) {
  out.Text("[");
  Commas commas(out);
  for (std::size_t i = 0; i < names.size(); ++i)
    commas.Next().Literal(names.is_object() ? std::string(names[i].key()) : PythonText(names[i]));
  if (names.is_string()) {
    std::string_view text = names.text();
    while (!text.empty()) {
      const std::size_t length = std::max<std::size_t>(1, Utf8CharacterLength(text));
      commas.Next().Literal(text.substr(0, length));
      text.remove_prefix(length);
    }
  }
  out.Text("]");
}

// A tool's declaration, with what its schema says. Schemas lie in each other, and so do these functions: to
// kDeepestSchema, so that a thread's stack may be small.
class DeclarationWriter {
 public:
  DeclarationWriter(const std::string& tool, PromptWriter& out) : tool_(tool), out_(out) {}

  Status WriteParameters(const JsonValue& schema);
  void WriteResponseSchema(const JsonValue& schema);

 private:
  static constexpr int kDeepestSchema = 60;

  Status WriteProperties(const JsonValue& properties, bool skip_schema_words, int depth);
  Status WriteProperty(const JsonValue& schema, int depth);
  Status WriteItems(const JsonValue& items, int depth);
  Status WriteObjectSchema(const JsonValue& schema, Commas& commas, int depth);

  const std::string& tool_;
  PromptWriter& out_;
};

// The items of an array's schema.
Status DeclarationWriter::WriteItems(const JsonValue& items, int depth) {
  out_.Text("items:{");
  Commas commas(out_);
  for (const JsonValue& value : SortedMembers(items)) {
    if (value.is_null()) continue;
    commas.Next();
    const std::string_view name = value.key();
    if (name == "properties") {
      out_.Text("properties:{");
      if (value.is_object()) CARAT_RETURN_IF_ERROR(WriteProperties(value, false, depth + 1));
      out_.Text("}");
    } else if (name == "required") {
      out_.Text("required:");
      WriteNames(value, out_);
    } else if (name == "type" && value.is_array()) {
      out_.Text("type:[");
      Commas types(out_);
      for (std::size_t i = 0; i < value.size(); ++i) types.Next().Literal(UpperCase(PythonText(value[i])));
      out_.Text("]");
    } else if (name == "type") {
      out_.Text("type:").Literal(UpperCase(PythonText(value)));
    } else {
      out_.Text(name).Text(":");
      WriteValue(value, true, out_);
    }
  }
  out_.Text("}");
  return {};
}

// What an object's schema says of its members.
Status DeclarationWriter::WriteObjectSchema(const JsonValue& schema, Commas& commas, int depth) {
  commas.Next().Text("properties:{");
  const auto properties = schema.Find("properties");
  if (properties && properties->is_object()) {
    CARAT_RETURN_IF_ERROR(WriteProperties(*properties, false, depth + 1));
  } else {
    CARAT_RETURN_IF_ERROR(WriteProperties(schema, true, depth + 1));
  }
  out_.Text("}");
  if (const auto required = TruthyMember(schema, "required")) {
    commas.Next().Text("required:");
    WriteNames(*required, out_);
  }
  return {};
}

// One property's schema: NAME:{...}.
Status DeclarationWriter::WriteProperty(const JsonValue& schema, int depth) {
  out_.Text(schema.key()).Text(":{");
  Commas commas(out_);
  const std::string type = UpperText(schema.Find("type"));
  if (const auto description = TruthyMember(schema, "description"))
    commas.Next().Text("description:").Literal(PythonText(*description));
  if (type == "STRING") {
    if (const auto values = TruthyMember(schema, "enum")) {
      commas.Next().Text("enum:");
      WriteValue(*values, true, out_);
    }
  } else if (type == "ARRAY") {
    const auto items = TruthyMember(schema, "items");
    if (items && items->is_object()) {
      commas.Next();
      CARAT_RETURN_IF_ERROR(WriteItems(*items, depth));
    }
  }
  if (TruthyMember(schema, "nullable")) commas.Next().Text("nullable:true");
  if (type == "OBJECT") CARAT_RETURN_IF_ERROR(WriteObjectSchema(schema, commas, depth));
  commas.Next().Text("type:").Literal(type).Text("}");
  return {};
}

bool IsSchemaWord(std::string_view name) {
  return name == "description" || name == "type" || name == "properties" || name == "required" ||
         name == "nullable";
}

Status DeclarationWriter::WriteProperties(const JsonValue& properties, bool skip_schema_words, int depth) {
  if (!properties.is_object()) return InvalidArgument("tool %s: properties must be an object", tool_);
  if (depth > kDeepestSchema) {
    return InvalidArgument("tool %s: its schemas lie more than %d deep in each other", tool_, kDeepestSchema);
  }
  Commas commas(out_);
  for (const JsonValue& schema : SortedMembers(properties)) {
    if (skip_schema_words && IsSchemaWord(schema.key())) continue;
    commas.Next();
    CARAT_RETURN_IF_ERROR(WriteProperty(schema, depth));
  }
  return {};
}

// The published template leaves the brace open where the type is missing; the model was taught so.
Status DeclarationWriter::WriteParameters(const JsonValue& schema) {
  if (!schema.is_object() && IsTruthy(schema))
    return InvalidArgument("tool %s: parameters must be a JSON object", tool_);
  if (!IsTruthy(schema)) return {};
  out_.Text(",parameters:{");
  if (const auto properties = TruthyMember(schema, "properties")) {
    out_.Text("properties:{");
    CARAT_RETURN_IF_ERROR(WriteProperties(*properties, false, 0));
    out_.Text("},");
  }
  if (const auto required = TruthyMember(schema, "required")) {
    out_.Text("required:");
    WriteNames(*required, out_);
    out_.Text(",");
  }
  if (const auto type = TruthyMember(schema, "type"))
    out_.Text("type:").Literal(UpperCase(PythonText(*type))).Text("}");
  return {};
}

void DeclarationWriter::WriteResponseSchema(const JsonValue& schema) {
  out_.Text(",response:{");
  if (const auto description = TruthyMember(schema, "description"))
    out_.Text("description:").Literal(PythonText(*description)).Text(",");
  const std::string type = UpperText(schema.Find("type"));
  if (type == "OBJECT") out_.Text("type:").Literal(type).Text("}");
}

void WriteMembers(const JsonValue& object, PromptWriter& out) {
  Commas commas(out);
  for (const JsonValue& value : SortedMembers(object)) {
    commas.Next().Text(value.key()).Text(":");
    WriteValue(value, false, out);
  }
}

}  // namespace

Status WriteDeclaration(const ToolDefinition& tool, PromptWriter& out) {
  DeclarationWriter writer(tool.name, out);
  out.Control(control::kBeginTool).Text("declaration:").Text(tool.name);
  out.Text("{description:").Literal(tool.description);
  if (!tool.parameters.empty()) {
    CARAT_ASSIGN_OR_RETURN(const auto schema,
                           JsonTree::Parse(tool.parameters, "tool " + tool.name + ": parameters"));
    CARAT_RETURN_IF_ERROR(writer.WriteParameters(schema.root()));
  }
  if (!tool.response.empty()) {
    CARAT_ASSIGN_OR_RETURN(const auto schema,
                           JsonTree::Parse(tool.response, "tool " + tool.name + ": response"));
    writer.WriteResponseSchema(schema.root());
  }
  out.Text("}").Control(control::kEndTool);
  return {};
}

Status WriteCall(const ToolCall& call, PromptWriter& out) {
  CARAT_ASSIGN_OR_RETURN(const auto arguments,
                         JsonTree::Parse(call.arguments, "the arguments of a call of " + call.name));
  if (!arguments.root().is_object() && !arguments.root().is_null())
    return InvalidArgument("the arguments of a call of %s must be a JSON object, but are %s", call.name,
                           call.arguments);
  out.Control(control::kBeginCall).Text("call:").Text(call.name).Text("{");
  WriteMembers(arguments.root(), out);
  out.Text("}").Control(control::kEndCall);
  return {};
}

void WriteTextResponse(std::string_view name, std::string_view text, PromptWriter& out) {
  out.Control(control::kBeginResponse).Text("response:").Text(name).Text("{value:").Literal(text);
  out.Text("}").Control(control::kEndResponse);
}

Status WriteJsonResponse(std::string_view name, std::string_view json, PromptWriter& out) {
  CARAT_ASSIGN_OR_RETURN(const auto result, JsonTree::Parse(json, "the result of " + std::string(name)));
  out.Control(control::kBeginResponse).Text("response:").Text(name).Text("{");
  if (result.root().is_object()) {
    WriteMembers(result.root(), out);
  } else {
    out.Text("value:");
    WriteValue(result.root(), false, out);
  }
  out.Text("}").Control(control::kEndResponse);
  return {};
}

}  // namespace carat::internal
