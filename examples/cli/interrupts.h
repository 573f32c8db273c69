// Ctrl-C, without code in a signal handler.
#ifndef CARAT_EXAMPLES_CLI_INTERRUPTS_H_
#define CARAT_EXAMPLES_CLI_INTERRUPTS_H_

#include <signal.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <thread>

namespace carat::cli {

// While one of these lives, SIGINT (with kAllEnding also SIGTERM and SIGHUP) is blocked and a thread waits
// for it: it runs the handler there, as ordinary code, where locks and Session::Cancel are allowed. A second
// Ctrl-C before the first was Clear()ed ends the process at once, in case the work does not notice the first.
// Make it before any thread is started (before a model is loaded), for threads inherit what is blocked. One
// at a time.
class Interrupts {
 public:
  enum class Signals { kInterrupt, kAllEnding };
  explicit Interrupts(Signals signals = Signals::kInterrupt);
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  bool seen() const { return seen_.load(); }
  // What a shell calls the end of a process by the first signal that was seen: 128 and the signal's number.
  int exit_code() const { return 128 + signal_.load(); }
  void Clear() { seen_.store(false); }

  // What to do at a Ctrl-C while this lives. When it is gone the handler is not running any more.
  class Handler {
   public:
    Handler(Interrupts& interrupts, std::function<void()> handler);
    ~Handler();
    Handler(const Handler&) = delete;
    Handler& operator=(const Handler&) = delete;

   private:
    Interrupts& interrupts_;
  };

 private:
  void Watch();
  void SetHandler(std::function<void()> handler);

  sigset_t set_;
  std::atomic<int> signal_{SIGINT};
  std::atomic<bool> seen_{false};
  std::atomic<bool> ending_{false};
  std::mutex mutex_;  // guards handler_, and is held while it runs
  std::function<void()> handler_;
  std::thread watcher_;
};

}  // namespace carat::cli

#endif  // CARAT_EXAMPLES_CLI_INTERRUPTS_H_
