// Lines that a person types: with editing and history on a terminal, as they come otherwise.
#ifndef CARAT_EXAMPLES_CLI_LINE_EDITOR_H_
#define CARAT_EXAMPLES_CLI_LINE_EDITOR_H_

#include <memory>
#include <string>

namespace carat::cli {

class LineEditor {
 public:
  enum class Outcome { kLine, kEnd, kInterrupted };

  // `history_file` keeps lines from one run to the next; "": only while the program runs.
  LineEditor(std::string prompt, std::string history_file);
  ~LineEditor();
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  // The next line, without its newline.
  Outcome Read(std::string& line);

  // Makes a running Read give up the line and return kInterrupted, where lines are edited; any thread. False
  // where they are not: the terminal has dropped what was typed, and Read goes on.
  bool Interrupt();

  // Where history is kept by default: chat_history in carat's folder of the user's state; "" without a home.
  static std::string DefaultHistoryFile();

 private:
  class Editing;  // libedit, if it was there when the program was built
  std::string prompt_;
  std::unique_ptr<Editing> editing_;  // null: lines are not edited
};

}  // namespace carat::cli

#endif  // CARAT_EXAMPLES_CLI_LINE_EDITOR_H_
