// Small tokenizers, written for one test each.
#ifndef CARAT_TESTS_TOKENIZER_SMALL_TOKENIZER_H_
#define CARAT_TESTS_TOKENIZER_SMALL_TOKENIZER_H_

#include <string>

#include "carat/tokenizer.h"
#include "lib/tokenizer/model_proto.h"

namespace carat::testing {

// A tokenizer.json, part by part, as JSON text. As it stands it is a valid tokenizer with these ids:
// 0 <unk>, 1 <bos>, 2 a, 3 b, 4 c, 5 U+2581, 6 bc, 7 ab, 8 abc, 9 U+2581a, 10 newline, 11 <tag>.
struct SmallTokenizer {
  std::string version = R"("1.0")";
  std::string normalizer = R"({"type": "Replace", "pattern": {"String": " "}, "content": "▁"})";
  std::string pre_tokenizer = "null";
  std::string post_processor = "null";
  std::string decoder = R"({"type": "Sequence", "decoders": [
      {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}]})";
  std::string options = R"("type": "BPE", "unk_token": "<unk>", "fuse_unk": true, "byte_fallback": true)";
  std::string vocab = R"({"<unk>": 0, "<bos>": 1, "a": 2, "b": 3, "c": 4, "▁": 5, "bc": 6, "ab": 7, "abc": 8,
      "▁a": 9, "\n": 10, "<tag>": 11})";
  std::string merges = R"([["b", "c"], ["a", "b"], ["ab", "c"], ["▁", "a"]])";
  std::string added = "[" + Added(0, "<unk>", "special") + "," + Added(1, "<bos>", "special") + "]";

  // One entry of added_tokens. `flags` are the names of those that are true.
  static std::string Added(int id, const std::string& content, const std::string& flags) {
    std::string entry = R"({"id": )" + std::to_string(id) + R"(, "content": ")" + content + '"';
    for (const char* flag : {"special", "normalized", "lstrip", "rstrip", "single_word"}) {
      const bool on = flags.find(flag) != std::string::npos;
      entry += R"(, ")" + std::string(flag) + R"(": )" + (on ? "true" : "false");
    }
    return entry + "}";
  }

  std::string Json() const {
    return R"({"version": )" + version + R"(, "added_tokens": )" + added + R"(, "normalizer": )" +
           normalizer + R"(, "pre_tokenizer": )" + pre_tokenizer + R"(, "post_processor": )" +
           post_processor + R"(, "decoder": )" + decoder + R"(, "model": {)" + options + R"(, "vocab": )" +
           vocab + R"(, "merges": )" + merges + "}}";
  }
};

// The tokenizer of a tokenizer.json's text.
Result<Tokenizer> FromJson(const std::string& json);

// The tokenizer of a tokenizer.model's bytes.
Result<Tokenizer> FromModel(const std::string& bytes);

// A valid tokenizer.model: 0 <pad>, 1 <eos>, 2 <bos> (control), 3 <unk>, 4 to 259 the bytes, then a, b, c,
// U+2581, U+2581a, ab, bc, abc, and a user-defined <tag>.
internal::ModelProto SmallModel();

}  // namespace carat::testing

#endif  // CARAT_TESTS_TOKENIZER_SMALL_TOKENIZER_H_
