// Round trips, hashes and overrides; what is refused is in json_errors_test.cc.
#include "spec/json_io.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "spec/cost_estimate.h"
#include "spec/measurement.h"
#include "spec/model_presets.h"
#include "spec/problem.h"
#include "spec/proxy_score.h"
#include "spec/training_record.h"
#include "tests/spec/draw.h"
#include "tests/spec/input_error_of.h"

namespace deepthin {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

template <class T>
class JsonRoundTripTest : public testing::Test {};
using AllTypes =
    testing::Types<ModelSpec, Precision, Sourced<Bytes>, Sourced<Seconds>, MemoryLevel, ComputeRate,
                   AttentionRate, FixedCosts, PhaseResiduals, Residuals, SocSpec, Workload, Problem,
                   LevelTraffic, OperatorCost, PhaseCost, CostEstimate, HostContext, Measurement,
                   ProxyScore, LossPoint, TrainingRecord>;
TYPED_TEST_SUITE(JsonRoundTripTest, AllTypes);

// Through text, since that is what files and databases hold: doubles come back to the last bit.
TYPED_TEST(JsonRoundTripTest, AnyValueComesBackEqual) {
  EXPECT_TRUE(rc::check("value -> text -> value", [] {
    const auto value = Draw<TypeParam>();
    const std::string text = ToJson(value).dump();
    const Json parsed = ParseJson(text, "round trip");
    RC_ASSERT(FromJson<TypeParam>(parsed, {"round trip", ""}) == value);
    RC_ASSERT(parsed.dump() == text);
    RC_ASSERT(ContentHash(parsed) == ContentHash(ToJson(value)));
  }));
}

TEST(ToJsonTest, WritesTheFieldListInOrder) {
  EXPECT_EQ(ToJson(*ModelPresetByName("mobilellm-ls-125m")).dump(),
            R"({"vocab_size":32000,"d_model":576,"n_blocks":30,"n_heads":9,"n_kv_heads":3,)"
            R"("head_dim":64,"d_ff":1536,"ffn":"swiglu","tie_embeddings":true,)"
            R"("repeat":"immediate:2","kv_policy":"per_occurrence","max_seq_len":2048,)"
            R"("rope_theta":10000.0,"norm_eps":1e-05})");
}

TEST(ToJsonTest, LeavesOutWhatIsAbsent) {
  EXPECT_FALSE(ToJson(ProxyScore{}).contains("standard_error"));
  ProxyScore score;
  score.standard_error = 0.5;
  EXPECT_TRUE(ToJson(score).contains("standard_error"));
}

TEST(FromJsonTest, OptionalKeysKeepTheirDefaults) {
  const auto spec = FromJson<ModelSpec>(
      ParseJson(R"({"vocab_size":5,"d_model":4,"n_blocks":1,"n_heads":1,"n_kv_heads":1,
                    "head_dim":4,"d_ff":8,"ffn":"relu","tie_embeddings":false})",
                "m.json"),
      {"m.json", ""});
  EXPECT_EQ(spec.repeat, RepeatSchedule{});
  EXPECT_EQ(spec.max_seq_len, 2'048);
  EXPECT_EQ(spec.ffn, Ffn::kRelu);
}

TEST(FromJsonTest, WholeNumbersMayBeWrittenAsFloats) {
  const Where where{"w.json", ""};
  EXPECT_EQ(FromJson<int64_t>(ParseJson("1e9", ""), where), 1'000'000'000);
  EXPECT_EQ(FromJson<int64_t>(ParseJson("-16.0", ""), where), -16);
  EXPECT_EQ(FromJson<int64_t>(ParseJson("9223372036854775807", ""), where), INT64_MAX);
  EXPECT_EQ(FromJson<int64_t>(ParseJson("-9223372036854775808", ""), where), INT64_MIN);
  EXPECT_EQ(FromJson<Bytes>(ParseJson("8388608", ""), where), MiB(8));
  EXPECT_EQ(FromJson<double>(ParseJson("3", ""), where), 3.0);
}

// The persistent format: databases hold these. A change here orphans every stored trial. The values
// are those of the xxHash project's own program: printf '{}' | xxhsum -H2
TEST(ContentHashTest, GoldenValues) {
  EXPECT_EQ(ContentHash(Json::object()), "dc7048f8f8747f561349cde127705c16");
  EXPECT_EQ(ContentHash(Json("deepthin")), "d142b3015213b52170a6e921782f1054");
  EXPECT_EQ(ContentHash(ToJson(*ModelPresetByName("mobilellm-125m"))),
            "3f7bb009cd33ef7954792080d7ee740a");
}

TEST(ContentHashTest, DoesNotDependOnTheOrderOfKeysInAFile) {
  const Where where{"w.json", ""};
  const auto a = FromJson<Workload>(
      ParseJson(R"({"prompt_tokens": 64, "generated_tokens": 32, "batch": 1})", ""), where);
  const auto b = FromJson<Workload>(
      ParseJson(R"({ "generated_tokens":32.0, "prompt_tokens":6.4e1 })", ""), where);
  EXPECT_EQ(ContentHash(ToJson(a)), ContentHash(ToJson(b)));
}

TEST(ContentHashTest, TellsEveryFieldApart) {
  const ModelSpec spec = *ModelPresetByName("mobilellm-125m");
  ForEachField<ModelSpec>([&](const auto& field) {
    ModelSpec other = spec;
    auto& member = other.*field.member;
    using Member = std::decay_t<decltype(member)>;
    if constexpr (std::is_arithmetic_v<Member>) {
      member = static_cast<Member>(member == Member{} ? 1 : 0);
    } else if constexpr (HasTexts<Member>) {
      member = EnumTexts<Member>::kList.back().first;
    } else {
      member = RepeatScheduleFromText("reverse:2");
    }
    EXPECT_NE(ContentHash(ToJson(spec)), ContentHash(ToJson(other))) << field.name;
  });
}

TEST(ContentHashTest, EqualValuesHashAlike) {
  EXPECT_EQ(ContentHash(ToJson(0.0)), ContentHash(ToJson(-0.0)));
  EXPECT_EQ(ContentHash(ToJson(Seconds(0.0))), ContentHash(ToJson(Seconds(-0.0))));
}

Json Phone() {
  return ParseJson(
      R"({"model": {"n_blocks": 30},
          "soc": {"levels": [{"name": "slc",
                              "capacity_bytes": {"value": 8, "source": "sheet", "high": 9}}]}})",
      "phone");
}

TEST(SetAtPathTest, SetsWhatIsThere) {
  Json root = Phone();
  SetAtPath(root, "model.n_blocks", 12, "command line", "user");
  EXPECT_EQ(root["model"]["n_blocks"], 12);
  SetAtPath(root, "soc.levels.0.name", "sram", "command line", "user");
  EXPECT_EQ(root["soc"]["levels"][0]["name"], "sram");
  SetAtPath(root, "model", Json::object(), "command line", "user");
  EXPECT_EQ(root["model"], Json::object());
}

// A number that the user gave must not stand under the data sheet's name.
TEST(SetAtPathTest, SourceFollowsTheValue) {
  for (const char* path : {"soc.levels.0.capacity_bytes", "soc.levels.0.capacity_bytes.value"}) {
    Json root = Phone();
    SetAtPath(root, path, 16, "command line", "user: 16");
    EXPECT_EQ(root["soc"]["levels"][0]["capacity_bytes"].dump(),
              R"({"value":16,"source":"user: 16"})")
        << path;
  }
}

TEST(WithoutSourcesTest, LeavesValuesOnly) {
  const Json json = ParseJson(
      R"({"a": [{"b": {"value": 7, "low": 6, "source": "s"}}, "t"], "source": "no number"})", "j");
  EXPECT_EQ(WithoutSources(json).dump(), R"({"a":[{"b":7},"t"],"source":"no number"})");
  EXPECT_EQ(WithoutSources(json.at("a")).dump(), R"([{"b":7},"t"])");
  EXPECT_EQ(WithoutSources(Json(3)), Json(3));
}

TEST(SetAtPathTest, SaysWhichKeysThereAre) {
  const auto error_of = [](std::string_view path) {
    return InputErrorOf([&] {
      Json root = Phone();
      SetAtPath(root, path, 1, "command line", "user");
      return 0;
    });
  };
  EXPECT_EQ(error_of("model.n_block"),
            "command line: model.n_block: names no key 'n_block'; expected one of n_blocks");
  EXPECT_THAT(error_of("soc.levels.1.name"), HasSubstr("names no key '1'; expected one of 0"));
  EXPECT_THAT(error_of("model.n_blocks.x"), HasSubstr("expected a path that ends earlier"));
  EXPECT_THAT(error_of(""), HasSubstr("names no key ''; expected one of model, soc"));
  EXPECT_THAT(error_of("."), HasSubstr("names no key ''"));
  EXPECT_THAT(error_of("model."), HasSubstr("names no key ''"));
}

TEST(ScalarFromTextTest, NumbersBooleansAndTexts) {
  EXPECT_EQ(ScalarFromText("12"), Json(12));
  EXPECT_EQ(ScalarFromText("-3"), Json(-3));
  EXPECT_EQ(ScalarFromText("0.5"), Json(0.5));
  EXPECT_EQ(ScalarFromText("1e3"), Json(1000.0));
  EXPECT_EQ(ScalarFromText("true"), Json(true));
  EXPECT_EQ(ScalarFromText("immediate:2"), Json("immediate:2"));
  for (const char* text : {"", "nan", "inf", "1e999", "12x", " 12", "0x10", "TRUE"}) {
    EXPECT_EQ(ScalarFromText(text), Json(text)) << text;
  }
}

}  // namespace
}  // namespace deepthin
