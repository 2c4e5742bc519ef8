// Fits to passes whose times are known: what made them is found again.
#include "costmodel/soc_fit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "costmodel/pass_estimator.h"
#include "spec/random.h"
#include "tests/costmodel/random_problem.h"
#include "tests/spec/input_error_of.h"

namespace deepthin::costmodel {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

// A SoC with every number that is fitted; rates at which all of them take part.
SocSpec FullSoc() {
  SocSpec soc = SimpleSoc(MiB(8));
  soc.levels[0].read_bandwidth.value = soc.levels[0].write_bandwidth.value = GBps(60);
  soc.levels[1].read_bandwidth.value = soc.levels[1].write_bandwidth.value = GBps(20);
  soc.compute.clear();
  for (const Dtype dtype : {Dtype::kF16, Dtype::kQ4_0}) {
    ComputeRate rate;
    rate.dtype = dtype;
    rate.peak = Assumed(GMacsPerSecond(200));
    rate.one_token = Assumed(GMacsPerSecond(dtype == Dtype::kF16 ? 40 : 12));
    rate.unpack = Assumed(GBps(3));
    rate.exposed = Assumed(Share(0.3));
    soc.compute.push_back(rate);
  }
  soc.attention = AttentionRate{.peak = Assumed(GMacsPerSecond(30)),
                                .one_token = Assumed(GMacsPerSecond(5)),
                                .kv_unpack = Assumed(GBps(12)),
                                .exposed = Assumed(Share(0.4))};
  soc.elementwise = Assumed(GBps(6));
  soc.fixed.per_executed_block = Assumed(Microseconds(10));
  soc.fixed.per_token = Assumed(Microseconds(100));
  return soc;
}

ModelSpec ModelOf(int64_t blocks, int64_t width, int64_t vocab, int64_t kv_heads) {
  ModelSpec m;
  m.vocab_size = vocab;
  m.d_model = width;
  m.n_blocks = blocks;
  m.n_heads = width / 64;
  m.n_kv_heads = kv_heads;
  m.head_dim = 64;
  m.d_ff = 3 * width;
  return m;
}

Seconds TimeOf(const MeasuredPass& pass, const SocSpec& soc) {
  const Problem problem{
      .model = pass.model, .precision = pass.precision, .soc = soc, .workload = {}};
  return EstimatePass(problem, pass.pass).cost.time;
}

// Decode at two contexts and a prompt of each of 20 architectures, as `soc` would take.
std::vector<MeasuredPass> PassesOn(const SocSpec& soc, uint64_t seed = 1) {
  SplitMix64 random(seed);
  std::vector<MeasuredPass> passes;
  for (int64_t i = 0; i < 20; ++i) {
    const int64_t kv_heads = 1 + random.NextBelow(2) * 3;
    const ModelSpec model = ModelOf(2 + random.NextBelow(40), 256 * (1 + random.NextBelow(4)),
                                    4'000 * (1 + random.NextBelow(8)), kv_heads);
    const Precision precision = *PrecisionByName(i % 2 == 0 ? "f16" : "q4_0");
    const auto add = [&](const Pass& pass) {
      passes.push_back({model, precision, pass, Seconds(0), i});
      passes.back().time = TimeOf(passes.back(), soc);
    };
    add({.new_tokens = 1, .context_tokens = 8, .batch = 1});
    add({.new_tokens = 1, .context_tokens = 500 + random.NextBelow(1'000), .batch = 1});
    add({.new_tokens = 16 + random.NextBelow(300), .context_tokens = 0, .batch = 1});
  }
  return passes;
}

// Every rate and cost of FullSoc(), turned by a factor from 1/2 to 2.
SocSpec Turned(SocSpec soc, uint64_t seed) {
  SplitMix64 random(seed);
  const auto factor = [&] { return std::exp2(2 * random.NextUnit() - 1); };
  for (MemoryLevel& level : soc.levels) {
    level.read_bandwidth.value = level.read_bandwidth.value * factor();
    level.write_bandwidth.value = level.read_bandwidth.value;
  }
  for (ComputeRate& rate : soc.compute) {
    rate.peak.value = rate.peak.value * factor();
    rate.one_token->value = rate.one_token->value * factor();
    rate.unpack->value = rate.unpack->value * factor();
    rate.exposed->value = rate.exposed->value * factor();
  }
  soc.attention->peak.value = soc.attention->peak.value * factor();
  soc.attention->one_token->value = soc.attention->one_token->value * factor();
  soc.attention->kv_unpack->value = soc.attention->kv_unpack->value * factor();
  soc.attention->exposed->value = soc.attention->exposed->value * factor();
  soc.elementwise->value = soc.elementwise->value * factor();
  soc.fixed.per_executed_block.value = soc.fixed.per_executed_block.value * factor();
  soc.fixed.per_token.value = soc.fixed.per_token.value * factor();
  return soc;
}

bool IsDetermined(const SocFit& fit, const std::string& path) {
  return std::find(fit.undetermined.begin(), fit.undetermined.end(), path) ==
         fit.undetermined.end();
}

TEST(SocFit, TimesAreThoseOfTheEstimator) {
  const SocSpec soc = FullSoc();
  const auto passes = PassesOn(soc);
  const SocFit fit = FitSoc(soc, passes, {});  // from the truth, where there is nothing to gain
  for (const FitError& error : fit.errors) EXPECT_NEAR(error.fitted, 0, 1e-6);
}

TEST(SocFit, RecoversWhatMadeTheTimes) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE(seed);
    const SocSpec truth = Turned(FullSoc(), seed);
    const auto passes = PassesOn(truth);
    const SocFit fit = FitSoc(FullSoc(), passes, {.start_weight = 1e-4});
    EXPECT_LT(fit.spread, 0.002);
    const auto expect = [&](const std::string& path, double fitted, double made) {
      if (IsDetermined(fit, path)) {
        EXPECT_NEAR(fitted / made, 1, 0.05) << path;
      }
    };
    expect("levels.1.read_bandwidth_bytes_per_s", fit.soc.levels[1].read_bandwidth.value.value(),
           truth.levels[1].read_bandwidth.value.value());
    for (const size_t i : {size_t{0}, size_t{1}}) {
      const std::string path = "compute." + std::to_string(i);
      expect(path + ".peak_macs_per_s", fit.soc.compute[i].peak.value.value(),
             truth.compute[i].peak.value.value());
      expect(path + ".one_token_macs_per_s", fit.soc.compute[i].one_token->value.value(),
             truth.compute[i].one_token->value.value());
      expect(path + ".unpack_bytes_per_s", fit.soc.compute[i].unpack->value.value(),
             truth.compute[i].unpack->value.value());
      expect(path + ".exposed_share", fit.soc.compute[i].exposed->value.value(),
             truth.compute[i].exposed->value.value());
    }
    expect("fixed.per_token_s", fit.soc.fixed.per_token.value.value(),
           truth.fixed.per_token.value.value());
    // What is computed from the fit holds for models that it has not seen.
    for (const MeasuredPass& pass : PassesOn(truth, 99)) {
      EXPECT_NEAR(TimeOf(pass, fit.soc) / pass.time, 1, 0.05);
    }
  }
}

TEST(SocFit, AnOutlierMovesLittle) {
  const SocSpec truth = Turned(FullSoc(), 3);
  auto passes = PassesOn(truth);
  passes[6].time = passes[6].time * 3;
  const SocFit fit = FitSoc(FullSoc(), passes, {.start_weight = 1e-4});
  EXPECT_LT(fit.spread, 0.01);
  EXPECT_NEAR(fit.errors[6].fitted, -2.0 / 3, 0.02);
}

TEST(SocFit, NamesWhatThePassesDoNotDetermine) {
  std::vector<MeasuredPass> decode;
  for (const MeasuredPass& pass : PassesOn(FullSoc())) {
    if (IsDecode(pass.pass) && pass.precision.weights == Dtype::kF16) decode.push_back(pass);
  }
  SocSpec hides = FullSoc();  // what is exposed of a format is bytes and MACs at one ratio
  hides.compute[0].exposed.reset();
  const auto& names = FitSoc(hides, decode, {}).undetermined;
  EXPECT_THAT(names, Contains("compute.0.peak_macs_per_s"));  // no prompt
  EXPECT_THAT(names, Contains("compute.1.peak_macs_per_s"));  // no such format
  EXPECT_THAT(names, Contains("compute.1.one_token_macs_per_s"));
  EXPECT_THAT(names, Not(Contains("levels.1.read_bandwidth_bytes_per_s")));
  // Nine operators a block, and three: all but the same as a cost of blocks and one of tokens.
  EXPECT_THAT(names, Contains("fixed.per_operator_s"));
  EXPECT_THAT(names, Contains("fixed.per_executed_block_s"));
  // One pass determines one combination of numbers, and so no number.
  const SocFit one = FitSoc(hides, {decode.data(), 1}, {});
  EXPECT_THAT(one.undetermined, Contains("levels.1.read_bandwidth_bytes_per_s"));
}

TEST(SocFit, ANumberThatNoPassKnowsStaysAtTheStart) {
  std::vector<MeasuredPass> f16;
  for (const MeasuredPass& pass : PassesOn(Turned(FullSoc(), 2))) {
    if (pass.precision.weights == Dtype::kF16) f16.push_back(pass);
  }
  const SocFit fit = FitSoc(FullSoc(), f16, {});
  EXPECT_DOUBLE_EQ(fit.soc.compute[1].peak.value / FullSoc().compute[1].peak.value, 1);
}

TEST(SocFit, FixedCostsAreNotNegative) {
  SocSpec truth = FullSoc();
  truth.fixed.per_token.value = Seconds(0);
  auto passes = PassesOn(truth);
  for (MeasuredPass& pass : passes) pass.time = pass.time - Microseconds(20);
  const SocFit fit = FitSoc(FullSoc(), passes, {});
  EXPECT_GE(fit.soc.fixed.per_token.value, Seconds(0));
  EXPECT_GE(fit.soc.fixed.per_executed_block.value, Seconds(0));
  EXPECT_GE(fit.soc.fixed.per_operator.value, Seconds(0));
}

TEST(SocFit, PicksTheCapacityThatExplainsTheTimes) {
  SocSpec small = FullSoc();
  small.levels[0].capacity.value = MiB(1);
  SocSpec large = FullSoc();
  large.levels[0].capacity.value = MiB(64);
  const SocSpec starts[] = {large, FullSoc(), small};
  const SocFit fit = FitBestSoc(starts, PassesOn(FullSoc()), {});
  EXPECT_EQ(fit.soc.levels[0].capacity.value, MiB(8));
}

// Times with 5 % of noise: the 90 % bar of the held-out errors covers 80 to 97 % of new ones.
TEST(SocFit, BarsCoverNewModels) {
  SplitMix64 random(7);
  const auto noisy = [&](std::vector<MeasuredPass> passes) {
    for (MeasuredPass& pass : passes) {
      double sum = 0;  // of 12: nearly normal (central limit theorem), variance 1
      for (int i = 0; i < 12; ++i) sum += random.NextUnit();
      pass.time = pass.time * std::exp(0.05 * (sum - 6));
    }
    return passes;
  };
  const SocSpec truth = Turned(FullSoc(), 1);
  const auto passes = noisy(PassesOn(truth));
  const SocFit fit = FitSoc(FullSoc(), passes, {});
  std::vector<double> held_out;
  for (const FitError& error : fit.errors) held_out.push_back(error.held_out);
  const double bar = ResidualsOf(held_out).p90_relative_error;
  int covered = 0;
  int all = 0;
  for (uint64_t seed = 50; seed < 54; ++seed) {
    for (const MeasuredPass& pass : noisy(PassesOn(truth, seed))) {
      covered += std::abs(TimeOf(pass, fit.soc) / pass.time - 1) <= bar ? 1 : 0;
      ++all;
    }
  }
  EXPECT_GE(covered, 0.80 * all);
  EXPECT_LE(covered, 0.97 * all);
}

TEST(SocFit, RefusesTimesThatAreNone) {
  auto passes = PassesOn(FullSoc());
  for (const double time : {0.0, -1.0, std::nan("")}) {
    passes[0].time = Seconds(time);
    EXPECT_THAT(InputErrorOf([&] { return FitSoc(FullSoc(), passes, {}); }),
                HasSubstr("a positive time"));
  }
}

TEST(ResidualsOf, IsTheOrderStatisticThatCoversNineOfTen) {
  std::vector<double> errors;
  for (int i = 1; i <= 19; ++i) errors.push_back(i % 2 == 0 ? 0.01 * i : -0.01 * i);
  const PhaseResiduals of = ResidualsOf(errors);
  EXPECT_EQ(of.measurements, 19);
  EXPECT_DOUBLE_EQ(of.median_relative_error, 0.10);
  EXPECT_DOUBLE_EQ(of.p90_relative_error, 0.18);  // ceil(0.9 x 20) = 18th
  EXPECT_DOUBLE_EQ(ResidualsOf({errors.data(), 4}).p90_relative_error, 0.04);  // the largest
}

}  // namespace
}  // namespace deepthin::costmodel
