#include "golden.h"

#include <simdjson.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace {

using simdjson::dom::array;
using simdjson::dom::element;

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error(path + " cannot be read");
  return {std::istreambuf_iterator<char>(file), {}};
}

// Memory that golden_free frees.
template <typename T>
T* Copy(const void* bytes, std::size_t count) {
  T* copy = static_cast<T*>(std::malloc(count * sizeof(T)));
  if (copy == nullptr) throw std::bad_alloc();
  std::memcpy(copy, bytes, count * sizeof(T));
  return copy;
}

template <typename T>
T* CopyNumbers(element numbers, std::size_t* count) {
  std::vector<T> values;
  for (const element number : array(numbers)) values.push_back(static_cast<T>(double(number)));
  *count = values.size();
  return Copy<T>(values.data(), values.size());
}

// A tensor of a safetensors file: its shape, and its bytes copied.
template <typename T>
T* CopyTensor(const std::string& file, element table, const std::string& name,
              std::vector<std::size_t>* shape) {
  element tensor;
  if (table.at_key(name).get(tensor)) return nullptr;
  std::size_t count = 1;
  for (const element size : array(tensor["shape"])) {
    shape->push_back(std::uint64_t(size));
    count *= shape->back();
  }
  std::uint64_t header_size = 0;
  std::memcpy(&header_size, file.data(), sizeof header_size);
  const std::size_t begin = 8 + header_size + std::uint64_t(tensor["data_offsets"].at(0));
  if (begin + count * sizeof(T) > file.size()) throw std::runtime_error(name + " lies outside the file");
  return Copy<T>(file.data() + begin, count);
}

void SetKind(golden* g, const std::string& kind) {
  std::snprintf(g->kind, sizeof g->kind, "%s", kind.c_str());
}

template <typename Body>
auto OrExit(const char* folder, Body&& body) -> decltype(body()) {
  try {
    return body();
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s: %s\n", folder, e.what());
    std::exit(1);
  }
}

}  // namespace

golden* golden_read(const char* folder, const char* name) {
  return OrExit(folder, [&] {
    const std::string file = ReadFile(std::string(folder) + "/golden.safetensors");
    std::uint64_t header_size = 0;
    std::memcpy(&header_size, file.data(), sizeof header_size);
    simdjson::dom::parser table_parser;
    const element table = table_parser.parse(file.substr(8, header_size));
    auto* g = static_cast<golden*>(std::calloc(1, sizeof(golden)));
    SetKind(g, name);
    const std::string prefix = std::string(name) + "/";
    std::vector<std::size_t> ids;
    std::vector<std::size_t> logits;
    std::vector<std::size_t> hidden;
    g->prompt = CopyTensor<std::int32_t>(file, table, prefix + "input_ids", &ids);
    g->logits = CopyTensor<float>(file, table, prefix + "logits", &logits);
    g->hidden = CopyTensor<float>(file, table, prefix + "hidden", &hidden);
    if (g->prompt == nullptr || g->logits == nullptr) throw std::runtime_error(prefix + " is not there");
    g->prompt_count = ids.at(0);
    g->logit_rows = logits.at(0);
    g->vocabulary = logits.at(1);
    if (g->hidden != nullptr) {
      g->hidden_layers = hidden.at(0);
      g->hidden_size = hidden.at(2);
    }
    simdjson::dom::parser parser;
    const element cases = parser.load(std::string(folder) + "/cases.json");
    for (const element entry : array(cases["cases"])) {
      if (std::string(entry["name"]) != name) continue;
      std::size_t margins = 0;
      g->greedy = CopyNumbers<std::int32_t>(entry["greedy"], &g->greedy_count);
      g->margins = CopyNumbers<double>(entry["margins"], &margins);
      if (margins < g->greedy_count) throw std::runtime_error("cases.json: too few margins");
    }
    if (g->greedy == nullptr) throw std::runtime_error("cases.json has no such case");
    return g;
  });
}

golden* golden_read_expected(const char* folder, size_t index) {
  return OrExit(folder, [&]() -> golden* {
    simdjson::dom::parser parser;
    const element expected = parser.load(std::string(folder) + "/expected.json");
    const array cases = expected["cases"];
    if (index >= cases.size()) return nullptr;
    const element entry = cases.at(index);
    auto* g = static_cast<golden*>(std::calloc(1, sizeof(golden)));
    SetKind(g, std::string(entry["kind"]));
    g->prompt = CopyNumbers<std::int32_t>(entry["prompt_ids"], &g->prompt_count);
    g->greedy = CopyNumbers<std::int32_t>(entry["greedy_ids"], &g->greedy_count);
    return g;
  });
}

void golden_free(golden* g) {
  if (g == nullptr) return;
  std::free(g->prompt);
  std::free(g->logits);
  std::free(g->hidden);
  std::free(g->greedy);
  std::free(g->margins);
  std::free(g);
}
