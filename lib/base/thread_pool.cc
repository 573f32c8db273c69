#include "lib/base/thread_pool.h"

#include <algorithm>
#include <system_error>
#include <thread>
#include <vector>

#include "lib/base/cpu.h"
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

// The gate counts jobs in its upper half; in its lower half it says whether the job is open and how many
// threads are inside. A thread enters only through an open gate, so closing it and waiting until it is empty
// ends a job without waiting for threads that never came.
struct ThreadPool::State {
  static constexpr std::uint64_t kInside = 1;
  static constexpr std::uint64_t kInsideMask = 0x7fffffff;
  static constexpr std::uint64_t kOpen = std::uint64_t{1} << 31;
  static constexpr std::uint64_t kJob = std::uint64_t{1} << 32;

  std::atomic<std::uint64_t> gate{0};
  std::atomic<bool> stop{false};
  int count = 0;
  void (*job)(void*, int) = nullptr;
  void* context = nullptr;
  std::vector<std::thread> threads;

  // Returns when the gate is no longer `old`.
  void Await(std::uint64_t old) const {
    for (int i = 0; i < kSpins; ++i) {
      if (gate.load(std::memory_order_acquire) != old) return;
      Pause();
    }
    gate.wait(old, std::memory_order_acquire);
  }

  bool Enter() {
    std::uint64_t now = gate.load(std::memory_order_acquire);
    while ((now & kOpen) != 0) {
      if (gate.compare_exchange_weak(now, now + kInside, std::memory_order_acq_rel)) return true;
    }
    return false;
  }

  void Leave() {
    const std::uint64_t before = gate.fetch_sub(kInside, std::memory_order_acq_rel);
    if ((before & kOpen) == 0 && (before & kInsideMask) == 1) gate.notify_all();
  }

  void Work(int index) {
    std::uint64_t seen = 0;
    while (!stop.load(std::memory_order_acquire)) {
      const std::uint64_t now = gate.load(std::memory_order_acquire);
      if (now / kJob == seen / kJob) {
        Await(now);
        continue;
      }
      seen = now;
      if (!Enter()) continue;
      // The gate may have gone on to a later job meanwhile, which is then the one entered.
      seen = gate.load(std::memory_order_acquire);
      if (index < count) job(context, index);
      Leave();
    }
  }
};

// A loop while it runs: its portions, cut into runs of about the same length.
struct ParallelWork::SharedLoop {
  // Beyond this many, workers share runs.
  static constexpr int kMostRuns = 64;

  // Each in a cache line of its own: only at the end does a worker look at another's.
  struct alignas(64) Run {
    std::atomic<std::int64_t> next;  // portions, of all
    std::int64_t end;
  };

  SharedLoop(const Loop& of, std::int64_t portions, int wanted_runs) : loop(of) {
    run_count = std::max(1, std::min(wanted_runs, kMostRuns));
    for (int i = 0; i < run_count; ++i) {
      runs[i].next.store(portions * i / run_count, std::memory_order_relaxed);
      runs[i].end = portions * (i + 1) / run_count;
    }
  }

  void Work(int worker) {
    for (int i = 0; i < run_count; ++i) WorkThrough(runs[(worker + i) % run_count], worker);
  }

  void WorkThrough(Run& run, int worker) const {
    for (;;) {
      const std::int64_t portion = run.next.fetch_add(1, std::memory_order_relaxed);
      if (portion >= run.end) return;
      const std::int64_t first = portion * loop.grain;
      loop.call(loop.body, first, std::min(loop.items, first + loop.grain), worker);
    }
  }

  const Loop& loop;
  int run_count;
  Run runs[kMostRuns];  // the first run_count of them
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
  state_->gate.fetch_add(State::kJob, std::memory_order_acq_rel);
  state_->gate.notify_all();
  for (std::thread& thread : state_->threads) thread.join();
}

void ThreadPool::Run(int count, void (*job)(void*, int), void* context) noexcept {
  if (count <= 1 || threads_ == 1) {
    job(context, 0);
    return;
  }
  // The gate is closed and empty: nobody reads these now.
  state_->count = count;
  state_->job = job;
  state_->context = context;
  state_->gate.fetch_add(State::kJob + State::kOpen, std::memory_order_acq_rel);
  state_->gate.notify_all();
  job(context, 0);
  std::uint64_t now = state_->gate.fetch_sub(State::kOpen, std::memory_order_acq_rel) - State::kOpen;
  while ((now & State::kInsideMask) != 0) {
    state_->Await(now);
    now = state_->gate.load(std::memory_order_acquire);
  }
}

void ParallelWork::RunLoop(const Loop& loop, int runs) const noexcept {
  if (loop.items <= 0) return;
  const std::int64_t portions = (loop.items + loop.grain - 1) / loop.grain;
  const int count = static_cast<int>(std::min<std::int64_t>(std::max(1, workers()), portions));
  SharedLoop shared(loop, portions, std::min(runs, count));
  const auto job = [](void* context, int worker) { static_cast<SharedLoop*>(context)->Work(worker); };
  const std::lock_guard<std::mutex> lock(mutex_);
  if (count == 1) {
    job(&shared, 0);
  } else if (pool_) {
    pool_->Run(count, job, &shared);
  } else {
    runner_->Run(count, job, &shared);
  }
}

Result<std::unique_ptr<const ParallelWork>> MakeParallelWork(int threads,
                                                             std::shared_ptr<TaskRunner> runner) {
  constexpr int kMaxThreads = 4096;
  if (runner != nullptr) {
    const int concurrency = runner->concurrency();
    if (concurrency < 1 || concurrency > kMaxThreads) {
      return InvalidArgument("the runner's concurrency is %d, but must lie in 1 .. %d", concurrency,
                             kMaxThreads);
    }
    return std::make_unique<const ParallelWork>(std::move(runner));
  }
  if (threads < 0 || threads > kMaxThreads)
    return InvalidArgument("threads is %d, but must lie in 0 .. %d", threads, kMaxThreads);
  CARAT_ASSIGN_OR_RETURN(auto pool, ThreadPool::Create(threads == 0 ? AvailableProcessors() : threads));
  return std::make_unique<const ParallelWork>(std::move(pool));
}

}  // namespace internal
}  // namespace carat
