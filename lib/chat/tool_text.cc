#include "lib/chat/tool_text.h"

#include <optional>
#include <string>

#include "lib/base/error.h"
#include "lib/base/json.h"
#include "lib/base/utf8.h"
#include "lib/chat/python_text.h"

namespace carat::internal {
namespace {

namespace dom = simdjson::dom;

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

// A member of what may be no object, where it then has none.
std::optional<dom::element> Member(const dom::element& value, std::string_view key) {
  dom::object object;
  dom::element member;
  if (value.get(object) != simdjson::SUCCESS) return std::nullopt;
  for (const auto [name, found] : object) {
    if (name == key) return found;
  }
  return std::nullopt;
}

std::optional<dom::element> TruthyMember(const dom::element& value, std::string_view key) {
  const auto member = Member(value, key);
  return member && IsTruthy(*member) ? member : std::nullopt;
}

std::string UpperText(const std::optional<dom::element>& value) {
  return value ? UpperCase(PythonText(*value)) : std::string();
}

// Values of arguments and results: texts between quotes, names bare or, inside schemas, between quotes.
void WriteValue(const dom::element& value, bool quote_names, PromptWriter& out) {
  switch (value.type()) {
    case dom::element_type::STRING:
      out.Literal(std::string_view(value));
      return;
    case dom::element_type::BOOL:
      out.Text(bool(value) ? "true" : "false");
      return;
    case dom::element_type::NULL_VALUE:
      out.Text("null");
      return;
    case dom::element_type::ARRAY: {
      out.Text("[");
      Commas commas(out);
      for (const dom::element item : dom::array(value)) {
        commas.Next();
        WriteValue(item, quote_names, out);
      }
      out.Text("]");
      return;
    }
    case dom::element_type::OBJECT: {
      out.Text("{");
      Commas commas(out);
      for (const auto& [name, member] : SortedMembers(dom::object(value))) {
        commas.Next();
        quote_names ? out.Literal(name) : out.Text(name);
        out.Text(":");
        WriteValue(member, quote_names, out);
      }
      out.Text("}");
      return;
    }
    default:
      out.Text(PythonText(value));
  }
}

// [QaQ,QbQ]. A text counts as the list of its characters, an object as that of its names.
void WriteNames(const dom::element& names, PromptWriter& out) {
  out.Text("[");
  Commas commas(out);
  dom::array list;
  dom::object object;
  std::string_view text;
  if (names.get(list) == simdjson::SUCCESS) {
    for (const dom::element name : list) commas.Next().Literal(PythonText(name));
  } else if (names.get(object) == simdjson::SUCCESS) {
    for (const auto [name, value] : object) commas.Next().Literal(name);
  } else if (names.get(text) == simdjson::SUCCESS) {
    while (!text.empty()) {
      const std::size_t length = std::max<std::size_t>(1, Utf8CharacterLength(text));
      commas.Next().Literal(text.substr(0, length));
      text.remove_prefix(length);
    }
  }
  out.Text("]");
}

Status WriteProperties(const dom::element& properties, bool skip_schema_words, const std::string& tool,
                       PromptWriter& out);

// The items of an array's schema.
Status WriteItems(const dom::object& items, const std::string& tool, PromptWriter& out) {
  out.Text("items:{");
  Commas commas(out);
  for (const auto& [name, value] : SortedMembers(items)) {
    if (value.is_null()) continue;
    commas.Next();
    if (name == "properties") {
      out.Text("properties:{");
      if (value.is_object()) CARAT_RETURN_IF_ERROR(WriteProperties(value, false, tool, out));
      out.Text("}");
    } else if (name == "required") {
      out.Text("required:");
      WriteNames(value, out);
    } else if (name == "type" && value.is_array()) {
      out.Text("type:[");
      Commas types(out);
      for (const dom::element type : dom::array(value)) types.Next().Literal(UpperCase(PythonText(type)));
      out.Text("]");
    } else if (name == "type") {
      out.Text("type:").Literal(UpperCase(PythonText(value)));
    } else {
      out.Text(name).Text(":");
      WriteValue(value, true, out);
    }
  }
  out.Text("}");
  return {};
}

// What an object's schema says of its members.
Status WriteObjectSchema(const dom::element& schema, const std::string& tool, Commas& commas,
                         PromptWriter& out) {
  commas.Next().Text("properties:{");
  const auto properties = Member(schema, "properties");
  if (properties && properties->is_object()) {
    CARAT_RETURN_IF_ERROR(WriteProperties(*properties, false, tool, out));
  } else {
    CARAT_RETURN_IF_ERROR(WriteProperties(schema, true, tool, out));
  }
  out.Text("}");
  if (const auto required = TruthyMember(schema, "required")) {
    commas.Next().Text("required:");
    WriteNames(*required, out);
  }
  return {};
}

// One property's schema: NAME:{...}.
Status WriteProperty(std::string_view name, const dom::element& schema, const std::string& tool,
                     PromptWriter& out) {
  out.Text(name).Text(":{");
  Commas commas(out);
  const std::string type = UpperText(Member(schema, "type"));
  if (const auto description = TruthyMember(schema, "description"))
    commas.Next().Text("description:").Literal(PythonText(*description));
  if (type == "STRING") {
    if (const auto values = TruthyMember(schema, "enum")) {
      commas.Next().Text("enum:");
      WriteValue(*values, true, out);
    }
  } else if (type == "ARRAY") {
    const auto items = TruthyMember(schema, "items");
    if (items && items->is_object()) {
      commas.Next();
      CARAT_RETURN_IF_ERROR(WriteItems(dom::object(*items), tool, out));
    }
  }
  if (TruthyMember(schema, "nullable")) commas.Next().Text("nullable:true");
  if (type == "OBJECT") CARAT_RETURN_IF_ERROR(WriteObjectSchema(schema, tool, commas, out));
  commas.Next().Text("type:").Literal(type).Text("}");
  return {};
}

bool IsSchemaWord(std::string_view name) {
  return name == "description" || name == "type" || name == "properties" || name == "required" ||
         name == "nullable";
}

Status WriteProperties(const dom::element& properties, bool skip_schema_words, const std::string& tool,
                       PromptWriter& out) {
  dom::object object;
  if (properties.get(object) != simdjson::SUCCESS)
    return InvalidArgument("tool %s: properties must be an object", tool);
  Commas commas(out);
  for (const auto& [name, schema] : SortedMembers(object)) {
    if (skip_schema_words && IsSchemaWord(name)) continue;
    commas.Next();
    CARAT_RETURN_IF_ERROR(WriteProperty(name, schema, tool, out));
  }
  return {};
}

// The published template leaves the brace open where the type is missing; the model was taught so.
Status WriteParameters(const dom::element& schema, const std::string& tool, PromptWriter& out) {
  if (!schema.is_object() && IsTruthy(schema))
    return InvalidArgument("tool %s: parameters must be a JSON object", tool);
  if (!IsTruthy(schema)) return {};
  out.Text(",parameters:{");
  if (const auto properties = TruthyMember(schema, "properties")) {
    out.Text("properties:{");
    CARAT_RETURN_IF_ERROR(WriteProperties(*properties, false, tool, out));
    out.Text("},");
  }
  if (const auto required = TruthyMember(schema, "required")) {
    out.Text("required:");
    WriteNames(*required, out);
    out.Text(",");
  }
  if (const auto type = TruthyMember(schema, "type"))
    out.Text("type:").Literal(UpperCase(PythonText(*type))).Text("}");
  return {};
}

void WriteResponseSchema(const dom::element& schema, PromptWriter& out) {
  out.Text(",response:{");
  if (const auto description = TruthyMember(schema, "description"))
    out.Text("description:").Literal(PythonText(*description)).Text(",");
  const std::string type = UpperText(Member(schema, "type"));
  if (type == "OBJECT") out.Text("type:").Literal(type).Text("}");
}

// A host's JSON; what is wrong with it is the host's fault.
Result<JsonDocument> ParseValue(std::string_view json, const std::string& what) {
  auto document = JsonDocument::Parse(json, what);
  if (document.status().code() == StatusCode::kDataLoss)
    return Status(StatusCode::kInvalidArgument, document.status().message());
  return document;
}

void WriteMembers(const dom::object& object, PromptWriter& out) {
  Commas commas(out);
  for (const auto& [name, value] : SortedMembers(object)) {
    commas.Next().Text(name).Text(":");
    WriteValue(value, false, out);
  }
}

}  // namespace

Status WriteDeclaration(const ToolDefinition& tool, PromptWriter& out) {
  out.Control(control::kBeginTool).Text("declaration:").Text(tool.name);
  out.Text("{description:").Literal(tool.description);
  if (!tool.parameters.empty()) {
    CARAT_ASSIGN_OR_RETURN(const auto schema,
                           ParseValue(tool.parameters, "tool " + tool.name + ": parameters"));
    CARAT_RETURN_IF_ERROR(WriteParameters(schema.root(), tool.name, out));
  }
  if (!tool.response.empty()) {
    CARAT_ASSIGN_OR_RETURN(const auto schema, ParseValue(tool.response, "tool " + tool.name + ": response"));
    WriteResponseSchema(schema.root(), out);
  }
  out.Text("}").Control(control::kEndTool);
  return {};
}

Status WriteCall(const ToolCall& call, PromptWriter& out) {
  CARAT_ASSIGN_OR_RETURN(const auto document,
                         ParseValue(call.arguments, "the arguments of a call of " + call.name));
  dom::object arguments;
  if (document.root().get(arguments) != simdjson::SUCCESS && !document.root().is_null())
    return InvalidArgument("the arguments of a call of %s must be a JSON object, but are %s", call.name,
                           call.arguments);
  out.Control(control::kBeginCall).Text("call:").Text(call.name).Text("{");
  if (!document.root().is_null()) WriteMembers(arguments, out);
  out.Text("}").Control(control::kEndCall);
  return {};
}

void WriteTextResponse(std::string_view name, std::string_view text, PromptWriter& out) {
  out.Control(control::kBeginResponse).Text("response:").Text(name).Text("{value:").Literal(text);
  out.Text("}").Control(control::kEndResponse);
}

Status WriteJsonResponse(std::string_view name, std::string_view json, PromptWriter& out) {
  CARAT_ASSIGN_OR_RETURN(const auto document, ParseValue(json, "the result of " + std::string(name)));
  out.Control(control::kBeginResponse).Text("response:").Text(name).Text("{");
  dom::object members;
  if (document.root().get(members) == simdjson::SUCCESS) {
    WriteMembers(members, out);
  } else {
    out.Text("value:");
    WriteValue(document.root(), false, out);
  }
  out.Text("}").Control(control::kEndResponse);
  return {};
}

}  // namespace carat::internal
