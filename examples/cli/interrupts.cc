#include "examples/cli/interrupts.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <utility>

#include "examples/cli/error.h"

namespace carat::cli {
namespace {

sigset_t InterruptSignal() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  return set;
}

}  // namespace

Interrupts::Interrupts() {
  const sigset_t set = InterruptSignal();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  watcher_ = std::thread(&Interrupts::Watch, this);
}

Interrupts::~Interrupts() {
  ending_.store(true);
  pthread_kill(watcher_.native_handle(), SIGINT);  // wakes the watcher, and only it
  watcher_.join();
  const sigset_t set = InterruptSignal();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

void Interrupts::Watch() {
  const sigset_t set = InterruptSignal();
  for (;;) {
    int signal = 0;
    if (sigwait(&set, &signal) != 0 || ending_.load()) return;
    if (seen_.exchange(true)) _exit(kExitInterrupted);
    const std::lock_guard<std::mutex> lock(mutex_);
    if (handler_) handler_();
  }
}

void Interrupts::SetHandler(std::function<void()> handler) {
  const std::lock_guard<std::mutex> lock(mutex_);
  handler_ = std::move(handler);
}

Interrupts::Handler::Handler(Interrupts& interrupts, std::function<void()> handler)
    : interrupts_(interrupts) {
  interrupts_.SetHandler(std::move(handler));
}

Interrupts::Handler::~Handler() {
  interrupts_.SetHandler({});
}

}  // namespace carat::cli
