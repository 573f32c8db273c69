// What this machine can do at most, measured: the limits that speeds are compared with.
#ifndef CARAT_EXAMPLES_CLI_PEAKS_H_
#define CARAT_EXAMPLES_CLI_PEAKS_H_

namespace carat::cli {

// Of all given threads together, the best of some short runs. 0 where the machine has no such instruction.
struct MachinePeaks {
  double read_bytes = 0;  // bytes a second, read from memory in one stream a thread
  double int8 = 0;        // 8-bit integer operations a second (a multiply-add is two) with VNNI, else AVX2
  double bf16 = 0;        // bf16 operations a second with AVX512-BF16
  double float32 = 0;     // float32 operations a second
};

// Takes about a second and 512 MB.
MachinePeaks MeasurePeaks(int threads);

}  // namespace carat::cli

#endif  // CARAT_EXAMPLES_CLI_PEAKS_H_
