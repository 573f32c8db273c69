#include "examples/cli/chat_tools.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <iostream>
#include <string_view>

#include "absl/strings/str_format.h"
#include "examples/cli/console.h"
#include "examples/cli/error.h"
#include "examples/cli/text_file.h"
#include "lib/base/json_tree.h"

extern char** environ;

namespace carat::cli {
namespace {

constexpr std::size_t kMostOutput = 65536;

// Both ends of a pipe.
struct Pipe {
  int read_end = -1, write_end = -1;
  Pipe() {
    std::array<int, 2> ends;
    if (pipe2(ends.data(), O_CLOEXEC) != 0) throw Error(kExitFailed, "there is no pipe to a tool's command");
    read_end = ends[0];
    write_end = ends[1];
  }
  ~Pipe() {
    CloseRead();
    CloseWrite();
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  void CloseRead() { Close(read_end); }
  void CloseWrite() { Close(write_end); }

 private:
  static void Close(int& end) {
    if (end >= 0) close(end);
    end = -1;
  }
};

bool IsVariableName(std::string_view name) {
  for (const char c : name) {
    if (c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z')) return false;
  }
  return !name.empty();
}

// This program's environment, and the arguments that are no lists and objects as ARG_name.
std::vector<std::string> EnvironmentFor(const std::string& arguments) {
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (!std::string_view(*variable).starts_with("ARG_")) variables.emplace_back(*variable);
  }
  const auto tree = internal::JsonTree::Parse(arguments, "arguments");
  if (!tree.ok()) return variables;
  for (std::size_t i = 0; i < tree->root().size(); ++i) {
    const internal::JsonValue value = tree->root()[i];
    const std::string_view name = value.key();
    if (!IsVariableName(name) || value.is_array() || value.is_object()) continue;
    const std::string shown = value.is_string() ? std::string(value.text()) : internal::JsonTextOf(value);
    if (shown.find('\0') == std::string::npos) variables.push_back(absl::StrFormat("ARG_%s=%s", name, shown));
  }
  return variables;
}

// Starts /bin/sh -c COMMAND. Ctrl-C reaches it as it would from a shell.
pid_t StartCommand(const std::string& command, const std::string& arguments, const Pipe& in,
                   const Pipe& out) {
  std::vector<std::string> variables = EnvironmentFor(arguments);
  std::vector<char*> environment;
  environment.reserve(variables.size() + 1);
  for (std::string& variable : variables) environment.push_back(variable.data());
  environment.push_back(nullptr);
  std::string shell = "/bin/sh", option = "-c", words = command;
  std::array<char*, 4> argv = {shell.data(), option.data(), words.data(), nullptr};
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&files);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_adddup2(&files, in.read_end, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&files, out.write_end, STDOUT_FILENO);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  sigset_t broken_pipe;
  sigemptyset(&broken_pipe);
  sigaddset(&broken_pipe, SIGPIPE);
  posix_spawnattr_setsigdefault(&attributes, &broken_pipe);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  pid_t child = 0;
  const int failed = posix_spawn(&child, shell.c_str(), &files, &attributes, argv.data(), environment.data());
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  if (failed != 0) throw Error(kExitFailed, "a tool's command cannot be started");
  return child;
}

// Writes `input` to the command and reads what it prints, as much as is kept.
std::string Converse(std::string_view input, Pipe& in, Pipe& out) {
  fcntl(in.write_end, F_SETFL, O_NONBLOCK);
  std::string output;
  std::array<char, 4096> buffer;
  for (;;) {
    if (input.empty()) in.CloseWrite();
    std::array<pollfd, 2> ends = {pollfd{out.read_end, POLLIN, 0}, pollfd{in.write_end, POLLOUT, 0}};
    if (poll(ends.data(), in.write_end >= 0 ? 2 : 1, -1) < 0) {
      if (errno == EINTR) continue;
      return output;
    }
    if (in.write_end >= 0 && ends[1].revents != 0) {
      const ssize_t written = write(in.write_end, input.data(), input.size());
      if (written > 0) input.remove_prefix(static_cast<std::size_t>(written));
      if (written < 0 && errno != EAGAIN && errno != EINTR) input = {};  // it does not want to know
    }
    if (ends[0].revents == 0) continue;
    const ssize_t count = read(out.read_end, buffer.data(), buffer.size());
    if (count == 0 || (count < 0 && errno != EINTR)) return output;
    const std::size_t room = kMostOutput - output.size();
    if (count > 0) output.append(buffer.data(), std::min(room, static_cast<std::size_t>(count)));
  }
}

std::string RunCommand(const std::string& command, const std::string& arguments) {
  Pipe in, out;
  const pid_t child = StartCommand(command, arguments, in, out);
  in.CloseRead();
  out.CloseWrite();
  std::string output = Converse(arguments, in, out);
  in.CloseWrite();
  out.CloseRead();
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  while (!output.empty() && (output.back() == '\n' || output.back() == '\r')) output.pop_back();
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return output;
  const std::string how =
      WIFEXITED(status) ? absl::StrFormat("exit code %d", WEXITSTATUS(status)) : "it was stopped";
  return absl::StrFormat("error: %s%s%s", how, output.empty() ? "" : ": ", output);
}

}  // namespace

ChatTools::ChatTools(const std::string& file) {
  const auto tree = ValueOrThrow(internal::JsonTree::Parse(ReadTextFile(file), file));
  definitions_ = ValueOrThrow(ParseTools(internal::JsonTextOf(tree.root())));
  for (std::size_t i = 0; i < definitions_.size(); ++i) {
    const auto command = tree.root()[i].Find("command");
    if (!command || !command->is_string()) {
      throw Error(
          kExitBadInput,
          absl::StrFormat("%s: tool %d: command is missing, or is no text: what runs the tool", file, i));
    }
    commands_[definitions_[i].name] = command->text();
  }
}

bool ChatTools::Allowed(const ToolCall& call, bool yes) {
  if (yes || always_.contains(call.name)) return true;
  if (!InputIsTerminal()) {
    std::fputs("(not run: there is nobody to ask; --yes allows all)\n", stderr);
    return false;
  }
  for (;;) {
    std::fputs("Run it? [y]es, [n]o, [a]lways this function: ", stderr);
    std::string answer;
    if (!std::getline(std::cin, answer)) return false;
    if (answer == "a") always_.insert(call.name);
    if (answer == "a" || answer == "y" || answer == "yes") return true;
    if (answer == "n" || answer == "no") return false;
  }
}

std::string ChatTools::Call(const ToolCall& call, bool yes) {
  const auto command = commands_.find(call.name);
  if (command == commands_.end()) return "error: there is no function " + call.name;
  if (!Allowed(call, yes)) return "error: the user did not allow this call";
  return RunCommand(command->second, call.arguments);
}

}  // namespace carat::cli
