#include "runtime/checkpoint/hf_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "results/paper_tables.h"
#include "spec/model_argument.h"

namespace deepthin::runtime {
namespace {

using ::testing::HasSubstr;

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

TEST(HfConfig, IsReadBackEqual) {
  for (const char* argument :
       {"mobilellm-125m", "mobilellm-ls-350m", "mobilellm-1b:tie_embeddings=false,rope_theta=5e5",
        "mobilellm-125m:norm_eps=1e-6,max_seq_len=77,head_dim=32"}) {
    const ModelSpec spec = ModelFromArgument(argument);
    const Json config = ParseJson(HfConfig(spec).dump(), "config.json");
    EXPECT_EQ(SpecFromHfConfig(config, "config.json"), spec) << argument;
  }
}

std::string ErrorOf(const Json& config, const HfSharing& sharing = {}) {
  try {
    static_cast<void>(SpecFromHfConfig(config, "config.json", sharing));
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

// As the files in MobileLLM's repository: its class, neither key.
TEST(HfConfig, OpenSharingIsAskedFor) {
  Json config = HfConfig(ModelFromArgument("mobilellm-125m"));
  config["model_type"] = "mobilellm";
  config["tie_word_embeddings"] = false;  // which its class does not read
  config.erase("share_embedding");
  config.erase("layer_sharing");
  EXPECT_THAT(ErrorOf(config), HasSubstr("--share-embedding yes|no"));
  EXPECT_THAT(ErrorOf(config, {.share_embedding = true}), HasSubstr("--layer-sharing yes|no"));
  const HfSharing both = {.share_embedding = true, .layer_sharing = true};
  EXPECT_EQ(SpecFromHfConfig(config, "", both), ModelFromArgument("mobilellm-ls-125m"));
  config["model_type"] = "llama";
  config["architectures"] = {"MobileLLMForCausalLM"};
  EXPECT_THAT(ErrorOf(config), HasSubstr("--share-embedding yes|no"));
  // Llama's class has defaults.
  config["architectures"] = {"LlamaForCausalLM"};
  EXPECT_FALSE(SpecFromHfConfig(config, "").tie_embeddings);
  config["share_embedding"] = true;
  EXPECT_THAT(ErrorOf(config), HasSubstr("contradicts tie_word_embeddings"));
  config["tie_word_embeddings"] = true;
  EXPECT_THAT(ErrorOf(config, {.share_embedding = false}), HasSubstr("--share-embedding"));
}

TEST(HfConfig, OtherModelsAreRefused) {
  const Json good = HfConfig(ModelFromArgument("mobilellm-125m"));
  const auto with = [&](const char* key, Json value) {
    Json config = good;
    config[key] = std::move(value);
    return ErrorOf(config);
  };
  EXPECT_EQ(ErrorOf(good), "");
  EXPECT_THAT(with("model_type", "qwen2"), HasSubstr("config.json: /model_type: is 'qwen2'"));
  EXPECT_THAT(with("hidden_act", "gelu"), HasSubstr("silu"));
  EXPECT_THAT(with("attention_bias", true), HasSubstr("/attention_bias"));
  EXPECT_THAT(with("rope_scaling", Json{{"factor", 2}}), HasSubstr("/rope_scaling"));
  EXPECT_THAT(with("hidden_size", "576"), HasSubstr("/hidden_size"));
  EXPECT_THAT(with("hidden_size", nullptr), HasSubstr("/hidden_size: is absent"));
  EXPECT_THAT(with("num_key_value_heads", 2), HasSubstr("n_kv_heads"));
  EXPECT_THAT(with("num_attention_heads", 0), HasSubstr("n_heads"));
  EXPECT_THAT(with("rope_parameters", Json{{"rope_type", "yarn"}}), HasSubstr("yarn"));
  EXPECT_EQ(with("rope_parameters", Json{{"rope_type", "default"}}), "");
  EXPECT_THAT(ErrorOf(Json::array()), HasSubstr("no JSON object"));
}

}  // namespace
}  // namespace deepthin::runtime
