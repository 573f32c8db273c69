// carat/prompt.h: prompts of text, pictures and sound.
//
//   carat::Result<carat::SoftTokens> picture = carat::EncodeImage(model, {pixels, width, height, 3 * width});
//   carat::Prompt prompt(model);
//   prompt.AddText("<bos><|turn>user\n", {.parse_special = true});
//   prompt.AddMedia(*picture);                         // with the markers around it
//   prompt.AddText("What is this?");                   // a user's text: control tokens in it are plain text
//   prompt.AddText("<turn|>\n<|turn>model\n", {.parse_special = true});
//   carat::Result<carat::GenerationResult> answer = carat::Generate(session, prompt);
//
// A picture or a sound becomes a run of soft tokens: vectors of the text model's width that stand in the
// sequence like tokens. Encoding is the expensive part; a SoftTokens can be kept and used in any number of
// prompts and sessions of the same checkpoint.
//
// Since 0.1.
#ifndef CARAT_PROMPT_H_
#define CARAT_PROMPT_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "carat/export.h"
#include "carat/model.h"
#include "carat/status.h"
#include "carat/tokenizer.h"

namespace carat {

namespace internal {
struct SoftTokensData;
struct PromptData;
}  // namespace internal

// Since 0.1.
enum class MediaKind : std::int32_t {
  kImage = 1,
  kVideo = 2,
  kAudio = 3,
};

// An encoded picture, video or clip. A light handle to data that never change: copies are cheap, any thread
// may use one. Since 0.1.
class CARAT_EXPORT SoftTokens {
 public:
  // Takes vectors as they are, [count, hidden_size], from an encoder of the host's or from storage. `frames`
  // is how many vectors each frame of a video has (their sum is count), `seconds` when each is shown; both
  // empty for other kinds. Errors: INVALID_ARGUMENT, UNIMPLEMENTED if the checkpoint has no placeholder for
  // this kind.
  static Result<SoftTokens> FromRows(const Model& model, MediaKind kind, std::span<const float> rows,
                                     std::span<const std::int64_t> frames = {},
                                     std::span<const double> seconds = {}) noexcept;

  MediaKind kind() const noexcept;
  // Positions that it takes in a sequence, markers and time stamps not counted.
  std::int64_t count() const noexcept;
  // [count, hidden_size], float32. Lives as long as any handle to it.
  std::span<const float> rows() const noexcept;
  std::uint64_t memory_bytes() const noexcept;

  // For carat's own use.
  explicit SoftTokens(std::shared_ptr<const internal::SoftTokensData> data) noexcept;
  const std::shared_ptr<const internal::SoftTokensData>& data() const noexcept { return data_; }

 private:
  std::shared_ptr<const internal::SoftTokensData> data_;
};

// A sequence of tokens and soft tokens to be read by a session. Threads: one at a time. Since 0.1.
class CARAT_EXPORT Prompt {
 public:
  explicit Prompt(const Model& model) noexcept;
  ~Prompt();
  Prompt(Prompt&&) noexcept;
  Prompt& operator=(Prompt&&) noexcept;

  // Appends ids. They are checked when the prompt is read.
  Status AddTokens(std::span<const std::int32_t> tokens) noexcept;

  // Appends a text, encoded by the model's tokenizer. Errors: those of Tokenizer::Encode.
  Status AddText(std::string_view text, const EncodeOptions& options = {}) noexcept;

  // Appends media as the model was taught to see them: a picture or a clip between its begin and end markers;
  // a video frame by frame, each after its time as mm:ss. Errors: INVALID_ARGUMENT if it was encoded for
  // another hidden size; UNIMPLEMENTED if the checkpoint names no such markers.
  Status AddMedia(const SoftTokens& media) noexcept;

  // Appends the soft tokens alone, without markers or times.
  Status AddSoftTokens(const SoftTokens& media) noexcept;

  // Positions so far.
  std::int64_t size() const noexcept;
  // The ids so far, with placeholder ids where soft tokens stand. Valid until the next Add.
  std::span<const std::int32_t> tokens() const noexcept;

  // For carat's own use.
  const internal::PromptData* data() const noexcept { return data_.get(); }
  internal::PromptData* mutable_data() noexcept { return data_.get(); }

 private:
  std::unique_ptr<internal::PromptData> data_;
};

}  // namespace carat

#endif  // CARAT_PROMPT_H_
