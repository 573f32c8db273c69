// Lesson 6: an answer that is data. The schema says what the answer must be, and nothing else can come.
//
//   schema_cc MODEL [QUESTION]
#include <carat/all.h>

#include <cstdio>

constexpr char kSchema[] = R"({
  "type": "object",
  "properties": {
    "answer": {"type": "string", "maxLength": 60},
    "certain": {"type": "boolean"},
    "digits": {"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": 9}, "maxItems": 3}
  },
  "required": ["answer", "certain", "digits"],
  "additionalProperties": false
})";

// For a lesson: a Status is printed where it comes up. Lesson 1 has the longer form.
bool Failed(const carat::Status& status) {
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return !status.ok();
}

int main(int argc, char** argv) {
  auto model = carat::Model::Load(argc > 1 ? argv[1] : ".");
  if (Failed(model.status())) return 1;
  // Compiled once; any number of answers may be held to it.
  auto grammar = carat::Grammar::FromJsonSchema(kSchema, {.max_whitespace = 1});
  auto chat = carat::Conversation::Create(*model);
  if (Failed(grammar.status()) || Failed(chat.status())) return 1;

  // The model does not see the schema: who asks says in words what is wanted.
  const char* question = argc > 2 ? argv[2] : "Who are you? Reply in JSON: answer, certain, digits.";
  if (Failed(chat->AddUser(question))) return 1;
  carat::ReplyOptions options;
  options.answer = *grammar;
  auto reply = chat->Run(options);
  if (Failed(reply.status())) return 1;
  std::printf("%s\n", reply->message.text.c_str());
  return reply->end == carat::ReplyEnd::kStop ? 0 : 1;  // otherwise it is only the beginning of an answer
}
