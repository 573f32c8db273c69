// Parallel loops: every item once, whoever runs them. Meant to be run under ThreadSanitizer too.
#include "lib/base/thread_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

namespace carat::internal {
namespace {

std::shared_ptr<ThreadPool> MakePool(int threads) {
  Result<std::shared_ptr<ThreadPool>> pool = ThreadPool::Create(threads);
  EXPECT_TRUE(pool.ok()) << pool.status().ToString();
  return *std::move(pool);
}

// A host's own threads, in the plainest way: new ones for each call.
class HostRunner final : public TaskRunner {
 public:
  explicit HostRunner(int concurrency) : concurrency_(concurrency) {}
  int concurrency() const noexcept override { return concurrency_; }
  void Run(int count, void (*task)(void* context, int index), void* context) noexcept override {
    ++calls;
    largest = std::max(largest, count);
    std::vector<std::thread> threads;
    for (int i = 0; i < count; ++i) threads.emplace_back(task, context, i);
    for (std::thread& thread : threads) thread.join();
  }

  int calls = 0;
  int largest = 0;

 private:
  int concurrency_;
};

// Runs every task on the caller's thread, the last first.
class BackwardRunner final : public TaskRunner {
 public:
  int concurrency() const noexcept override { return 3; }
  void Run(int count, void (*task)(void* context, int index), void* context) noexcept override {
    for (int i = count; i-- > 0;) task(context, i);
  }
};

// That a loop calls each item once, with a worker that may be.
void ExpectEveryItemOnce(const ParallelWork& work, std::int64_t items, std::int64_t grain) {
  std::vector<int> calls(static_cast<std::size_t>(items));  // each written by one thread, so no atomics
  std::atomic<bool> worker_in_range = true;
  const auto body = [&](std::int64_t item, int worker) {
    ++calls[static_cast<std::size_t>(item)];
    if (worker < 0 || worker >= work.workers()) worker_in_range = false;
  };
  work.For(items, grain, body);
  EXPECT_EQ(std::count(calls.begin(), calls.end(), 1), items);
  work.ForRuns(items, grain, body);
  EXPECT_EQ(std::count(calls.begin(), calls.end(), 2), items);
  EXPECT_TRUE(worker_in_range);
}

TEST(ThreadPool, EveryItemOnce) {
  for (const int threads : {1, 2, 3, 4, 7}) {
    const ParallelWork work(MakePool(threads));
    EXPECT_EQ(work.workers(), threads);
    for (const std::int64_t items : {0, 1, 2, 3, 5, 64, 1000}) {
      for (const std::int64_t grain : {-1, 0, 1, 3, 64, 5000}) ExpectEveryItemOnce(work, items, grain);
    }
  }
}

TEST(ThreadPool, ManyLoops) {
  const ParallelWork work(MakePool(4));
  std::atomic<std::int64_t> sum = 0;
  constexpr int kLoops = 1000;
  for (int loop = 0; loop < kLoops; ++loop) {
    work.For(8, [&](std::int64_t item, int) { sum.fetch_add(item, std::memory_order_relaxed); });
  }
  EXPECT_EQ(sum, kLoops * 28);
}

TEST(ThreadPool, WhatALoopWroteIsSeenAfterIt) {
  const ParallelWork work(MakePool(3));
  std::vector<std::int64_t> values(300);
  for (std::int64_t round = 1; round <= 200; ++round) {
    work.For(300, 7, [&](std::int64_t item, int) { values[static_cast<std::size_t>(item)] += item * round; });
    for (std::int64_t i = 0; i < 300; ++i) {
      ASSERT_EQ(values[static_cast<std::size_t>(i)], i * round * (round + 1) / 2);
    }
  }
}

TEST(ThreadPool, WorkersNameScratchThatNobodyElseUses) {
  const ParallelWork work(MakePool(4));
  std::vector<int> scratch(4);  // plain: a race here is one that kernels would have
  work.For(2000, [&](std::int64_t, int worker) { ++scratch[static_cast<std::size_t>(worker)]; });
  int total = 0;
  for (const int count : scratch) total += count;
  EXPECT_EQ(total, 2000);
}

TEST(ThreadPool, ItemsOfOnePortionAreAscendingAndTogether) {
  const ParallelWork work(MakePool(2));
  std::mutex mutex;
  std::vector<std::vector<std::int64_t>> order(2);
  work.For(100, 10, [&](std::int64_t item, int worker) {
    const std::lock_guard<std::mutex> lock(mutex);
    order[static_cast<std::size_t>(worker)].push_back(item);
  });
  for (const std::vector<std::int64_t>& items : order) {
    EXPECT_TRUE(std::is_sorted(items.begin(), items.end()));
    EXPECT_EQ(items.size() % 10, 0u);
  }
  EXPECT_EQ(order[0].size() + order[1].size(), 100u);
}

// A host's runner that calls one worker after the other shows whose run is whose.
TEST(ThreadPool, AWorkerBeginsWithItsOwnRun) {
  const ParallelWork work(std::make_shared<BackwardRunner>());
  std::vector<std::int64_t> order;
  work.ForRuns(70, 10, [&](std::int64_t item, int) { order.push_back(item); });
  ASSERT_EQ(order.size(), 70u);
  // Seven portions in three runs: 0-1, 2-3, 4-6. The last worker comes first and finds the others not at
  // work.
  EXPECT_EQ(order.front(), 40);
  EXPECT_EQ(order[29], 69);
  EXPECT_EQ(order[30], 0);
  EXPECT_EQ(order.back(), 39);
}

TEST(ThreadPool, MoreWorkersThanRuns) {
  const ParallelWork work(MakePool(70));
  ExpectEveryItemOnce(work, 1000, 1);
}

TEST(ThreadPool, WakesAfterSleeping) {
  const ParallelWork work(MakePool(3));
  for (int i = 0; i < 5; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // longer than the threads spin
    ExpectEveryItemOnce(work, 50, 1);
  }
}

TEST(ThreadPool, EndsWithoutHavingWorked) {
  for (int i = 0; i < 50; ++i) MakePool(4);
}

// A thread that does not come in time is not waited for; one that comes, comes once, and has left when Run
// returns.
TEST(ThreadPool, EveryWorkerComesAtMostOnce) {
  const std::shared_ptr<ThreadPool> pool = MakePool(4);
  EXPECT_EQ(pool->concurrency(), 4);
  for (int round = 0; round < 200; ++round) {
    const int count = 1 + round % 4;
    std::atomic<int> calls[4] = {};
    pool->Run(
        count, [](void* context, int index) { ++static_cast<std::atomic<int>*>(context)[index]; }, calls);
    EXPECT_EQ(calls[0], 1);
    for (int i = 1; i < 4; ++i) EXPECT_LE(calls[i], i < count ? 1 : 0) << count;
  }
}

TEST(ThreadPool, OtherThreadsDoCome) {
  // A task that waits until another one runs ends only if they run at the same time.
  const std::shared_ptr<ThreadPool> pool = MakePool(2);
  std::atomic<int> running = 0;
  pool->Run(
      2,
      [](void* context, int) {
        auto& count = *static_cast<std::atomic<int>*>(context);
        ++count;
        while (count < 2) std::this_thread::yield();
      },
      &running);
  EXPECT_EQ(running, 2);
}

TEST(ParallelWork, TwoThreadsTakeTurns) {
  const ParallelWork work(MakePool(3));
  std::vector<std::int64_t> sums(2);
  std::vector<std::thread> sessions;
  for (std::size_t session = 0; session < 2; ++session) {
    sessions.emplace_back([&work, &sums, session] {
      std::atomic<std::int64_t> sum = 0;
      for (int loop = 0; loop < 500; ++loop) {
        work.For(20, 3, [&](std::int64_t item, int) { sum.fetch_add(item + 1, std::memory_order_relaxed); });
      }
      sums[session] = sum;
    });
  }
  for (std::thread& session : sessions) session.join();
  EXPECT_EQ(sums[0], 500 * 210);
  EXPECT_EQ(sums[1], 500 * 210);
}

TEST(ParallelWork, HostRunner) {
  const auto runner = std::make_shared<HostRunner>(3);
  const ParallelWork work(runner);
  EXPECT_EQ(work.workers(), 3);
  for (int i = 0; i < 20; ++i) ExpectEveryItemOnce(work, 100, 4);
  EXPECT_EQ(runner->calls, 40);
  EXPECT_EQ(runner->largest, 3);
  // No more tasks than there is work for.
  runner->largest = 0;
  ExpectEveryItemOnce(work, 2, 1);
  EXPECT_EQ(runner->largest, 2);
  // An empty loop asks nothing of the host.
  const int calls = runner->calls;
  ExpectEveryItemOnce(work, 0, 1);
  EXPECT_EQ(runner->calls, calls);
}

TEST(ParallelWork, HostRunnerOnOneThread) {
  ExpectEveryItemOnce(ParallelWork(std::make_shared<BackwardRunner>()), 100, 4);
}

TEST(ParallelWork, ResultsDoNotDependOnTheThreads) {
  std::vector<std::vector<double>> results;
  for (const int threads : {1, 2, 4}) {
    const ParallelWork work(MakePool(threads));
    std::vector<double> values(500);
    work.For(500, 3, [&](std::int64_t item, int) {
      double sum = 0;
      for (int k = 1; k < 200; ++k) sum += 1.0 / static_cast<double>(item * 200 + k);
      values[static_cast<std::size_t>(item)] = sum;
    });
    results.push_back(values);
  }
  EXPECT_EQ(results[0], results[1]);
  EXPECT_EQ(results[0], results[2]);
}

}  // namespace
}  // namespace carat::internal
