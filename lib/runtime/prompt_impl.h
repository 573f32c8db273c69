// What is behind carat::Prompt and carat::SoftTokens.
#ifndef CARAT_LIB_RUNTIME_PROMPT_IMPL_H_
#define CARAT_LIB_RUNTIME_PROMPT_IMPL_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "carat/prompt.h"
#include "lib/base/aligned_buffer.h"
#include "lib/runtime/model_impl.h"

namespace carat::internal {

struct SoftTokensData {
  MediaKind kind = MediaKind::kImage;
  std::int64_t count = 0;
  std::int64_t hidden_size = 0;
  AlignedBuffer<float> rows;         // [count, hidden_size]
  std::vector<std::int64_t> frames;  // of a video: how many rows each has
  std::vector<double> seconds;       // and when it is shown
};

// Soft tokens at a place of a sequence: rows first .. first+count-1 of `data`.
struct SoftRun {
  std::int64_t position = 0;
  std::int64_t count = 0;
  std::int64_t first_row = 0;
  std::shared_ptr<const SoftTokensData> data;

  std::int64_t end() const { return position + count; }
  const float* row(std::int64_t at_position) const {
    return data->rows.data() + (first_row + at_position - position) * data->hidden_size;
  }
  // Whether its positions may see each other in both directions.
  bool is_picture() const { return data->kind != MediaKind::kAudio; }
};

struct PromptData {
  std::shared_ptr<const ModelImpl> model;
  std::vector<std::int32_t> tokens;  // placeholders where soft tokens stand
  std::vector<SoftRun> runs;         // ascending positions, counted from the first token of the prompt

  Status AddText(std::string_view text, const EncodeOptions& options);
  Status AddMedia(const SoftTokens& media);
  Status AddSoftTokens(const SoftTokens& media);
  // Rows first .. first+count-1 of the media at the end.
  Status AddRun(const std::shared_ptr<const SoftTokensData>& data, std::int64_t first, std::int64_t count);
};

Result<SoftTokens> MakeSoftTokens(const ModelImpl& model, MediaKind kind, AlignedBuffer<float> rows,
                                  std::int64_t count, std::vector<std::int64_t> frames,
                                  std::vector<double> seconds);

}  // namespace carat::internal

#endif  // CARAT_LIB_RUNTIME_PROMPT_IMPL_H_
