#include "examples/cli/check/chat_cases.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string_view>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "carat/chat.h"
#include "carat/tokenizer.h"
#include "examples/cli/check/report.h"
#include "examples/cli/console.h"
#include "examples/cli/error.h"
#include "examples/cli/text_file.h"
#include "lib/base/json_tree.h"

namespace carat::cli {
namespace {

using internal::JsonValue;

struct NamedTokenizer {
  std::string path;
  Tokenizer tokenizer;
};

// A case in one form.
struct ChatCase {
  Result<std::vector<ChatMessage>> messages;
  Result<std::vector<ToolDefinition>> tools;
  ChatOptions options;
  std::optional<std::string> expected;  // none: the reference refuses
};

bool BooleanOr(const JsonValue& object, std::string_view key, bool otherwise) {
  const auto value = object.Find(key);
  return value && value->is_boolean() ? value->is_true() : otherwise;
}

std::optional<std::string> TextIfAny(const JsonValue& object, std::string_view key) {
  const auto value = object.Find(key);
  return value && value->is_string() ? std::optional(std::string(value->text())) : std::nullopt;
}

// With the digits that the file has.
std::string MemberAsJson(const JsonValue& object, std::string_view key) {
  const auto value = object.Find(key);
  return value ? internal::JsonTextOf(*value) : "null";
}

ChatCase ReadCase(const JsonValue& object, ChatForm form) {
  ChatCase chat_case{
      ParseChatMessages(MemberAsJson(object, "messages")), ParseTools(MemberAsJson(object, "tools")), {}, {}};
  chat_case.options.form = form;
  chat_case.options.thinking = BooleanOr(object, "enable_thinking", false);
  chat_case.options.preserve_thinking = BooleanOr(object, "preserve_thinking", false);
  chat_case.options.add_generation_prompt = BooleanOr(object, "add_generation_prompt", true);
  if (chat_case.tools.ok()) chat_case.options.tools = *chat_case.tools;
  const bool small = form == ChatForm::kSmall || !object.FindValue("expected_large");
  const bool large_is_small = BooleanOr(object, "expected_large_same", false);
  chat_case.expected = TextIfAny(object, small || large_is_small ? "expected_small" : "expected_large");
  return chat_case;
}

// The first place where two texts differ, with what is around it.
std::string Difference(const std::string& ours, const std::string& theirs) {
  const auto [ours_at, theirs_at] = std::mismatch(ours.begin(), ours.end(), theirs.begin(), theirs.end());
  const auto at = static_cast<std::size_t>(ours_at - ours.begin());
  const std::size_t begin = at > 20 ? at - 20 : 0;
  return absl::StrFormat("at byte %d: '%s', the reference has '%s'", at,
                         EscapeControl(ours.substr(begin, 60)), EscapeControl(theirs.substr(begin, 60)));
}

Finding CompareText(const std::string& what, const ChatCase& chat_case, const Result<std::string>& text) {
  Finding finding{what, false, "", {}, 0};
  if (!text.ok()) {
    finding.ok = !chat_case.expected.has_value();
    finding.detail = text.status().message();
  } else if (!chat_case.expected.has_value()) {
    finding.detail = "a prompt, but the reference refuses these messages";
  } else {
    finding.ok = *text == *chat_case.expected;
    if (!finding.ok) finding.detail = Difference(*text, *chat_case.expected);
  }
  return finding;
}

Result<std::string> RenderCase(const ChatCase& chat_case) {
  if (!chat_case.messages.ok()) return chat_case.messages.status();
  if (!chat_case.tools.ok()) return chat_case.tools.status();
  return RenderChatText(*chat_case.messages, chat_case.options);
}

// The ids must be those of the whole text where control tokens in messages are read as such; where they are
// not, the ids must still say the same text.
Finding CompareIds(const std::string& what, const ChatCase& chat_case, const std::string& text,
                   const Tokenizer& tokenizer) {
  ChatOptions options = chat_case.options;
  options.parse_special = true;
  const auto ids = ValueOrThrow(RenderChatTokens(tokenizer, *chat_case.messages, options));
  const auto wanted = ValueOrThrow(tokenizer.Encode(text, {.parse_special = true}));
  if (ids != wanted)
    return {what,
            false,
            absl::StrFormat("%s, the text has %s", absl::StrJoin(ids, " "), absl::StrJoin(wanted, " ")),
            {},
            0};
  const auto plain = ValueOrThrow(RenderChatTokens(tokenizer, *chat_case.messages, chat_case.options));
  const std::string decoded = ValueOrThrow(tokenizer.Decode(plain));
  return {what, decoded == text, decoded == text ? "" : Difference(decoded, text), {}, 0};
}

CaseReport CheckChatCase(const JsonValue& object, const std::string& name,
                         const std::vector<NamedTokenizer>& tokenizers) {
  CaseReport report{name, "", {}};
  for (const ChatForm form : {ChatForm::kSmall, ChatForm::kLarge}) {
    const std::string form_name = form == ChatForm::kSmall ? "small" : "large";
    const ChatCase chat_case = ReadCase(object, form);
    const Result<std::string> text = RenderCase(chat_case);
    report.findings.push_back(CompareText(form_name, chat_case, text));
    if (!text.ok()) continue;
    for (const NamedTokenizer& named : tokenizers)
      report.findings.push_back(CompareIds(form_name + " ids", chat_case, *text, named.tokenizer));
  }
  return report;
}

bool AllFine(const CaseReport& report) {
  return std::all_of(report.findings.begin(), report.findings.end(), [](const Finding& f) { return f.ok; });
}

// A line a case: "  ok       user_only    small, large".
void PrintRow(const CaseReport& report) {
  std::string line = absl::StrFormat("  %-8s %-48s", AllFine(report) ? "ok" : "DIFFERS", report.name);
  for (const Finding& finding : report.findings)
    line += absl::StrFormat(" %s%s", finding.what,
                            finding.ok ? (finding.detail.empty() ? "" : " refused") : " DIFFERS");
  WriteNow(line + "\n");
  for (const Finding& finding : report.findings) {
    if (!finding.ok) WriteNow(absl::StrFormat("           %s: %s\n", finding.what, finding.detail));
  }
}

}  // namespace

int CheckChatCases(const std::string& cases_path, const std::vector<std::string>& tokenizers, bool json) {
  std::vector<NamedTokenizer> named;
  named.reserve(tokenizers.size());
  for (const std::string& path : tokenizers) named.push_back({path, ValueOrThrow(Tokenizer::Load(path))});
  const std::string text = ReadTextFile(cases_path);
  const auto tree = ValueOrThrow(internal::JsonTree::Parse(text, cases_path));
  const auto cases = tree.root().Find("cases");
  if (!cases || !cases->is_array())
    throw Error(kExitBadInput, absl::StrFormat("%s: 'cases' should be a list", cases_path));
  RunReport run{
      cases_path, tokenizers.empty() ? "text" : "text and ids of " + absl::StrJoin(tokenizers, ", "), {}};
  int different = 0;
  if (!json) PrintRunHeader(run);
  for (std::size_t i = 0; i < cases->size(); ++i) {
    const JsonValue one = (*cases)[i];
    if (!one.is_object())
      throw Error(kExitBadInput, absl::StrFormat("%s: case %d is no object", cases_path, i));
    run.cases.push_back(
        CheckChatCase(one, TextIfAny(one, "name").value_or(absl::StrFormat("case %d", i)), named));
    if (!AllFine(run.cases.back())) ++different;
    if (!json) PrintRow(run.cases.back());
  }
  if (run.cases.empty()) throw Error(kExitBadInput, cases_path + ": it has no cases");
  if (json) {
    WriteNow(ReportAsJson({run}));
  } else if (different == 0) {
    WriteNow(absl::StrFormat("%d cases, all equal in both forms\n", run.cases.size()));
  } else {
    WriteNow(absl::StrFormat("%d of %d cases DIFFER\n", different, run.cases.size()));
  }
  return different;
}

}  // namespace carat::cli
