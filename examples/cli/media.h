// Pictures, videos and sounds that a command was given, encoded.
#ifndef CARAT_EXAMPLES_CLI_MEDIA_H_
#define CARAT_EXAMPLES_CLI_MEDIA_H_

#include <string>
#include <vector>

#include "CLI/App.hpp"
#include "carat/media.h"
#include "carat/model.h"
#include "carat/prompt.h"
#include "examples/cli/interrupts.h"

namespace carat::cli {

struct MediaArguments {
  std::vector<std::string> images;
  std::vector<std::string> videos;
  std::vector<std::string> sounds;
  std::int32_t budget = 0;
  double frames_per_second = 1;

  bool empty() const { return images.empty() && videos.empty() && sounds.empty(); }
};

void AddMediaArguments(CLI::App& command, MediaArguments& arguments);

// Pictures, then videos, then sounds, each in the order given. A sound longer than a model hears at once
// becomes several clips, cut where it is quiet. Throws Error, also when Ctrl-C stops it.
std::vector<SoftTokens> EncodeMedia(const MediaArguments& arguments, const Model& model,
                                    Interrupts& interrupts, bool show_progress);

}  // namespace carat::cli

#endif  // CARAT_EXAMPLES_CLI_MEDIA_H_
