// What a path that a host gives as a model stands for.
#ifndef CARAT_LIB_WEIGHTS_MODEL_PATH_H_
#define CARAT_LIB_WEIGHTS_MODEL_PATH_H_

#include <string>

#include "carat/status.h"

namespace carat::internal {

struct ModelPath {
  bool is_gguf = false;
  std::string path;  // of the GGUF file, or of the folder with config.json
};

// Files are known by how they begin, never by their names:
// - a GGUF file, also one without an extension as caches store them: itself;
// - config.json, a safetensors shard, its index, tokenizer.json or tokenizer.model: the folder that it lies
// in;
// - a folder with config.json: itself;
// - a folder of the Hugging Face cache ("models--ORGANISATION--NAME"): the snapshot that refs/main names, or
//   without that the only or newest one; its folder "snapshots" means the same;
// - another folder: the one GGUF model in it. A split model counts once, by its first part; files of towers
//   are no models.
// Errors: NOT_FOUND; INVALID_ARGUMENT for FIFOs, sockets and devices and for folders with several models;
// DATA_LOSS for files that are no model, saying what they are.
Result<ModelPath> FindModel(const std::string& path);

}  // namespace carat::internal

#endif  // CARAT_LIB_WEIGHTS_MODEL_PATH_H_
