#include "examples/cli/interrupts.h"

#include <pthread.h>
#include <unistd.h>

#include <utility>

namespace carat::cli {

Interrupts::Interrupts(Signals signals) {
  sigemptyset(&set_);
  sigaddset(&set_, SIGINT);
  if (signals == Signals::kAllEnding) {
    sigaddset(&set_, SIGTERM);
    sigaddset(&set_, SIGHUP);
  }
  pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  watcher_ = std::thread(&Interrupts::Watch, this);
}

Interrupts::~Interrupts() {
  ending_.store(true);
  pthread_kill(watcher_.native_handle(), SIGINT);  // wakes the watcher, and only it
  watcher_.join();
  pthread_sigmask(SIG_UNBLOCK, &set_, nullptr);
}

void Interrupts::Watch() {
  for (;;) {
    int signal = 0;
    if (sigwait(&set_, &signal) != 0 || ending_.load()) return;
    if (seen_.exchange(true)) _exit(128 + signal);
    signal_.store(signal);
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
