#include "runtime/text/token_picker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <set>
#include <vector>

namespace deepthin::runtime {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// Probabilities 0.4, 0.3, 0.2, 0.1 at temperature 1, not in order.
std::vector<double> Probabilities() { return {0.1, 0.4, 0.2, 0.3}; }

std::vector<float> LogitsOf(const std::vector<double>& probabilities) {
  std::vector<float> logits;
  logits.reserve(probabilities.size());
  for (const double p : probabilities) logits.push_back(static_cast<float>(std::log(p) + 5));
  return logits;
}

std::vector<int64_t> Counts(const PickerOptions& options, std::span<const float> logits,
                            int64_t draws) {
  TokenPicker picker(options);
  std::vector<int64_t> counts(logits.size());
  for (int64_t i = 0; i < draws; ++i) ++counts[static_cast<size_t>(picker.Pick(logits))];
  return counts;
}

double ChiSquare(const std::vector<int64_t>& counts, const std::vector<double>& weights) {
  const auto draws = static_cast<double>(std::accumulate(counts.begin(), counts.end(), int64_t{0}));
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  double sum = 0;
  for (size_t i = 0; i < counts.size(); ++i) {
    const double expected = draws * weights[i] / total;
    if (expected == 0) {
      EXPECT_EQ(counts[i], 0) << "token " << i << " is excluded";
      continue;
    }
    const double difference = static_cast<double>(counts[i]) - expected;
    sum += difference * difference / expected;
  }
  return sum;
}

// 99.9 % points of chi-square with 1, 2, 3 degrees of freedom (tables).
constexpr double kChiSquareBound[] = {0, 10.83, 13.82, 16.27};
constexpr int64_t kDraws = 40'000;

struct DistributionCase {
  const char* name;
  PickerOptions options;
  std::vector<double> weights;
};

TEST(TokenPickerTest, DrawsFollowTheStatedDistribution) {
  const auto power = [](double exponent) {
    std::vector<double> out = Probabilities();
    for (double& p : out) p = std::pow(p, exponent);
    return out;
  };
  const std::vector<DistributionCase> cases = {
      {"plain", {.seed = 11}, Probabilities()},
      {"temperature 0.5 squares", {.temperature = 0.5, .seed = 12}, power(2)},
      {"temperature 2 takes roots", {.temperature = 2, .seed = 13}, power(0.5)},
      {"top-k 3", {.top_k = 3, .seed = 14}, {0, 0.4, 0.2, 0.3}},
      {"top-k beyond the vocabulary", {.top_k = 9, .seed = 15}, Probabilities()},
      {"top-p just within two", {.top_p = 0.69, .seed = 16}, {0, 0.4, 0, 0.3}},
      {"top-p just beyond two", {.top_p = 0.71, .seed = 17}, {0, 0.4, 0.2, 0.3}},
      // Of the kept 0.7, 0.4 is a share of 0.571.
      {"top-p counts what top-k left", {.top_k = 2, .top_p = 0.58, .seed = 18}, {0, 0.4, 0, 0.3}},
  };
  for (const DistributionCase& row : cases) {
    SCOPED_TRACE(row.name);
    const std::vector<float> logits = LogitsOf(Probabilities());
    const std::vector<int64_t> counts = Counts(row.options, logits, kDraws);
    const auto kept = std::count_if(row.weights.begin(), row.weights.end(),
                                    [](double weight) { return weight > 0; });
    EXPECT_LT(ChiSquare(counts, row.weights), kChiSquareBound[kept - 1]);
  }
}

TEST(TokenPickerTest, OneCandidateIsCertain) {
  const std::vector<float> logits = LogitsOf(Probabilities());
  for (const PickerOptions& options :
       {PickerOptions{.top_k = 1}, PickerOptions{.top_p = 0.39}, PickerOptions{.top_p = 1e-300},
        PickerOptions{.top_k = 2, .top_p = 0.57}, PickerOptions{.temperature = 1e-300},
        PickerOptions{.temperature = 0}}) {
    EXPECT_EQ(Counts(options, logits, 200)[1], 200);
  }
}

TEST(TokenPickerTest, GreedyTakesTheLowestOfEquals) {
  const std::vector<float> logits = {-kInfinity, 1, 3, 3, 2, 3};
  EXPECT_EQ(GreatestLogit(logits), 2);
  TokenPicker picker({.temperature = 0});
  EXPECT_EQ(picker.Pick(logits), 2);
  // Among equals top-k keeps the lowest indices.
  const std::vector<int64_t> counts = Counts({.top_k = 2}, logits, 1000);
  EXPECT_EQ(counts[2] + counts[3], 1000);
  EXPECT_GT(counts[3], 400);
}

TEST(TokenPickerTest, MinusInfinityIsNeverChosen) {
  const std::vector<float> logits = {-kInfinity, 0, -kInfinity};
  EXPECT_EQ(Counts({.temperature = 100}, logits, 500)[1], 500);
}

TEST(TokenPickerTest, RefusesLogitsOfDamagedWeights) {
  for (const double temperature : {0.0, 1.0}) {
    TokenPicker picker({.temperature = temperature});
    const auto pick = [&](const std::vector<float>& logits) { return picker.Pick(logits); };
    EXPECT_THROW((void)pick({0, kNan, 1}), InputError);
    EXPECT_THROW((void)pick({kNan}), InputError);
    EXPECT_THROW((void)pick({0, kInfinity}), InputError);
    EXPECT_THROW((void)pick({-kInfinity, -kInfinity}), InputError);
    EXPECT_EQ(pick({-3e38F, 3e38F}), 1);
  }
}

TEST(TokenPickerTest, NamesTheBadOption) {
  const auto message = [](const PickerOptions& options) -> std::string {
    try {
      const TokenPicker picker(options);
    } catch (const InputError& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_THAT(message({.temperature = -0.1}), ::testing::StartsWith("/temperature: is -0.1"));
  EXPECT_THAT(message({.temperature = std::nan("")}), ::testing::StartsWith("/temperature"));
  EXPECT_THAT(message({.temperature = std::numeric_limits<double>::infinity()}),
              ::testing::StartsWith("/temperature"));
  EXPECT_THAT(message({.top_k = 0}), ::testing::StartsWith("/top_k: is 0; expected 1"));
  EXPECT_THAT(message({.top_p = 0}), ::testing::StartsWith("/top_p"));
  EXPECT_THAT(message({.top_p = 1.01}), ::testing::StartsWith("/top_p"));
  EXPECT_THAT(message({.top_p = std::nan("")}), ::testing::StartsWith("/top_p"));
  EXPECT_EQ(message({.temperature = 0, .top_k = 1, .top_p = 1}), "accepted");
}

RC_GTEST_PROP(TokenPickerProperty, StaysAmongTheTopKAndRepeatsWithTheSeed, (uint64_t seed)) {
  SplitMix64 random(seed);
  std::vector<float> logits;
  for (int64_t n = 1 + random.NextBelow(40); n > 0; --n) {
    logits.push_back(static_cast<float>(random.NextBelow(20)) - 10);
  }
  const PickerOptions options = {.temperature = 0.1 + 3 * random.NextUnit(),
                                 .top_k = 1 + random.NextBelow(45),
                                 .top_p = 1 - random.NextUnit(),
                                 .seed = random.Next()};
  TokenPicker one(options);
  TokenPicker two(options);
  for (int i = 0; i < 20; ++i) {
    const int32_t picked = one.Pick(logits);
    RC_ASSERT(two.Pick(logits) == picked);
    int64_t before = 0;  // tokens that go before the picked one
    for (size_t j = 0; j < logits.size(); ++j) {
      const float own = logits[static_cast<size_t>(picked)];
      if (logits[j] > own || (logits[j] == own && static_cast<int32_t>(j) < picked)) ++before;
    }
    RC_ASSERT(before < *options.top_k);
  }
}

// Nucleus sampling (Holtzman et al. 2019, arXiv 1904.09751, equations 2 and 3): the smallest set of
// the likeliest tokens whose probability reaches top_p. So whatever is drawn, the tokens that are
// strictly likelier hold less than top_p together; and with it they may.
RC_GTEST_PROP(TokenPickerProperty, StaysInTheNucleus, (uint64_t seed)) {
  const auto count = *rc::gen::inRange<size_t>(1, 40);
  std::vector<float> logits;
  for (size_t i = 0; i < count; ++i) {
    logits.push_back(static_cast<float>(*rc::gen::inRange(-600, 600)) / 100);
  }
  PickerOptions options = {.seed = seed};
  options.temperature = *rc::gen::element(0.3, 1.0, 2.0);
  options.top_p = *rc::gen::element(1e-9, 0.1, 0.5, 0.9, 0.999);
  if (*rc::gen::arbitrary<bool>()) options.top_k = *rc::gen::inRange<int64_t>(1, 50);

  std::vector<double> sorted;  // probabilities, the greatest first
  for (const float logit : logits) {
    sorted.push_back(std::exp(static_cast<double>(logit) / options.temperature));
  }
  const std::vector<double> weights = sorted;
  std::sort(sorted.begin(), sorted.end(), std::greater<>());
  const auto kept = static_cast<size_t>(options.top_k.value_or(1000));
  if (kept < sorted.size()) sorted.resize(kept);
  double total = 0;
  for (const double weight : sorted) total += weight;

  TokenPicker picker(options);
  for (int draw = 0; draw < 20; ++draw) {
    const double picked = weights[static_cast<size_t>(picker.Pick(logits))];
    double likelier = 0;
    for (const double weight : sorted) {
      if (weight > picked * (1 + 1e-12)) likelier += weight;
    }
    RC_ASSERT(likelier < options.top_p * total * (1 + 1e-9));
  }
}

TEST(TokenPickerTest, SeedsDiffer) {
  const std::vector<float> logits(1000, 0.0F);
  std::set<int32_t> first;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    first.insert(TokenPicker({.seed = seed}).Pick(logits));
  }
  EXPECT_GT(first.size(), 40u);
}

}  // namespace
}  // namespace deepthin::runtime
