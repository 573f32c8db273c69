// carat/session.h: one sequence of tokens, and the logits that follow it.
//
//   carat::Result<carat::Session> session = carat::Session::Create(model);
//   session->Prefill(prompt_ids);                       // reads the prompt; logits of its last position
//   for (int i = 0; i < 32; ++i) {
//     std::int32_t token = *chain.Sample(*session->LastLogits());
//     session->Decode(token);                           // appends one token
//   }
//
// A session owns the KV cache of one sequence. It belongs to one thread at a time, but for Cancel, which any
// thread may call. It keeps its model alive. After an error it is as it was before the call, but for prompt
// chunks that were already read (position() tells). Moved-from sessions return FAILED_PRECONDITION.
//
// Since 0.1.
#ifndef CARAT_SESSION_H_
#define CARAT_SESSION_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "carat/export.h"
#include "carat/model.h"
#include "carat/prompt.h"
#include "carat/status.h"

namespace carat {

namespace internal {
class SessionImpl;
}

// Since 0.1.
struct SessionOptions {
  // The most positions this session will hold; 0 is the model's own context. The cache grows with the text,
  // so a large context costs nothing before it is used.
  std::int64_t context_size = 0;
  // How keys and values are kept.
  KvType kv_type = KvType::kAuto;
  // Prompt tokens that go through the layers together; 0 lets carat choose. Larger is faster and takes more
  // memory; results differ by rounding only.
  std::int32_t prompt_chunk = 0;
};

// Receives the hidden states of a run of positions on their way through the layers: what enters layer `layer`
// (0 .. layers-1), and for layer == layers the final normed state. `states` is [count, hidden_size], float32,
// for positions first_position .. first_position+count-1, valid during the call. Runs on the caller's thread.
// Since 0.1.
using HiddenStateCallback = std::function<void(std::int32_t layer, std::int64_t first_position,
                                               std::int64_t count, std::span<const float> states)>;

// Which positions of a prompt get logits. Since 0.1.
enum class WantedLogits : std::int32_t {
  kLast = 0,
  kNone = 1,
  kAll = 2,     // vocabulary_size * 4 bytes each: 1 MB a token for the released models
  kListed = 3,  // PrefillOptions::positions
};

// Since 0.1.
struct PrefillOptions {
  // Work that only unwanted logits need is not done: fewer wanted positions are faster.
  WantedLogits logits = WantedLogits::kLast;
  // For kListed: indices into the tokens of this call, ascending.
  std::vector<std::int64_t> positions;
  // Told in tokens, after each chunk.
  ProgressCallback progress;
  // If set, every layer runs for every position.
  HiddenStateCallback hidden_states;
};

// What Rewind could keep. Since 0.1.
struct RewindResult {
  // Where the sequence ends now.
  std::int64_t position = 0;
  // How many of its positions are still in the cache. If fewer than position, because a sliding layer has
  // forgotten keys that the new end would see, then the next Prefill or Decode reads the rest again first.
  std::int64_t kept = 0;
};

// Since 0.1.
class CARAT_EXPORT Session {
 public:
  // Errors: INVALID_ARGUMENT naming the option, RESOURCE_EXHAUSTED.
  static Result<Session> Create(const Model& model, const SessionOptions& options = {}) noexcept;

  ~Session();
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;

  // Appends tokens. Errors: INVALID_ARGUMENT (no tokens, positions out of order), OUT_OF_RANGE (an id outside
  // the vocabulary; nothing is appended), RESOURCE_EXHAUSTED (they do not fit the context: nothing is
  // appended; or out of memory), CANCELLED (the chunks that were read stay).
  Status Prefill(std::span<const std::int32_t> tokens, const PrefillOptions& options = {}) noexcept;

  // Appends a prompt, which may hold soft tokens of pictures and sound. `options.positions` count from its
  // beginning. Errors as above, and INVALID_ARGUMENT for a prompt made for another model.
  Status Prefill(const Prompt& prompt, const PrefillOptions& options = {}) noexcept;

  // Appends one token; its logits are then LastLogits(). Errors as for Prefill.
  Status Decode(std::int32_t token) noexcept;

  // How many positions the last successful Prefill or Decode computed logits for.
  std::size_t logits_count() const noexcept;

  // Logits after soft-capping, [vocabulary_size], of the index-th wanted position, in order. Valid until the
  // next call of Prefill, Decode or Rewind. Errors: OUT_OF_RANGE.
  Result<std::span<const float>> Logits(std::size_t index) const noexcept;

  // Those of the last wanted position. Errors: FAILED_PRECONDITION if there are none.
  Result<std::span<const float>> LastLogits() const noexcept;

  // Forgets all positions from `position` on (0 forgets all). The logits are forgotten too. Errors:
  // OUT_OF_RANGE.
  Result<RewindResult> Rewind(std::int64_t position) noexcept;

  // Makes a later Rewind to the present position keep all of it, however much is read meanwhile: what sliding
  // layers would forget by then is set aside (memory_bytes grows by up to their window). A Rewind to beyond
  // the mark that cannot keep everything keeps what is before the mark. There is one mark, the latest; Rewind
  // to before it takes it away. Errors: those of Prefill, where a Rewind has left something to be read again.
  Status Mark() noexcept;

  // An independent session in the same state, without the mark, sharing the model's weights and nothing else.
  // Errors: RESOURCE_EXHAUSTED.
  Result<Session> Clone() const noexcept;

  // The tokens so far; valid until the next call that changes the session.
  std::span<const std::int32_t> tokens() const noexcept;
  // How many there are.
  std::int64_t position() const noexcept;
  // The most there can be.
  std::int64_t context_size() const noexcept;
  // The kind of cache that was chosen.
  KvType kv_type() const noexcept;
  // The chunk size that was chosen.
  std::int32_t prompt_chunk() const noexcept;
  // Bytes this session holds now: cache, activations, logits.
  std::uint64_t memory_bytes() const noexcept;

  // The session's model.
  Model model() const noexcept;

  // Makes the running Prefill or Decode return CANCELLED soon; if none is running, the next one. Any thread,
  // at any time while the session lives.
  void Cancel() noexcept;
  // Takes back a Cancel that no call has noticed yet.
  void ClearCancel() noexcept;

  // For carat's own use.
  explicit Session(std::unique_ptr<internal::SessionImpl> impl) noexcept;
  internal::SessionImpl* impl() noexcept { return impl_.get(); }

 private:
  std::unique_ptr<internal::SessionImpl> impl_;
};

}  // namespace carat

#endif  // CARAT_SESSION_H_
