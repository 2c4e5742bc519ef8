#include "explorer/shapes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "costmodel/estimator.h"
#include "costmodel/soc_presets.h"
#include "spec/model_presets.h"

namespace deepthin::explorer {
namespace {

const Precision kF16 = *PrecisionByName("f16");
constexpr Workload kWork{.prompt_tokens = 64, .generated_tokens = 32, .batch = 1};

TEST(Shapes, AreValidAndAsNearToTheBudgetAsTheirFfnAllows) {
  const ShapeSpace space{.params = 125'000'000, .tolerance = 0.003};
  const std::vector<ModelSpec> shapes = ShapesWithin(space);
  EXPECT_GT(shapes.size(), 500U);
  for (const ModelSpec& shape : shapes) {
    Validate(shape);
    const auto off = [&](int64_t d_ff) {
      ModelSpec other = shape;
      other.d_ff = d_ff;
      return std::abs(CountParams(other).matrices() - space.params);
    };
    EXPECT_LE(off(shape.d_ff), 375'000);
    EXPECT_LE(off(shape.d_ff), off(shape.d_ff - 64));
    EXPECT_LE(off(shape.d_ff), off(shape.d_ff + 64));
    EXPECT_EQ(shape.d_ff % 64, 0);
  }
}

TEST(Shapes, HoldThePapersModelsAtTheirOwnBudgets) {
  for (const char* name : {"mobilellm-125m", "mobilellm-350m"}) {
    const ModelSpec paper = *ModelPresetByName(name);
    const ShapeSpace space{.params = CountParams(paper).matrices(), .tolerance = 0};
    int found = 0;
    for (ModelSpec shape : ShapesWithin(space)) {
      shape.rope_theta = paper.rope_theta;
      shape.norm_eps = paper.norm_eps;
      if (shape == paper) ++found;
    }
    EXPECT_EQ(found, 1) << name;
  }
}

TEST(Shapes, OfAnImpossibleBudgetThereAreNone) {
  EXPECT_TRUE(ShapesWithin({.params = 1'000}).empty());
  EXPECT_TRUE(ShapesWithin({.params = 20'000'000'000}).empty());
}

// By Estimate() and all pairs.
TEST(Shapes, FrontIsWhatNoOtherBeats) {
  const SocSpec soc = costmodel::SocFromArgument("iphone-13");
  std::vector<ModelSpec> models = ShapesWithin({.params = 60'000'000, .tolerance = 0.0004});
  if (models.size() > 120) models.resize(120);
  ASSERT_GT(models.size(), 30U);
  const ShapeLimits limits{.decode = Milliseconds(12)};
  const ShapeFront shapes = DeepestForTheirTime(models, kF16, soc, kWork, limits);

  struct Point {
    int64_t blocks;
    double time;
  };
  std::vector<Point> points;
  for (const ModelSpec& model : models) {
    const double time = costmodel::Estimate({model, kF16, soc, kWork}).decode.time.value();
    if (time <= 12e-3) points.push_back({ExecutedBlocks(model), time});
  }
  EXPECT_EQ(shapes.within, static_cast<int64_t>(points.size()));
  const auto is_beaten = [&](const Point& point) {
    return std::any_of(points.begin(), points.end(), [&](const Point& other) {
      return other.blocks >= point.blocks && other.time <= point.time * (1 - 1e-12);
    });
  };
  for (const Shape& shape : shapes.front) {
    EXPECT_FALSE(is_beaten({ExecutedBlocks(shape.model), shape.decode.value()}));
  }
  for (const Point& point : points) {
    if (is_beaten(point)) continue;
    EXPECT_TRUE(std::any_of(shapes.front.begin(), shapes.front.end(), [&](const Shape& shape) {
      return ExecutedBlocks(shape.model) >= point.blocks &&
             shape.decode.value() <= point.time * (1 + 1e-12);
    })) << point.blocks;
  }
  for (size_t i = 1; i < shapes.front.size(); ++i) {
    EXPECT_GT(ExecutedBlocks(shapes.front[i].model), ExecutedBlocks(shapes.front[i - 1].model));
    EXPECT_GE(shapes.front[i].decode, shapes.front[i - 1].decode);
  }
}

TEST(Shapes, LimitsHold) {
  const SocSpec soc = costmodel::SocFromArgument("iphone-13");
  const std::vector<ModelSpec> models = ShapesWithin({.params = 125'000'000, .tolerance = 0.002});
  const ShapeFront all = DeepestForTheirTime(models, kF16, soc, kWork, {});
  ASSERT_GT(all.front.size(), 3U);
  const Shape& middle = all.front[all.front.size() / 2];
  for (const ShapeLimits& limits :
       {ShapeLimits{.decode = middle.decode}, ShapeLimits{.prefill = middle.prefill},
        ShapeLimits{.memory = middle.peak_memory}}) {
    const ShapeFront some = DeepestForTheirTime(models, kF16, soc, kWork, limits);
    EXPECT_LT(some.within, all.within);
    for (const Shape& shape : some.front) {
      EXPECT_LE(shape.decode, limits.decode.value_or(Seconds(1)));
      EXPECT_LE(shape.prefill, limits.prefill.value_or(Seconds(60)));
      EXPECT_LE(shape.peak_memory, limits.memory.value_or(GiB(64)));
    }
  }
}

}  // namespace
}  // namespace deepthin::explorer
