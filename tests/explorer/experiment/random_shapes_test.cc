#include "explorer/experiment/random_shapes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "runtime/trainer/backpropagation.h"

namespace deepthin::explorer {
namespace {

constexpr int64_t kVocabulary = 4096;

TEST(DrawShapes, AreDistinctTrainableModelsOfTheBudget) {
  const RandomShapes space{.params = 2'000'000, .tolerance = 0.04, .seed = 11, .count = 60};
  const std::vector<ModelSpec> shapes = DrawShapes(space, kVocabulary);
  ASSERT_EQ(shapes.size(), 60u);
  std::set<int64_t> depths;
  std::set<bool> tied;
  std::set<RepeatKind> kinds;
  std::set<int64_t> groups;
  for (size_t i = 0; i < shapes.size(); ++i) {
    const ModelSpec& spec = shapes[i];
    EXPECT_NO_THROW(Validate(spec));
    EXPECT_NO_THROW(runtime::RequireTrainable(spec, 256));
    EXPECT_EQ(spec.vocab_size, kVocabulary);
    EXPECT_NEAR(static_cast<double>(CountParams(spec).matrices()), 2e6, 0.04 * 2e6);
    EXPECT_EQ(std::count(shapes.begin(), shapes.end(), spec), 1) << i;
    depths.insert(spec.n_blocks);
    tied.insert(spec.tie_embeddings);
    kinds.insert(spec.repeat.kind);
    groups.insert(spec.n_heads / spec.n_kv_heads);
  }
  // A surrogate can learn of nothing that does not vary.
  EXPECT_LE(*depths.begin(), 4);
  EXPECT_GE(*depths.rbegin(), 25);
  EXPECT_EQ(tied.size(), 2u);
  EXPECT_EQ(kinds.size(), 4u);
  EXPECT_EQ(groups.size(), 4u);
}

TEST(DrawShapes, GoOnWhereAnotherGroupEnded) {
  RandomShapes space{.params = 1'000'000, .tolerance = 0.05, .seed = 3, .count = 12};
  const std::vector<ModelSpec> all = DrawShapes(space, kVocabulary);
  space.skip = 7;
  space.count = 5;
  EXPECT_EQ(DrawShapes(space, kVocabulary), std::vector<ModelSpec>(all.begin() + 7, all.end()));
  space.seed = 4;
  EXPECT_NE(DrawShapes(space, kVocabulary), std::vector<ModelSpec>(all.begin() + 7, all.end()));
}

TEST(DrawShapes, OfABudgetThatNoneHasAreRefused) {
  EXPECT_THROW(static_cast<void>(DrawShapes({.params = 1000, .count = 1}, kVocabulary)),
               InputError);
}

}  // namespace
}  // namespace deepthin::explorer
