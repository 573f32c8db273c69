// A checkpoint folder that also says what a reference computed from it.
#ifndef CARAT_EXAMPLES_CLI_CHECK_REFERENCE_FOLDER_H_
#define CARAT_EXAMPLES_CLI_CHECK_REFERENCE_FOLDER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "examples/cli/check/safetensors.h"

namespace carat::cli {

// One prompt and what follows it.
struct ReferenceCase {
  std::string name;
  std::vector<std::int32_t> prompt;
  // The text that the prompt was made from, control tokens written out, if it was made from text alone.
  std::optional<std::string> prompt_text;
  bool prompt_text_has_bos = false;  // whether <bos> is written out too
  // Which soft tokens the prompt has, for a person: "60 image tokens"; empty for text alone.
  std::string media;
  // For each prompt position 0 text, 1 image, 2 video, 3 audio; empty if the reference does not say.
  std::vector<std::int32_t> types;
  std::vector<std::int32_t> image_budgets;  // in the order of the images
  double video_frames_per_second = 0;
  // Files of the folder that the prompt shows, if its media are not tensors.
  std::optional<std::string> image_file;
  std::optional<std::string> audio_file;
  // The greedy continuation. For each of its steps the distance of the best logit to the second, if known.
  std::vector<std::int32_t> greedy;
  std::vector<double> margins;
  std::optional<std::string> greedy_text;
  // Whether there are tensors of this case (TensorsOf).
  bool has_tensors = false;
};

// Whether the folder is a drafter's: it goes with another checkpoint and has no cases of its own.
bool IsDrafterFolder(const std::string& path);

// Two forms: golden.safetensors with cases.json, and expected.json, which has ids only. A folder may have
// both. The constructor throws Error for a folder that has neither or whose files are broken.
class ReferenceFolder {
 public:
  explicit ReferenceFolder(const std::string& path);

  const std::string& path() const { return path_; }
  const std::vector<ReferenceCase>& cases() const { return cases_; }

  bool HasTensor(const ReferenceCase& reference, const std::string& tensor) const;
  // Throws Error if the shape has not the rank.
  Tensor<float> ReadFloats(const ReferenceCase& reference, const std::string& tensor, std::size_t rank) const;
  Tensor<std::uint8_t> ReadBytes(const ReferenceCase& reference, const std::string& tensor,
                                 std::size_t rank) const;

 private:
  void ReadGolden();
  void ReadExpected();

  std::string path_;
  std::unique_ptr<SafetensorsFile> tensors_;
  std::vector<ReferenceCase> cases_;
};

}  // namespace carat::cli

#endif  // CARAT_EXAMPLES_CLI_CHECK_REFERENCE_FOLDER_H_
