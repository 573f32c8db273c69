#include "lib/chat/chat_form.h"

#include "lib/base/file_mapping.h"
#include "lib/base/json.h"

namespace carat::internal {
namespace {

// tokenizer_config.json has one template, or a list of named ones.
std::optional<ChatForm> FormInTokenizerConfig(const std::string& file) {
  const auto document = JsonDocument::ParseFile(file);
  if (!document.ok()) return std::nullopt;
  const auto config = JsonObject::From(document->root(), file, "");
  if (!config.ok()) return std::nullopt;
  const auto value = config->Find("chat_template");
  if (!value) return std::nullopt;
  std::string_view text;
  if (value->get(text) == simdjson::SUCCESS) return FormOfTemplate(text);
  simdjson::dom::array list;
  if (value->get(list) != simdjson::SUCCESS) return std::nullopt;
  for (const simdjson::dom::element entry : list) {
    std::string_view name;
    if (entry["name"].get(name) == simdjson::SUCCESS && name == "default" &&
        entry["template"].get(text) == simdjson::SUCCESS)
      return FormOfTemplate(text);
  }
  return std::nullopt;
}

}  // namespace

ChatForm FormOfTemplate(std::string_view text) {
  // In the source of a template a newline is written as \n, in one that is not Jinja it may be itself.
  const bool large = text.find("<|channel>thought\\n<channel|>") != std::string_view::npos ||
                     text.find("<|channel>thought\n<channel|>") != std::string_view::npos;
  return large ? ChatForm::kLarge : ChatForm::kSmall;
}

std::optional<ChatForm> FormOfFolder(const std::string& folder) {
  const std::string file = folder + "/chat_template.jinja";
  if (FileExists(file)) {
    const auto mapping = FileMapping::Open(file);
    if (mapping.ok()) {
      const auto bytes = (*mapping)->bytes();
      return FormOfTemplate({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    }
  }
  const std::string config = folder + "/tokenizer_config.json";
  return FileExists(config) ? FormInTokenizerConfig(config) : std::nullopt;
}

}  // namespace carat::internal
