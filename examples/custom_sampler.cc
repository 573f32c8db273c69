// Lesson 2: a sampler of your own in the chain. This one forbids a letter, so that a model that knows a verse
// by heart has to find other words.
//
//   custom_sampler_cc MODEL [PROMPT]
#include <carat/all.h>

#include <algorithm>
#include <cstdio>

// Drops every candidate token whose text has the letter in it.
class WithoutLetter : public carat::Sampler {
 public:
  WithoutLetter(carat::Tokenizer tokenizer, char letter) : tokenizer_(tokenizer), letter_(letter) {}

  std::string_view name() const noexcept override { return "without-letter"; }

  carat::Status Apply(carat::CandidateList& candidates) override {
    const auto items = candidates.items();
    const auto kept = std::remove_if(items.begin(), items.end(), [this](const carat::Candidate& candidate) {
      return tokenizer_.Piece(candidate.token).find(letter_) != std::string_view::npos;
    });
    candidates.Truncate(static_cast<std::size_t>(kept - items.begin()));
    return {};  // OK
  }

  carat::Result<std::unique_ptr<carat::Sampler>> Clone() const override {
    return std::unique_ptr<carat::Sampler>(std::make_unique<WithoutLetter>(*this));
  }

 private:
  carat::Tokenizer tokenizer_;
  char letter_;
};

// For a lesson: a Status is printed where it comes up. Lesson 1 has the longer form.
bool Failed(const carat::Status& status) {
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return !status.ok();
}

int main(int argc, char** argv) {
  auto model = carat::Model::Load(argc > 1 ? argv[1] : ".");
  if (Failed(model.status())) return 1;
  auto session = carat::Session::Create(*model);
  auto chain = carat::SamplerChain::Create({.temperature = 0});  // a chain of one: greedy
  if (Failed(session.status()) || Failed(chain.status())) return 1;
  if (Failed(chain->Insert(0, std::make_unique<WithoutLetter>(model->tokenizer(), 'h'))))
    return 1;  // in front

  carat::GenerationOptions options;
  options.chain = &*chain;
  options.max_new_tokens = 24;
  auto prompt = model->tokenizer().Encode(argc > 2 ? argv[2] : "The LORD is my shepherd;", {.add_bos = true});
  if (Failed(prompt.status())) return 1;
  auto answer = carat::Generate(*session, *prompt, options);
  if (Failed(answer.status())) return 1;
  std::printf("%s\n", answer->text.c_str());
  return 0;
}
