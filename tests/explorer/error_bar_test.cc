// Error bars of estimates.
#include "explorer/error_bar.h"

#include <gtest/gtest.h>

#include <cmath>

#include "costmodel/estimator.h"
#include "costmodel/soc_presets.h"
#include "spec/model_presets.h"

namespace deepthin::explorer {
namespace {

Problem Calibrated() {
  Problem problem{.model = *ModelPresetByName("mobilellm-125m"),
                  .precision = *PrecisionByName("f16"),
                  .soc = costmodel::SocFromArgument("iphone-13"),
                  .workload = {.prompt_tokens = 64, .generated_tokens = 16}};
  problem.soc.residuals = Residuals{.measured_on = "a test",
                                    .architectures = 20,
                                    .decode = PhaseResiduals{40, 0.02, 0.25},
                                    .prefill = {}};
  return problem;
}

TEST(ErrorBar, IsTheTruthsThatAreWithinTheError) {
  const ErrorBar bar = BarAround(Seconds(1), {.measurements = 9, .p90_relative_error = 0.25});
  // A truth at either end is missed by just 25 %.
  EXPECT_DOUBLE_EQ(1 / bar.low.value() - 1, 0.25);
  EXPECT_DOUBLE_EQ(1 / bar.high.value() - 1, -0.25);
  EXPECT_TRUE(
      std::isinf(BarAround(Seconds(1), {.measurements = 9, .p90_relative_error = 1}).high.value()));
}

TEST(ErrorBar, OnlyOfPhasesThatWereMeasured) {
  Problem problem = Calibrated();
  const CostEstimate cost = costmodel::Estimate(problem);
  ASSERT_TRUE(DecodeBar(problem, cost));
  EXPECT_DOUBLE_EQ(DecodeBar(problem, cost)->low / cost.decode.time, 1 / 1.25);
  EXPECT_FALSE(PrefillBar(problem, cost));
  problem.soc.residuals.reset();
  EXPECT_FALSE(DecodeBar(problem, cost));
}

TEST(ErrorBar, NoneOnceAUserChangedANumber) {
  Problem problem = Calibrated();
  const CostEstimate cost = costmodel::Estimate(problem);
  problem.soc.fixed.per_token.source = "user: soc.fixed.per_token_s=0";
  EXPECT_FALSE(DecodeBar(problem, cost));
}

TEST(ErrorBar, ResidualsChangeNoEstimate) {
  Problem problem = Calibrated();
  const CostEstimate with = costmodel::Estimate(problem);
  problem.soc.residuals.reset();
  EXPECT_EQ(with, costmodel::Estimate(problem));
}

}  // namespace
}  // namespace deepthin::explorer
