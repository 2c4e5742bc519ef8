#include "runtime/trainer/adamw.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "tests/runtime/test_models.h"

namespace deepthin::runtime {
namespace {

// One parameter, as the paper has it (arXiv 1711.05101, algorithm 2, with alpha the learning rate
// and eta 1), in f64. A tensor's scales are factors of alpha and epsilon, but not of the decay.
struct ScalarAdamW {
  TensorScales scales{};
  double p = 0;
  double m = 0;
  double v = 0;
  int t = 0;

  void Step(double gradient, double rate, double decay) {
    ++t;
    m = 0.9 * m + 0.1 * gradient;
    v = 0.95 * v + 0.05 * gradient * gradient;
    const double m_hat = m / (1 - std::pow(0.9, t));
    const double v_hat = v / (1 - std::pow(0.95, t));
    p = p - rate * scales.rate * (m_hat / (std::sqrt(v_hat) + 1e-8 * scales.epsilon)) -
        rate * decay * p;
  }
};

TEST(AdamWTest, IsTheScalarAlgorithmOfEachParameter) {
  const ParameterLayout layout = LayOutParameters(SmallSpec());
  const auto count = static_cast<size_t>(layout.count);
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> parameters(count);
  for (float& p : parameters) p = normal(random);
  std::vector<ScalarAdamW> twins(count);
  for (size_t i = 0; i < count; ++i) twins[i].p = static_cast<double>(parameters[i]);
  std::vector<double> decays(count);
  std::vector<TensorScales> scales;
  for (const NamedPlace& tensor : layout.tensors) {
    const auto k = static_cast<double>(scales.size());
    scales.push_back({.initial = 7, .rate = 1 / (1 + k), .epsilon = std::pow(1e2, k / 2)});
    for (int64_t i = tensor.place.offset; i < tensor.place.end(); ++i) {
      decays[static_cast<size_t>(i)] = tensor.decays ? 0.1 : 0;
      twins[static_cast<size_t>(i)].scales = scales.back();
    }
  }
  ThreadPool pool(2);
  AdamW adamw(layout, scales, {}, pool);
  std::vector<float> gradient(count);
  for (int step = 0; step < 20; ++step) {
    for (float& g : gradient) g = normal(random) * std::pow(10.0F, 2 * normal(random));
    gradient[5] = 0;
    const double rate = 0.01 * (step + 1);
    const double scale = step % 2 == 0 ? 1 : 0.25;
    adamw.Step(parameters, gradient, rate, scale);
    for (size_t i = 0; i < count; ++i) {
      twins[i].Step(scale * static_cast<double>(gradient[i]), rate, decays[i]);
    }
  }
  // 20 steps of a dozen operations on numbers of size 1, each off by 2^-24.
  for (size_t i = 0; i < count; ++i) {
    ASSERT_NEAR(static_cast<double>(parameters[i]), twins[i].p, 240 * 0x1p-24 * 4) << i;
  }
}

TEST(LearningRateTest, RisesToThePeakAndFallsToItsShare) {
  const LearningRateSchedule schedule = {.steps = 110, .warmup_steps = 10, .peak = 2};
  EXPECT_DOUBLE_EQ(LearningRate(schedule, 0), 0.2);
  EXPECT_DOUBLE_EQ(LearningRate(schedule, 4), 1);
  EXPECT_DOUBLE_EQ(LearningRate(schedule, 9), 2);
  EXPECT_DOUBLE_EQ(LearningRate(schedule, 59), (2 + 0.2) / 2);  // half of the cosine
  EXPECT_DOUBLE_EQ(LearningRate(schedule, 109), 0.2);
  for (int64_t step = 10; step < 110; ++step) {
    EXPECT_LT(LearningRate(schedule, step), LearningRate(schedule, step - 1));
  }
  EXPECT_DOUBLE_EQ(LearningRate({.steps = 4, .warmup_steps = 4, .peak = 1}, 3), 1);
  EXPECT_DOUBLE_EQ(LearningRate({.steps = 1, .warmup_steps = 0, .peak = 1}, 0), 0.1);
}

TEST(GlobalNormTest, IsTheRootOfTheSumOfSquares) {
  ThreadPool pool(3);
  ThreadPool one(1);
  std::vector<float> gradient(100'000, 0.5F);
  EXPECT_DOUBLE_EQ(GlobalNorm(gradient, pool), 0.5 * std::sqrt(100'000.0));
  gradient[99'999] = -3e30F;  // whose square f32 does not hold
  EXPECT_DOUBLE_EQ(GlobalNorm(gradient, pool), static_cast<double>(3e30F));
  EXPECT_EQ(GlobalNorm(gradient, pool), GlobalNorm(gradient, one));
  gradient[7] = NAN;
  EXPECT_TRUE(std::isnan(GlobalNorm(gradient, pool)));
  EXPECT_EQ(GlobalNorm({}, pool), 0);
}

}  // namespace
}  // namespace deepthin::runtime
