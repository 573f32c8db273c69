// Which form a checkpoint has.
#include "lib/chat/chat_form.h"

#include <gtest/gtest.h>

#include "carat/model.h"
#include "tests/tokenizer/scratch_folder.h"

namespace carat {
namespace {

const char* const kLargeSource = "{{- '<|turn>model\\n' -}}{{- '<|channel>thought\\n<channel|>' -}}";
const char* const kSmallSource = "{{- '<|channel>thought\\n' + text + '\\n<channel|>' -}}";

TEST(ChatFormTest, ATemplateDecides) {
  EXPECT_EQ(internal::FormOfTemplate(kLargeSource), ChatForm::kLarge);
  EXPECT_EQ(internal::FormOfTemplate(kSmallSource), ChatForm::kSmall);
}

TEST(ChatFormTest, TheTemplatesFileComesFirst) {
  const testing::ScratchFolder folder;
  EXPECT_EQ(internal::FormOfFolder(folder.path()), std::nullopt);
  folder.Write("tokenizer_config.json", R"({"chat_template": "'<|channel>thought\\n<channel|>'"})");
  EXPECT_EQ(internal::FormOfFolder(folder.path()), ChatForm::kLarge);
  folder.Write("tokenizer_config.json",
               R"({"chat_template": [{"name": "tools", "template": "<|channel>thought\n<channel|>"},
                                                            {"name": "default", "template": "x"}]})");
  EXPECT_EQ(internal::FormOfFolder(folder.path()), ChatForm::kSmall);
  folder.Write("chat_template.jinja", kLargeSource);
  EXPECT_EQ(internal::FormOfFolder(folder.path()), ChatForm::kLarge);
  for (const char* broken : {"{", "[]", "{}", R"({"chat_template": 5})"}) {
    const testing::ScratchFolder other;
    other.Write("tokenizer_config.json", broken);
    EXPECT_EQ(internal::FormOfFolder(other.path()), std::nullopt) << broken;
  }
}

TEST(ChatFormTest, WithoutATemplatePerLayerEmbeddingsDecide) {
  EXPECT_EQ(ChatFormOf(*Model::Load(std::string(CARAT_TEST_DATA) + "/tiny-e2b")), ChatForm::kSmall);
  EXPECT_EQ(ChatFormOf(*Model::Load(std::string(CARAT_TEST_DATA) + "/tiny-31b")), ChatForm::kLarge);
}

}  // namespace
}  // namespace carat
