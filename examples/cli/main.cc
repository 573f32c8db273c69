// carat: run Gemma 4 from the shell. One file per command; this one finds out which is meant.
#include <cstddef>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "carat/version.h"
#include "examples/cli/command.h"
#include "examples/cli/error.h"

namespace carat::cli {
namespace {

// CLI11's help with less in it: an option shows the name of its value and no types, ranges or marks.
class HelpFormatter : public CLI::Formatter {
 public:
  HelpFormatter() { column_width(28); }

  std::string make_option_opts(const CLI::Option* option) const override {
    return option->get_option_text().empty() ? "" : " " + option->get_option_text();
  }

  std::string make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const override {
    std::string help = CLI::Formatter::make_help(app, std::move(name), mode);
    for (std::size_t at = 0; (at = help.find("\n\n\n", at)) != std::string::npos;) help.erase(at, 1);
    return help;
  }
};

int Complain(const std::string& who, const std::string& sentence, int exit_code) {
  std::fflush(stdout);
  std::fprintf(stderr, "%s: %s\n", who.c_str(), sentence.c_str());
  return exit_code;
}

int RunCommand(const Command& command) {
  const std::string who = "carat " + command.arguments->get_name();
  try {
    return command.run();
  } catch (const Error& error) {
    return Complain(who, error.what(), error.exit_code());
  } catch (const std::bad_alloc&) {
    return Complain(who, "out of memory", kExitFailed);
  } catch (const std::exception& error) {
    return Complain(who, error.what(), kExitFailed);
  }
}

// Says what is wrong with the arguments, in the name of the command that they named: "carat run: ...".
int ComplainAboutArguments(const CLI::App& program, const CLI::ParseError& error, const std::string& first) {
  const auto named = program.get_subcommands();
  const std::string who = named.empty() ? "carat" : "carat " + named.front()->get_name();
  const bool unknown_command = named.empty() && !first.empty() && first.front() != '-';
  const std::string what = unknown_command ? "there is no command '" + first + "'" : error.what();
  return Complain(who, what + " ('" + who + " --help' tells more)", kExitBadInput);
}

int Main(int argc, char** argv) {
  CLI::App program("carat runs Google's Gemma 4 on CPUs.", "carat");
  program.set_version_flag("--version", std::string("carat ") + Version(), "Print the version");
  program.set_help_flag("-h,--help", "Print this help");
  program.formatter(std::make_shared<HelpFormatter>());
  program.require_subcommand(1);
  const std::vector<Command> commands = {
      AddRun(program),      AddChat(program),
#ifdef CARAT_HAS_HTTPLIB
      AddServe(program),
#endif
      AddTokenize(program), AddInspect(program), AddCheck(program),
      AddBench(program),    AddQuality(program), AddQuantize(program),
  };
  for (const Command& command : commands)
    command.arguments->footer(command.arguments->get_footer() + kExitCodesHelp);
  // Commands take over the footer that the program has when they are made.
  program.footer(std::string("'carat COMMAND --help' tells more.\n") + kExitCodesHelp);
  if (argc <= 1) {
    std::fputs(program.help().c_str(), stderr);
    return kExitBadInput;
  }
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return program.exit(error);  // --help and --version
    return ComplainAboutArguments(program, error, argv[1]);
  }
  for (const Command& command : commands) {
    if (command.arguments->parsed()) return RunCommand(command);
  }
  return kExitBadInput;
}

}  // namespace
}  // namespace carat::cli

int main(int argc, char** argv) {
  try {
    return carat::cli::Main(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "carat: %s\n", error.what());
    return carat::cli::kExitFailed;
  }
}
