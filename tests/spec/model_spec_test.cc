#include "spec/model_spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cmath>
#include <limits>

#include "spec/model_presets.h"
#include "tests/spec/draw.h"
#include "tests/spec/input_error_of.h"

namespace deepthin {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

ModelSpec Tiny() {
  return {.vocab_size = 16,
          .d_model = 8,
          .n_blocks = 3,
          .n_heads = 4,
          .n_kv_heads = 2,
          .head_dim = 2,
          .d_ff = 12};
}

ModelSpec TinyWith(const std::string& schedule) {
  ModelSpec spec = Tiny();
  spec.repeat = RepeatScheduleFromText(schedule);
  return spec;
}

TEST(ExecutionOrderTest, EverySchedule) {
  EXPECT_THAT(ExecutionOrder(TinyWith("none")), ElementsAre(0, 1, 2));
  EXPECT_THAT(ExecutionOrder(TinyWith("immediate:2")), ElementsAre(0, 0, 1, 1, 2, 2));
  EXPECT_THAT(ExecutionOrder(TinyWith("repeat_all:2")), ElementsAre(0, 1, 2, 0, 1, 2));
  EXPECT_THAT(ExecutionOrder(TinyWith("reverse:2")), ElementsAre(0, 1, 2, 2, 1, 0));
  EXPECT_THAT(ExecutionOrder(TinyWith("reverse:3")), ElementsAre(0, 1, 2, 2, 1, 0, 0, 1, 2));
  EXPECT_THAT(ExecutionOrder(TinyWith("explicit:2-0-2")), ElementsAre(2, 0, 2));
  EXPECT_THAT(ExecutionOrder(TinyWith("immediate:1")), ElementsAre(0, 1, 2));
}

TEST(KvEntriesTest, OnePerExecutedOrPerStoredBlock) {
  ModelSpec spec = TinyWith("reverse:2");
  EXPECT_THAT(KvEntries(spec), ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_EQ(KvEntryCount(spec), 6);
  spec.kv_policy = KvPolicy::kShared;
  EXPECT_THAT(KvEntries(spec), ElementsAre(0, 1, 2, 2, 1, 0));
  EXPECT_EQ(KvEntryCount(spec), 3);
  spec.repeat = RepeatScheduleFromText("explicit:2-0-2");
  EXPECT_THAT(KvEntries(spec), ElementsAre(2, 0, 2));
  EXPECT_EQ(KvEntryCount(spec), 3);
}

TEST(ExecutionOrderTest, AgreesWithTheCounts) {
  EXPECT_TRUE(rc::check("counts, bounds and entries", [] {
    ModelSpec spec = Tiny();
    spec.n_blocks = *rc::gen::inRange<int64_t>(1, 40);
    spec.kv_policy = *rc::gen::element(KvPolicy::kPerOccurrence, KvPolicy::kShared);
    spec.repeat = DrawSchedule();
    if (spec.repeat.kind == RepeatKind::kExplicit) {
      for (int64_t& block : spec.repeat.order) block %= spec.n_blocks;
    } else if (spec.repeat.kind != RepeatKind::kNone) {
      spec.repeat.times = 1 + spec.repeat.times % 9;
    }
    Validate(spec);
    const std::vector<int64_t> order = ExecutionOrder(spec);
    const std::vector<int64_t> entries = KvEntries(spec);
    RC_ASSERT(static_cast<int64_t>(order.size()) == ExecutedBlocks(spec));
    RC_ASSERT(entries.size() == order.size());
    std::vector<int64_t> runs(static_cast<size_t>(spec.n_blocks));
    for (size_t i = 0; i < order.size(); ++i) {
      RC_ASSERT(order[i] >= 0 && order[i] < spec.n_blocks);
      RC_ASSERT(entries[i] >= 0 && entries[i] < KvEntryCount(spec));
      ++runs[static_cast<size_t>(order[i])];
    }
    if (spec.repeat.kind != RepeatKind::kExplicit) {
      for (const int64_t n : runs) RC_ASSERT(n == spec.repeat.times);
    }
  }));
}

TEST(RepeatScheduleTest, TextGoesBothWays) {
  EXPECT_TRUE(rc::check("text round trip", [] {
    const RepeatSchedule schedule = DrawSchedule();
    RC_ASSERT(RepeatScheduleFromText(ToText(schedule)) == schedule);
  }));
  EXPECT_EQ(ToText(RepeatScheduleFromText("explicit:0-0-1-1")), "explicit:0-0-1-1");
}

TEST(RepeatScheduleTest, RefusesWhatIsNone) {
  for (const char* text : {"",
                           ":",
                           "none:",
                           "none:1",
                           "immediate",
                           "immediate:",
                           "immediate:0",
                           "immediate:-1",
                           "immediate:2x",
                           "immediate: 2",
                           "immediate:+2",
                           "immediate:9223372036854775808",
                           "AABB",
                           "explicit",
                           "explicit:",
                           "explicit:-1",
                           "explicit:0-",
                           "explicit:0--1",
                           "explicit:0,1",
                           "Immediate:2",
                           "reverse:2:2"}) {
    EXPECT_THAT(InputErrorOf([&] { return RepeatScheduleFromText(text); }),
                HasSubstr("is no repeat schedule; expected none, immediate:2"))
        << text;
  }
}

std::string ErrorOf(const ModelSpec& spec) {
  return InputErrorOf([&] {
    Validate(spec, {"model.json", "/model"});
    return 0;
  });
}

struct Edge {
  const char* field;
  int64_t ModelSpec::*member;
  int64_t lowest;
  int64_t highest;
};

// Accepted at the edge and refused beyond it, with the field named.
TEST(ValidateModelTest, RangesAreTight) {
  constexpr Edge kEdges[] = {
      {"vocab_size", &ModelSpec::vocab_size, 1, 1 << 22},
      {"d_model", &ModelSpec::d_model, 1, 1 << 20},
      {"n_blocks", &ModelSpec::n_blocks, 1, 1 << 14},
      {"n_heads", &ModelSpec::n_heads, 1, 1 << 19},  // times head_dim 2
      {"head_dim", &ModelSpec::head_dim, 2, 1 << 20},
      {"d_ff", &ModelSpec::d_ff, 1, 1 << 20},
      {"max_seq_len", &ModelSpec::max_seq_len, 1, 1 << 24},
  };
  for (const Edge& edge : kEdges) {
    SCOPED_TRACE(edge.field);
    ModelSpec spec = Tiny();
    spec.n_heads = 1;
    spec.n_kv_heads = 1;
    for (const int64_t inside : {edge.lowest, edge.highest}) {
      spec.*edge.member = inside;
      EXPECT_EQ(ErrorOf(spec), "");
    }
    for (const int64_t outside :
         {edge.lowest - 1, edge.highest + 1, int64_t{-1}, std::numeric_limits<int64_t>::min(),
          std::numeric_limits<int64_t>::max()}) {
      spec.*edge.member = outside;
      EXPECT_THAT(ErrorOf(spec), StartsWith("model.json: /model/" + std::string(edge.field)));
      EXPECT_THAT(ErrorOf(spec), HasSubstr("; expected a whole number from "));
    }
  }
}

struct Wrong {
  const char* sentence;
  void (*spoil)(ModelSpec&);
};

TEST(ValidateModelTest, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(ErrorOf(Tiny()), "");
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const Wrong wrong_ones[] = {
      {"/n_kv_heads: is 5; expected a whole number from 1 to 4",
       [](ModelSpec& s) { s.n_kv_heads = 5; }},
      {"/n_kv_heads: is 3; expected a divisor of n_heads, which is 4",
       [](ModelSpec& s) { s.n_kv_heads = 3; }},
      {"/n_kv_heads: is 0;", [](ModelSpec& s) { s.n_kv_heads = 0; }},
      {"/head_dim: is 3; expected an even number", [](ModelSpec& s) { s.head_dim = 3; }},
      {"/n_heads x head_dim: is 2097152;", [](ModelSpec& s) { s.head_dim = 1 << 19; }},
      {"/rope_theta: is 0;", [](ModelSpec& s) { s.rope_theta = 0; }},
      {"/rope_theta: is nan", [](ModelSpec& s) { s.rope_theta = kNan; }},
      {"/rope_theta: is inf", [](ModelSpec& s) { s.rope_theta = kInfinity; }},
      {"/norm_eps: is -1;", [](ModelSpec& s) { s.norm_eps = -1; }},
      {"/norm_eps: is 0; expected a number from 1e-30 to 1", [](ModelSpec& s) { s.norm_eps = 0; }},
      {"/norm_eps: is 1e-50;", [](ModelSpec& s) { s.norm_eps = 1e-50; }},  // 0 in f32
      {"/norm_eps: is 2;", [](ModelSpec& s) { s.norm_eps = 2; }},
      {"/norm_eps: is nan", [](ModelSpec& s) { s.norm_eps = kNan; }},
      {"/repeat: is none with times 2", [](ModelSpec& s) { s.repeat.times = 2; }},
      {"/repeat: has an order", [](ModelSpec& s) { s.repeat.order = {0}; }},
      {"/repeat: is 0;",
       [](ModelSpec& s) {
         s.repeat = {RepeatKind::kReverse, 0, {}};
       }},
      {"/repeat: has an empty order",
       [](ModelSpec& s) {
         s.repeat = {RepeatKind::kExplicit, 1, {}};
       }},
      {"/repeat: is explicit with times 2",
       [](ModelSpec& s) {
         s.repeat = {RepeatKind::kExplicit, 2, {0}};
       }},
      {"/repeat: names block 3; expected indices from 0 to 2",
       [](ModelSpec& s) {
         s.repeat = {RepeatKind::kExplicit, 1, {0, 3}};
       }},
      {"/repeat: names block -1;",
       [](ModelSpec& s) {
         s.repeat = {RepeatKind::kExplicit, 1, {-1}};
       }},
  };
  for (const Wrong& wrong : wrong_ones) {
    ModelSpec spec = Tiny();
    wrong.spoil(spec);
    EXPECT_THAT(ErrorOf(spec), StartsWith("model.json: /model" + std::string(wrong.sentence)));
  }
}

TEST(ValidateModelTest, ExecutedBlocksAreBounded) {
  ModelSpec spec = TinyWith("immediate:5461");  // 3 x 5461 = 16383
  EXPECT_EQ(ErrorOf(spec), "");
  spec.repeat.times = 5462;
  EXPECT_THAT(ErrorOf(spec), HasSubstr("/repeat: is 5462; expected a whole number from 1 to 5461"));
  spec.repeat = {RepeatKind::kExplicit, 1, std::vector<int64_t>(1 << 14, 2)};
  EXPECT_EQ(ErrorOf(spec), "");
  spec.repeat.order.push_back(0);
  EXPECT_THAT(ErrorOf(spec), HasSubstr("/repeat: is 16385"));
}

// The largest spec that is accepted: the sanitizer build would stop at an overflow.
TEST(ValidateModelTest, NoCountOverflowsAtTheBounds) {
  const ModelSpec spec{.vocab_size = 1 << 22,
                       .d_model = 1 << 20,
                       .n_blocks = 1 << 14,
                       .n_heads = 1 << 19,
                       .n_kv_heads = 1 << 19,
                       .head_dim = 2,
                       .d_ff = 1 << 20,
                       .tie_embeddings = false,
                       .max_seq_len = 1 << 24};
  ASSERT_EQ(ErrorOf(spec), "");
  EXPECT_EQ(CountParams(spec).blocks, (int64_t{7} << 40) << 14);
  EXPECT_GT(CountParams(spec).total(), 0);
}

struct Published {
  const char* preset;
  int64_t matrices;
  int64_t total;
};

// MobileLLM (arXiv 2402.14905v2), Table 9; the totals are those of the released checkpoints.
TEST(CountParamsTest, PublishedModels) {
  constexpr Published kPublished[] = {
      {"mobilellm-125m", 124'600'320, 124'635'456},
      {"mobilellm-350m", 345'292'800, 345'355'200},
      {"mobilellm-600m", 603'095'040, 603'188'352},
      {"mobilellm-1b", 1'005'322'240, 1'005'461'760},
      {"mobilellm-1.5b", 1'511'014'400, 1'511'188'800},
      {"mobilellm-ls-125m", 124'600'320, 124'635'456},
      {"mobilellm-ls-350m", 345'292'800, 345'355'200},
  };
  EXPECT_EQ(std::size(kPublished), ModelPresets().size());
  for (const Published& row : kPublished) {
    SCOPED_TRACE(row.preset);
    const auto spec = ModelPresetByName(row.preset);
    ASSERT_TRUE(spec);
    EXPECT_EQ(ErrorOf(*spec), "");
    EXPECT_EQ(CountParams(*spec).matrices(), row.matrices);
    EXPECT_EQ(CountParams(*spec).total(), row.total);
  }
  EXPECT_EQ(ModelPresetByName("mobilellm"), std::nullopt);
}

TEST(CountParamsTest, SmallModelByHand) {
  ModelSpec spec = Tiny();
  ParamCounts params = CountParams(spec);
  EXPECT_EQ(params.embedding, 16 * 8);
  EXPECT_EQ(params.head, 0);
  // wq 8x8, wk and wv 4x8, wo 8x8, three of 12x8
  EXPECT_EQ(params.blocks, 3 * (64 + 2 * 32 + 64 + 3 * 96));
  EXPECT_EQ(params.norms, (2 * 3 + 1) * 8);
  spec.tie_embeddings = false;
  spec.ffn = Ffn::kRelu;
  params = CountParams(spec);
  EXPECT_EQ(params.head, 16 * 8);
  EXPECT_EQ(params.blocks, 3 * (64 + 2 * 32 + 64 + 2 * 96));
}

TEST(PaperFfnDimTest, RoundsUpToWhole256) {
  EXPECT_EQ(PaperFfnDim(576), 1536);  // 8/3 x 576 = 1536 exactly
  EXPECT_EQ(PaperFfnDim(577), 1792);
  EXPECT_EQ(PaperFfnDim(512), 1536);
  EXPECT_EQ(PaperFfnDim(1280), 3584);
  EXPECT_EQ(PaperFfnDim(1600), 4352);
}

}  // namespace
}  // namespace deepthin
