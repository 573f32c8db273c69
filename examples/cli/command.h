// What main.cc knows of a command: its arguments are declared by a function, and it runs later.
#ifndef CARAT_EXAMPLES_CLI_COMMAND_H_
#define CARAT_EXAMPLES_CLI_COMMAND_H_

#include <functional>

#include "CLI/CLI.hpp"

namespace carat::cli {

struct Command {
  CLI::App* arguments = nullptr;
  // Returns the exit code, or throws Error (error.h).
  std::function<int()> run;
};

Command AddRun(CLI::App& program);
Command AddChat(CLI::App& program);
Command AddServe(CLI::App& program);  // where the program was built with an HTTP library
Command AddTokenize(CLI::App& program);
Command AddInspect(CLI::App& program);
Command AddCheck(CLI::App& program);
Command AddBench(CLI::App& program);
Command AddQuality(CLI::App& program);
Command AddQuantize(CLI::App& program);

}  // namespace carat::cli

#endif  // CARAT_EXAMPLES_CLI_COMMAND_H_
