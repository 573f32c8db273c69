#include "chat_prompt.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <string_view>

namespace carat_demo {
namespace {

using simdjson::dom::element;

std::string Text(element value) {
  return std::string(value.get_string().value());
}

std::string Quoted(std::string_view text) {
  return "<|\"|>" + std::string(text) + "<|\"|>";
}

std::string Upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::toupper(c); });
  return text;
}

std::string Stripped(std::string text) {
  constexpr std::string_view kSpace = " \t\n\r\f\v";
  text.erase(0, std::min(text.find_first_not_of(kSpace), text.size()));
  text.erase(text.find_last_not_of(kSpace) + 1);
  return text;
}

// The chat format wants members in the order of their names.
std::map<std::string, element> Sorted(element object) {
  std::map<std::string, element> out;
  for (const auto [name, value] : object.get_object()) out.emplace(name, value);
  return out;
}

void AppendMember(std::string& list, std::string_view member) {
  if (!list.empty()) list += ',';
  list += member;
}

std::string Declaration(element function) {
  const element parameters = function["parameters"];
  std::string properties;
  for (const auto& [name, property] : Sorted(parameters["properties"])) {
    AppendMember(properties, name + ":{description:" + Quoted(Text(property["description"])) +
                                 ",type:" + Quoted(Upper(Text(property["type"]))) + "}");
  }
  std::string required;
  for (const element name : parameters["required"].get_array()) AppendMember(required, Quoted(Text(name)));
  return "<|tool>declaration:" + Text(function["name"]) +
         "{description:" + Quoted(Text(function["description"])) + ",parameters:{properties:{" + properties +
         "},required:[" + required + "],type:" + Quoted(Upper(Text(parameters["type"]))) + "}}<tool|>";
}

std::string Call(element function) {
  std::string arguments;
  for (const auto& [name, value] : Sorted(function["arguments"]))
    AppendMember(arguments, name + ":" + Quoted(Text(value)));
  return "<|tool_call>call:" + Text(function["name"]) + "{" + arguments + "}<tool_call|>";
}

std::string SystemTurn(element item) {
  bool thinking = false;
  if (item["enable_thinking"].get(thinking) != simdjson::SUCCESS) thinking = false;
  std::string declarations;
  simdjson::dom::array tools;
  if (item["tools"].get(tools) == simdjson::SUCCESS)
    for (const element tool : tools) declarations += Declaration(tool["function"]);
  if (!thinking && declarations.empty()) return "";
  return "<|turn>system\n" + std::string(thinking ? "<|think|>\n" : "") + declarations + "<turn|>\n";
}

}  // namespace

std::string ChatPrompt(element item) {
  std::string prompt = "<bos>" + SystemTurn(item);
  std::string role;
  std::string called;  // the function whose result comes next
  for (const element message : item["messages"].get_array()) {
    role = Text(message["role"]);
    element calls;
    if (role == "user") {
      prompt += "<|turn>user\n" + Stripped(Text(message["content"])) + "<turn|>\n";
    } else if (role == "tool") {
      prompt += "<|tool_response>response:" + called + "{value:" + Quoted(Text(message["content"])) +
                "}<tool_response|>";
    } else if (message["tool_calls"].get(calls) == simdjson::SUCCESS) {
      const element function = calls.at(0)["function"];
      called = Text(function["name"]);
      prompt += "<|turn>model\n" + Call(function);
    } else {
      prompt += "<|turn>model\n" + Text(message["content"]) + "<turn|>\n";
    }
  }
  // After a tool's response the model's turn goes on.
  return role == "tool" ? prompt : prompt + "<|turn>model\n";
}

}  // namespace carat_demo
