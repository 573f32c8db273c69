// Chains against what Hugging Face transformers makes of the same logits (make_reference_cases.py).
#include <algorithm>
#include <string>

#include "carat/sampler.h"
#include "gtest/gtest.h"
#include "lib/base/json.h"
#include "tests/sampling/reference.h"

namespace carat::test {
namespace {

using simdjson::dom::element;

float ReadLogit(const element& value) {
  return value.is_null() ? kNever : static_cast<float>(double(value));
}

std::vector<float> ReadLogits(const element& list) {
  std::vector<float> logits;
  for (const element value : list.get_array()) logits.push_back(ReadLogit(value));
  return logits;
}

SamplingOptions ReadOptions(const element& object) {
  SamplingOptions options;
  const auto read = [&object](const char* key, auto& field) {
    double value = 0;
    if (object[key].get(value) != simdjson::SUCCESS) return;
    field = static_cast<std::remove_reference_t<decltype(field)>>(value);
  };
  read("temperature", options.temperature);
  read("top_k", options.top_k);
  read("top_p", options.top_p);
  read("min_p", options.min_p);
  read("typical_p", options.typical_p);
  read("repetition_penalty", options.repetition_penalty);
  simdjson::dom::array bias;
  if (object["logit_bias"].get(bias) == simdjson::SUCCESS) {
    for (const element pair : bias) {
      options.logit_bias.emplace_back(static_cast<std::int32_t>(std::int64_t(pair.at(0))),
                                      ReadLogit(pair.at(1)));
    }
  }
  return options;
}

// Copies the list that reaches it.
class Probe final : public Sampler {
 public:
  explicit Probe(std::vector<Candidate>& seen) : seen_(seen) {}
  std::string_view name() const noexcept override { return "probe"; }
  Status Apply(CandidateList& candidates) override {
    seen_.assign(candidates.items().begin(), candidates.items().end());
    return {};
  }
  Result<std::unique_ptr<Sampler>> Clone() const override {
    return Status(StatusCode::kUnimplemented, "a probe is one of a kind");
  }

 private:
  std::vector<Candidate>& seen_;
};

// The list that the chain of the case would draw from.
std::vector<Candidate> ListDrawnFrom(const element& test_case) {
  Result<SamplerChain> chain = SamplerChain::Create(ReadOptions(test_case["options"]));
  EXPECT_TRUE(chain.ok()) << chain.status().ToString();
  std::vector<Candidate> seen;
  EXPECT_TRUE(chain->Insert(chain->size() - 1, std::make_unique<Probe>(seen)).ok());
  for (const std::int64_t token : test_case["prompt"].get_array()) {
    EXPECT_TRUE(chain->Accept(static_cast<std::int32_t>(token), TokenOrigin::kPrompt).ok());
  }
  for (const std::int64_t token : test_case["generated"].get_array()) {
    EXPECT_TRUE(chain->Accept(static_cast<std::int32_t>(token)).ok());
  }
  EXPECT_TRUE(chain->Sample(ReadLogits(test_case["logits"])).ok());
  return Possible(seen);
}

TEST(ReferenceCasesTest, EqualTransformers) {
  const auto document = internal::JsonDocument::ParseFile(CARAT_SAMPLING_CASES);
  ASSERT_TRUE(document.ok()) << document.status().ToString();
  int cases = 0;
  for (const element test_case : document->root()["cases"].get_array()) {
    const std::string what = simdjson::minify(test_case);
    const std::vector<Candidate> expected = Possible(ListOf(ReadLogits(test_case["processed"])));
    const std::vector<Candidate> found = ListDrawnFrom(test_case);
    ASSERT_EQ(found.size(), expected.size()) << what;
    for (std::size_t i = 0; i < found.size(); ++i) {
      EXPECT_NEAR(found[i].logit, expected[i].logit, 1e-6 * std::max(1.0F, std::fabs(expected[i].logit)))
          << what;
    }
    if (bool(test_case["exact_tokens"])) {
      for (std::size_t i = 0; i < found.size(); ++i) EXPECT_EQ(found[i].token, expected[i].token) << what;
    }
    ++cases;
  }
  EXPECT_EQ(cases, 98);
}

}  // namespace
}  // namespace carat::test
