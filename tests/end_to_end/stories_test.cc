// A real trained model: the text and the perplexities of independent engines. Needs the third-party
// checkpoint, which this project does not ship.
#include <gtest/gtest.h>

#include <filesystem>

#include "spec/files.h"
#include "spec/json_io.h"
#include "tests/end_to_end/program.h"

namespace deepthin {
namespace {

class Stories : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(model_))
      GTEST_SKIP() << "stories260K.bin is not at hand: " << model_;
  }

  std::string folder_ = DEEPTHIN_SOURCE_DIR "/../shared/checkpoints/";
  std::string model_ = folder_ + "stories260K.bin";
  std::string tokenizer_ = folder_ + "tok512.bin";
};

TEST_F(Stories, GreedyTextIsTheReferences) {
  const ProgramResult result = RunProgram({"generate", "--model", model_, "--tokenizer", tokenizer_,
                                           "--temperature", "0", "-n", "256"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, ReadFile(folder_ + "stories260K.greedy.txt"));
}

TEST_F(Stories, PerplexityOnEmmaIsTheReferencesToThreeDecimals) {
  const ProgramResult result =
      RunProgram({"eval", "perplexity", "--model", model_, "--tokenizer", tokenizer_, "--text",
                  DEEPTHIN_SOURCE_DIR "/tests/assets/emma_excerpt.txt", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json json = ParseJson(result.out, "stdout");
  EXPECT_EQ(json["tokens"], 6094);
  EXPECT_NEAR(json["perplexity"].get<double>(), 30.117, 0.0005);
  EXPECT_NEAR(json["nll_per_token"].get<double>(), 3.4051, 0.00005);
}

}  // namespace
}  // namespace deepthin
