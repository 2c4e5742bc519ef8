// A real trained model: the text and the perplexities of independent engines. Needs the third-party
// checkpoint, which this project does not ship.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "spec/files.h"
#include "spec/json_io.h"
#include "tests/end_to_end/program.h"

namespace deepthin {
namespace {

using Words = std::vector<std::string>;

class Stories : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(model_))
      GTEST_SKIP() << "stories260K.bin is not at hand: " << model_;
  }

  std::string folder_ = DEEPTHIN_SOURCE_DIR "/../shared/checkpoints/";
  std::string model_ = folder_ + "stories260K.bin";
  std::string tokenizer_ = folder_ + "tok512.bin";
  std::string text_ = DEEPTHIN_SOURCE_DIR "/tests/assets/emma_excerpt.txt";
};

TEST_F(Stories, GreedyTextIsTheReferences) {
  const ProgramResult result = RunProgram({"generate", "--model", model_, "--tokenizer", tokenizer_,
                                           "--temperature", "0", "-n", "256"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, ReadFile(folder_ + "stories260K.greedy.txt"));
}

TEST_F(Stories, PerplexityOnEmmaIsTheReferencesToThreeDecimals) {
  const ProgramResult result = RunProgram({"eval", "perplexity", "--model", model_, "--tokenizer",
                                           tokenizer_, "--text", text_, "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json json = ParseJson(result.out, "stdout");
  EXPECT_EQ(json["tokens"], 6094);
  EXPECT_NEAR(json["perplexity"].get<double>(), 30.117, 0.0005);
  EXPECT_NEAR(json["nll_per_token"].get<double>(), 3.4051, 0.00005);
}

// Story text is likelier than scrambled text, and the fitting context makes a word likelier.
TEST_F(Stories, ChoicesOfAStoryAreTold) {
  const TemporaryFolder folder;
  const std::string data = folder.Write(
      "items.jsonl",
      R"({"context": "Once upon a time, there was a little", "choices": [" girl named Lily.", )"
      R"(" bank of the gross."], "answer": 0})"
      "\n"
      R"({"choices": [{"context": "Lily was happy. She said", "continuation": " thank you."}, )"
      R"({"context": "The dog ran", "continuation": " thank you."}], "answer": 1})"
      "\n");
  const Words arguments = {"eval",     "choices", "--model", model_,  "--tokenizer",
                           tokenizer_, "--data",  data,      "--json"};
  const ProgramResult result = RunProgram(arguments);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json json = ParseJson(result.out, "stdout");
  EXPECT_EQ(json["items"], 2);
  EXPECT_EQ(json["results"][0]["chosen"]["sum"], 0);
  EXPECT_EQ(json["results"][1]["chosen"]["sum"], 0);  // not what the item says: wrong on purpose
  EXPECT_EQ(json["accuracy_sum"]["value"], 0.5);
  EXPECT_NEAR(json["accuracy_sum"]["standard_error"].get<double>(), std::sqrt(0.125), 1e-12);

  const std::string bad = folder.Write("bad.jsonl", "{\"context\": 1}\n");
  const ProgramResult refused =
      RunProgram({"eval", "choices", "--model", model_, "--tokenizer", tokenizer_, "--data", bad});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_NE(refused.err.find("bad.jsonl: line 1: lacks the key"), std::string::npos) << refused.err;
}

TEST_F(Stories, APromptMayLieInAFile) {
  const TemporaryFolder folder;
  const std::string file = folder.Write("prompt.txt", "Once upon a time");
  Words arguments = {"generate", "--model", model_, "--tokenizer", tokenizer_, "-n", "12"};
  Words with_file = arguments;
  with_file.insert(with_file.end(), {"--prompt-file", file});
  arguments.insert(arguments.end(), {"--prompt", "Once upon a time"});
  EXPECT_EQ(RunProgram(with_file).out, RunProgram(arguments).out);
  arguments.insert(arguments.end(), {"--prompt-file", file});
  EXPECT_EQ(RunProgram(arguments).exit_code, 2);
}

// Through GGUF with its vocabulary, through safetensors, and back.
TEST_F(Stories, TextIsTheSameFromEveryFormat) {
  const TemporaryFolder folder;
  const std::string gguf = folder.File("stories.gguf");
  const std::string tensors = folder.File("stories");
  ASSERT_EQ(RunProgram({"convert", model_, gguf, "--tokenizer", tokenizer_}).exit_code, 0);
  ASSERT_EQ(RunProgram({"convert", gguf, tensors}).exit_code, 0);
  const std::string expected = ReadFile(folder_ + "stories260K.greedy.txt");
  for (const std::vector<std::string>& model :
       {std::vector<std::string>{gguf}, {tensors, "--tokenizer", gguf}}) {
    std::vector<std::string> arguments = {"generate", "--temperature", "0", "-n", "256"};
    arguments.insert(arguments.end(), model.begin(), model.end());
    const ProgramResult result = RunProgram(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(result.out, expected);
  }
}

// How far each format's perplexity lies from f32's (30.117) as it was measured; twice that is
// allowed, for other orders of sums. A format that is read wrongly costs several times as much.
TEST_F(Stories, PerplexityByFormatIsAsFarFromF32AsMeasured) {
  const auto perplexity = [this](const std::string& dtype) {
    const ProgramResult result =
        RunProgram({"eval", "perplexity", model_, "--tokenizer", tokenizer_, "--dtype", dtype,
                    "--text", text_, "--json"});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return ParseJson(result.out, "stdout")["perplexity"].get<double>();
  };
  struct Measured {
    const char* dtype;
    double distance;
  };
  const double f32 = perplexity("f32");
  for (const Measured& measured : {Measured{"f16", 0.003},
                                   {"bf16", 0.012},
                                   {"q8_0", 0.047},
                                   {"int8", 0.021},
                                   {"q4_0", 3.753}}) {
    const double distance = std::abs(perplexity(measured.dtype) - f32);
    EXPECT_LT(distance, 2 * measured.distance) << measured.dtype;
    EXPECT_GT(distance, 0) << measured.dtype;  // the format was used at all
  }
}

}  // namespace
}  // namespace deepthin
