// What carat check found out, and how it is shown.
#ifndef CARAT_EXAMPLES_CLI_CHECK_REPORT_H_
#define CARAT_EXAMPLES_CLI_CHECK_REPORT_H_

#include <optional>
#include <string>
#include <vector>

namespace carat::cli {

// One thing of one case that was recomputed and compared.
struct Finding {
  std::string what;  // "logits"
  bool ok = false;
  std::string detail;           // where the largest error is, or which ids differ
  std::optional<double> error;  // the largest, if numbers were compared
  double tolerance = 0;
};

struct CaseReport {
  std::string name;
  std::string skipped;  // why nothing was compared; empty if something was
  std::vector<Finding> findings;
};

// All cases of a folder under one configuration.
struct RunReport {
  std::string folder;
  std::string configuration;  // "2 threads, chunk 512, kv float32, avx512"
  std::vector<CaseReport> cases;
};

struct ReportTotals {
  int findings = 0;
  int different = 0;
  int skipped = 0;  // cases
};
ReportTotals Count(const std::vector<RunReport>& runs);

void PrintRunHeader(const RunReport& run);
void PrintCase(const CaseReport& report);
void PrintTotals(const ReportTotals& totals);

std::string ReportAsJson(const std::vector<RunReport>& runs);

}  // namespace carat::cli

#endif  // CARAT_EXAMPLES_CLI_CHECK_REPORT_H_
