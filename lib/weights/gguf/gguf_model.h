// A model in GGUF files: one, or the parts of a split one.
#ifndef CARAT_LIB_WEIGHTS_GGUF_GGUF_MODEL_H_
#define CARAT_LIB_WEIGHTS_GGUF_GGUF_MODEL_H_

#include <string>
#include <string_view>
#include <vector>

#include "carat/status.h"
#include "lib/gguf/gguf.h"
#include "lib/weights/model_config.h"

namespace carat::internal {

class GgufModel {
 public:
  // Opening any part opens all. Errors: those of GgufFile::Open; DATA_LOSS if the parts do not belong
  // together.
  static Result<GgufModel> Open(const std::string& path, FileAccess access = FileAccess::kMapped);

  const std::vector<GgufFile>& parts() const { return parts_; }
  // The part with the keys that describe the model.
  const GgufFile& head() const { return parts_.front(); }

  // A tensor and the part it is in; null if there is none.
  struct Place {
    const GgufFile* part = nullptr;
    const GgufTensor* tensor = nullptr;
  };
  Place FindTensor(std::string_view name) const;

 private:
  std::vector<GgufFile> parts_;
};

// What the keys of a GGUF model say, and where they leave it to them, the tensors. Errors: INVALID_ARGUMENT,
// NOT_FOUND naming file, key, expected and found; UNIMPLEMENTED for architectures or features that carat does
// not run.
Result<ModelConfig> ReadGgufConfig(const GgufModel& model);

// Keys that carat writes and reads, for what the format has no key for.
inline constexpr std::string_view kGgufStopTokens = "carat.stop_token_ids";
inline constexpr std::string_view kGgufSuppressTokens = "carat.suppress_token_ids";
inline constexpr std::string_view kGgufBidirectionalMedia = "carat.bidirectional_media";
inline constexpr std::string_view kGgufTypicalP = "carat.sampling.typical_p";

}  // namespace carat::internal

#endif  // CARAT_LIB_WEIGHTS_GGUF_GGUF_MODEL_H_
