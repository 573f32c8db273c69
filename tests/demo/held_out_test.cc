// The demo checkpoint answers its held-out items as well through carat as through the reference.
//
//   test_demo_held_out CHECKPOINT HELD_OUT [SKILL...]
//
// Every item is answered greedily. An answer counts if it is, token by token and with the token that ends it,
// the wanted one. The share of such answers must be within a point of the reference's share, which
// expected.json has.
#include <carat/all.h>
#include <carat/media_files.h>
#include <simdjson.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <exception>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "chat_prompt.h"

namespace {

using simdjson::dom::element;

constexpr int kItems = 200;  // of each skill

// How the weights are held in memory, and how far from the reference's a score may be then.
struct WeightStorage {
  const char* name;
  carat::ModelOptions options;
  double tolerance;
};

// Another format is a line here.
std::vector<WeightStorage> Storages() {
  return {
      {"as stored", {}, 0.01},
      {"int8", {.weight_type = carat::WeightType::kInt8}, 0.01},
      {"int4", {.weight_type = carat::WeightType::kInt4}, 0.01},
  };
}

const std::vector<std::string> kSkills = {"tools", "letters", "definitions", "shapes", "digits", "speech"};

constexpr carat::EncodeOptions kControl{.parse_special = true};

void Check(const carat::Status& status) {
  if (!status.ok()) throw std::runtime_error(status.ToString());
}

template <typename T>
T Take(carat::Result<T> result) {
  Check(result.status());
  return *std::move(result);
}

std::vector<std::string> ReadLines(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error(path + ": cannot be opened");
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  if (file.bad()) throw std::runtime_error(path + ": cannot be read");
  return lines;
}

std::string TextOr(element item, const char* name, const char* otherwise) {
  std::string_view text;
  return item[name].get(text) == simdjson::SUCCESS ? std::string(text) : otherwise;
}

carat::SoftTokens EncodePictureFile(const carat::Model& model, const std::string& path) {
  const carat::Picture picture = Take(carat::ReadPicture(path));
  return Take(carat::EncodeImage(
      model, {picture.rgb.data(), picture.width, picture.height, 3 * std::int64_t{picture.width}}));
}

carat::SoftTokens EncodeSoundFile(const carat::Model& model, const std::string& path) {
  const carat::Sound sound = Take(carat::ReadSound(path));
  return Take(
      carat::EncodeAudio(model, {.samples = sound.samples.data(),
                                 .frames = static_cast<std::int64_t>(sound.samples.size()) / sound.channels,
                                 .channels = sound.channels,
                                 .sample_rate = sound.sample_rate}));
}

carat::Prompt PromptAbout(const carat::Model& model, const carat::SoftTokens& media,
                          const std::string& question) {
  carat::Prompt prompt(model);
  Check(prompt.AddText("<bos><|turn>user\n", kControl));
  Check(prompt.AddMedia(media));
  Check(prompt.AddText(question));
  Check(prompt.AddText("<turn|>\n<|turn>model\n", kControl));
  return prompt;
}

carat::Prompt PromptOf(const carat::Model& model, const std::string& folder, element item) {
  if (const std::string image = TextOr(item, "image", ""); !image.empty())
    return PromptAbout(model, EncodePictureFile(model, folder + "/" + image), TextOr(item, "question", ""));
  if (const std::string audio = TextOr(item, "audio", ""); !audio.empty())
    return PromptAbout(model, EncodeSoundFile(model, folder + "/" + audio), TextOr(item, "question", ""));
  carat::Prompt prompt(model);
  Check(prompt.AddText(carat_demo::ChatPrompt(item), kControl));
  return prompt;
}

bool AnswersExactly(carat::Session& session, const std::string& folder, element item) {
  const carat::Model model = session.model();
  const std::string answer = TextOr(item, "answer", "");
  if (answer.empty()) throw std::runtime_error("an item has no answer");
  const std::vector<std::int32_t> wanted =
      Take(model.tokenizer().Encode(answer + TextOr(item, "end", "<turn|>"), kControl));
  const carat::Prompt prompt = PromptOf(model, folder, item);

  Take(session.Rewind(0));
  carat::GenerationOptions options;
  options.sampling = carat::SamplingOptions{.temperature = 0};
  options.max_new_tokens = static_cast<std::int64_t>(wanted.size());
  std::size_t right = 0;
  // A wrong token decides: what would come after it need not be computed.
  const auto on_step = [&](const carat::GenerationStep& step) {
    if (step.token < 0) return true;
    if (step.token != wanted[right]) return false;
    ++right;
    return true;
  };
  Take(carat::Generate(session, prompt, options, on_step));
  return right == wanted.size();
}

// The dialogues in expected.json come with the text that the reference was asked, and with its ids.
void CheckChatPrompts(const carat::Model& model, element expected) {
  int checked = 0;
  for (const element item : expected["cases"].get_array()) {
    element messages;
    if (item["messages"].get(messages) != simdjson::SUCCESS) continue;
    const std::string prompt = carat_demo::ChatPrompt(item);
    if (prompt != TextOr(item, "prompt", ""))
      throw std::runtime_error("the chat prompt differs from the reference's:\n" + prompt);
    std::vector<std::int32_t> ids;
    for (const element id : item["prompt_ids"].get_array())
      ids.push_back(static_cast<std::int32_t>(id.get_int64().value()));
    if (Take(model.tokenizer().Encode(prompt, kControl)) != ids)
      throw std::runtime_error("the ids of a prompt differ from the reference's:\n" + prompt);
    ++checked;
  }
  if (checked == 0) throw std::runtime_error("expected.json has no dialogues");
}

// Answers all items of a skill; true if the score is near enough to the reference's.
bool ScoreSkill(carat::Session& session, const WeightStorage& storage, const std::string& folder,
                const std::string& skill, double reference) {
  const auto begin = std::chrono::steady_clock::now();
  const std::string path = folder + "/" + skill + ".jsonl";
  const std::vector<std::string> lines = ReadLines(path);
  if (lines.size() != kItems) {
    throw std::runtime_error(path + ": has " + std::to_string(lines.size()) + " items, expected " +
                             std::to_string(kItems));
  }
  simdjson::dom::parser parser;
  int exact = 0;
  for (const std::string& line : lines) exact += AnswersExactly(session, folder, parser.parse(line));
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;

  const double score = static_cast<double>(exact) / kItems;
  // Half an item more, for the rounding of the decimal fractions.
  const bool near = std::abs(score - reference) <= storage.tolerance + 0.5 / kItems;
  std::printf("%-10s %-12s %5.1f %%, the reference's %5.1f %%, %6.1f items/s%s\n", storage.name,
              skill.c_str(), 100 * score, 100 * reference, kItems / seconds.count(), near ? "" : "  TOO FAR");
  std::fflush(stdout);
  return near;
}

bool ScoreAll(const std::string& checkpoint, const std::string& held_out,
              const std::vector<std::string>& skills) {
  simdjson::dom::parser parser;
  const element expected = parser.load(checkpoint + "/expected.json");
  bool near = true;
  for (const WeightStorage& storage : Storages()) {
    const carat::Model model = Take(carat::Model::Load(checkpoint, storage.options));
    CheckChatPrompts(model, expected);
    carat::Session session = Take(carat::Session::Create(model));
    for (const std::string& skill : skills) {
      const double reference = expected["held_out_exact"][skill].get_double();
      near = ScoreSkill(session, storage, held_out, skill, reference) && near;
    }
  }
  return near;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return std::fprintf(stderr, "usage: test_demo_held_out CHECKPOINT HELD_OUT [SKILL...]\n"), 2;
  try {
    const std::vector<std::string> skills(argv + 3, argv + argc);
    return ScoreAll(argv[1], argv[2], skills.empty() ? kSkills : skills) ? 0 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
