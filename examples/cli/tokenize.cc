// carat tokenize: text to token ids, or back.
#include <charconv>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "carat/tokenizer.h"
#include "examples/cli/command.h"
#include "examples/cli/console.h"
#include "examples/cli/error.h"
#include "examples/cli/json_writer.h"
#include "examples/cli/options.h"

namespace carat::cli {
namespace {

struct TokenizeArguments {
  std::string path;
  std::optional<std::string> text;
  std::optional<std::string> decode;
  bool bos = false;
  bool parse_special = false;
  bool skip_special = false;
  bool ids_only = false;
  bool json = false;
};

std::vector<std::int32_t> ParseIds(const std::string& text) {
  std::vector<std::int32_t> ids;
  for (const std::string& part :
       std::vector<std::string>(absl::StrSplit(text, absl::ByAnyChar(", \t\r\n[]"), absl::SkipEmpty()))) {
    std::int32_t id = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), id);
    if (error != std::errc{} || end != part.data() + part.size())
      throw Error(kExitBadInput, absl::StrFormat("'%s' is not a token id", part));
    ids.push_back(id);
  }
  return ids;
}

std::string AsJson(const Tokenizer& tokenizer, const std::vector<std::int32_t>& ids, std::string_view text) {
  JsonWriter json;
  json.BeginObject();
  json.Key("text").String(text);
  json.Key("ids").BeginArray();
  for (const std::int32_t id : ids) json.Integer(id);
  json.EndArray();
  json.Key("pieces").BeginArray();
  for (const std::int32_t id : ids) json.String(tokenizer.Piece(id));
  json.EndArray();
  json.EndObject();
  return json.text() + "\n";
}

std::string AsTable(const Tokenizer& tokenizer, const std::vector<std::int32_t>& ids) {
  std::string table;
  for (const std::int32_t id : ids)
    table += absl::StrFormat("%d\t%s\n", id, EscapeControl(tokenizer.Piece(id)));
  return table;
}

int Tokenize(const TokenizeArguments& arguments) {
  const Tokenizer tokenizer = ValueOrThrow(Tokenizer::Load(arguments.path));
  if (arguments.decode.has_value()) {
    const std::vector<std::int32_t> ids = ParseIds(TextOrInput(arguments.decode));
    const std::string text = ValueOrThrow(tokenizer.Decode(ids, {.skip_special = arguments.skip_special}));
    WriteNow(arguments.json ? AsJson(tokenizer, ids, text) : text + "\n");
    return kExitSuccess;
  }
  const std::string text = TextOrInput(arguments.text);
  const std::vector<std::int32_t> ids = ValueOrThrow(
      tokenizer.Encode(text, {.parse_special = arguments.parse_special, .add_bos = arguments.bos}));
  if (arguments.json) {
    WriteNow(AsJson(tokenizer, ids, text));
  } else if (arguments.ids_only) {
    WriteNow(absl::StrJoin(ids, " ") + "\n");
  } else {
    WriteNow(AsTable(tokenizer, ids));
  }
  return kExitSuccess;
}

}  // namespace

Command AddTokenize(CLI::App& program) {
  auto arguments = std::make_shared<TokenizeArguments>();
  CLI::App* command = program.add_subcommand("tokenize", "Show the tokens of a text, or the text of tokens");
  constexpr char kGroup[] = "Text";
  AddPositional(*command, "MODEL", arguments->path, "A checkpoint, a tokenizer.json or a tokenizer.model");
  CLI::Option* text = command->add_option("TEXT", arguments->text, "The text; '-' or none: standard input");
  AddValue(*command, kGroup, "--decode", arguments->decode, "IDS",
           "Print the text of these ids instead (\"2,105 9731\"; '-': standard input)")
      ->excludes(text);
  AddFlag(*command, kGroup, "--bos", arguments->bos, "Put <bos> in front unless it is there");
  AddFlag(*command, kGroup, "--parse-special", arguments->parse_special,
          "Read control tokens in the text (\"<|turn>\") as such, not as text");
  AddFlag(*command, kGroup, "--skip-special", arguments->skip_special,
          "With --decode: leave control tokens out");
  AddFlag(*command, kGroup, "--ids-only", arguments->ids_only,
          "Only the ids, on one line, not a line a token");
  AddFlag(*command, kGroup, "--json", arguments->json, "Text, ids and pieces as JSON");
  return {command, [arguments] { return Tokenize(*arguments); }};
}

}  // namespace carat::cli
