#include "carat/model.h"
#include "lib/base/cpu.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>

#include "carat/session.h"

namespace carat {
namespace {

std::string Tiny(const std::string& name) {
  return std::string(CARAT_TEST_DATA) + "/" + name;
}

TEST(ModelTest, SaysWhatItIs) {
  const auto model = Model::Load(Tiny("tiny-26b-a4b"), {.threads = 2});
  ASSERT_TRUE(model.ok()) << model.status().ToString();
  const ModelInfo& info = model->info();
  EXPECT_EQ(info.architecture, "gemma4");
  EXPECT_EQ(info.layers, 6);
  EXPECT_EQ(info.kv_shared_layers, 0);
  EXPECT_EQ(info.hidden_size, 64);
  EXPECT_EQ(info.vocabulary_size, 640);
  EXPECT_EQ(info.sliding_window, 32);
  EXPECT_EQ(info.experts, 16);
  EXPECT_EQ(info.experts_per_token, 4);
  EXPECT_EQ(info.context_length, 8192);
  EXPECT_TRUE(info.has_vision);
  EXPECT_FALSE(info.has_audio);
  EXPECT_EQ(model->threads(), 2);
  EXPECT_EQ(model->stop_tokens(), (std::vector<std::int32_t>{1, 6}));
  std::int64_t text_values = 0;
  for (const TensorInfo& tensor : model->Tensors()) {
    std::int64_t values = 1;
    for (const std::int64_t extent : tensor.shape) values *= extent;
    EXPECT_EQ(tensor.bytes, static_cast<std::uint64_t>(values) * 2) << tensor.name;
    if (tensor.name.find("language_model") != std::string::npos) text_values += values;
  }
  EXPECT_EQ(info.parameters, text_values);
}

TEST(ModelTest, TellsTheMemoryOfASession) {
  const auto model = Model::Load(Tiny("tiny-e2b"));
  ASSERT_TRUE(model.ok());
  const auto needs =
      model->EstimateMemory({.context_size = 1000, .kv_type = KvType::kFloat32, .prompt_chunk = 16});
  ASSERT_TRUE(needs.ok());
  // Layer 4 owns full keys and values of one head of 64, layers 0 .. 3 sliding ones of 32 in rings of two
  // pages.
  EXPECT_EQ(needs->kv_full_per_position, 2u * 64 * 4);
  EXPECT_EQ(needs->kv_full, 1024u * 2 * 64 * 4);
  EXPECT_EQ(needs->kv_sliding, 4u * 2 * 64 * 2 * 32 * 4);
  EXPECT_EQ(needs->weights_looked_up, 640u * 10 * 16 * 2);
  EXPECT_GT(needs->weights_touched, 100000u);

  auto session =
      Session::Create(*model, {.context_size = 1000, .kv_type = KvType::kFloat32, .prompt_chunk = 16});
  ASSERT_TRUE(session.ok());
  EXPECT_LE(session->memory_bytes(), needs->kv_sliding + needs->workspace);
}

TEST(ModelTest, PreloadingReportsProgressAndCanBeStopped) {
  std::int64_t last = 0, all = 0;
  ModelOptions options;
  options.preload = true;
  options.progress = [&](std::int64_t done, std::int64_t total) {
    EXPECT_GT(done, last);
    last = done;
    all = total;
    return true;
  };
  ASSERT_TRUE(Model::Load(Tiny("tiny-e4b"), options).ok());
  EXPECT_EQ(last, all);
  EXPECT_GT(all, 0);
  options.progress = [](std::int64_t, std::int64_t) { return false; };
  EXPECT_EQ(Model::Load(Tiny("tiny-e4b"), options).status().code(), StatusCode::kCancelled);
}

TEST(ModelTest, WrongOptionsAndPathsAreErrors) {
  EXPECT_EQ(Model::Load("/nonexistent/folder").status().code(), StatusCode::kNotFound);
  EXPECT_EQ(Model::Load("").status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(Model::Load(Tiny("tiny-e2b"), {.threads = -1}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(Model::Load(Tiny("tiny-e2b"), {.threads = 1 << 20}).status().code(),
            StatusCode::kInvalidArgument);
  ModelOptions options;
  options.instruction_set = static_cast<InstructionSet>(77);
  EXPECT_EQ(Model::Load(Tiny("tiny-e2b"), options).status().code(), StatusCode::kInvalidArgument);
  const auto model = Model::Load(Tiny("tiny-e2b"));
  ASSERT_TRUE(model.ok());
  EXPECT_EQ(model->EstimateMemory({.context_size = -1}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(Session::Create(*model, {.context_size = 5000}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(Session::Create(*model, {.prompt_chunk = -3}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(Session::Create(*model, {.kv_type = static_cast<KvType>(9)}).status().code(),
            StatusCode::kInvalidArgument);
}

TEST(ModelTest, EveryInstructionSetOfTheMachineCanBeForced) {
  for (const InstructionSet set : AvailableInstructionSets()) {
    ModelOptions options;
    options.instruction_set = set;
    const auto model = Model::Load(Tiny("tiny-e2b"), options);
    ASSERT_TRUE(model.ok()) << InstructionSetName(set);
    EXPECT_EQ(model->instruction_set(), set);
  }
}

// A runner of the host's: here, new threads for every call.
class SpawningRunner final : public TaskRunner {
 public:
  int concurrency() const noexcept override { return 3; }
  void Run(int count, void (*task)(void*, int), void* context) noexcept override {
    ++calls;
    std::vector<std::thread> threads;
    for (int i = 1; i < count; ++i) threads.emplace_back(task, context, i);
    task(context, 0);
    for (std::thread& thread : threads) thread.join();
  }
  std::atomic<int> calls{0};
};

TEST(ModelTest, PrefetchingIsSetOrSaid) {
  ModelOptions options;
  options.stream_prefetch_bytes = 3072;
  EXPECT_EQ(Model::Load(Tiny("tiny-e2b"), options)->info().stream_prefetch_bytes, 3072);
  options.stream_prefetch_bytes = -7;
  const Status status = Model::Load(Tiny("tiny-e2b"), options).status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_NE(status.message().find("-7"), std::string::npos) << status.message();
  options.stream_prefetch_bytes = -1;
  EXPECT_EQ(Model::Load(Tiny("tiny-e2b"), options)->info().stream_prefetch_bytes, 0);
  // Too small to be measured: a default.
  options.stream_prefetch_bytes = 0;
  options.preload = true;
  EXPECT_EQ(Model::Load(Tiny("tiny-e2b"), options)->info().stream_prefetch_bytes,
            internal::DefaultStreamPrefetchBytes());
}

TEST(ModelTest, TheHostsRunnerGivesTheSameLogits) {
  auto runner = std::make_shared<SpawningRunner>();
  ModelOptions options;
  options.runner = runner;
  const auto own = Model::Load(Tiny("tiny-e4b"), {.threads = 1});
  const auto hosted = Model::Load(Tiny("tiny-e4b"), options);
  ASSERT_TRUE(own.ok() && hosted.ok());
  EXPECT_EQ(hosted->threads(), 3);
  std::vector<std::int32_t> tokens(70);
  for (std::size_t i = 0; i < tokens.size(); ++i) tokens[i] = static_cast<std::int32_t>(24 + 7 * i % 600);
  auto a = Session::Create(*own);
  auto b = Session::Create(*hosted);
  ASSERT_TRUE(a->Prefill(tokens).ok() && b->Prefill(tokens).ok());
  EXPECT_GT(runner->calls.load(), 0);
  const auto expected = *a->LastLogits();
  const auto actual = *b->LastLogits();
  EXPECT_TRUE(std::equal(expected.begin(), expected.end(), actual.begin()));
}

TEST(ModelTest, SessionsKeepTheirModelAlive) {
  auto session = [] {
    const auto model = Model::Load(Tiny("tiny-31b"));
    return Session::Create(*model);
  }();
  ASSERT_TRUE(session.ok());
  EXPECT_TRUE(session->Decode(2).ok());
  EXPECT_EQ(session->model().info().layers, 6);
}

TEST(ModelTest, MovedFromHandlesAnswerWithErrors) {
  auto model = *Model::Load(Tiny("tiny-31b"));
  auto session = *Session::Create(model);
  Session taken = std::move(session);
  EXPECT_EQ(session.Decode(2).code(), StatusCode::kFailedPrecondition);  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(session.LastLogits().status().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(session.Rewind(0).status().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(session.Clone().status().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(session.position(), 0);
  EXPECT_EQ(session.model().info().layers, 0);
  Model other = std::move(model);
  EXPECT_EQ(model.info().layers, 0);  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(Session::Create(model).status().code(), StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace carat
