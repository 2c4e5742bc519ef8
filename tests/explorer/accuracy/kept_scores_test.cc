// Scores in a file: found again, across processes, past a kill.
#include "explorer/accuracy/kept_scores.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "spec/files.h"
#include "spec/model_presets.h"
#include "tests/results/temporary_folder.h"
#include "tests/spec/input_error_of.h"

namespace deepthin::explorer {
namespace {

using ::testing::HasSubstr;

ProxyScore ScoreOf(double value) {
  ProxyScore score;
  score.proxy = "slow";
  score.version = "2";
  score.value = value;
  score.method = "by hand";
  return score;
}

ModelSpec Model(int64_t blocks) {
  ModelSpec spec = *ModelPresetByName("mobilellm-125m");
  spec.n_blocks = blocks;
  return spec;
}

class KeptScoresTest : public ::testing::Test {
 protected:
  results::TemporaryFolder folder_;
  std::string path_ = folder_.File("scores.jsonl");
};

TEST_F(KeptScoresTest, AreFoundByProxyVersionSettingsAndModel) {
  const Json settings = {{"seeds", 3}};
  {
    KeptScores kept(path_);
    EXPECT_FALSE(kept.HasAny("slow", "2", settings));
    kept.Keep(settings, Model(4), ScoreOf(1));
    kept.Keep(settings, Model(5), ScoreOf(2));
    kept.Keep(settings, Model(4), ScoreOf(3));  // the last counts
    EXPECT_EQ(kept.Find("slow", "2", settings, Model(4)), ScoreOf(3));
  }
  const KeptScores again(path_);
  EXPECT_EQ(again.Find("slow", "2", settings, Model(4)), ScoreOf(3));
  EXPECT_EQ(again.Find("slow", "2", settings, Model(5)), ScoreOf(2));
  EXPECT_TRUE(again.HasAny("slow", "2", settings));
  EXPECT_FALSE(again.Find("slow", "2", settings, Model(6)));
  EXPECT_FALSE(again.Find("slow", "1", settings, Model(4)));
  EXPECT_FALSE(again.Find("fast", "2", settings, Model(4)));
  EXPECT_FALSE(again.Find("slow", "2", Json::object(), Model(4)));
}

TEST_F(KeptScoresTest, WithoutAFileAreKeptInMemory) {
  KeptScores kept;
  kept.Keep(Json::object(), Model(4), ScoreOf(1));
  EXPECT_EQ(kept.Find("slow", "2", Json::object(), Model(4)), ScoreOf(1));
}

TEST_F(KeptScoresTest, ALineThatAKillCutShortIsCutOff) {
  {
    KeptScores kept(path_);
    kept.Keep(Json::object(), Model(4), ScoreOf(1));
    kept.Keep(Json::object(), Model(5), ScoreOf(2));
  }
  std::filesystem::resize_file(path_, std::filesystem::file_size(path_) - 7);
  {
    KeptScores kept(path_);
    EXPECT_TRUE(kept.Find("slow", "2", Json::object(), Model(4)));
    EXPECT_FALSE(kept.Find("slow", "2", Json::object(), Model(5)));
    kept.Keep(Json::object(), Model(6), ScoreOf(3));
    kept.Keep(Json::object(), Model(7), ScoreOf(4));
  }
  const KeptScores kept(path_);
  EXPECT_TRUE(kept.Find("slow", "2", Json::object(), Model(4)));
  EXPECT_TRUE(kept.Find("slow", "2", Json::object(), Model(6)));
  EXPECT_TRUE(kept.Find("slow", "2", Json::object(), Model(7)));
}

TEST_F(KeptScoresTest, ADamagedLineIsNamed) {
  std::string good;
  {
    KeptScores kept(path_);
    kept.Keep(Json::object(), Model(4), ScoreOf(1));
    good = ReadFile(path_);
  }
  for (const std::string bad : {"{}", "[]", "{\"settings\": 1, \"model\": {}}", "nonsense"}) {
    std::ofstream(path_, std::ios::binary) << good << bad << "\n";
    EXPECT_THAT(InputErrorOf([&] { return KeptScores(path_).HasAny("", "", {}); }),
                HasSubstr("line 2"))
        << bad;
  }
}

}  // namespace
}  // namespace deepthin::explorer
