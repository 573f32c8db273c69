// Which of the two forms a checkpoint's chat template has.
#ifndef CARAT_LIB_CHAT_CHAT_FORM_H_
#define CARAT_LIB_CHAT_CHAT_FORM_H_

#include <optional>
#include <string>
#include <string_view>

#include "carat/chat.h"

namespace carat::internal {

// By the text of a template: the large form is the one that writes an empty thought channel.
ChatForm FormOfTemplate(std::string_view text);

// By a checkpoint folder's chat_template.jinja, or else by chat_template in its tokenizer_config.json;
// nothing if it has neither, or they cannot be read.
std::optional<ChatForm> FormOfFolder(const std::string& folder);

}  // namespace carat::internal

#endif  // CARAT_LIB_CHAT_CHAT_FORM_H_
