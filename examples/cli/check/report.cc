#include "examples/cli/check/report.h"

#include "absl/strings/str_format.h"
#include "examples/cli/console.h"
#include "examples/cli/json_writer.h"

namespace carat::cli {
namespace {

std::string Line(const CaseReport& report, const Finding& finding) {
  std::string line =
      absl::StrFormat("  %-8s %-16s %-14s ", finding.ok ? "ok" : "DIFFERS", report.name, finding.what);
  if (finding.error.has_value())
    line += absl::StrFormat("largest error %.2e of %.0e allowed, ", *finding.error, finding.tolerance);
  return line + finding.detail + "\n";
}

void WriteFinding(JsonWriter& json, const Finding& finding) {
  json.BeginObject();
  json.Key("what").String(finding.what);
  json.Key("ok").Boolean(finding.ok);
  if (finding.error.has_value()) {
    json.Key("error").Number(*finding.error);
    json.Key("tolerance").Number(finding.tolerance);
  }
  json.Key("detail").String(finding.detail);
  json.EndObject();
}

void WriteCase(JsonWriter& json, const CaseReport& report) {
  json.BeginObject();
  json.Key("name").String(report.name);
  if (!report.skipped.empty()) json.Key("skipped").String(report.skipped);
  json.Key("findings").BeginArray();
  for (const Finding& finding : report.findings) WriteFinding(json, finding);
  json.EndArray();
  json.EndObject();
}

}  // namespace

ReportTotals Count(const std::vector<RunReport>& runs) {
  ReportTotals totals;
  for (const RunReport& run : runs) {
    for (const CaseReport& report : run.cases) {
      if (!report.skipped.empty()) ++totals.skipped;
      for (const Finding& finding : report.findings) {
        ++totals.findings;
        if (!finding.ok) ++totals.different;
      }
    }
  }
  return totals;
}

void PrintRunHeader(const RunReport& run) {
  WriteNow(absl::StrFormat("%s: %s\n", run.folder, run.configuration));
}

void PrintCase(const CaseReport& report) {
  if (!report.skipped.empty())
    WriteNow(absl::StrFormat("  %-8s %-16s %s\n", "skipped", report.name, report.skipped));
  for (const Finding& finding : report.findings) WriteNow(Line(report, finding));
}

void PrintTotals(const ReportTotals& totals) {
  std::string line = totals.different == 0
                         ? absl::StrFormat("%d comparisons, none beyond its tolerance", totals.findings)
                         : absl::StrFormat("%d of %d comparisons DIFFER", totals.different, totals.findings);
  if (totals.skipped > 0) line += absl::StrFormat("; %d cases skipped", totals.skipped);
  WriteNow(line + "\n");
}

std::string ReportAsJson(const std::vector<RunReport>& runs) {
  JsonWriter json;
  json.BeginObject();
  json.Key("runs").BeginArray();
  for (const RunReport& run : runs) {
    json.BeginObject();
    json.Key("folder").String(run.folder);
    json.Key("configuration").String(run.configuration);
    json.Key("cases").BeginArray();
    for (const CaseReport& report : run.cases) WriteCase(json, report);
    json.EndArray();
    json.EndObject();
  }
  json.EndArray();
  const ReportTotals totals = Count(runs);
  json.Key("findings").Integer(totals.findings);
  json.Key("different").Integer(totals.different);
  json.Key("skipped").Integer(totals.skipped);
  json.EndObject();
  return json.text() + "\n";
}

}  // namespace carat::cli
