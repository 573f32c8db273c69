// A conversation in which the model calls a function: tools MODEL_FOLDER QUESTION
#include <carat/all.h>

#include <cstdio>
#include <string>

namespace {

const carat::ToolDefinition kCalculator = {.name = "calculate",
                                           .description = "Evaluates an arithmetic expression.",
                                           .parameters = R"({"type": "object", "required": ["expression"],
        "properties": {"expression": {"type": "string", "description": "The expression."}}})"};

// What the function does: a sum, a difference or a product of two numbers. The arguments are JSON.
std::string Calculate(const std::string& arguments) {
  long a = 0, b = 0;
  char sign = 0;
  if (std::sscanf(arguments.c_str(), "{\"expression\":\"%ld %c %ld", &a, &sign, &b) != 3) return "error";
  return std::to_string(sign == '+' ? a + b : sign == '-' ? a - b : a * b);
}

bool Show(const carat::ReplyEvent& event) {
  if (event.kind == carat::ReplyEventKind::kThought) std::printf("(%s)", event.text.c_str());
  if (event.kind == carat::ReplyEventKind::kAnswer) std::printf("%s", event.text.c_str());
  std::fflush(stdout);
  return true;  // go on
}

// Asks, calls what the model wants called, and goes on until it has answered.
carat::Status Ask(const char* folder, const char* question) {
  const carat::Result<carat::Model> model = carat::Model::Load(folder);
  if (!model.ok()) return model.status();
  carat::Result<carat::Conversation> chat =
      carat::Conversation::Create(*model, {.chat = {.tools = {kCalculator}}});
  if (!chat.ok()) return chat.status();
  if (carat::Status status = chat->AddUser(question); !status.ok()) return status;
  for (;;) {
    const carat::Result<carat::Reply> reply = chat->Run({}, Show);
    if (!reply.ok()) return reply.status();
    if (reply->end != carat::ReplyEnd::kToolCalls) return {};
    for (const carat::ToolCall& call : reply->message.tool_calls) {
      const std::string result = call.name == "calculate" ? Calculate(call.arguments) : "no such function";
      std::printf("%s %s = %s\n", call.name.c_str(), call.arguments.c_str(), result.c_str());
      if (carat::Status status = chat->AddToolResult(call.id, result); !status.ok()) return status;
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return std::fprintf(stderr, "usage: tools MODEL_FOLDER QUESTION\n"), 2;
  const carat::Status status = Ask(argv[1], argv[2]);
  if (!status.ok()) return std::fprintf(stderr, "%s\n", status.ToString().c_str()), 1;
  std::printf("\n");
  return 0;
}
