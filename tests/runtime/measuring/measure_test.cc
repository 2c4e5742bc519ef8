#include "runtime/measuring/measure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "runtime/kernels/kernels.h"
#include "runtime/thread_pool.h"
#include "spec/errors.h"

namespace deepthin::runtime {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

ModelSpec SmallSpec() {
  return {.vocab_size = 300,
          .d_model = 64,
          .n_blocks = 3,
          .n_heads = 4,
          .n_kv_heads = 2,
          .head_dim = 16,
          .d_ff = 96,
          .max_seq_len = 64};
}

constexpr MeasureOptions kShort = {.prompt_tokens = 8, .generated_tokens = 4, .repeats = 3};

void ExpectSane(const Measurement& m, const ModelSpec& spec, const MeasureOptions& options) {
  EXPECT_EQ(m.prompt_tokens, options.prompt_tokens);
  EXPECT_EQ(m.generated_tokens, options.generated_tokens);
  EXPECT_EQ(m.host.isa, ActiveTarget());
  EXPECT_FALSE(m.host.cpu_model.empty());
  EXPECT_GE(m.load.value(), 0);
  EXPECT_GT(m.init.value(), 0);
  ASSERT_THAT(m.prefill_s, SizeIs(options.repeats));
  ASSERT_THAT(m.decode_s_per_token, SizeIs(options.repeats));
  EXPECT_EQ(m.precision, kF32);
  EXPECT_GT(m.peak_memory.value_or(m.weight_bytes + Bytes(1)), m.weight_bytes);
  for (const double time : m.prefill_s) EXPECT_TRUE(std::isfinite(time) && time > 0);
  for (const double time : m.decode_s_per_token) EXPECT_TRUE(std::isfinite(time) && time > 0);

  EXPECT_EQ(m.weight_bytes.value(), 4 * CountParams(spec).total());
  // Tied: every weight is read once (the table as head), and one row as embedding; KV is read up to
  // the token's own position, and the token's own is written.
  const int64_t kv_per_position = 2 * KvDim(spec) * KvEntryCount(spec) * 4;
  const int64_t positions = options.prompt_tokens + options.generated_tokens;
  const int64_t least = m.weight_bytes.value() + (options.prompt_tokens + 1) * kv_per_position;
  const int64_t most =
      m.weight_bytes.value() + 4 * spec.d_model + (positions + 1) * kv_per_position;
  EXPECT_GE(m.bytes_touched_per_token.value(), least);
  EXPECT_LE(m.bytes_touched_per_token.value(), most);
}

TEST(MeasureTest, GivesASoundRecord) {
  std::vector<std::pair<int64_t, int64_t>> progress;
  const Measurement m = Measure(SmallSpec(), kShort, [&](int64_t done, int64_t total) {
    progress.emplace_back(done, total);
  });
  EXPECT_EQ(m.threads, 1);
  ExpectSane(m, SmallSpec(), kShort);
  const std::vector<std::pair<int64_t, int64_t>> expected = {{1, 4}, {2, 4}, {3, 4}, {4, 4}};
  EXPECT_EQ(progress, expected);
}

TEST(MeasureTest, CountsUntiedWeightsOnceEach) {
  ModelSpec spec = SmallSpec();
  spec.tie_embeddings = false;
  const Measurement m = Measure(spec, kShort);
  EXPECT_EQ(m.weight_bytes.value(), 4 * CountParams(spec).total());
  EXPECT_LT(m.bytes_touched_per_token, m.weight_bytes);  // of the embedding one row only
}

TEST(MeasureTest, TheWholeContextCanBeMeasuredAndNoMore) {
  MeasureOptions options = {.prompt_tokens = 60, .generated_tokens = 4, .repeats = 1};
  ExpectSane(Measure(SmallSpec(), options), SmallSpec(), options);
  options.generated_tokens = 5;
  EXPECT_THROW((void)Measure(SmallSpec(), options), InputError);
}

TEST(MeasureTest, NamesTheBadOption) {
  const auto message = [](const MeasureOptions& options) -> std::string {
    try {
      (void)Measure(SmallSpec(), options);
    } catch (const InputError& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_THAT(message({.threads = 0}), HasSubstr("/threads: is 0; expected 1 to 1024"));
  EXPECT_THAT(message({.threads = 1025}), HasSubstr("/threads"));
  EXPECT_THAT(message({.prompt_tokens = 0}), HasSubstr("/prompt_tokens: is 0"));
  EXPECT_THAT(message({.generated_tokens = -1}), HasSubstr("/generated_tokens: is -1"));
  EXPECT_THAT(message({.repeats = 0}), HasSubstr("/repeats: is 0"));
  EXPECT_THAT(message({.prompt_tokens = 1, .generated_tokens = INT64_MAX}),
              HasSubstr("max_seq_len of 64"));
  EXPECT_THAT(message({.prompt_tokens = INT64_MAX}), HasSubstr("max_seq_len of 64"));
}

TEST(MeasureTest, RefusesASpecThatIsNone) {
  ModelSpec spec = SmallSpec();
  spec.n_kv_heads = 3;
  EXPECT_THROW((void)Measure(spec, kShort), InputError);
}

TEST(MeasureTest, AModelBeyondTheMachineIsNoCrash) {
  ModelSpec spec = SmallSpec();
  spec.d_model = 16'384;
  spec.d_ff = 65'536;
  spec.n_blocks = 500;
  Validate(spec);
  EXPECT_THROW((void)Measure(spec, kShort), EnvironmentError);
}

TEST(MeasureAllTest, MeasuresTheSameWorkWithEachThreadCount) {
  const MeasuredWeights weights = LoadRandomWeights(SmallSpec(), kShort);
  int64_t calls = 0;
  const std::vector<Measured> both = MeasureAll(
      {&weights, 1}, {.options = kShort, .threads = {1, 2}}, [&](int64_t, int64_t total) {
        ++calls;
        EXPECT_EQ(total, 8);
      });
  ASSERT_THAT(both, SizeIs(2));
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(both[i].measurement.threads, i + 1);
    ExpectSane(both[i].measurement, SmallSpec(), kShort);
    EXPECT_TRUE(both[i].profile.spans().empty());
  }
  EXPECT_EQ(both[0].measurement.bytes_touched_per_token,
            both[1].measurement.bytes_touched_per_token);
  EXPECT_EQ(calls, 8);
  EXPECT_TRUE(MeasureAll({&weights, 1}, {.options = kShort, .threads = {}}).empty());
  EXPECT_THROW((void)MeasureAll({&weights, 1}, {.options = kShort, .threads = {1, 0}}), InputError);
}

TEST(MeasureAllTest, KeepsTheOrderOfTheModels) {
  std::vector<ModelSpec> specs = {SmallSpec(), SmallSpec()};
  specs[1].n_blocks = 6;
  const std::vector<MeasuredWeights> models = {LoadRandomWeights(specs[0], kShort),
                                               LoadRandomWeights(specs[1], kShort)};
  const std::vector<Measured> both = MeasureAll(models, {.options = kShort});
  ASSERT_THAT(both, SizeIs(2));
  for (size_t i = 0; i < 2; ++i) ExpectSane(both[i].measurement, specs[i], kShort);
  EXPECT_TRUE(MeasureAll({}, {.options = kShort}).empty());
}

TEST(MeasureAllTest, KeepsWhatIsKnownOfWeightsThatAreThere) {
  ThreadPool pool(1);
  const MeasuredWeights weights = {.weights = RandomWeights(SmallSpec(), 4, pool),
                                   .load = Milliseconds(12),
                                   .file_bytes = Bytes(123'456)};
  const Measurement m = MeasureAll({&weights, 1}, {.options = kShort}).front().measurement;
  EXPECT_EQ(m.load, Milliseconds(12));
  EXPECT_EQ(m.file_bytes, Bytes(123'456));
  ExpectSane(m, SmallSpec(), kShort);
}

// The mean of the formula over the generated tokens, for every format: what the decoder counted is
// what the spec says.
TEST(MeasureAllTest, EachPositionIsDecodedInItsOwnContext) {
  const std::vector<int64_t> positions = {0, 17, 60, 3};
  for (const NamedPrecision& named : kPrecisions) {
    SCOPED_TRACE(named.name);
    MeasureOptions options = kShort;
    options.precision = named.precision;
    const MeasuredWeights weights = LoadRandomWeights(SmallSpec(), options);
    const std::vector<Measured> all =
        MeasureAll({&weights, 1}, {.options = options, .positions = positions});
    ASSERT_THAT(all, SizeIs(positions.size()));
    for (size_t i = 0; i < positions.size(); ++i) {
      const Measurement& m = all[i].measurement;
      EXPECT_EQ(m.prompt_tokens, positions[i]);
      EXPECT_EQ(m.precision, ExecutedPrecision(named.precision));
      EXPECT_THAT(m.prefill_s, SizeIs(0));
      ASSERT_THAT(m.decode_s_per_token, SizeIs(options.repeats));
      ASSERT_THAT(m.token_s, SizeIs(options.repeats * options.generated_tokens));
      Bytes bytes;
      for (int64_t t = 0; t < options.generated_tokens; ++t) {
        bytes += CountDecodeBytes(SmallSpec(), m.precision, positions[i] + t).total();
      }
      EXPECT_EQ(m.bytes_touched_per_token, bytes / options.generated_tokens);
    }
  }
}

TEST(MeasureAllTest, TokenSamplesAddUpToTheirRepeat) {
  const Measurement m = Measure(SmallSpec(), kShort);
  ASSERT_THAT(m.token_s, SizeIs(kShort.repeats * kShort.generated_tokens));
  for (size_t repeat = 0; repeat < m.decode_s_per_token.size(); ++repeat) {
    double sum = 0;
    for (size_t t = 0; t < 4; ++t) sum += m.token_s[repeat * 4 + t];
    EXPECT_NEAR(sum, 4 * m.decode_s_per_token[repeat], 1e-9);
  }
}

TEST(MeasureAllTest, PositionsThatDoNotFitAreASentence) {
  const MeasuredWeights weights = LoadRandomWeights(SmallSpec(), kShort);
  for (const int64_t position : {int64_t{61}, int64_t{-1}, INT64_MAX}) {
    try {
      (void)MeasureAll({&weights, 1}, {.options = kShort, .positions = {0, position}});
      FAIL() << "accepted";
    } catch (const InputError& error) {
      EXPECT_THAT(error.what(), HasSubstr("/positions: holds " + std::to_string(position) +
                                          "; expected 0 to 60"));
    }
  }
}

TEST(MeasureAllTest, AProfileHasOneMoreRepeat) {
  const MeasuredWeights weights = LoadRandomWeights(SmallSpec(), kShort);
  const Measured whole =
      std::move(MeasureAll({&weights, 1}, {.options = kShort, .profile = true}).front());
  EXPECT_THAT(whole.profile.passes(), SizeIs(1 + kShort.generated_tokens));
  EXPECT_THAT(whole.measurement.prefill_s, SizeIs(kShort.repeats));
  const Measured at = std::move(
      MeasureAll({&weights, 1}, {.options = kShort, .positions = {5}, .profile = true}).front());
  ASSERT_THAT(at.profile.passes(), SizeIs(kShort.generated_tokens));
  EXPECT_EQ(at.profile.passes()[0].position, 5);
}

TEST(IsNoisyTest, ComparesTheSpreadWithTheThreshold) {
  const auto with = [](double decode_spread, double prefill_spread) {
    Measurement m;
    m.decode_s_per_token = {1 - decode_spread, 1, 1 + decode_spread};
    m.prefill_s = {10 - 10 * prefill_spread, 10, 10 + 10 * prefill_spread};
    return m;
  };
  EXPECT_FALSE(IsNoisy(with(0, 0)));
  EXPECT_FALSE(IsNoisy(with(kNoisyMadRatio * 0.999, kNoisyMadRatio * 0.999)));
  EXPECT_TRUE(IsNoisy(with(kNoisyMadRatio * 1.001, 0)));
  EXPECT_TRUE(IsNoisy(with(0, kNoisyMadRatio * 1.001)));
  Measurement decode_only = with(0, 0);
  decode_only.prefill_s.clear();
  EXPECT_FALSE(IsNoisy(decode_only));
  // One outlier among five is not noise.
  Measurement m = with(0, 0);
  m.decode_s_per_token = {1, 1.01, 0.99, 1, 9};
  EXPECT_FALSE(IsNoisy(m));
}

}  // namespace
}  // namespace deepthin::runtime
