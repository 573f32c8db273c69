// Reading JSON that may be wrong: every function throws Error with the place and what was expected there.
#ifndef CARAT_EXAMPLES_CLI_CHECK_JSON_READING_H_
#define CARAT_EXAMPLES_CLI_CHECK_JSON_READING_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "simdjson.h"

namespace carat::cli {

// A JSON file in memory. Values point into it.
class JsonFile {
 public:
  explicit JsonFile(const std::string& path);
  const simdjson::dom::element& root() const { return root_; }

 private:
  simdjson::dom::parser parser_;
  simdjson::dom::element root_;
};

// An object, and the words that say where it stands: "cases.json: case 3".
class JsonObject {
 public:
  JsonObject(const simdjson::dom::element& element, std::string where);

  const std::string& where() const { return where_; }
  bool Has(std::string_view key) const;
  const simdjson::dom::object& raw() const { return object_; }

  simdjson::dom::array Array(std::string_view key) const;
  std::string String(std::string_view key) const;
  std::optional<std::string> StringIfAny(std::string_view key) const;
  std::vector<std::int32_t> Integers(std::string_view key) const;
  std::vector<double> Numbers(std::string_view key) const;

 private:
  template <typename T>
  T Member(std::string_view key, std::string_view expected) const;
  template <typename T>
  std::vector<T> Elements(std::string_view key, std::string_view expected) const;
  [[noreturn]] void Complain(std::string_view key, std::string_view expected) const;

  simdjson::dom::object object_;
  std::string where_;
};

}  // namespace carat::cli

#endif  // CARAT_EXAMPLES_CLI_CHECK_JSON_READING_H_
