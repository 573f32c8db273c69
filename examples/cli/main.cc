// carat: run Gemma 4 from the shell. One file per command; this one finds out which is meant.
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "carat/version.h"
#include "examples/cli/command.h"
#include "examples/cli/error.h"

namespace carat::cli {
namespace {

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

// The command that the arguments named before they went wrong, for "carat run: ...".
std::string Who(const CLI::App& program) {
  const auto named = program.get_subcommands();
  return named.empty() ? "carat" : "carat " + named.front()->get_name();
}

int Main(int argc, char** argv) {
  CLI::App program("carat runs Google's Gemma 4 on CPUs.", "carat");
  program.set_version_flag("--version", std::string("carat ") + Version(), "Print the version and exit");
  program.set_help_flag("-h,--help", "Print this help and exit");
  program.require_subcommand(1);
  program.footer(std::string("'carat COMMAND --help' tells more.\n") + kExitCodesHelp);
  const std::vector<Command> commands = {AddRun(program), AddChat(program), AddTokenize(program),
                                         AddInspect(program), AddCheck(program)};
  for (const Command& command : commands) command.arguments->footer(kExitCodesHelp);
  if (argc <= 1) {
    std::fputs(program.help().c_str(), stderr);
    return kExitBadInput;
  }
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return program.exit(error);  // --help and --version
    const std::string who = Who(program);
    return Complain(who, std::string(error.what()) + " ('" + who + " --help' tells more)", kExitBadInput);
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
