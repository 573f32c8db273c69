// The keys of a GGUF file that a checkpoint becomes.
#ifndef CARAT_LIB_CONVERT_GGUF_HEADER_H_
#define CARAT_LIB_CONVERT_GGUF_HEADER_H_

#include "carat/status.h"
#include "lib/convert/format_plan.h"
#include "lib/gguf/gguf_writer.h"
#include "lib/weights/checkpoint.h"

namespace carat::internal {

// All keys: of a folder, what its configuration and its tokenizer say; of a GGUF model, its own. Errors:
// those of reading them; UNIMPLEMENTED for what GGUF cannot say.
Result<GgufHeader> MakeGgufHeader(const Checkpoint& checkpoint, const FormatPlan& plan);

}  // namespace carat::internal

#endif  // CARAT_LIB_CONVERT_GGUF_HEADER_H_
