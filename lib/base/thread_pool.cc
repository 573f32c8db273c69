#include "lib/base/thread_pool.h"

#include <algorithm>
#include <system_error>
#include <thread>
#include <vector>

#include "lib/base/error.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace carat {

TaskRunner::~TaskRunner() = default;

namespace internal {
namespace {

// About 20 to 50 microseconds: longer than the gap between two kernels of one token, far shorter than a
// person's pause.
constexpr int kSpins = 4000;

void Pause() {
#if defined(__x86_64__)
  _mm_pause();
#endif
}

}  // namespace

struct ThreadPool::State {
  // Counts the jobs; a worker waits for it to change.
  std::atomic<std::uint32_t> generation{0};
  std::atomic<int> unfinished{0};
  std::atomic<bool> stop{false};
  int count = 0;
  void (*task)(void*, int) = nullptr;
  void* context = nullptr;
  std::vector<std::thread> threads;

  // Returns when `value` differs from `old`.
  template <typename T>
  static void Await(const std::atomic<T>& value, T old) {
    for (int i = 0; i < kSpins; ++i) {
      if (value.load(std::memory_order_acquire) != old) return;
      Pause();
    }
    value.wait(old, std::memory_order_acquire);
  }

  void Work(int index) {
    std::uint32_t seen = 0;
    for (;;) {
      Await(generation, seen);
      seen = generation.load(std::memory_order_acquire);
      if (stop.load(std::memory_order_acquire)) return;
      if (index < count) task(context, index);
      if (unfinished.fetch_sub(1, std::memory_order_acq_rel) == 1) unfinished.notify_one();
    }
  }
};

ThreadPool::ThreadPool(int threads, std::unique_ptr<State> state)
    : threads_(threads), state_(std::move(state)) {}

Result<std::shared_ptr<ThreadPool>> ThreadPool::Create(int threads) {
  auto pool = std::shared_ptr<ThreadPool>(new ThreadPool(threads, std::make_unique<State>()));
  State* state = pool->state_.get();
  try {
    for (int i = 1; i < threads; ++i) state->threads.emplace_back([state, i] { state->Work(i); });
  } catch (const std::system_error& e) {
    return ResourceExhausted("cannot start thread %d of %d: %s", state->threads.size() + 2, threads,
                             e.what());
  }
  return pool;
}

ThreadPool::~ThreadPool() {
  state_->stop.store(true, std::memory_order_release);
  state_->generation.fetch_add(1, std::memory_order_acq_rel);
  state_->generation.notify_all();
  for (std::thread& thread : state_->threads) thread.join();
}

void ThreadPool::Run(int count, void (*task)(void*, int), void* context) noexcept {
  if (threads_ == 1 || count == 1) {
    for (int i = 0; i < count; ++i) task(context, i);
    return;
  }
  state_->count = count;
  state_->task = task;
  state_->context = context;
  state_->unfinished.store(threads_ - 1, std::memory_order_relaxed);
  state_->generation.fetch_add(1, std::memory_order_acq_rel);
  state_->generation.notify_all();
  task(context, 0);
  for (;;) {
    const int left = state_->unfinished.load(std::memory_order_acquire);
    if (left == 0) return;
    State::Await(state_->unfinished, left);
  }
}

void ParallelWork::RunLoop(Loop& loop) const noexcept {
  if (loop.items <= 0) return;
  const std::int64_t portions = (loop.items + loop.grain - 1) / loop.grain;
  const std::lock_guard<std::mutex> lock(mutex_);
  const int count = static_cast<int>(std::min<std::int64_t>(std::max(1, runner_->concurrency()), portions));
  runner_->Run(
      count,
      [](void* context, int worker) {
        auto& work = *static_cast<Loop*>(context);
        for (;;) {
          const std::int64_t first = work.next.fetch_add(work.grain, std::memory_order_relaxed);
          if (first >= work.items) return;
          work.call(work.body, first, std::min(work.items, first + work.grain), worker);
        }
      },
      &loop);
}

}  // namespace internal
}  // namespace carat
