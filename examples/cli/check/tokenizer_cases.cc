#include "examples/cli/check/tokenizer_cases.h"

#include <cstdint>
#include <string_view>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "carat/tokenizer.h"
#include "examples/cli/check/json_reading.h"
#include "examples/cli/check/report.h"
#include "examples/cli/console.h"
#include "examples/cli/error.h"

namespace carat::cli {
namespace {

Finding CompareIds(const std::vector<std::int32_t>& ours, const std::vector<std::int32_t>& theirs) {
  const bool equal = ours == theirs;
  return {"ids",
          equal,
          equal ? ""
                : absl::StrFormat("%s, the reference has %s", absl::StrJoin(ours, " "),
                                  absl::StrJoin(theirs, " ")),
          {},
          0};
}

Finding CompareTexts(const char* what, const std::string& ours, const std::string& theirs) {
  const bool equal = ours == theirs;
  return {what,
          equal,
          equal ? ""
                : absl::StrFormat("'%s', the reference has '%s'", EscapeControl(ours), EscapeControl(theirs)),
          {},
          0};
}

CaseReport CheckTokenizerCase(const Tokenizer& tokenizer, const JsonObject& object, std::size_t index) {
  CaseReport report{absl::StrFormat("case %d", index), "", {}};
  const std::vector<std::int32_t> ids = object.Integers("ids");
  const auto encoded = ValueOrThrow(tokenizer.Encode(object.String("text"), {.parse_special = true}));
  report.findings.push_back(CompareIds(encoded, ids));
  if (const auto decoded = object.StringIfAny("decoded"))
    report.findings.push_back(CompareTexts("decoded", ValueOrThrow(tokenizer.Decode(ids)), *decoded));
  if (const auto decoded = object.StringIfAny("decoded_skip"))
    report.findings.push_back(
        CompareTexts("decoded_skip", ValueOrThrow(tokenizer.Decode(ids, {.skip_special = true})), *decoded));
  return report;
}

// Only what differs: hundreds of equal cases would hide it.
void KeepDifferences(CaseReport& report) {
  std::erase_if(report.findings, [](const Finding& finding) { return finding.ok; });
}

}  // namespace

int CheckTokenizerCases(const std::string& tokenizer_path, const std::string& cases_path, bool json) {
  const Tokenizer tokenizer = ValueOrThrow(Tokenizer::Load(tokenizer_path));
  const JsonFile file(cases_path);
  RunReport run{cases_path, tokenizer_path, {}};
  int different = 0;
  std::size_t count = 0;
  for (const simdjson::dom::element element : JsonObject(file.root(), cases_path).Array("cases")) {
    const JsonObject object(element, absl::StrFormat("%s: case %d", cases_path, count));
    CaseReport report = CheckTokenizerCase(tokenizer, object, count++);
    if (json) run.cases.push_back(report);
    KeepDifferences(report);
    if (report.findings.empty()) continue;
    ++different;
    if (!json) {
      WriteNow(absl::StrFormat("case %d: '%s'\n", count - 1, EscapeControl(object.String("text"))));
      PrintCase(report);
    }
  }
  if (count == 0) throw Error(kExitBadInput, cases_path + ": it has no cases");
  if (json) {
    WriteNow(ReportAsJson({run}));
  } else if (different == 0) {
    WriteNow(absl::StrFormat("%d cases, all equal\n", count));
  } else {
    WriteNow(absl::StrFormat("%d of %d cases DIFFER\n", different, count));
  }
  return different;
}

}  // namespace carat::cli
