// machine_peaks [THREADS]: the limits of this machine.
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "examples/cli/peaks.h"

int main(int argc, char** argv) {
  const int threads = argc > 1 ? std::atoi(argv[1]) : static_cast<int>(std::thread::hardware_concurrency());
  if (threads < 1) {
    std::fprintf(stderr, "usage: machine_peaks [THREADS]\n");
    return 2;
  }
  const carat::cli::MachinePeaks peaks = carat::cli::MeasurePeaks(threads);
  std::printf("%d threads: read %.1f GB/s, int8 %.2f, bf16 %.2f, float32 %.2f T operations/s\n", threads,
              peaks.read_bytes * 1e-9, peaks.int8 * 1e-12, peaks.bf16 * 1e-12, peaks.float32 * 1e-12);
  return 0;
}
