// What the functions of chat share.
#ifndef CARAT_CAPI_CHAT_H_
#define CARAT_CAPI_CHAT_H_

#include <string>

#include "capi/carat.h"
#include "carat/chat.h"

namespace carat::capi {

// Null is the defaults. Errors: INVALID_ARGUMENT naming the member.
Result<ChatOptions> ToChatOptions(const carat_chat_options* given);

// An event whose texts are those of `event`, lent.
carat_reply_event ToEvent(const ReplyEvent& event);

}  // namespace carat::capi

struct carat_chat_message {
  carat::ChatMessage value;
  std::string shown_text;  // lent to the host

  void ShowText() {
    if (value.parts.empty()) shown_text = value.text;
    if (value.parts.empty()) return;
    shown_text.clear();
    for (const carat::ChatPart& part : value.parts) shown_text += part.text;
  }
};

#endif  // CARAT_CAPI_CHAT_H_
