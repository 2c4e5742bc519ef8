// Twins keep the form, and the order of their parents.
#include "explorer/accuracy/twin.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include "spec/errors.h"
#include "spec/model_argument.h"
#include "sweeps/sweep.h"
#include "tests/runtime/error_text.h"

namespace deepthin::explorer {
namespace {

using runtime::ErrorText;
using ::testing::HasSubstr;

std::vector<ModelSpec> RowsOf(const std::string& sweep) {
  std::vector<ModelSpec> specs;
  for (const results::Point& point : sweeps::PointsOf(sweeps::SweepFromArgument(sweep), sweep)) {
    specs.push_back(std::get<Problem>(point.problem).model);
  }
  return specs;
}

double DffRatio(const ModelSpec& spec) {
  return static_cast<double>(spec.d_ff) / static_cast<double>(spec.d_model);
}

TEST(TwinTest, OfOneSizeKeepTheForm) {
  for (const ModelSpec& parent : RowsOf("table-11-125m")) {
    SCOPED_TRACE(parent.d_model);
    const ModelSpec twin = TwinOf(parent, {.decoder_params = 2'000'000}, 4096);
    EXPECT_EQ(twin.n_blocks, parent.n_blocks);
    EXPECT_EQ(twin.n_heads, parent.n_heads);
    EXPECT_EQ(twin.n_kv_heads, parent.n_kv_heads);
    EXPECT_EQ(twin.tie_embeddings, parent.tie_embeddings);
    EXPECT_EQ(twin.repeat, parent.repeat);
    EXPECT_EQ(twin.vocab_size, 4096);
    EXPECT_NEAR(static_cast<double>(CountParams(twin).blocks), 2e6, 0.01 * 2e6);
    EXPECT_NEAR(DffRatio(twin) / DffRatio(parent), 1, 0.2);
    const double heads = static_cast<double>(QueryDim(twin)) / static_cast<double>(twin.d_model);
    const double parent_heads =
        static_cast<double>(QueryDim(parent)) / static_cast<double>(parent.d_model);
    EXPECT_NEAR(heads / parent_heads, 1, 0.15);
  }
}

// Of each two rows the one with more decoder parameters has the twin with more.
TEST(TwinTest, SharesKeepTheOrderOfTheirParents) {
  for (const char* sweep : {"table-11-125m", "table-11-350m"}) {
    const std::vector<ModelSpec> parents = RowsOf(sweep);
    ASSERT_GE(parents.size(), 4u);
    std::vector<int64_t> counts;
    for (const ModelSpec& parent : parents) {
      const ModelSpec twin = TwinOf(parent, {.decoder_params = TwinParams(parent, 1.0 / 50)}, 4096);
      counts.push_back(CountParams(twin).blocks);
    }
    int pairs = 0;
    for (size_t a = 0; a < parents.size(); ++a) {
      for (size_t b = 0; b < parents.size(); ++b) {
        const int64_t of_a = CountParams(parents[a]).blocks;
        const int64_t of_b = CountParams(parents[b]).blocks;
        // Nearer than the granularity of d_ff is no order.
        if (of_a * 1000 <= of_b * 1005) continue;
        EXPECT_GT(counts[a], counts[b]) << sweep << ' ' << a << ' ' << b;
        ++pairs;
      }
    }
    EXPECT_GT(pairs, 5) << sweep;
  }
}

TEST(TwinTest, ByWidth) {
  const ModelSpec parent = ModelFromArgument("mobilellm-ls-125m");
  const ModelSpec twin = TwinOf(parent, {.d_model = parent.d_model / 4}, 259);
  EXPECT_EQ(twin.d_model, parent.d_model / 4);
  EXPECT_EQ(twin.head_dim, parent.head_dim / 4);
  EXPECT_EQ(twin.d_ff, parent.d_ff / 4);
  EXPECT_EQ(twin.repeat, parent.repeat);
}

TEST(TwinTest, RefusesSizesThatNothingHas) {
  const ModelSpec parent = ModelFromArgument("mobilellm-125m");
  const auto error = [&](const TwinSize& size) {
    return ErrorText<InputError>([&] { static_cast<void>(TwinOf(parent, size, 259)); });
  };
  EXPECT_THAT(error({.decoder_params = 0}), HasSubstr("parameters: are 0; expected from 1"));
  EXPECT_THAT(error({.decoder_params = 200'000'000}), HasSubstr("below the parent's"));
  EXPECT_THAT(error({.d_model = parent.d_model}), HasSubstr("d_model: are 576; expected"));
  EXPECT_THAT(error({.decoder_params = 1000}), HasSubstr("no room"));
}

}  // namespace
}  // namespace deepthin::explorer
