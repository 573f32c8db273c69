// A C++ program that uses the installed library, with a sampler and a task runner of its own: classes whose
// virtual tables must link, with and without run-time types.
#include <carat/all.h>

#include <cstdio>
#include <memory>

namespace {

class Highest : public carat::Sampler {
 public:
  std::string_view name() const noexcept override { return "highest"; }
  carat::Status Apply(carat::CandidateList& candidates) override {
    candidates.KeepHighest(1);
    candidates.Select(candidates.items()[0].token);
    return {};
  }
  carat::Result<std::unique_ptr<carat::Sampler>> Clone() const override {
    return std::unique_ptr<carat::Sampler>(std::make_unique<Highest>());
  }
};

class Alone : public carat::TaskRunner {
 public:
  int concurrency() const noexcept override { return 1; }
  void Run(int count, void (*task)(void* context, int index), void* context) noexcept override {
    for (int i = 0; i < count; ++i) task(context, i);
  }
};

carat::Status Main(const char* folder) {
  carat::ModelOptions options;
  options.runner = std::make_shared<Alone>();
  carat::Result<carat::Model> model = carat::Model::Load(folder, options);
  if (!model.ok()) return model.status();
  carat::Result<carat::Session> session = carat::Session::Create(*model);
  if (!session.ok()) return session.status();
  carat::Result<std::vector<std::int32_t>> prompt = model->tokenizer().Encode("And it came to pass");
  if (!prompt.ok()) return prompt.status();
  carat::SamplerChain chain;
  if (carat::Status status = chain.Append(std::make_unique<Highest>()); !status.ok()) return status;
  carat::GenerationOptions generation;
  generation.chain = &chain;
  generation.max_new_tokens = 5;
  carat::Result<carat::GenerationResult> result = carat::Generate(*session, *prompt, generation);
  if (!result.ok()) return result.status();
  std::printf("%d layers\n%s\n", model->info().layers, result->text.c_str());
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const carat::Status status = Main(argv[1]);
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
