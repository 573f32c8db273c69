// JSON files of checkpoints, read with simdjson; an error names the file and the key. JSON of hosts and
// clients, whose numbers must keep their digits, is read by json_tree.h.
#ifndef CARAT_LIB_BASE_JSON_H_
#define CARAT_LIB_BASE_JSON_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "carat/status.h"
#include "simdjson.h"

namespace carat::internal {

// A parsed document. Values point into it. Move-only.
class JsonDocument {
 public:
  // `source` names the text in errors: a path, usually. The text may begin with a byte order mark. Integers
  // beyond 64 bits are floating-point numbers; half of a surrogate pair is U+FFFD. Errors: DATA_LOSS with
  // line, column and reason, RESOURCE_EXHAUSTED.
  static Result<JsonDocument> Parse(std::string_view text, std::string source);
  // Errors: those of FileMapping::Open too.
  static Result<JsonDocument> ParseFile(const std::string& path);

  const simdjson::dom::element& root() const { return root_; }
  const std::string& source() const { return source_; }

 private:
  JsonDocument() = default;
  std::string source_;
  std::unique_ptr<simdjson::dom::parser> parser_;
  simdjson::dom::element root_;
};

// An object of a document, asked for members by key. Light; lives as long as the document. A missing key and
// JSON null are the same: absent. A member of the wrong type is INVALID_ARGUMENT naming file, key, expected
// and found.
class JsonObject {
 public:
  // `where` is the path of keys so far, for errors: "text_config".
  static Result<JsonObject> From(const simdjson::dom::element& element, std::string source,
                                 std::string where);

  // The member as it is, absent if it is missing or null.
  std::optional<simdjson::dom::element> Find(std::string_view key) const;
  bool Has(std::string_view key) const { return Find(key).has_value(); }

  Result<std::optional<std::int64_t>> Integer(std::string_view key) const;
  Result<std::optional<double>> Number(std::string_view key) const;
  Result<std::optional<bool>> Boolean(std::string_view key) const;
  Result<std::optional<std::string>> String(std::string_view key) const;
  Result<std::optional<JsonObject>> Object(std::string_view key) const;
  Result<std::optional<std::vector<std::string>>> Strings(std::string_view key) const;
  // One integer, or a list of them.
  Result<std::optional<std::vector<std::int64_t>>> Integers(std::string_view key) const;

  const simdjson::dom::object& raw() const { return object_; }
  // "config.json: text_config.head_dim", for messages.
  std::string Locate(std::string_view key) const;

 private:
  JsonObject(simdjson::dom::object object, std::string source, std::string where)
      : object_(object), source_(std::move(source)), where_(std::move(where)) {}
  Status WrongType(std::string_view key, std::string_view expected,
                   const simdjson::dom::element& found) const;

  simdjson::dom::object object_;
  std::string source_;
  std::string where_;
};

}  // namespace carat::internal

#endif  // CARAT_LIB_BASE_JSON_H_
