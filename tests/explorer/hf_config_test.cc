#include "explorer/hf_config.h"

#include <gtest/gtest.h>

#include "results/paper_tables.h"
#include "spec/model_argument.h"

namespace deepthin::explorer {
namespace {

// The released files, as the paper's data has them.
TEST(HfConfig, AgreesWithTheReleasedConfigs) {
  const auto& released = results::PaperTableByName("repo_configs");
  for (const auto& row : released.rows) {
    SCOPED_TRACE(row[0]);
    std::string preset = row[0];
    for (char& c : preset) c = static_cast<char>(std::tolower(c));
    const Json config = HfConfig(ModelFromArgument(preset));
    const auto cell = [&](const std::string& column) {
      for (size_t i = 0; i < released.columns.size(); ++i) {
        if (released.columns[i] == column) return std::stod(row[i]);
      }
      ADD_FAILURE() << "no column " << column;
      return 0.0;
    };
    EXPECT_EQ(config["num_hidden_layers"], cell("layers"));
    EXPECT_EQ(config["hidden_size"], cell("dim"));
    EXPECT_EQ(config["num_attention_heads"], cell("heads"));
    EXPECT_EQ(config["num_key_value_heads"], cell("kv_heads"));
    EXPECT_EQ(config["intermediate_size"], cell("ffn_dim"));
    EXPECT_EQ(config["vocab_size"], cell("vocab_size"));
    EXPECT_EQ(config["max_position_embeddings"], cell("max_position"));
    EXPECT_EQ(config["rope_theta"], cell("rope_theta"));
    EXPECT_EQ(config["rms_norm_eps"], cell("rms_norm_eps"));
    EXPECT_EQ(config["head_dim"], cell("head_dim"));
  }
}

TEST(HfConfig, AlwaysSaysWhatIsShared) {
  EXPECT_EQ(HfConfig(ModelFromArgument("mobilellm-125m"))["layer_sharing"], false);
  EXPECT_EQ(HfConfig(ModelFromArgument("mobilellm-ls-125m"))["layer_sharing"], true);
  EXPECT_EQ(HfConfig(ModelFromArgument("mobilellm-125m"))["share_embedding"], true);
  EXPECT_EQ(HfConfig(ModelFromArgument("mobilellm-125m:tie_embeddings=false"))["share_embedding"],
            false);
  // A schedule that repeats nothing is none, however it is written.
  EXPECT_EQ(HfConfig(ModelFromArgument("mobilellm-125m:repeat=repeat_all:1"))["layer_sharing"],
            false);
}

TEST(HfConfig, RefusesWhatTheFormatCannotSay) {
  for (const char* argument :
       {"mobilellm-125m:ffn=relu", "mobilellm-125m:repeat=repeat_all:2",
        "mobilellm-125m:repeat=immediate:3", "mobilellm-ls-125m:kv_policy=shared"}) {
    SCOPED_TRACE(argument);
    EXPECT_THROW(static_cast<void>(HfConfig(ModelFromArgument(argument))), InputError);
  }
}

}  // namespace
}  // namespace deepthin::explorer
