// Whatever is done to a GGUF file, of a text decoder, a part of one or of towers: opening it is an error with
// a sentence, or a model that reads a prompt. Under a sanitizer this also says that nothing is read outside.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "carat/media.h"
#include "carat/model.h"
#include "carat/prompt.h"
#include "carat/quantize.h"
#include "carat/session.h"

namespace carat {
namespace {

std::string ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void WriteAll(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

template <typename T>
T Load(const std::string& bytes, std::size_t at) {
  T value{};
  if (at + sizeof(T) <= bytes.size()) std::memcpy(&value, bytes.data() + at, sizeof(T));
  return value;
}

// A number of a header, and where it is.
struct Field {
  std::size_t at;
  std::size_t size;
};

// Goes through an undamaged header and notes where its counts, lengths, types, shapes and offsets are.
class HeaderFields {
 public:
  explicit HeaderFields(const std::string& bytes) : bytes_(bytes) {
    Note(4);
    const std::uint64_t tensors = Note(8), keys = Note(8);
    for (std::uint64_t i = 0; i < keys; ++i) ReadKey();
    first_tensor_ = at_;
    for (std::uint64_t i = 0; i < tensors; ++i) ReadTensor();
  }
  const std::vector<Field>& fields() const { return fields_; }
  std::size_t end() const { return at_; }
  std::size_t first_tensor() const { return first_tensor_; }

 private:
  std::uint64_t Note(std::size_t size) {
    fields_.push_back({at_, size});
    at_ += size;
    return size == 4 ? Load<std::uint32_t>(bytes_, at_ - 4) : Load<std::uint64_t>(bytes_, at_ - 8);
  }
  void SkipString(bool note) {
    const std::uint64_t length = note ? Note(8) : Load<std::uint64_t>(bytes_, at_);
    at_ += length + (note ? 0 : 8);
  }
  void SkipValue(std::uint64_t type) {
    constexpr std::size_t kSizes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
    const std::size_t size = kSizes[type];
    if (size >= 4) {
      Note(size);
    } else {
      at_ += size;
    }
  }
  void ReadKey() {
    SkipString(true);
    const std::uint64_t type = Note(4);
    if (type == 8) return SkipString(true);
    if (type != 9) return SkipValue(type);
    const std::uint64_t element = Note(4), count = Note(8);
    const std::size_t noted = fields_.size();
    for (std::uint64_t i = 0; i < count; ++i) {
      if (element == 8) {
        SkipString(i == 0);
      } else {
        SkipValue(element);
      }
    }
    fields_.resize(std::min(fields_.size(), noted + 1));  // one element stands for all
  }
  void ReadTensor() {
    SkipString(true);
    const std::uint64_t dimensions = Note(4);
    for (std::uint64_t i = 0; i < dimensions; ++i) Note(8);
    Note(4);
    Note(8);
  }

  const std::string& bytes_;
  std::size_t at_ = 4;
  std::size_t first_tensor_ = 0;
  std::vector<Field> fields_;
};

class DamageTest : public testing::Test {
 protected:
  void SetUp() override {
    stem_ = testing::TempDir() + "/carat_damage_" + std::to_string(getpid());
    text_ = Name(".gguf");
    towers_ = Name("-mmproj.gguf");
  }
  void TearDown() override {
    for (const std::string& name : names_) std::remove(name.c_str());
  }
  std::string Name(const std::string& ending) {
    names_.push_back(stem_ + ending);
    return names_.back();
  }

  void Write(const std::string& model, const std::string& type, bool towers) {
    QuantizeOptions options;
    options.type = type;
    if (towers) options.mmproj = towers_;
    const Status written = QuantizeCheckpoint(std::string(CARAT_TEST_DATA) + "/" + model, text_, options);
    ASSERT_TRUE(written.ok()) << written.ToString();
  }

  // Whether the files open; what opens must answer, if only with an error.
  bool Opens(const std::string& path, const std::string& towers) {
    ModelOptions options;
    options.threads = 1;
    if (towers.empty()) options.instruction_set = InstructionSet::kPlain;
    options.mmproj = towers;
    const auto model = Model::Load(path, options);
    if (!model.ok()) {
      EXPECT_FALSE(model.status().message().empty());
      return false;
    }
    ReadPrompt(*model);
    return true;
  }

  void ReadPrompt(const Model& model) {
    if (prompts_++ % 8 != 0 && model.info().has_vision) return;  // towers take their time
    SessionOptions options;
    options.context_size = std::min<std::int64_t>(model.info().context_length, 400);
    auto session = Session::Create(model, options);
    if (!session.ok()) return;
    Prompt prompt(model);
    ASSERT_TRUE(prompt.AddTokens(std::vector<std::int32_t>{2, 5}).ok());
    if (model.info().has_vision) {
      const std::vector<std::uint8_t> pixels(3 * 96 * 96, 90);
      ImageOptions small;
      small.budget = 70;
      const auto picture = EncodeImage(model, {pixels.data(), 96, 96, 288}, small);
      if (picture.ok()) (void)prompt.AddMedia(*picture);
    }
    if (model.info().has_audio) {
      const std::vector<float> samples(3200, 0.1f);
      AudioView view;
      view.samples = samples.data();
      view.frames = 3200;
      const auto sound = EncodeAudio(model, view);
      if (sound.ok()) (void)prompt.AddMedia(*sound);
    }
    (void)session->Prefill(prompt);
  }

  // Fields of the header, each with an absurd value; bytes at random; cuts. Returns how often the files
  // opened all the same, of how many times.
  template <typename Try>
  std::pair<int, int> Damage(const std::string& path, std::size_t every, int random_times, Try&& opens) {
    const std::string whole = ReadAll(path);
    const HeaderFields header(whole);
    std::mt19937_64 random(7);
    int opened = 0, times = 0;
    // In place: copying the file for each try would take nearly all the time.
    std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
    const auto put = [&](std::size_t at, const char* bytes, std::size_t size) {
      file.seekp(static_cast<std::streamoff>(at));
      file.write(bytes, static_cast<std::streamsize>(size));
      file.flush();
    };
    const auto attempt = [&] {
      opened += opens() ? 1 : 0;
      ++times;
    };
    const std::uint64_t absurd[] = {
        0, 1, 2, 9, 33, 0x7fffffff, 0xffffffff, 1ull << 40, (1ull << 63) - 1, 1ull << 63, ~0ull, ~0ull - 31};
    std::size_t number = 0;
    for (const Field& field : header.fields()) {
      if (number++ % every != 0) continue;
      const std::uint64_t value = absurd[random() % std::size(absurd)];
      put(field.at, reinterpret_cast<const char*>(&value), field.size);
      attempt();
      put(field.at, whole.data() + field.at, field.size);
    }
    for (int i = 0; i < random_times; ++i) {
      const std::size_t at = random() % header.end();
      const char changed = static_cast<char>(random());
      put(at, &changed, 1);
      attempt();
      put(at, whole.data() + at, 1);
    }
    for (int i = 0; i < 20; ++i) {
      const std::size_t size = random() % (i % 2 == 0 ? header.end() : whole.size() - 64);
      WriteAll(path, whole.substr(0, size));
      EXPECT_FALSE(opens()) << "cut to " << size << " of " << whole.size();
    }
    WriteAll(path, whole);
    EXPECT_TRUE(opens());
    return {opened, times};
  }

  std::string text_, towers_;

 private:
  std::string stem_;
  std::vector<std::string> names_;
  int prompts_ = 0;
};

TEST_F(DamageTest, TextDecoders) {
  Write("tiny-31b", "q8_0", false);
  const auto [opened, times] = Damage(text_, 2, 100, [&] { return Opens(text_, ""); });
  EXPECT_LT(opened, times * 2 / 3);
  EXPECT_GT(times, 100);
}

TEST_F(DamageTest, Towers) {
  Write("tiny-e2b", "q8_0", true);
  const auto [opened, times] = Damage(towers_, 8, 40, [&] { return Opens(text_, towers_); });
  EXPECT_LT(opened, times * 2 / 3);
  EXPECT_GT(times, 100);
}

// The first part of two has the keys, the second the tensors.
TEST_F(DamageTest, PartsOfASplitModel) {
  Write("tiny-31b", "bf16", false);
  const std::string whole = ReadAll(text_);
  const std::string parts[] = {Name("-00001-of-00002.gguf"), Name("-00002-of-00002.gguf")};
  // Behind the keys of the one file: split.no, split.count; no tensors in the first, no other keys in the
  // second.
  const auto number = [](std::uint64_t value, std::size_t size) {
    return std::string(reinterpret_cast<const char*>(&value), size);
  };
  const auto key = [&](const std::string& name, std::uint64_t value) {
    return number(name.size(), 8) + name + number(2, 4) + number(value, 2);
  };
  const std::uint64_t tensors = Load<std::uint64_t>(whole, 8), keys = Load<std::uint64_t>(whole, 16);
  const HeaderFields header(whole);
  const std::size_t table = header.first_tensor(), end = header.end();
  std::string first = whole.substr(0, 8) + number(0, 8) + number(keys + 2, 8) + whole.substr(24, table - 24) +
                      key("split.no", 0) + key("split.count", 2);
  std::string second = whole.substr(0, 8) + number(tensors, 8) + number(2, 8) + key("split.no", 1) +
                       key("split.count", 2) + whole.substr(table, end - table);
  second.resize((second.size() + 31) / 32 * 32);
  second += whole.substr((end + 31) / 32 * 32);
  WriteAll(parts[0], first);
  WriteAll(parts[1], second);
  ASSERT_TRUE(Opens(parts[1], "")) << Model::Load(parts[1]).status().ToString();
  for (const std::string& part : parts) {
    const std::string good = ReadAll(part);
    std::mt19937_64 random(11);
    const std::size_t head = HeaderFields(good).end();
    for (int i = 0; i < 20; ++i) {
      std::string bytes = good;
      bytes[random() % head] = static_cast<char>(random());
      WriteAll(part, bytes);
      (void)Opens(parts[0], "");
      WriteAll(part, good.substr(0, random() % head));
      EXPECT_FALSE(Opens(parts[0], ""));
    }
    std::remove(part.c_str());
    EXPECT_FALSE(Opens(parts[0], ""));
    WriteAll(part, good);
  }
  WriteAll(parts[1], first);  // the first part again
  EXPECT_FALSE(Opens(parts[0], ""));
}

}  // namespace
}  // namespace carat
