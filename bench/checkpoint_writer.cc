#include "bench/checkpoint_writer.h"

#include <fstream>
#include <map>
#include <span>

#include "bench/random_values.h"
#include "lib/base/error.h"
#include "lib/weights/checkpoint.h"

namespace carat::bench {
namespace {

struct Shard {
  std::string name;
  std::vector<const PlannedTensor*> tensors;
  std::uint64_t bytes = 0;
};

std::vector<Shard> SplitIntoShards(const std::vector<PlannedTensor>& tensors, std::uint64_t shard_bytes) {
  std::vector<Shard> shards(1);
  for (const PlannedTensor& tensor : tensors) {
    if (!shards.back().tensors.empty() && shards.back().bytes + tensor.bytes() > shard_bytes) {
      shards.emplace_back();
    }
    shards.back().tensors.push_back(&tensor);
    shards.back().bytes += tensor.bytes();
  }
  if (shards.size() == 1) {
    shards[0].name = "model.safetensors";
    return shards;
  }
  for (std::size_t i = 0; i < shards.size(); ++i) {
    shards[i].name = absl::StrFormat("model-%05d-of-%05d.safetensors", i + 1, shards.size());
  }
  return shards;
}

// The eight bytes of length and the table of contents.
std::string Header(const Shard& shard) {
  std::string json = R"({"__metadata__":{"format":"pt"})";
  std::uint64_t offset = 0;
  for (const PlannedTensor* tensor : shard.tensors) {
    absl::StrAppendFormat(&json, R"(,"%s":{"dtype":"BF16","shape":%s,"data_offsets":[%d,%d]})", tensor->name,
                          internal::ShapeString(tensor->shape), offset, offset + tensor->bytes());
    offset += tensor->bytes();
  }
  json += "}";
  json.resize((json.size() + 7) / 8 * 8, ' ');  // so that the tensors begin aligned
  std::string header;
  for (int shift = 0; shift < 64; shift += 8)
    header.push_back(static_cast<char>(json.size() >> shift & 0xFF));
  return header + json;
}

Status WriteShard(const std::string& folder, const Shard& shard, RandomValues& random) {
  const std::string path = folder + "/" + shard.name;
  std::ofstream file(path, std::ios::binary);
  file << Header(shard);
  for (const PlannedTensor* tensor : shard.tensors) {
    const auto write = [&](std::span<const std::uint16_t> values) -> Status {
      file.write(reinterpret_cast<const char*>(values.data()),
                 static_cast<std::streamsize>(values.size_bytes()));
      if (!file) return internal::Unavailable("%s: cannot write", path);
      return {};
    };
    CARAT_RETURN_IF_ERROR(random.Generate(tensor->values, tensor->count(), write));
  }
  file.close();
  if (!file) return internal::Unavailable("%s: cannot write", path);
  return {};
}

std::string IndexJson(const std::vector<Shard>& shards) {
  std::map<std::string, std::string> shard_of;
  std::uint64_t bytes = 0;
  for (const Shard& shard : shards) {
    bytes += shard.bytes;
    for (const PlannedTensor* tensor : shard.tensors) shard_of[tensor->name] = shard.name;
  }
  std::string json = absl::StrFormat("{\n  \"metadata\": {\"total_size\": %d},\n  \"weight_map\": {", bytes);
  const char* separator = "\n";
  for (const auto& [tensor, shard] : shard_of) {
    absl::StrAppendFormat(&json, "%s    \"%s\": \"%s\"", separator, tensor, shard);
    separator = ",\n";
  }
  return json + "\n  }\n}\n";
}

}  // namespace

Status WriteText(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (!file) return internal::Unavailable("%s: cannot write", path);
  return {};
}

Status WriteWeights(const std::string& folder, const std::vector<PlannedTensor>& tensors, std::uint64_t seed,
                    std::uint64_t shard_bytes) {
  const std::vector<Shard> shards = SplitIntoShards(tensors, shard_bytes);
  RandomValues random(seed);
  for (const Shard& shard : shards) CARAT_RETURN_IF_ERROR(WriteShard(folder, shard, random));
  if (shards.size() == 1) return {};
  return WriteText(folder + "/model.safetensors.index.json", IndexJson(shards));
}

}  // namespace carat::bench
