#include "examples/cli/line_editor.h"

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string_view>
#include <utility>

#include "examples/cli/console.h"

#ifdef CARAT_HAS_LIBEDIT
#include <fcntl.h>
#include <histedit.h>
#include <langinfo.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <clocale>
#include <cwchar>
#include <filesystem>
#endif

namespace carat::cli {

#ifdef CARAT_HAS_LIBEDIT

namespace {

constexpr int kMostLines = 1000;

// A terminal that can move its cursor.
bool TerminalCanEdit() {
  const char* kind = std::getenv("TERM");
  return InputIsTerminal() && ErrorOutputIsTerminal() && kind != nullptr &&
         std::string_view(kind) != "dumb" && *kind != '\0';
}

}  // namespace

class LineEditor::Editing {
 public:
  Editing(const std::string& prompt, std::string history_file)
      : prompt_(prompt), history_file_(std::move(history_file)) {
    // What is typed is UTF-8, whatever the person's language.
    std::setlocale(LC_CTYPE, "");
    if (std::string_view(nl_langinfo(CODESET)) != "UTF-8") std::setlocale(LC_CTYPE, "C.UTF-8");
    if (pipe2(wake_.data(), O_CLOEXEC | O_NONBLOCK) != 0) wake_ = {-1, -1};
    editor_ = el_init("carat", stdin, stderr, stderr);
    history_ = history_init();
    if (!usable()) return;
    HistEvent event;
    history(history_, &event, H_SETSIZE, kMostLines);
    history(history_, &event, H_SETUNIQUE, 1);
    if (!history_file_.empty()) history(history_, &event, H_LOAD, history_file_.c_str());
    el_set(editor_, EL_CLIENTDATA, this);
    el_set(editor_, EL_PROMPT, &Prompt);
    el_set(editor_, EL_EDITOR, "emacs");
    el_set(editor_, EL_HIST, history, history_);
    el_set(editor_, EL_GETCFN, &GetCharacter);
    el_set(editor_, EL_BIND, "^R", "em-inc-search-prev", nullptr);
  }

  ~Editing() {
    Save();
    if (history_ != nullptr) history_end(history_);
    if (editor_ != nullptr) el_end(editor_);
    for (const int end : wake_) {
      if (end >= 0) close(end);
    }
  }
  Editing(const Editing&) = delete;
  Editing& operator=(const Editing&) = delete;

  bool usable() const { return editor_ != nullptr && history_ != nullptr && wake_[0] >= 0; }

  Outcome Read(std::string& line) {
    interrupted_ = false;
    Drain();
    int count = 0;
    const char* typed = el_gets(editor_, &count);
    if (typed == nullptr || count <= 0) {
      if (interrupted_) el_reset(editor_);
      return interrupted_ ? Outcome::kInterrupted : Outcome::kEnd;
    }
    line.assign(typed, static_cast<std::size_t>(count));
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.pop_back();
    if (line.find_first_not_of(" \t") != std::string::npos) {
      HistEvent event;
      history(history_, &event, H_ENTER, line.c_str());
    }
    return Outcome::kLine;
  }

  void Interrupt() {
    const char byte = 0;
    if (write(wake_[1], &byte, 1) < 0) return;  // full: it is awake
  }

 private:
  static Editing& Of(EditLine* editor) {
    void* self = nullptr;
    el_get(editor, EL_CLIENTDATA, &self);
    return *static_cast<Editing*>(self);
  }
  static char* Prompt(EditLine* editor) { return Of(editor).prompt_.data(); }

  void Drain() {
    std::array<char, 64> bytes;
    while (read(wake_[0], bytes.data(), bytes.size()) > 0) {
    }
  }

  // 1, and the next character; 0 at the end; -1 for an interrupt.
  static int GetCharacter(EditLine* editor, wchar_t* character) {
    Editing& self = Of(editor);
    std::mbstate_t state{};
    for (;;) {
      std::array<pollfd, 2> sources = {pollfd{STDIN_FILENO, POLLIN, 0}, pollfd{self.wake_[0], POLLIN, 0}};
      if (poll(sources.data(), sources.size(), -1) < 0) {
        if (errno == EINTR) continue;
        return -1;
      }
      if (sources[1].revents != 0) {
        self.interrupted_ = true;
        errno = EINTR;
        return -1;
      }
      char byte = 0;
      const ssize_t count = read(STDIN_FILENO, &byte, 1);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return static_cast<int>(count);
      const std::size_t length = std::mbrtowc(character, &byte, 1, &state);
      if (length == static_cast<std::size_t>(-2)) continue;  // the beginning of one
      if (length == static_cast<std::size_t>(-1)) {
        state = {};
        continue;
      }
      return 1;
    }
  }

  void Save() {
    if (history_file_.empty() || !usable()) return;
    std::error_code failed;  // no history is no reason to complain
    const auto folder = std::filesystem::path(history_file_).parent_path();
    std::filesystem::create_directories(folder, failed);
    HistEvent event;
    const mode_t before = umask(077);  // what was typed is nobody else's business
    history(history_, &event, H_SAVE, history_file_.c_str());
    umask(before);
  }

  std::string prompt_;
  std::string history_file_;
  EditLine* editor_ = nullptr;
  History* history_ = nullptr;
  std::array<int, 2> wake_ = {-1, -1};
  bool interrupted_ = false;
};

LineEditor::LineEditor(std::string prompt, std::string history_file) : prompt_(std::move(prompt)) {
  if (!TerminalCanEdit()) return;
  editing_ = std::make_unique<Editing>(prompt_, std::move(history_file));
  if (!editing_->usable()) editing_.reset();
}

#else

class LineEditor::Editing {
 public:
  Outcome Read(std::string&) { return Outcome::kEnd; }
  void Interrupt() {}
};

LineEditor::LineEditor(std::string prompt, std::string) : prompt_(std::move(prompt)) {}

#endif

LineEditor::~LineEditor() = default;

LineEditor::Outcome LineEditor::Read(std::string& line) {
  if (editing_ != nullptr) return editing_->Read(line);
  if (InputIsTerminal()) std::fputs(prompt_.c_str(), stderr);
  return std::getline(std::cin, line) ? Outcome::kLine : Outcome::kEnd;
}

bool LineEditor::Interrupt() {
  if (editing_ != nullptr) editing_->Interrupt();
  return editing_ != nullptr;
}

std::string LineEditor::DefaultHistoryFile() {
  const char* state = std::getenv("XDG_STATE_HOME");
  if (state != nullptr && *state == '/') return std::string(state) + "/carat/chat_history";
  const char* home = std::getenv("HOME");
  if (home == nullptr || *home != '/') return "";
  return std::string(home) + "/.local/state/carat/chat_history";
}

}  // namespace carat::cli
