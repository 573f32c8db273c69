// What a grammar costs over the real vocabulary: compiling, and masks along documents, the first time that a
// grammar is used and later. usage: grammar_bench TOKENIZER_JSON
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <string>
#include <vector>

#include "carat/grammar.h"

namespace {

// Processor time of this thread, so that what else the machine does is not counted.
struct Clock {
  using duration = std::chrono::nanoseconds;
  using time_point = std::chrono::time_point<Clock, duration>;
  static time_point now() {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return time_point(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
  }
};

double MillisecondsSince(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

struct Task {
  std::string name;
  std::string schema;
  std::string document;
};

std::string ManyMembers(int count) {
  std::string schema = R"({"type": "object", "additionalProperties": false, "properties": {)";
  for (int i = 0; i < count; ++i) {
    schema += std::string(i > 0 ? "," : "") + "\"member_" + std::to_string(i) + R"(": {"type": "integer"})";
  }
  return schema + "}}";
}

std::string DocumentOfMembers(int count) {
  std::string document = "{";
  for (int i = 0; i < count; ++i) {
    document +=
        std::string(i > 0 ? ", " : "") + "\"member_" + std::to_string(i) + "\": " + std::to_string(i * 7);
  }
  return document + "}";
}

std::string LargeEnum(int count) {
  std::string schema = R"({"enum": [)";
  for (int i = 0; i < count; ++i) {
    schema += std::string(i > 0 ? "," : "") + "\"choice number " + std::to_string(i * 37) + "\"";
  }
  return schema + "]}";
}

std::vector<Task> Tasks() {
  const std::string prose =
      "The quick brown fox jumps over the lazy dog, and \\\"then\\\" it rains.\\nIn the morning the children "
      "of the "
      "village saw that the river had left its bed; nobody knew where the boats were. Caf\u00e9, "
      "\u65e5\u672c\u8a9e.";
  return {
      {"weather",
       R"({"type": "object", "properties": {"city": {"type": "string"}, "degrees": {"type": "number",
          "minimum": -90, "maximum": 60}, "sky": {"enum": ["clear", "cloudy", "rain"]}}, "required": ["city",
          "degrees", "sky"], "additionalProperties": false})",
       R"({"city": "San Francisco", "degrees": 17.25, "sky": "cloudy"})"},
      {"person",
       R"({"type": "object", "properties": {"name": {"type": "string", "minLength": 1, "maxLength": 80},
          "age": {"type": "integer", "minimum": 0, "maximum": 150}, "email": {"type": "string", "format": "email"},
          "born": {"type": "string", "format": "date"}, "tags": {"type": "array", "items": {"type": "string"},
          "maxItems": 10}, "address": {"type": "object", "properties": {"street": {"type": "string"},
          "zip": {"type": "string", "pattern": "^[0-9]{5}$"}}, "required": ["street", "zip"]}},
          "required": ["name", "age", "address"]})",
       R"({
  "name": "Ada Lovelace",
  "age": 36,
  "email": "ada.lovelace@example.org",
  "born": "1815-12-10",
  "tags": ["mathematics", "engines", "poetry"],
  "address": {"street": "12 St James's Square", "zip": "01234", "note": "upstairs"}
})"},
      {"prose", R"({"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]})",
       "{\"text\": \"" + prose + "\"}"},
      {"limited prose", R"({"type": "object", "properties": {"text": {"type": "string", "maxLength": 300}}})",
       "{\"text\": \"" + prose + "\"}"},
      {"pattern", R"({"type": "string", "pattern": "^[a-z ]+$", "maxLength": 120})",
       "\"the quick brown fox jumps over the lazy dog and then it rains in the morning\""},
      {"found pattern", R"({"type": "string", "pattern": "fox[a-z ]*dog"})", "\"" + prose + "\""},
      {"uri", R"({"type": "string", "format": "uri"})",
       "\"https://www.example.org:8080/a/path/to?query=1&b=2#part\""},
      {"any JSON", "{}",
       R"({"id": 17, "items": [{"name": "first", "price": 1.5e3}, {"name": "second", "price": -2}], "done": true})"},
      {"tree",
       R"({"$defs": {"node": {"type": "object", "properties": {"value": {"type": "integer"}, "children":
          {"type": "array", "items": {"$ref": "#/$defs/node"}}}, "required": ["value"],
          "additionalProperties": false}}, "$ref": "#/$defs/node"})",
       R"({"value": 1, "children": [{"value": 2}, {"value": 3, "children": [{"value": 4, "children": []}]}]})"},
      {"union",
       R"({"type": "array", "items": {"anyOf": [{"type": "object", "properties": {"kind": {"const": "circle"},
          "radius": {"type": "number", "exclusiveMinimum": 0}}, "required": ["kind", "radius"],
          "additionalProperties": false}, {"type": "object", "properties": {"kind": {"const": "text"},
          "words": {"type": "string"}}, "required": ["kind", "words"], "additionalProperties": false}]}})",
       R"([{"kind": "circle", "radius": 2.5}, {"words": "hello there", "kind": "text"}])"},
      {"100 members", ManyMembers(100), DocumentOfMembers(100)},
      {"2000 choices", LargeEnum(2000), "\"choice number 37000\""},
  };
}

// The mean time of a mask along a document, with the time of Accept.
double MaskMilliseconds(const carat::Grammar& grammar, const carat::GrammarVocabulary& vocabulary,
                        const std::vector<std::int32_t>& tokens, double* worst) {
  auto constraint = carat::GrammarConstraint::Create(grammar, vocabulary);
  if (!constraint.ok()) return -1;
  double total = 0;
  for (const std::int32_t token : tokens) {
    const auto start = Clock::now();
    const auto mask = constraint->Mask();
    const carat::Status accepted = mask.ok() ? constraint->Accept(token) : mask.status();
    const double time = MillisecondsSince(start);
    if (!accepted.ok()) {
      std::fprintf(stderr, "%s\n", accepted.ToString().c_str());
      return -1;
    }
    total += time;
    *worst = std::max(*worst, time);
  }
  return total / static_cast<double>(tokens.size());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: grammar_bench TOKENIZER_JSON\n");
    return 2;
  }
  const auto tokenizer = carat::Tokenizer::Load(argv[1]);
  if (!tokenizer.ok()) {
    std::fprintf(stderr, "%s\n", tokenizer.status().ToString().c_str());
    return 1;
  }
  const auto start = Clock::now();
  const auto vocabulary = carat::GrammarVocabulary::Create(*tokenizer, std::vector<std::int32_t>{});
  if (!vocabulary.ok()) return 1;
  std::printf("vocabulary: %d tokens, %.0f ms, %.1f MB\n", vocabulary->size(), MillisecondsSince(start),
              static_cast<double>(vocabulary->memory_bytes()) / 1e6);
  std::printf("%-15s %8s %11s %14s %14s %14s\n", "", "tokens", "compile ms", "first mask ms", "first worst",
              "later mask ms");
  for (const Task& task : Tasks()) {
    const auto tokens = tokenizer->Encode(task.document);
    double compile = 1e9;
    carat::Result<carat::Grammar> grammar = carat::Grammar::FromJsonSchema(task.schema);
    for (int i = 0; i < 5 && grammar.ok(); ++i) {
      const auto compile_start = Clock::now();
      grammar = carat::Grammar::FromJsonSchema(task.schema);
      compile = std::min(compile, MillisecondsSince(compile_start));
    }
    if (!tokens.ok() || !grammar.ok()) {
      std::fprintf(stderr, "%s: %s\n", task.name.c_str(), grammar.status().ToString().c_str());
      return 1;
    }
    double worst = 0;
    double ignored = 0;
    const double first = MaskMilliseconds(*grammar, *vocabulary, *tokens, &worst);
    double later = 1e9;
    for (int i = 0; i < 5; ++i) {
      later = std::min(later, MaskMilliseconds(*grammar, *vocabulary, *tokens, &ignored));
    }
    std::printf("%-15s %8zu %11.2f %14.4f %14.3f %14.4f\n", task.name.c_str(), tokens->size(), compile, first,
                worst, later);
  }
  return 0;
}
