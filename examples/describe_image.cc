// A picture and a question about it.
//
//   describe_image MODEL_FOLDER PICTURE ["question"]
//
// The picture is encoded once, into soft tokens; they are kept here and used for two questions.
#include <carat/all.h>
#include <carat/media_files.h>

#include <cstdio>
#include <string>

namespace {

carat::Status Ask(const carat::Model& model, const carat::SoftTokens& picture, const std::string& question) {
  carat::Prompt prompt(model);
  const carat::EncodeOptions control{.parse_special = true};
  if (auto status = prompt.AddText("<bos><|turn>user\n", control); !status.ok()) return status;
  if (auto status = prompt.AddMedia(picture); !status.ok()) return status;
  if (auto status = prompt.AddText(question); !status.ok())
    return status;  // a user's text: nothing in it is control
  if (auto status = prompt.AddText("<turn|>\n<|turn>model\n", control); !status.ok()) return status;

  carat::Result<carat::Session> session = carat::Session::Create(model);
  if (!session.ok()) return session.status();
  carat::GenerationOptions options;
  options.sampling = carat::SamplingOptions{.temperature = 0};
  const auto answer = carat::Generate(*session, prompt, options);
  if (!answer.ok()) return answer.status();
  std::printf("%s\n  %s\n", question.c_str(), answer->text.c_str());
  return {};
}

carat::Status Main(const std::string& folder, const std::string& file, const std::string& question) {
  const carat::Result<carat::Model> model = carat::Model::Load(folder);
  if (!model.ok()) return model.status();
  const carat::Result<carat::Picture> picture = carat::ReadPicture(file);
  if (!picture.ok()) return picture.status();
  const carat::ImageView view{picture->rgb.data(), picture->width, picture->height,
                              3 * std::int64_t{picture->width}};
  const carat::Result<carat::SoftTokens> seen = carat::EncodeImage(*model, view);
  if (!seen.ok()) return seen.status();
  std::printf("%d x %d pixels, %d soft tokens\n", picture->width, picture->height,
              static_cast<int>(seen->count()));
  if (auto status = Ask(*model, *seen, question); !status.ok()) return status;
  return Ask(*model, *seen, "How many shapes are there?");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return std::fprintf(stderr, "usage: describe_image MODEL_FOLDER PICTURE [QUESTION]\n"), 2;
  const carat::Status status = Main(argv[1], argv[2], argc > 3 ? argv[3] : "Describe this image.");
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
