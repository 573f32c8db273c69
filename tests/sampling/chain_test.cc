// SamplerChain, and what hosts' own samplers may do to it.
#include <functional>
#include <stdexcept>
#include <string>

#include "carat/sampler.h"
#include "gtest/gtest.h"
#include "tests/sampling/reference.h"

namespace carat::test {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

// A host's sampler, made of functions.
struct Host final : public Sampler {
  std::function<Status(CandidateList&)> apply = [](CandidateList&) { return Status(); };
  std::function<void(std::int32_t, TokenOrigin)> accept = [](std::int32_t, TokenOrigin) {};
  std::function<void()> reset = [] {};
  std::function<Result<std::unique_ptr<Sampler>>()> clone;

  std::string_view name() const noexcept override { return "mine"; }
  Status Apply(CandidateList& candidates) override { return apply(candidates); }
  void Accept(std::int32_t token, TokenOrigin origin) override { accept(token, origin); }
  void Reset() override { reset(); }
  Result<std::unique_ptr<Sampler>> Clone() const override { return clone(); }
};

std::unique_ptr<Host> HostThat(std::function<Status(CandidateList&)> apply) {
  auto host = std::make_unique<Host>();
  host->apply = std::move(apply);
  return host;
}

// A host that edits and is content.
std::unique_ptr<Host> Editor(std::function<void(CandidateList&)> edit) {
  return HostThat([edit = std::move(edit)](CandidateList& list) {
    edit(list);
    return Status();
  });
}

SamplerChain ChainOf(const SamplingOptions& options) {
  Result<SamplerChain> chain = SamplerChain::Create(options);
  EXPECT_TRUE(chain.ok()) << chain.status().ToString();
  return *std::move(chain);
}

// Greedy choice after the host's sampler.
SamplerChain GreedyAfter(std::unique_ptr<Sampler> host) {
  SamplerChain chain = ChainOf({.temperature = 0});
  EXPECT_TRUE(chain.Insert(0, std::move(host)).ok());
  return chain;
}

const std::vector<float> kLogits = {1, 4, 2, 4, kNever, 3};

void ExpectError(const Result<std::int32_t>& result, StatusCode code, const std::vector<std::string>& words) {
  ASSERT_FALSE(result.ok()) << *result;
  EXPECT_EQ(result.status().code(), code) << result.status().ToString();
  for (const std::string& word : words) {
    EXPECT_NE(result.status().message().find(word), std::string::npos)
        << "no '" << word << "' in: " << result.status().message();
  }
}

void ExpectError(const Status& status, StatusCode code, const std::vector<std::string>& words) {
  ASSERT_FALSE(status.ok());
  ExpectError(Result<std::int32_t>(status), code, words);
}

// ---- Logits

TEST(SampleTest, ChoosesTheHighest) {
  SamplerChain chain = ChainOf({.temperature = 0});
  EXPECT_EQ(*chain.Sample(kLogits), 1);
  EXPECT_EQ(*chain.Sample(std::vector<float>{kNever, -3}), 1);
}

TEST(SampleTest, RefusesWrongLogits) {
  SamplerChain chain = ChainOf({});
  ExpectError(chain.Sample({}), StatusCode::kInvalidArgument, {"no logits"});
  ExpectError(chain.Sample(std::vector<float>{1, 2, kNan, kNan}), StatusCode::kInvalidArgument,
              {"token 2", "nan"});
  ExpectError(chain.Sample(std::vector<float>{1, kInfinity}), StatusCode::kInvalidArgument,
              {"token 1", "inf"});
  std::vector<float> real(kRealVocabulary, 0.5F);
  real.back() = kNan;
  ExpectError(chain.Sample(real), StatusCode::kInvalidArgument, {"token 262143", "nan"});
}

TEST(SampleTest, NothingPossibleIsAFailedPrecondition) {
  const std::vector<float> none(70, kNever);
  const std::vector<SamplingOptions> all = {{},
                                            {.temperature = 0},
                                            {.top_k = 64, .top_p = 0.95F},
                                            {.temperature = 0.5F, .min_p = 0.1F, .typical_p = 0.5F}};
  for (const SamplingOptions& options : all) {
    SamplerChain chain = ChainOf(options);
    ExpectError(chain.Sample(none), StatusCode::kFailedPrecondition, {"-infinity"});
  }
  SamplerChain biased = ChainOf({.logit_bias = {{0, kNever}, {1, kNever}}});
  ExpectError(biased.Sample(std::vector<float>{5, 6}), StatusCode::kFailedPrecondition, {"-infinity"});
}

TEST(SampleTest, AChainThatSelectsNothingIsAFailedPrecondition) {
  SamplerChain empty;
  EXPECT_EQ(empty.size(), 0U);
  ExpectError(empty.Sample(kLogits), StatusCode::kFailedPrecondition, {"0 samplers"});
  SamplerChain chain;
  ASSERT_TRUE(chain.Append(*samplers::TopK(2)).ok());
  ExpectError(chain.Sample(kLogits), StatusCode::kFailedPrecondition, {"1 samplers"});
}

TEST(SampleTest, TakesAnotherVocabularyEachTime) {
  SamplerChain chain = ChainOf({.temperature = 0});
  EXPECT_EQ(*chain.Sample(std::vector<float>{1, 2}), 1);
  EXPECT_EQ(*chain.Sample(std::vector<float>{1, 2, 3, 4, 5}), 4);
  EXPECT_EQ(*chain.Sample(std::vector<float>{1}), 0);
}

// ---- The chain itself

TEST(ChainTest, InsertsAnywhere) {
  SamplerChain chain;
  ExpectError(chain.Insert(0, nullptr), StatusCode::kInvalidArgument, {"null"});
  ExpectError(chain.Append(nullptr), StatusCode::kInvalidArgument, {"null"});
  ExpectError(chain.Insert(1, *samplers::Greedy()), StatusCode::kOutOfRange,
              {"'greedy'", "at 1", "0 samplers"});
  ASSERT_TRUE(chain.Append(*samplers::Greedy()).ok());
  ASSERT_TRUE(chain.Insert(0, *samplers::TopK(3)).ok());
  ASSERT_TRUE(chain.Insert(1, *samplers::TopP(1)).ok());
  ASSERT_TRUE(chain.Insert(3, *samplers::Draw(1)).ok());
  ASSERT_EQ(chain.size(), 4U);
  EXPECT_EQ(chain.name(0), "top-k");
  EXPECT_EQ(chain.name(1), "top-p");
  EXPECT_EQ(chain.name(2), "greedy");
  EXPECT_EQ(chain.name(3), "draw");
  EXPECT_EQ(chain.name(4), "");
  EXPECT_EQ(*chain.Sample(kLogits), 1);  // draw is not asked
}

TEST(ChainTest, AMovedFromChainIsAnEmptyOne) {
  SamplerChain chain = ChainOf({.temperature = 0});
  SamplerChain other = std::move(chain);
  EXPECT_EQ(*other.Sample(kLogits), 1);
  // NOLINTBEGIN(bugprone-use-after-move,clang-analyzer-cplusplus.Move): that is what is tested.
  EXPECT_EQ(chain.size(), 0U);
  EXPECT_EQ(chain.name(0), "");
  EXPECT_TRUE(chain.Accept(1).ok());
  EXPECT_TRUE(chain.Reset().ok());
  EXPECT_EQ(chain.Clone()->size(), 0U);
  ASSERT_TRUE(chain.Append(*samplers::Greedy()).ok());
  EXPECT_EQ(*chain.Sample(kLogits), 1);
  // NOLINTEND(bugprone-use-after-move,clang-analyzer-cplusplus.Move)
}

const SamplingOptions kEverything{.temperature = 0.8F,
                                  .top_k = 50,
                                  .top_p = 0.97F,
                                  .min_p = 0.001F,
                                  .typical_p = 0.98F,
                                  .repetition_penalty = 1.1F,
                                  .frequency_penalty = 0.2F,
                                  .presence_penalty = 0.1F,
                                  .penalty_window = 6,
                                  .logit_bias = {{3, 1.5F}},
                                  .seed = 99};

// Samples and accepts, with logits that change from step to step.
std::vector<std::int32_t> Generate(SamplerChain& chain, int steps, std::uint64_t text = 1) {
  std::mt19937_64 random(text);
  std::normal_distribution<float> bell(0, 2);
  std::vector<std::int32_t> tokens;
  std::vector<float> logits(600);
  for (int i = 0; i < steps; ++i) {
    for (float& logit : logits) logit = bell(random);
    const Result<std::int32_t> token = chain.Sample(logits);
    EXPECT_TRUE(token.ok()) << token.status().ToString();
    EXPECT_TRUE(chain.Accept(*token).ok());
    tokens.push_back(*token);
  }
  return tokens;
}

TEST(ChainTest, TheSameSeedGivesTheSameTokens) {
  SamplerChain a = ChainOf(kEverything);
  SamplerChain b = ChainOf(kEverything);
  SamplingOptions other = kEverything;
  other.seed = 100;
  SamplerChain c = ChainOf(other);
  const auto tokens = Generate(a, 60);
  EXPECT_EQ(tokens, Generate(b, 60));
  EXPECT_NE(tokens, Generate(c, 60));
}

TEST(ChainTest, CloneGoesOnAlike) {
  SamplerChain chain = ChainOf(kEverything);
  ASSERT_TRUE(chain.Accept(5, TokenOrigin::kPrompt).ok());
  Generate(chain, 20);
  Result<SamplerChain> clone = chain.Clone();
  ASSERT_TRUE(clone.ok());
  ASSERT_EQ(clone->size(), chain.size());
  const auto tokens = Generate(chain, 40, 2);
  EXPECT_EQ(Generate(*clone, 40, 2), tokens);
}

TEST(ChainTest, ResetBeginsAgain) {
  SamplerChain chain = ChainOf(kEverything);
  const auto tokens = Generate(chain, 40);
  EXPECT_NE(Generate(chain, 40), tokens);
  ASSERT_TRUE(chain.Reset().ok());
  EXPECT_EQ(Generate(chain, 40), tokens);
}

TEST(ChainTest, AcceptRefusesWhatIsNoToken) {
  SamplerChain chain = ChainOf(kEverything);
  ExpectError(chain.Accept(-1), StatusCode::kInvalidArgument, {"token -1"});
  ExpectError(chain.Accept(1, static_cast<TokenOrigin>(7)), StatusCode::kInvalidArgument, {"origin is 7"});
  EXPECT_TRUE(chain.Accept(2147483647).ok());
}

// ---- Hosts' samplers

TEST(HostTest, SeesTheVocabularyAndEditsIt) {
  SamplerChain chain = GreedyAfter(Editor([](CandidateList& list) {
    EXPECT_EQ(list.size(), kLogits.size());
    EXPECT_FALSE(list.sorted());
    for (std::size_t i = 0; i < list.size(); ++i) {
      EXPECT_EQ(list.items()[i].token, static_cast<std::int32_t>(i));
      EXPECT_EQ(list.items()[i].logit, kLogits[i]);
    }
    list.items()[2].logit = 9;
  }));
  EXPECT_EQ(chain.name(0), "mine");
  EXPECT_EQ(*chain.Sample(kLogits), 2);
}

TEST(HostTest, SeesWhatTopKLeaves) {
  SamplerChain chain = ChainOf({.top_k = 3});
  std::vector<Candidate> seen;
  bool sorted = false;
  ASSERT_TRUE(chain
                  .Insert(1, Editor([&](CandidateList& list) {
                            seen.assign(list.items().begin(), list.items().end());
                            sorted = list.sorted();
                          }))
                  .ok());
  ASSERT_TRUE(chain.Sample(kLogits).ok());
  EXPECT_TRUE(seen == (std::vector<Candidate>{{1, 4}, {3, 4}, {5, 3}}));
  EXPECT_TRUE(sorted);
}

TEST(HostTest, Selects) {
  SamplerChain chain = GreedyAfter(Editor([](CandidateList& list) { list.Select(5); }));
  EXPECT_EQ(*chain.Sample(kLogits), 5);
}

TEST(HostTest, AnErrorEndsTheCall) {
  SamplerChain chain = GreedyAfter(
      HostThat([](CandidateList&) { return Status(StatusCode::kDataLoss, "grammar file is cut short"); }));
  ExpectError(chain.Sample(kLogits), StatusCode::kDataLoss, {"grammar file is cut short"});
}

TEST(HostTest, AnExceptionIsInternal) {
  SamplerChain standard =
      GreedyAfter(HostThat([](CandidateList&) -> Status { throw std::runtime_error("boom"); }));
  ExpectError(standard.Sample(kLogits), StatusCode::kInternal, {"'mine'", "boom"});
  SamplerChain odd = GreedyAfter(HostThat([](CandidateList&) -> Status { throw 42; }));
  ExpectError(odd.Sample(kLogits), StatusCode::kInternal, {"'mine'"});
  SamplerChain memory = GreedyAfter(HostThat([](CandidateList&) -> Status { throw std::bad_alloc(); }));
  ExpectError(memory.Sample(kLogits), StatusCode::kResourceExhausted, {"memory"});
}

TEST(HostTest, AChainLivesOnAfterAnException) {
  bool fail = true;
  SamplerChain chain = GreedyAfter(HostThat([&fail](CandidateList& list) {
    list.items()[0].logit = kNan;
    if (fail) throw std::runtime_error("boom");
    list.items()[0].logit = 100;
    return Status();
  }));
  ExpectError(chain.Sample(kLogits), StatusCode::kInternal, {"boom"});
  fail = false;
  EXPECT_EQ(*chain.Sample(kLogits), 0);
}

TEST(HostTest, AcceptAndResetReachAllAndReportTheFirstException) {
  std::vector<std::int32_t> accepted;
  auto first = std::make_unique<Host>();
  first->accept = [](std::int32_t, TokenOrigin) { throw std::runtime_error("not now"); };
  first->reset = [] { throw std::runtime_error("never"); };
  auto second = std::make_unique<Host>();
  second->accept = [&](std::int32_t token, TokenOrigin origin) {
    accepted.push_back(origin == TokenOrigin::kPrompt ? token : -token);
  };
  second->reset = [&] { accepted.clear(); };
  SamplerChain chain = GreedyAfter(std::move(first));
  ASSERT_TRUE(chain.Insert(1, std::move(second)).ok());
  ExpectError(chain.Accept(7, TokenOrigin::kPrompt), StatusCode::kInternal, {"'mine'", "not now"});
  ExpectError(chain.Accept(8), StatusCode::kInternal, {"not now"});
  EXPECT_EQ(accepted, (std::vector<std::int32_t>{7, -8}));
  ExpectError(chain.Reset(), StatusCode::kInternal, {"never"});
  EXPECT_TRUE(accepted.empty());
}

TEST(HostTest, MayLeaveOutAcceptAndReset) {
  struct Least final : public Sampler {
    std::string_view name() const noexcept override { return "least"; }
    Status Apply(CandidateList&) override { return {}; }
    Result<std::unique_ptr<Sampler>> Clone() const override { return std::unique_ptr<Sampler>(new Least); }
  };
  SamplerChain chain = GreedyAfter(std::make_unique<Least>());
  EXPECT_TRUE(chain.Accept(1).ok());
  EXPECT_TRUE(chain.Reset().ok());
  EXPECT_EQ(chain.Clone()->name(0), "least");
}

TEST(HostTest, ReordersAndShrinks) {
  SamplerChain chain = GreedyAfter(Editor([](CandidateList& list) {
    std::reverse(list.items().begin(), list.items().end());
    list.Truncate(3);  // 5, 4, 3
  }));
  EXPECT_EQ(*chain.Sample(kLogits), 3);
}

// Lists that only seem sorted: what follows must choose as if the host had said so.
TEST(HostTest, ForgetsToSayThatAListIsNoLongerSorted) {
  SamplerChain chain = ChainOf({.top_k = 4, .top_p = 0.5F});
  ASSERT_TRUE(chain.Insert(1, Editor([](CandidateList& list) { list.items()[3].logit = 50; })).ok());
  for (int i = 0; i < 20; ++i) EXPECT_EQ(*chain.Sample(kLogits), 2);
  SamplerChain ties = GreedyAfter(Editor([](CandidateList& list) {
    std::swap(list.items()[1], list.items()[3]);
    list.set_sorted(true);
  }));
  EXPECT_EQ(*ties.Sample(kLogits), 1);
}

TEST(HostTest, LeavesNoCandidate) {
  SamplerChain chain = GreedyAfter(Editor([](CandidateList& list) { list.Truncate(0); }));
  ExpectError(chain.Sample(kLogits), StatusCode::kFailedPrecondition, {"'mine'", "no candidate"});
  SamplerChain null = GreedyAfter(Editor([](CandidateList& list) { list = CandidateList(nullptr, 0); }));
  ExpectError(null.Sample(kLogits), StatusCode::kFailedPrecondition, {"'mine'", "no candidate"});
}

TEST(HostTest, SetsWhatIsNoLogit) {
  for (const float wrong : {kNan, kInfinity}) {
    SamplerChain chain = GreedyAfter(Editor([wrong](CandidateList& list) { list.items()[3].logit = wrong; }));
    ExpectError(chain.Sample(kLogits), StatusCode::kInvalidArgument, {"'mine'", "token 3"});
  }
}

TEST(HostTest, PutsAWrongTokenOnTheList) {
  for (const std::int32_t wrong : {-1, 6, 2147483647}) {
    SamplerChain chain = GreedyAfter(Editor([wrong](CandidateList& list) { list.items()[0].token = wrong; }));
    ExpectError(chain.Sample(kLogits), StatusCode::kInvalidArgument,
                {"'mine'", "token " + std::to_string(wrong), "6 tokens"});
  }
}

TEST(HostTest, SelectsWhatIsNotThere) {
  for (const std::int32_t wrong : {6, -2, 2147483647}) {
    SamplerChain chain = GreedyAfter(Editor([wrong](CandidateList& list) { list.Select(wrong); }));
    ExpectError(chain.Sample(kLogits), StatusCode::kInvalidArgument,
                {"'mine'", "token " + std::to_string(wrong), "6 candidates"});
  }
  SamplerChain dropped = GreedyAfter(Editor([](CandidateList& list) {
    list.Truncate(2);
    list.Select(5);
  }));
  ExpectError(dropped.Sample(kLogits), StatusCode::kInvalidArgument, {"'mine'", "token 5", "2 candidates"});
  SamplerChain forbidden = GreedyAfter(Editor([](CandidateList& list) { list.Select(4); }));
  ExpectError(forbidden.Sample(kLogits), StatusCode::kInvalidArgument, {"'mine'", "token 4", "-infinity"});
}

TEST(HostTest, ReplacesTheList) {
  std::vector<Candidate> own(100, {1, 1});
  SamplerChain longer =
      GreedyAfter(Editor([&](CandidateList& list) { list = CandidateList(own.data(), 100); }));
  ExpectError(longer.Sample(kLogits), StatusCode::kInvalidArgument, {"'mine'", "of 6", "of 100"});
  SamplerChain shorter =
      GreedyAfter(Editor([&](CandidateList& list) { list = CandidateList(own.data(), 2); }));
  ExpectError(shorter.Sample(kLogits), StatusCode::kInvalidArgument, {"'mine'", "of 6", "of 2"});
  SamplerChain grown = GreedyAfter(
      Editor([](CandidateList& list) { list = CandidateList(list.items().data(), list.size() + 1); }));
  ExpectError(grown.Sample(kLogits), StatusCode::kInvalidArgument, {"'mine'", "of 6", "of 7"});
  // A part of the same storage is a shorter list.
  SamplerChain part =
      GreedyAfter(Editor([](CandidateList& list) { list = CandidateList(list.items().data() + 2, 3); }));
  EXPECT_EQ(*part.Sample(kLogits), 3);
}

TEST(HostTest, CallsItsOwnChain) {
  SamplerChain chain;
  std::vector<Status> answers;
  ASSERT_TRUE(chain
                  .Append(Editor([&](CandidateList&) {
                    answers.push_back(chain.Sample(kLogits).status());
                    answers.push_back(chain.Append(*samplers::Greedy()));
                    answers.push_back(chain.Accept(1));
                    answers.push_back(chain.Reset());
                    answers.push_back(chain.Clone().status());
                  }))
                  .ok());
  ASSERT_TRUE(chain.Append(*samplers::Greedy()).ok());
  EXPECT_EQ(*chain.Sample(kLogits), 1);
  ASSERT_EQ(answers.size(), 5U);
  for (const Status& status : answers) ExpectError(status, StatusCode::kFailedPrecondition, {"chain"});
  EXPECT_EQ(chain.size(), 2U);
  EXPECT_TRUE(chain.Reset().ok());
}

TEST(HostTest, CannotBeCloned) {
  const auto chain_with = [](std::function<Result<std::unique_ptr<Sampler>>()> clone) {
    auto host = std::make_unique<Host>();
    host->clone = std::move(clone);
    return GreedyAfter(std::move(host));
  };
  const SamplerChain failing = chain_with([] { return Status(StatusCode::kUnavailable, "one of a kind"); });
  ExpectError(failing.Clone().status(), StatusCode::kUnavailable, {"one of a kind"});
  const SamplerChain null = chain_with([] { return std::unique_ptr<Sampler>(); });
  ExpectError(null.Clone().status(), StatusCode::kInvalidArgument, {"'mine'", "null"});
  const SamplerChain throwing =
      chain_with([]() -> Result<std::unique_ptr<Sampler>> { throw std::logic_error("no"); });
  ExpectError(throwing.Clone().status(), StatusCode::kInternal, {"'mine'", "no"});
}

}  // namespace
}  // namespace carat::test
