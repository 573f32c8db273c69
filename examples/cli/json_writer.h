// Writes JSON: commas and quoting are its business, nesting the caller's.
#ifndef CARAT_EXAMPLES_CLI_JSON_WRITER_H_
#define CARAT_EXAMPLES_CLI_JSON_WRITER_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace carat::cli {

class JsonWriter {
 public:
  JsonWriter& BeginObject() { return Open('{'); }
  JsonWriter& EndObject() { return Close('}'); }
  JsonWriter& BeginArray() { return Open('['); }
  JsonWriter& EndArray() { return Close(']'); }
  JsonWriter& Key(std::string_view key);
  JsonWriter& String(std::string_view value);
  JsonWriter& Integer(std::int64_t value);
  JsonWriter& Number(double value);  // null if it is not finite
  JsonWriter& Boolean(bool value);
  JsonWriter& Null();

  const std::string& text() const { return text_; }

 private:
  JsonWriter& Open(char bracket);
  JsonWriter& Close(char bracket);
  void Separate();
  void Quote(std::string_view value);

  std::string text_;
  bool needs_comma_ = false;
};

}  // namespace carat::cli

#endif  // CARAT_EXAMPLES_CLI_JSON_WRITER_H_
