#include "spec/precision.h"

#include <gtest/gtest.h>

#include <set>

#include "spec/model_presets.h"

namespace deepthin {
namespace {

TEST(StorageBytesTest, WholeGroupsOf32) {
  EXPECT_EQ(StorageBytes(Dtype::kF32, 3, 5), Bytes(60));
  EXPECT_EQ(StorageBytes(Dtype::kF16, 3, 5), Bytes(30));
  EXPECT_EQ(StorageBytes(Dtype::kBf16, 3, 5), Bytes(30));
  EXPECT_EQ(StorageBytes(Dtype::kQ8_0, 3, 64), Bytes(3 * 2 * 34));
  EXPECT_EQ(StorageBytes(Dtype::kQ4_0, 3, 64), Bytes(3 * 2 * 18));
  EXPECT_EQ(StorageBytes(Dtype::kInt8, 3, 64), Bytes(3 * (64 + 4)));
}

TEST(StorageBytesTest, LastGroupOfARowIsStoredWhole) {
  EXPECT_EQ(StorageBytes(Dtype::kQ8_0, 10, 1), Bytes(10 * 34));
  EXPECT_EQ(StorageBytes(Dtype::kQ8_0, 10, 32), Bytes(10 * 34));
  EXPECT_EQ(StorageBytes(Dtype::kQ8_0, 10, 33), Bytes(10 * 68));
  EXPECT_EQ(StorageBytes(Dtype::kQ4_0, 10, 63), Bytes(10 * 36));
  EXPECT_EQ(StorageBytes(Dtype::kQ4_0, 10, 65), Bytes(10 * 54));
  EXPECT_EQ(StorageBytes(Dtype::kInt8, 10, 33), Bytes(10 * 37));
}

TEST(PrecisionTest, NamesAreDistinctAndFound) {
  std::set<std::string_view> names;
  for (const NamedPrecision& known : kPrecisions) {
    EXPECT_TRUE(names.insert(known.name).second) << known.name;
    EXPECT_EQ(PrecisionByName(known.name), known.precision);
  }
  EXPECT_EQ(PrecisionByName("q5_k"), std::nullopt);
  EXPECT_EQ(PrecisionByName(""), std::nullopt);
}

// Without groups, bytes follow from the parameters alone: norms are f32 in every precision.
TEST(WeightBytesTest, AreParametersTimesWidth) {
  for (const ModelPreset& preset : ModelPresets()) {
    SCOPED_TRACE(preset.name);
    const ParamCounts params = CountParams(preset.spec);
    EXPECT_EQ(CountWeightBytes(preset.spec, *PrecisionByName("f32")).total(),
              Bytes(4 * params.total()));
    EXPECT_EQ(CountWeightBytes(preset.spec, *PrecisionByName("f16")).total(),
              Bytes(2 * params.matrices() + 4 * params.norms));
  }
}

TEST(WeightBytesTest, PartsOfAnUntiedQuantisedModel) {
  // Widths that are no multiples of 32: d_model 24 and 36 in f are stored as one and two groups.
  const ModelSpec spec{.vocab_size = 10,
                       .d_model = 24,
                       .n_blocks = 2,
                       .n_heads = 3,
                       .n_kv_heads = 1,
                       .head_dim = 12,
                       .d_ff = 36,
                       .ffn = Ffn::kSwiglu,
                       .tie_embeddings = false};
  const Precision precision{.weights = Dtype::kQ4_0, .embedding = Dtype::kQ8_0};
  const WeightBytes bytes = CountWeightBytes(spec, precision);
  EXPECT_EQ(bytes.embedding, Bytes(10 * 34));
  EXPECT_EQ(bytes.head, Bytes(10 * 34));
  const int64_t qkv = (36 + 2 * 12) * 18;  // rows of one group
  const int64_t out = 24 * 2 * 18;         // rows of two
  const int64_t gate_up = 2 * 36 * 18;
  const int64_t down = 24 * 2 * 18;
  EXPECT_EQ(bytes.block, Bytes(qkv + out + gate_up + down + 2 * 24 * 4));
  EXPECT_EQ(bytes.blocks, 2 * bytes.block);
  EXPECT_EQ(bytes.final_norm, Bytes(24 * 4));
  EXPECT_EQ(bytes.total(), bytes.embedding + bytes.head + bytes.blocks + bytes.final_norm);
}

TEST(WeightBytesTest, RepeatsStoreNothing) {
  for (const NamedPrecision& known : kPrecisions) {
    EXPECT_EQ(CountWeightBytes(*ModelPresetByName("mobilellm-125m"), known.precision).total(),
              CountWeightBytes(*ModelPresetByName("mobilellm-ls-125m"), known.precision).total());
  }
}

TEST(KvBytesTest, CountKvHeadsAndEntries) {
  const Precision f16 = *PrecisionByName("f16");
  ModelSpec spec = *ModelPresetByName("mobilellm-125m");
  EXPECT_EQ(KvBytesPerToken(spec, f16), Bytes(2 * 30 * 3 * 64 * 2));  // not 9 heads
  spec = *ModelPresetByName("mobilellm-ls-125m");
  EXPECT_EQ(KvBytesPerToken(spec, f16), Bytes(2 * 60 * 3 * 64 * 2));
  spec.kv_policy = KvPolicy::kShared;
  EXPECT_EQ(KvBytesPerToken(spec, f16), Bytes(2 * 30 * 3 * 64 * 2));
  EXPECT_EQ(KvBytesPerToken(spec, {.kv = Dtype::kQ8_0}), Bytes(2 * 30 * 6 * 34));
}

}  // namespace
}  // namespace deepthin
