// Lesson 1: open a checkpoint, ask it something, and print the answer as it comes.
//
//   hello_cc MODEL [QUESTION]
#include <carat/all.h>

#include <cstdio>
#include <string>

namespace {

int Complain(const carat::Status& status) {
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s MODEL [QUESTION]\n", argv[0]);
    return 2;
  }
  // Errors are values: every call that can fail gives a Result, which holds what was asked for or says why
  // not.
  carat::Result<carat::Model> model = carat::Model::Load(argv[1]);
  if (!model.ok()) return Complain(model.status());

  // A session is one conversation: it remembers what it has read.
  carat::Result<carat::Session> session = carat::Session::Create(*model);
  if (!session.ok()) return Complain(session.status());

  // Gemma's form of a question. parse_special makes "<|turn>" the control token; text that a user typed
  // should be encoded without it.
  const std::string question = argc > 2 ? argv[2] : "Who are you?";
  carat::Result<std::vector<std::int32_t>> prompt = model->tokenizer().Encode(
      "<bos><|turn>user\n" + question + "<turn|>\n<|turn>model\n", {.parse_special = true});
  if (!prompt.ok()) return Complain(prompt.status());

  carat::GenerationOptions options;
  options.sampling = {.temperature = 0};  // greedy; without this line, as the checkpoint recommends
  options.max_new_tokens = 200;
  carat::Result<carat::GenerationResult> answer =
      carat::Generate(*session, *prompt, options, [](const carat::GenerationStep& step) {
        std::fwrite(step.text.data(), 1, step.text.size(), stdout);
        return std::fflush(stdout) == 0;  // false would stop it
      });
  if (!answer.ok()) return Complain(answer.status());
  std::printf("\n");
  return 0;
}
