// Speech to text, encoded while it is being recorded.
//
//   transcribe MODEL_FOLDER SOUND_FILE
//
// A microphone hands over a tenth of a second at a time; here a file stands for it. When the speaker stops,
// nearly all of the work has been done.
#include <carat/all.h>
#include <carat/media_files.h>

#include <algorithm>
#include <cstdio>
#include <string>

namespace {

carat::Status Main(const std::string& folder, const std::string& file) {
  const carat::Result<carat::Model> model = carat::Model::Load(folder);
  if (!model.ok()) return model.status();
  const carat::Result<carat::Sound> sound = carat::ReadSound(file);
  if (!sound.ok()) return sound.status();

  auto stream = carat::AudioStream::Start(*model, sound->channels, sound->sample_rate);
  if (!stream.ok()) return stream.status();
  const auto total = static_cast<std::int64_t>(sound->samples.size()) / sound->channels;
  for (std::int64_t at = 0; at < total;) {
    const std::int64_t count = std::min<std::int64_t>(sound->sample_rate / 10, total - at);
    const carat::AudioView piece{.samples = sound->samples.data() + at * sound->channels,
                                 .frames = count,
                                 .channels = sound->channels,
                                 .sample_rate = sound->sample_rate};
    if (auto status = stream->Feed(piece); !status.ok()) return status;
    at += count;
  }
  const carat::Result<carat::SoftTokens> heard = stream->Finish();
  if (!heard.ok()) return heard.status();

  carat::Prompt prompt(*model);
  const carat::EncodeOptions control{.parse_special = true};
  if (auto status = prompt.AddText("<bos><|turn>user\n", control); !status.ok()) return status;
  if (auto status = prompt.AddMedia(*heard); !status.ok()) return status;
  const char* question = "Transcribe the speech.<turn|>\n<|turn>model\n";
  if (auto status = prompt.AddText(question, control); !status.ok()) return status;
  auto session = carat::Session::Create(*model);
  if (!session.ok()) return session.status();
  carat::GenerationOptions options;
  options.sampling = carat::SamplingOptions{.temperature = 0};
  const auto answer = carat::Generate(*session, prompt, options);
  if (!answer.ok()) return answer.status();
  std::printf("%s\n", answer->text.c_str());
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return std::fprintf(stderr, "usage: transcribe MODEL_FOLDER SOUND_FILE\n"), 2;
  const carat::Status status = Main(argv[1], argv[2]);
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
