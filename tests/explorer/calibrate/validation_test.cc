// Held-out rows, judged: with times that the cost model made itself, and by hand.
#include "explorer/calibrate/validation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "costmodel/pass_estimator.h"
#include "explorer/calibrate/host_fit.h"
#include "spec/json_io.h"
#include "tests/spec/input_error_of.h"

namespace deepthin::calibrate {
namespace {

using testing::HasSubstr;

HostRates SomeRates() {
  HostRates rates;
  rates.reads = {{MiB(1), GBps(90)}, {MiB(16), GBps(50)}, {MiB(256), GBps(16)}};
  for (const auto& [dtype, text] : EnumTexts<Dtype>::kList) {
    rates.products.push_back({dtype, 1, GMacsPerSecond(20)});
    rates.products.push_back({dtype, 128, GMacsPerSecond(100)});
  }
  rates.fork_join = Microseconds(1);
  return rates;
}

// Rows of the real sweeps, with the times of a machine like the micro-measurements but with fixed
// costs.
HostRows SyntheticRows() {
  HostRows rows;
  rows.host.cpu_model = "made up";
  rows.memory = GiB(8);
  rows.date = "2026-01-31";
  rows.rates = SomeRates();
  const auto add = [&](const std::vector<SweepPoint>& points, bool is_held_out) {
    for (const SweepPoint& point : points) {
      HostRow row;
      row.architecture = point.name;
      row.model = point.model;
      row.precision = *PrecisionByName(point.precision);
      row.is_held_out = is_held_out;
      row.time = Seconds(1);
      row.context_tokens = 8;
      rows.rows.push_back(row);
      row.context_tokens = 0;
      row.new_tokens = point.prompt;
      rows.rows.push_back(row);
    }
  };
  add(TrainingSweep(SweepSize::kQuick), false);
  add(HeldOutSweep(SweepSize::kQuick), true);
  SocSpec machine = FitHost(rows, "start").soc;  // its form; its numbers are replaced
  machine.levels[0].capacity.value = MiB(16);
  machine.levels[0].read_bandwidth.value = machine.levels[0].write_bandwidth.value = GBps(62);
  machine.levels.back().read_bandwidth.value = machine.levels.back().write_bandwidth.value =
      GBps(15);
  for (ComputeRate& rate : machine.compute) {
    rate.peak.value = GMacsPerSecond(90);
    rate.one_token->value = GMacsPerSecond(25);
  }
  machine.attention =
      AttentionRate{.peak = machine.compute[0].peak, .one_token = machine.compute[0].one_token};
  machine.elementwise->value = GBps(10);
  machine.fixed.per_operator.value = Microseconds(1);
  machine.fixed.per_executed_block.value = Microseconds(6);
  machine.fixed.per_token.value = Microseconds(30);
  for (HostRow& row : rows.rows) {
    const Problem problem{
        .model = row.model, .precision = row.precision, .soc = machine, .workload = {}};
    row.time = costmodel::EstimatePass(problem, {row.new_tokens, row.context_tokens, 1}).cost.time;
  }
  return rows;
}

// The real decoder on a model of a few kilobytes.
TEST(SweepMeasurement, HasARowForThePromptAndForEachContext) {
  SweepPoint point = TrainingSweep(SweepSize::kQuick).front();
  point.model.d_model = 64;
  point.model.n_blocks = 2;
  point.model.n_heads = point.model.n_kv_heads = 1;
  point.model.d_ff = 64;
  point.model.vocab_size = 128;
  point.prompt = 6;
  point.positions = {4, 20};
  int64_t calls = 0;
  SweepMeasurement sweep({point}, 1);
  for (int round = 0; round < 2; ++round) {
    sweep.MeasureRound([&](const std::string& name) {
      EXPECT_EQ(name, point.name);
      ++calls;
    });
  }
  EXPECT_EQ(calls, 2);
  const auto rows = sweep.Rows();
  ASSERT_EQ(rows.size(), 4U);
  EXPECT_EQ(rows[0].new_tokens, 6);
  const int64_t contexts[] = {8, 10, 24};  // positions and half of the 8 generated tokens
  for (size_t i = 1; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i].new_tokens, 1);
    EXPECT_EQ(rows[i].context_tokens, contexts[i - 1]);
  }
  for (const HostRow& row : rows) {
    EXPECT_GT(row.time, Seconds(0));
    ASSERT_EQ(row.rounds.size(), 2U);
    EXPECT_DOUBLE_EQ(row.time.value(), (row.rounds[0].value() + row.rounds[1].value()) / 2);
    EXPECT_EQ(row.precision.activations, Dtype::kF32);  // as executed
  }
}

TEST(HostRates, MedianOfEachNumber) {
  HostRates rates;
  rates.reads = {{MiB(1), GBps(10)}, {MiB(2), GBps(5)}};
  rates.products = {{Dtype::kF32, 1, MacsPerSecond(7)}};
  rates.fork_join = Seconds(3);
  std::vector<HostRates> measured(3, rates);
  measured[0].reads[1].rate = GBps(90);
  measured[1].reads[1].rate = GBps(1);
  measured[1].products[0].rate = MacsPerSecond(9);
  measured[2].products[0].rate = MacsPerSecond(11);
  measured[2].fork_join = Seconds(1);
  HostRates expected = rates;
  expected.products[0].rate = MacsPerSecond(9);
  EXPECT_EQ(MedianOf(measured), expected);
}

// More sizes than a SoC has levels: the one end that there is stays where it was measured.
TEST(FitHost, KeepsTheEndsOfCachesWhereLevelsAreTooMany) {
  HostRows rows = SyntheticRows();
  rows.rates.reads.clear();
  for (int mib = 1; mib <= 40; ++mib) {
    const double noise = 0.01 * (mib % 3);
    rows.rates.reads.push_back({MiB(mib), GBps((mib <= 23 ? 80 : 30) - noise)});
  }
  const SocSpec soc = FitHost(rows, "host").soc;
  EXPECT_EQ(soc.levels.size(), kMaxLevels);
  EXPECT_NO_THROW(Validate(soc));
  for (size_t i = 0; i + 1 < soc.levels.size(); ++i) {
    const MemoryLevel& near = soc.levels[i];
    const MemoryLevel& far = soc.levels[i + 1];
    if (near.read_bandwidth.value < 1.5 * far.read_bandwidth.value) continue;
    EXPECT_NEAR(far.capacity.value / near.capacity.value, 24.0 / 23, 1e-3);
    return;
  }
  FAIL() << "no level ends where reading slows down";
}

TEST(HostSweep, HeldOutArchitecturesAreOthers) {
  std::vector<ModelSpec> fitted;
  for (const SweepPoint& point : TrainingSweep(SweepSize::kFull)) fitted.push_back(point.model);
  EXPECT_GE(fitted.size(), 20U);
  std::set<std::string> formats;
  const auto held_out = HeldOutSweep(SweepSize::kFull);
  EXPECT_EQ(held_out.size(), 40U);
  for (const SweepPoint& point : held_out) {
    EXPECT_THAT(fitted, testing::Not(testing::Contains(point.model))) << point.name;
    deepthin::Validate(point.model);
    formats.insert(point.precision);
    for (const int64_t position : point.positions) {
      EXPECT_LE(position + 8, point.model.max_seq_len) << point.name;
    }
  }
  EXPECT_EQ(formats.size(), 5U);
}

TEST(Validate, AFitOfAFewPredictsTheOthers) {
  const HostRows rows = SyntheticRows();
  const costmodel::SocFit fit = FitHost(rows, "made-up");
  const Validation v = Validate(rows, fit.soc);
  EXPECT_EQ(v.decode.rows, 6);
  EXPECT_EQ(v.prefill.rows, 6);
  EXPECT_LT(v.decode.median_error, 0.10);
  EXPECT_GT(v.decode.kendall_tau, 0.7);
  EXPECT_GT(v.decode.baseline_median_error, v.decode.median_error);
  ASSERT_EQ(v.speed_ups.size(), 1U);
  EXPECT_GT(v.speed_ups[0].measured, 1);
}

TEST(Validate, SourcesAndResidualsStandInTheFit) {
  const HostRows rows = SyntheticRows();
  const SocSpec soc = FitHost(rows, "made-up").soc;
  EXPECT_EQ(soc.name, "made-up");
  EXPECT_THAT(soc.levels[1].read_bandwidth.source, HasSubstr("measured: fitted to 10 passes"));
  ASSERT_TRUE(soc.residuals && soc.residuals->decode);
  EXPECT_EQ(soc.residuals->architectures, 5);
  EXPECT_EQ(FromJson<SocSpec>(ToJson(soc), {"soc", ""}), soc);
  EXPECT_EQ(FromJson<HostRows>(ToJson(rows), {"rows", ""}), rows);
}

TEST(Validate, EarlierRoundsAreJudgedByLaterOnes) {
  HostRows rows = SyntheticRows();
  for (HostRow& row : rows.rows) {  // the later half is a tenth slower
    row.rounds = {row.time, 0.9 * row.time, 1.1 * row.time};
    for (int i = 0; i < 3; ++i) row.rounds.push_back(1.1 * row.rounds[static_cast<size_t>(i)]);
  }
  const Validation validation = Validate(rows, FitHost(rows, "made-up").soc);
  EXPECT_NEAR(validation.decode.repeat_median_error, 1 - 1 / 1.1, 1e-12);
  EXPECT_NEAR(validation.prefill.repeat_p90_error, 1 - 1 / 1.1, 1e-12);
  EXPECT_NEAR(validation.decode.repeat_kendall_tau, 1, 1e-12);
  EXPECT_NEAR(validation.decode.median_spread, 1.1 * 1.1 / 0.9 - 1, 1e-12);
}

TEST(Validate, RefusesRowsWithNothingHeldOut) {
  HostRows rows = SyntheticRows();
  const SocSpec soc = FitHost(rows, "made-up").soc;
  for (HostRow& row : rows.rows) row.is_held_out = false;
  EXPECT_THAT(InputErrorOf([&] { return Validate(rows, soc); }), HasSubstr("no row that is held"));
  rows.rows.clear();
  EXPECT_THAT(InputErrorOf([&] { return FitHost(rows, "made-up"); }), HasSubstr("nothing to fit"));
}

}  // namespace
}  // namespace deepthin::calibrate
