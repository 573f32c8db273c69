// How a reply looks while it comes.
#ifndef CARAT_EXAMPLES_CLI_CHAT_SCREEN_H_
#define CARAT_EXAMPLES_CLI_CHAT_SCREEN_H_

#include <string>
#include <string_view>

#include "carat/chat.h"
#include "carat/conversation.h"

namespace carat::cli {

// On a terminal thoughts are dimmed, and calls are shown. Elsewhere there is the answer alone.
class ChatScreen {
 public:
  ChatScreen();

  void Show(const ReplyEvent& event);
  // Ends the line that a reply has left, and whatever was dimmed.
  void EndReply();
  // What a tool said.
  void ShowResult(std::string_view result);

 private:
  void Write(std::string_view text);
  void Dim(bool on);
  void BeginLine();

  bool terminal_;
  bool colours_;
  bool dimmed_ = false;
  bool line_is_empty_ = true;
};

// "(the context is full; ...)" and the like; "" where nothing needs to be said.
std::string RemarkOn(ReplyEnd end);

void PrintReplyStatistics(const ReplyStats& stats, ReplyEnd end);

}  // namespace carat::cli

#endif  // CARAT_EXAMPLES_CLI_CHAT_SCREEN_H_
