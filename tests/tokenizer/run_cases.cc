// Holds any tokenizer to any file of cases, and says how fast it is.
//
// usage: run_cases TOKENIZER CASES.json...
#include <chrono>
#include <cstdio>
#include <string>

#include "tests/tokenizer/case_comparison.h"

namespace {

double Milliseconds(std::chrono::steady_clock::time_point since) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - since).count();
}

// Prints the first differences; how many cases differ.
int RunCases(const carat::Tokenizer& tokenizer, const std::string& path) {
  const auto cases = carat::testing::ReadTokenizerCases(path);
  if (!cases.ok()) {
    std::printf("%s\n", cases.status().ToString().c_str());
    return 1;
  }
  int differing = 0;
  for (const auto& one : *cases) {
    const auto differences = carat::testing::Differences(tokenizer, one);
    if (differences.empty()) continue;
    if (++differing > 10) continue;
    for (const std::string& difference : differences) std::printf("%s\n", difference.c_str());
  }
  std::string all;
  for (const auto& one : *cases) all += one.text.value_or("");
  const auto start = std::chrono::steady_clock::now();
  const auto ids = tokenizer.Encode(all, {.parse_special = true});
  const double ms = Milliseconds(start);
  std::printf("%s: %zu cases, %d differ; all of them as one text: %zu bytes, %zu ids, %.1f ms, %.1f MB/s\n",
              path.c_str(), cases->size(), differing, all.size(), ids.ok() ? ids->size() : 0, ms,
              static_cast<double>(all.size()) / 1e3 / ms);
  return differing;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::printf("usage: run_cases TOKENIZER CASES.json...\n");
    return 2;
  }
  const auto start = std::chrono::steady_clock::now();
  const auto tokenizer = carat::Tokenizer::Load(argv[1]);
  if (!tokenizer.ok()) {
    std::printf("%s\n", tokenizer.status().ToString().c_str());
    return 1;
  }
  std::printf("%s: %d ids, loaded in %.0f ms\n", argv[1], tokenizer->vocabulary_size(), Milliseconds(start));
  int differing = 0;
  for (int i = 2; i < argc; ++i) differing += RunCases(*tokenizer, argv[i]);
  return differing == 0 ? 0 : 1;
}
