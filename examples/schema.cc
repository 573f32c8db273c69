// Lesson 5: an answer that is data. The schema says what the answer must be, and nothing else can come.
//
//   schema_cc MODEL [QUESTION]
#include <carat/all.h>

#include <cstdio>
#include <string>

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
  auto session = carat::Session::Create(*model);
  // Compiled once; any number of answers may be held to it.
  auto grammar = carat::Grammar::FromJsonSchema(kSchema, {.max_whitespace = 1});
  auto vocabulary = model->grammar_vocabulary();
  if (Failed(session.status()) || Failed(grammar.status()) || Failed(vocabulary.status())) return 1;
  auto constraint = carat::GrammarConstraint::Create(*grammar, *vocabulary);
  if (Failed(constraint.status())) return 1;

  carat::SamplingOptions sampling = model->default_sampling();
  sampling.constraint = std::make_shared<const carat::GrammarConstraint>(*std::move(constraint));
  carat::GenerationOptions options;
  options.sampling = sampling;
  // The form of a chat's prompt; control tokens are read as such because we wrote them.
  const std::string question = argc > 2 ? argv[2] : "Who are you?";
  auto prompt = model->tokenizer().Encode("<|turn>user\n" + question + "<turn|>\n<|turn>model\n",
                                          {.parse_special = true, .add_bos = true});
  if (Failed(prompt.status())) return 1;
  auto answer = carat::Generate(*session, *prompt, options);
  if (Failed(answer.status())) return 1;
  std::printf("%s\n", answer->text.c_str());
  return 0;
}
