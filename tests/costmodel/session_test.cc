#include "costmodel/session.h"

#include <gtest/gtest.h>

#include "costmodel/estimator.h"
#include "spec/model_presets.h"
#include "tests/costmodel/random_problem.h"

namespace deepthin::costmodel {
namespace {

// MobileLLM-125M in f16 behind nothing but DRAM: 40 pJ a byte, no energy of arithmetic, flash at
// 1 GB/s.
Problem OnlyDram() {
  Problem problem{.model = *ModelPresetByName("mobilellm-125m"),
                  .precision = *PrecisionByName("f16"),
                  .soc = SimpleSoc(Bytes(1)),
                  .workload = {.prompt_tokens = 1, .generated_tokens = 1, .batch = 1}};
  SocSpec& soc = problem.soc;
  soc.levels.erase(soc.levels.begin());
  soc.levels[0].read_energy = soc.levels[0].write_energy = Assumed(PicojoulesPerByte(40));
  soc.levels.push_back(Level("flash", LevelKind::kFlash, GiB(64), GBps(1)));
  soc.compute[0].energy = Assumed(JoulesPerMac(0));
  soc.battery = Assumed(Joules(40'000));
  return problem;
}

TEST(Session, IsByHandWhereOnlyDramCosts) {
  const Problem problem = OnlyDram();
  const CostEstimate estimate = Estimate(problem);
  const SessionCost session = SessionOf(problem, estimate);
  // 124,600,320 parameters in matrices, 35,136 in norms, which are f32.
  EXPECT_EQ(estimate.weight_bytes, Bytes(2 * 124'600'320 + 4 * 35'136));
  EXPECT_NEAR(session.load->value(), 0.24934, 1e-5);
  const double joules = 40e-12 * static_cast<double>(estimate.decode.dram_bytes.value());
  EXPECT_NEAR(*session.decode_power, joules / estimate.decode.time.value(), 1e-12);
  // Bytes over time is the bandwidth, 51.2 GB/s at 40 pJ each: 2.05 W, 5 h 25 min.
  EXPECT_NEAR(*session.decode_power, 2.048, 1e-3);
  EXPECT_NEAR(session.battery->value(), 40'000 / 2.048, 10);
  EXPECT_NEAR(*session.tokens_of_a_charge, 40'000 / joules, 1);
}

// Hot, all is slower alike; so the same tokens of a charge take longer.
TEST(Session, WhatAHotDeviceHasLeft) {
  Problem problem = OnlyDram();
  const CostEstimate estimate = Estimate(problem);
  const SessionCost cool = SessionOf(problem, estimate);
  EXPECT_FALSE(cool.sustained_token || cool.init);
  problem.soc.sustained = Assumed(Share(0.5));
  problem.soc.init_per_stored_block = Assumed(Milliseconds(48));
  problem.model.repeat = {.kind = RepeatKind::kImmediate, .times = 2, .order = {}};
  const SessionCost hot = SessionOf(problem, estimate);
  EXPECT_NEAR(*hot.sustained_token / estimate.decode.time, 2, 1e-12);
  EXPECT_NEAR(*hot.battery / *cool.battery, 2, 1e-12);
  EXPECT_EQ(hot.tokens_of_a_charge, cool.tokens_of_a_charge);
  EXPECT_NEAR(hot.init->value(), 30 * 0.048, 1e-12);  // stored blocks, not executed ones
}

TEST(Session, TheSlowerSideOfALoadDecides) {
  Problem problem = OnlyDram();
  const CostEstimate estimate = Estimate(problem);
  const double of_flash = SessionOf(problem, estimate).load->value();
  problem.soc.levels[0].write_bandwidth = Assumed(GBps(0.5));
  EXPECT_NEAR(SessionOf(problem, estimate).load->value(), 2 * of_flash, 1e-12);
}

TEST(Session, SaysNothingOfWhatTheSocDoesNotState) {
  Problem problem = OnlyDram();
  problem.soc.battery.reset();
  SessionCost session = SessionOf(problem, Estimate(problem));
  EXPECT_TRUE(session.decode_power && session.load);
  EXPECT_FALSE(session.battery || session.tokens_of_a_charge);
  problem.soc.battery = Assumed(Joules(40'000));
  problem.soc.compute[0].energy.reset();
  problem.soc.levels.pop_back();
  session = SessionOf(problem, Estimate(problem));
  EXPECT_EQ(session, SessionCost{});
}

}  // namespace
}  // namespace deepthin::costmodel
