#include "sweeps/sampler.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <set>

namespace deepthin::sweeps {
namespace {

// The contract of sweeps/sampler.h, for every sampler there is.
TEST(SamplerContract, IsDeterministicAndInRange) {
  for (const SamplerEntry& entry : SamplerTable()) {
    SCOPED_TRACE(entry.name);
    EXPECT_FALSE(entry.help.empty());
    EXPECT_TRUE(rc::check([&] {
      const auto sizes = *rc::gen::container<AxisSizes>(3, rc::gen::inRange<size_t>(1, 5));
      const auto index = *rc::gen::inRange<int64_t>(0, 60);
      const auto choice = entry.make()->Propose(sizes, index);
      RC_ASSERT(choice == entry.make()->Propose(sizes, index));
      if (!choice) return;
      RC_ASSERT(choice->size() == sizes.size());
      for (size_t i = 0; i < sizes.size(); ++i) RC_ASSERT((*choice)[i] < sizes[i]);
    }));
  }
}

TEST(GridSampler, ProposesEveryCombinationOnceTheLastAxisFastest) {
  const auto grid = SamplerTable().front().make();
  const AxisSizes sizes = {2, 3};
  EXPECT_EQ(grid->Propose(sizes, 0), (Choice{0, 0}));
  EXPECT_EQ(grid->Propose(sizes, 1), (Choice{0, 1}));
  EXPECT_EQ(grid->Propose(sizes, 3), (Choice{1, 0}));
  std::set<Choice> seen;
  for (int64_t i = 0; i < 6; ++i) seen.insert(grid->Propose(sizes, i).value());
  EXPECT_EQ(seen.size(), 6u);
  EXPECT_EQ(grid->Propose(sizes, 6), std::nullopt);
}

TEST(GridSampler, WithoutAxesThereIsOnePoint) {
  const auto grid = SamplerTable().front().make();
  EXPECT_EQ(grid->Propose({}, 0), Choice{});
  EXPECT_EQ(grid->Propose({}, 1), std::nullopt);
}

}  // namespace
}  // namespace deepthin::sweeps
