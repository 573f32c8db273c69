#include "examples/cli/media.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "carat/media_files.h"
#include "examples/cli/error.h"
#include "examples/cli/options.h"
#include "examples/cli/progress_bar.h"

extern char** environ;

namespace carat::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostFrames = 32;  // what the reference takes of a video

ImageView ViewOf(const Picture& picture) {
  return {picture.rgb.data(), picture.width, picture.height, std::int64_t{3} * picture.width};
}

// A folder that is gone when this is.
class TemporaryFolder {
 public:
  TemporaryFolder() : path_((fs::temp_directory_path() / "carat-media-XXXXXX").string()) {
    if (mkdtemp(path_.data()) == nullptr) throw Error(kExitFailed, path_ + ": cannot make this folder");
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

enum class Ffmpeg { kDone, kNotInstalled, kFailed };

// Runs the program ffmpeg on a file, with these words between the file and the output.
Ffmpeg RunFfmpeg(const std::string& file, const std::vector<std::string>& how, const std::string& output) {
  // "file:" keeps a name with a colon, or a dash at its beginning, from meaning something else.
  std::vector<std::string> words = {"ffmpeg", "-nostdin", "-v", "error", "-i", "file:" + file};
  words.insert(words.end(), how.begin(), how.end());
  words.push_back("file:" + output);
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t child = 0;
  if (posix_spawnp(&child, "ffmpeg", nullptr, nullptr, arguments.data(), environ) != 0)
    return Ffmpeg::kNotInstalled;
  int status = 0;
  return waitpid(child, &status, 0) == child && status == 0 ? Ffmpeg::kDone : Ffmpeg::kFailed;
}

// Writes a video file's frames into a folder.
void ExtractFrames(const std::string& video, double frames_per_second, const std::string& folder) {
  switch (RunFfmpeg(video, {"-vf", absl::StrFormat("fps=%g", frames_per_second)}, folder + "/%06d.png")) {
    case Ffmpeg::kDone:
      return;
    case Ffmpeg::kNotInstalled:
      throw Error(kExitBadInput,
                  video +
                      ": a video file needs the program ffmpeg, which is not installed; a folder of "
                      "frames (PNG, JPEG, WebP, GIF, BMP) does not");
    case Ffmpeg::kFailed:
      throw Error(kExitBadInput, video + ": ffmpeg cannot read it");
  }
}

// What carat_media does not decode (M4A, WebM, AIFF and others) is converted by ffmpeg.
Sound ReadAnySound(const std::string& path) {
  Result<Sound> sound = ReadSound(path);
  if (sound.ok() || sound.status().code() != StatusCode::kUnimplemented)
    return ValueOrThrow(std::move(sound));
  const TemporaryFolder folder;
  const std::string converted = folder.path() + "/sound.wav";
  switch (RunFfmpeg(path, {"-vn", "-map", "0:a:0", "-ac", "1", "-c:a", "pcm_s16le"}, converted)) {
    case Ffmpeg::kDone:
      return ValueOrThrow(ReadSound(converted));
    case Ffmpeg::kNotInstalled:
      throw Error(kExitBadInput,
                  sound.status().message() + "; with the program ffmpeg installed it could be converted");
    case Ffmpeg::kFailed:
      break;
  }
  throw Error(kExitBadInput, sound.status().message() + "; ffmpeg cannot convert it");
}

std::vector<std::string> FilesOf(const std::string& folder) {
  std::vector<std::string> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    if (entry.is_regular_file()) files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  if (files.empty()) throw Error(kExitBadInput, folder + ": there are no frames in it");
  return files;
}

SoftTokens EncodeFrames(const std::string& folder, const MediaArguments& arguments, const Model& model,
                        const ImageOptions& options) {
  const std::vector<std::string> files = FilesOf(folder);
  const std::size_t count = std::min(files.size(), kMostFrames);
  std::vector<Picture> pictures;
  std::vector<double> seconds;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t frame = i * files.size() / count;
    pictures.push_back(ValueOrThrow(ReadPicture(files[frame])));
    seconds.push_back(static_cast<double>(frame) / arguments.frames_per_second);
  }
  std::vector<VideoFrame> frames;
  for (std::size_t i = 0; i < count; ++i) frames.push_back({ViewOf(pictures[i]), seconds[i]});
  return ValueOrThrow(EncodeVideo(model, frames, options));
}

SoftTokens EncodeVideoAt(const std::string& path, const MediaArguments& arguments, const Model& model,
                         const ImageOptions& options) {
  if (fs::is_directory(path)) return EncodeFrames(path, arguments, model, options);
  if (!fs::exists(path)) throw Error(kExitBadInput, path + ": no such file or folder");
  const TemporaryFolder frames;
  ExtractFrames(path, arguments.frames_per_second, frames.path());
  return EncodeFrames(frames.path(), arguments, model, options);
}

void EncodeSound(const std::string& path, const Model& model, const AudioOptions& options,
                 std::vector<SoftTokens>& encoded) {
  const Sound sound = ReadAnySound(path);
  AudioView whole{.samples = sound.samples.data(),
                  .frames = static_cast<std::int64_t>(sound.samples.size()) / sound.channels,
                  .channels = sound.channels,
                  .sample_rate = sound.sample_rate};
  const std::vector<std::int64_t> cuts = ValueOrThrow(FindQuietCuts(whole));
  for (std::size_t i = 0; i < cuts.size(); ++i) {
    AudioView piece = whole;
    piece.samples += cuts[i] * sound.channels;
    piece.frames = (i + 1 < cuts.size() ? cuts[i + 1] : whole.frames) - cuts[i];
    encoded.push_back(ValueOrThrow(EncodeAudio(model, piece, options)));
  }
}

}  // namespace

void AddMediaArguments(CLI::App& command, MediaArguments& a) {
  constexpr char kGroup[] = "Pictures, video and sound (the prompt is then a question about them)";
  AddValue(command, kGroup, "--image", a.images, "FILE",
           "A PNG, JPEG, WebP, GIF or BMP picture; may be repeated");
  AddValue(command, kGroup, "--video", a.videos, "PATH",
           "A folder of frames, or with ffmpeg installed a video file; may be repeated");
  AddValue(command, kGroup, "--audio", a.sounds, "FILE",
           "A WAV, FLAC, OGG or MP3 file, or with ffmpeg installed another; may be repeated");
  AddValue(command, kGroup, "--budget", a.budget, "N",
           "The most soft tokens for a picture or a frame  [the checkpoint's own]")
      ->check(CLI::IsMember({70, 140, 280, 560, 1120}));
  AddValue(command, kGroup, "--fps", a.frames_per_second, "X", "Frames a second of a video  [1]")
      ->check(CLI::Range(0.01, 1000.0));
}

std::vector<SoftTokens> EncodeMedia(const MediaArguments& arguments, const Model& model,
                                    Interrupts& interrupts, bool show_progress) {
  std::atomic<bool> cancelled{false};
  const Interrupts::Handler cancel(interrupts, [&cancelled] { cancelled.store(true); });
  const ImageOptions image_options{.budget = arguments.budget, .cancelled = &cancelled};
  const auto total =
      static_cast<std::int64_t>(arguments.images.size() + arguments.videos.size() + arguments.sounds.size());
  ProgressBar bar("looking and listening", show_progress);
  std::vector<SoftTokens> encoded;
  std::int64_t done = 0;
  const auto next = [&] { bar.Update(++done, total); };
  bar.Update(0, total);
  for (const std::string& path : arguments.images) {
    const Picture picture = ValueOrThrow(ReadPicture(path));
    encoded.push_back(ValueOrThrow(EncodeImage(model, ViewOf(picture), image_options)));
    next();
  }
  for (const std::string& path : arguments.videos) {
    encoded.push_back(EncodeVideoAt(path, arguments, model, image_options));
    next();
  }
  for (const std::string& path : arguments.sounds) {
    EncodeSound(path, model, {.cancelled = &cancelled}, encoded);
    next();
  }
  return encoded;
}

}  // namespace carat::cli
