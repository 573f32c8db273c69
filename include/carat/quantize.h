// carat/quantize.h: write a checkpoint as a GGUF file, with its weights rounded.
//
//   carat::QuantizeOptions options;
//   options.type = "q4_0";
//   carat::Status status = carat::QuantizeCheckpoint("gemma-4-E2B-it", "gemma-4-E2B-q4_0.gguf", options);
//   if (!status.ok()) return Complain(status);
//
// The file holds the text decoder and the tokenizer, and is read by carat and by other programs that know
// Gemma 4 in GGUF. Weights stream from file to file: memory stays small whatever the model's size.
//
// Since 0.1.
#ifndef CARAT_QUANTIZE_H_
#define CARAT_QUANTIZE_H_

#include <memory>
#include <string>
#include <string_view>

#include "carat/export.h"
#include "carat/model.h"
#include "carat/status.h"

namespace carat {

// Since 0.1.
struct QuantizeOptions {
  // q2_k, q3_k, iq4_xs, iq4_nl, q4_0, q4_k, q4_k_m, q4_1, q5_0, q5_k, q5_k_m, q5_1, q6_k, q8_0, f16, bf16 or
  // f32; upper case will do. Vectors and the router of a mixture of experts are written as f32 whatever the
  // type. q4_k_m and q5_k_m give more bits to the value and down projections of half of the layers. Rows that
  // are no whole number of a format's blocks get the next finer format that divides them, which the log
  // tells.
  std::string type = "q4_0";
  // The format of the embedding table, which is the head as well; empty: q6_k, or the type if that is finer.
  std::string embeddings;
  // The format of the table of per-layer embeddings; empty: the type's.
  std::string per_layer_embeddings;
  // Write the vision and audio towers too, to a GGUF file of that name (often called mmproj), which
  // ModelOptions::mmproj takes. Their matrices stay as they are stored, and what other readers want so is
  // f32. Empty: towers are left out. FAILED_PRECONDITION if the checkpoint has none.
  std::string mmproj;
  // Replace regular files of these names. Otherwise it is ALREADY_EXISTS. A link stays, and the file behind
  // it is replaced.
  bool overwrite = false;
  // Round again what is in blocks of another format already, which costs quality. Otherwise it is
  // FAILED_PRECONDITION.
  bool requantize = false;
  // Threads that round, the caller's included; 0 is one for each core this process may run on.
  int threads = 0;
  // The host's threads instead of carat's: `threads` is then ignored.
  std::shared_ptr<TaskRunner> runner;
  // Told in bytes of the weights that are read.
  ProgressCallback progress;
  LogCallback log;
};

// Reads a checkpoint, whatever Model::Load opens, and writes its text decoder to the file `out`. What is in
// the wanted format already is copied bit for bit. `out` appears when it is complete: until then it is a file
// without a name, of which nothing stays behind whatever happens; where the file system has no such files, it
// is one beside `out` whose name ends in ".part", which goes away if anything fails. Only regular files are
// written: a FIFO, a device, a folder, a link that leads nowhere or "-" is INVALID_ARGUMENT before anything
// is touched. carat installs no signal handler; a limit on the size of files (RLIMIT_FSIZE) is
// RESOURCE_EXHAUSTED and raises no SIGXFSZ, as a full disk is. Vision and audio towers go to a file of their
// own (options.mmproj), or are left out, which the log tells. Errors: those of Model::Load; ALREADY_EXISTS;
// FAILED_PRECONDITION (blocks of another format; no towers where a file for them is named); UNIMPLEMENTED for
// what GGUF cannot say; RESOURCE_EXHAUSTED, UNAVAILABLE if a file cannot be written; CANCELLED by `progress`.
// May run in several threads at once, for different files. Since 0.1.
CARAT_EXPORT Status QuantizeCheckpoint(std::string_view in, std::string_view out,
                                       const QuantizeOptions& options = {}) noexcept;

}  // namespace carat

#endif  // CARAT_QUANTIZE_H_
