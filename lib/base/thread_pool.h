// Parallel loops over carat's own threads, or over the host's.
#ifndef CARAT_LIB_BASE_THREAD_POOL_H_
#define CARAT_LIB_BASE_THREAD_POOL_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>

#include "carat/model.h"

namespace carat::internal {

// Threads that spin for some microseconds between tasks and sleep when there is nothing to do. Run is not
// re-entrant and is called by one thread at a time (ParallelWork sees to both).
class ThreadPool final : public TaskRunner {
 public:
  // Starts threads-1 threads. Errors: RESOURCE_EXHAUSTED if the system gives no more.
  static Result<std::shared_ptr<ThreadPool>> Create(int threads);
  ~ThreadPool() override;

  int concurrency() const noexcept override { return threads_; }
  void Run(int count, void (*task)(void* context, int index), void* context) noexcept override;

 private:
  struct State;
  ThreadPool(int threads, std::unique_ptr<State> state);

  int threads_;
  std::unique_ptr<State> state_;
};

// Splits loops into items that any worker may take. What an item computes never depends on who takes it or on
// how many workers there are, and so no result does.
class ParallelWork {
 public:
  explicit ParallelWork(std::shared_ptr<ThreadPool> pool)
      : pool_(std::move(pool)), workers_(pool_->concurrency()) {}
  explicit ParallelWork(std::shared_ptr<TaskRunner> runner)
      : runner_(std::move(runner)), workers_(runner_->concurrency()) {}

  int workers() const noexcept { return workers_; }

  // How many items of this size, in arithmetic operations, are worth handing out together: below some
  // microseconds of work other threads only get in each other's way.
  static std::int64_t Grain(std::int64_t operations_per_item) noexcept {
    constexpr std::int64_t kWorthwhile = 65536;
    return operations_per_item >= kWorthwhile
               ? 1
               : kWorthwhile / (operations_per_item < 1 ? 1 : operations_per_item);
  }

  // Calls body(item, worker) for item in [0, items); worker < workers() names the scratch that the call may
  // use. Items are handed out in ascending order, `grain` at a time. Sessions of one model take turns. The
  // body must not throw.
  template <typename Body>
  void For(std::int64_t items, std::int64_t grain, Body&& body) const noexcept {
    RunLoop(MakeLoop(items, grain, body), 1);
  }

  template <typename Body>
  void For(std::int64_t items, Body&& body) const noexcept {
    For(items, 1, body);
  }

  // The same for loops that stream memory, item after item: the items are cut into one run for each worker,
  // who works through its own and then helps in the others'. A thread alone in its part of memory reads
  // faster than several that alternate in one, where each crosses what the processor has read ahead for
  // another.
  template <typename Body>
  void ForRuns(std::int64_t items, std::int64_t grain, Body&& body) const noexcept {
    RunLoop(MakeLoop(items, grain, body), workers());
  }

 private:
  struct Loop {
    std::int64_t items;
    std::int64_t grain;
    void* body;
    void (*call)(void* body, std::int64_t first, std::int64_t last, int worker);
  };

  template <typename Body>
  static Loop MakeLoop(std::int64_t items, std::int64_t grain, Body& body) noexcept {
    return {items, grain < 1 ? 1 : grain, const_cast<void*>(static_cast<const void*>(&body)),
            [](void* context, std::int64_t first, std::int64_t last, int worker) {
              auto& call = *static_cast<Body*>(context);
              for (std::int64_t i = first; i < last; ++i) call(i, worker);
            }};
  }
  struct SharedLoop;
  void RunLoop(const Loop& loop, int runs) const noexcept;

  std::shared_ptr<ThreadPool> pool_;    // ours, or
  std::shared_ptr<TaskRunner> runner_;  // the host's
  // A host's runner is asked once: scratch memory is made for so many.
  int workers_;
  mutable std::mutex mutex_;
};

// The host's runner, or if there is none, that many threads of carat's own, 0 being one for each processor.
// Errors: INVALID_ARGUMENT for a number out of range, RESOURCE_EXHAUSTED.
Result<std::unique_ptr<const ParallelWork>> MakeParallelWork(int threads, std::shared_ptr<TaskRunner> runner);

}  // namespace carat::internal

#endif  // CARAT_LIB_BASE_THREAD_POOL_H_
