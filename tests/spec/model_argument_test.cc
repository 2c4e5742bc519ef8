#include "spec/model_argument.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "spec/files.h"
#include "spec/model_presets.h"
#include "tests/spec/input_error_of.h"

namespace deepthin {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

std::string ErrorOf(std::string_view argument, const std::vector<std::string>& settings = {}) {
  return InputErrorOf([&] { return ModelFromArgument(argument, settings); });
}

TEST(ModelFromArgumentTest, EveryPreset) {
  for (const ModelPreset& preset : ModelPresets()) {
    EXPECT_EQ(ModelFromArgument(preset.name), preset.spec) << preset.name;
  }
}

TEST(ModelFromArgumentTest, OverridesThenSettings) {
  ModelSpec expected = *ModelPresetByName("mobilellm-125m");
  expected.n_blocks = 12;
  expected.d_model = 768;
  expected.repeat = RepeatScheduleFromText("explicit:0-0-1-1");
  const std::string argument = "mobilellm-125m:n_blocks=12,d_model=768,repeat=explicit:0-0-1-1";
  EXPECT_EQ(ModelFromArgument(argument), expected);
  expected.n_blocks = 13;
  expected.rope_theta = 5e5;
  expected.tie_embeddings = false;
  const std::vector<std::string> settings = {"n_blocks=13", "rope_theta=5e5",
                                             "tie_embeddings=false"};
  EXPECT_EQ(ModelFromArgument(argument, settings), expected);
}

TEST(ModelFromArgumentTest, FileWithOverrides) {
  const std::string folder = testing::TempDir() + "a:b";  // a colon is no override yet
  std::filesystem::create_directories(folder);
  const std::string path = folder + "/m.json";
  ModelSpec spec = *ModelPresetByName("mobilellm-350m");
  WriteFileAtomically(path, ToJson(spec).dump(2));
  EXPECT_EQ(ModelFromArgument(path), spec);
  WriteFileAtomically(path, "{\"vocab_size\": 0}");
  EXPECT_THAT(ErrorOf(path), AllOf(StartsWith(path), HasSubstr("lacks the key 'd_model'")));
  std::filesystem::remove_all(folder);
}

TEST(ModelFromArgumentTest, SaysWhatIsWrong) {
  EXPECT_THAT(ErrorOf("mobilellm-125"),
              AllOf(StartsWith("'mobilellm-125' is no model that is known; expected a preset ("),
                    HasSubstr("mobilellm-125m, "), HasSubstr("ends in .json")));
  EXPECT_THAT(ErrorOf(""), StartsWith("'' is no model that is known"));
  EXPECT_THAT(ErrorOf("mobilellm-125m:n_blocks"),
              HasSubstr("has the override 'n_blocks'; expected key=value"));
  EXPECT_THAT(ErrorOf("mobilellm-125m:"), HasSubstr("has the override ''; expected key=value"));
  EXPECT_THAT(ErrorOf(":n_blocks=2"), HasSubstr("is no model that is known"));
  EXPECT_THAT(ErrorOf("absent.json"),
              AllOf(StartsWith("absent.json: cannot be read"), HasSubstr("No such file")));
  EXPECT_THAT(ErrorOf("mobilellm-125m:layers=2"),
              HasSubstr("layers: names no key 'layers'; expected one of vocab_size, d_model"));
  EXPECT_THAT(ErrorOf("mobilellm-125m:n_blocks=2,"), HasSubstr("the override ''; expected key="));
  EXPECT_THAT(ErrorOf("mobilellm-125m", {"n_blocks"}),
              HasSubstr("the override 'n_blocks'; expected key=value"));
  EXPECT_THAT(ErrorOf("mobilellm-125m", {"=3"}), HasSubstr("the override '=3'"));
  EXPECT_THAT(ErrorOf("mobilellm-125m:n_blocks=many"),
              HasSubstr("/n_blocks: is \"many\"; expected a whole number"));
  EXPECT_THAT(ErrorOf("mobilellm-125m:n_kv_heads=2"),
              HasSubstr("/n_kv_heads: is 2; expected a divisor of n_heads, which is 9"));
  EXPECT_THAT(ErrorOf("mobilellm-125m:ffn=\xff"), HasSubstr("/ffn: "));
}

TEST(ModelFromJsonTest, TextOrObject) {
  const ModelSpec spec = *ModelPresetByName("mobilellm-125m");
  EXPECT_EQ(ModelFromJson(Json("mobilellm-125m"), {"s.json", "/model"}), spec);
  EXPECT_EQ(ModelFromJson(ToJson(spec), {"s.json", "/model"}), spec);
  Json wrong = ToJson(spec);
  wrong["n_heads"] = 0;
  EXPECT_THAT(InputErrorOf([&] {
                return ModelFromJson(wrong, {"s.json", "/model"});
              }),
              StartsWith("s.json: /model/n_heads: is 0"));
}

TEST(PrecisionFromArgumentTest, NamesAndObjects) {
  for (const NamedPrecision& known : kPrecisions) {
    EXPECT_EQ(PrecisionFromArgument(known.name), known.precision);
    EXPECT_EQ(PrecisionFromJson(ToJson(known.precision), {"s.json", ""}), known.precision);
  }
  EXPECT_EQ(
      InputErrorOf([] { return PrecisionFromArgument("int4"); }),
      "command line: --precision: is 'int4'; expected one of f32, f16, bf16, q8_0, q4_0, w8a8");
}

}  // namespace
}  // namespace deepthin
