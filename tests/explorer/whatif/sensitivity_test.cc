#include "explorer/whatif/sensitivity.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

#include "tests/costmodel/random_problem.h"
#include "tests/explorer/whatif/preset_question.h"

namespace deepthin::explorer {
namespace {

const Sensitivity& Of(const std::vector<Sensitivity>& all, const std::string& name) {
  for (const Sensitivity& row : all) {
    if (row.name == name) return row;
  }
  throw std::runtime_error("no number " + name);
}

bool IsRate(const Sensitivity& row) {
  return row.path.ends_with("_bytes_per_s") || row.path.ends_with("_macs_per_s");
}
bool IsFixed(const Sensitivity& row) { return row.path.starts_with("fixed."); }

struct Sums {
  double decode = 0;
  double prefill = 0;
};
// Rates less fixed costs.
Sums SumOf(const std::vector<Sensitivity>& all) {
  Sums sums;
  for (const Sensitivity& row : all) {
    const double sign = IsRate(row) ? 1 : IsFixed(row) ? -1 : 0;
    sums.decode += sign * row.decode;
    sums.prefill += sign * row.prefill;
  }
  return sums;
}

TEST(Sensitivities, AddUpToMinusOne) {
  for (const auto& preset : costmodel::SocPresets()) {
    SCOPED_TRACE(preset.name);
    for (const char* model : {"mobilellm-125m", "mobilellm-ls-350m"}) {
      const Sums sums = SumOf(Sensitivities(About(model, preset.name)));
      EXPECT_NEAR(sums.decode, -1, 1e-6) << model;
      EXPECT_NEAR(sums.prefill, -1, 1e-6) << model;
    }
  }
}

TEST(Sensitivities, AreMinusOneForTheOneThingThatLimits) {
  // No SRAM that holds anything, no fixed costs, arithmetic that is never in the way.
  Question question = About("mobilellm-125m");
  question.problem.soc = costmodel::SimpleSoc(Bytes(1));
  question.problem.soc.compute[0].peak = costmodel::Assumed(GMacsPerSecond(1e9));
  const auto all = Sensitivities(question);
  const Sensitivity& dram = Of(all, "dram.read_bandwidth");
  EXPECT_EQ(all[0].name, "dram.read_bandwidth") << "the largest comes first";
  EXPECT_NEAR(dram.decode + Of(all, "dram.write_bandwidth").decode, -1, 1e-7);
  EXPECT_LT(dram.decode, -0.99);
  EXPECT_NEAR(dram.decode_halved, 1, 0.01);
  EXPECT_NEAR(dram.decode_doubled, -0.5, 0.005);
  EXPECT_EQ(Of(all, "sram.read_bandwidth").decode, 0);
  EXPECT_EQ(Of(all, "fixed.per_token").decode, 0) << "it is 0";
}

TEST(Sensitivities, OfAFixedCostAreItsShare) {
  Question question = About("mobilellm-125m");
  question.problem.soc.fixed.per_token = costmodel::Assumed(Milliseconds(3));
  const double share = 3e-3 / DecodeOf(question).time.value();
  EXPECT_NEAR(Of(Sensitivities(question), "fixed.per_token").decode, share, 1e-7);
}

TEST(Sensitivities, ACapacityActsInSteps) {
  // The repeats of the LS model are free on 8 MiB, and not on 4.
  const Question question = About("mobilellm-ls-125m", "iphone-13:levels.0.capacity_bytes=8388608");
  const Sensitivity sram = Of(Sensitivities(question), "sram.capacity");
  EXPECT_EQ(sram.decode, 0);
  EXPECT_GT(sram.decode_halved, 0.5);
  EXPECT_EQ(sram.decode_doubled, 0);
}

RC_GTEST_PROP(Sensitivities, HaveTheirSignAndTheirSum, ()) {
  Problem problem = costmodel::AnyProblem();
  // Numbers without a common factor: a tie of three limits has no slope.
  double odd = 1;
  for (MemoryLevel& level : problem.soc.levels) {
    odd += 0.0137;
    level.read_bandwidth.value = odd * level.read_bandwidth.value;
    level.write_bandwidth.value = 1.00719 * level.read_bandwidth.value;
  }
  const auto all = Sensitivities({.problem = problem, .context = {}});
  for (const Sensitivity& row : all) {
    if (IsRate(row)) {
      RC_ASSERT(row.decode <= 1e-7 && row.prefill <= 1e-7);
      RC_ASSERT(row.decode_halved >= -1e-12 && row.decode_doubled <= 1e-12);
    }
    if (IsFixed(row)) RC_ASSERT(row.decode >= -1e-7 && row.prefill >= -1e-7);
  }
  RC_ASSERT(std::abs(SumOf(all).decode + 1) < 1e-6);
  RC_ASSERT(std::abs(SumOf(all).prefill + 1) < 1e-6);
}

}  // namespace
}  // namespace deepthin::explorer
