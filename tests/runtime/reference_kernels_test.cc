// The scalar twins themselves, against closed forms.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "runtime/kernels/kernels.h"
#include "runtime/kernels/reference.h"

namespace deepthin::runtime {
namespace {

TEST(ReferenceKernels, SoftmaxInPiecesIsSoftmax) {
  std::vector<float> scores = {1, 2, 3, 4};
  SoftmaxState state;
  reference::SoftmaxStep(scores.data(), 2, &state);
  const float rescale = reference::SoftmaxStep(scores.data() + 2, 2, &state);
  EXPECT_FLOAT_EQ(rescale, std::exp(-2.0F));
  EXPECT_FLOAT_EQ(scores[1] * rescale / state.sum, 0.0871443187F);  // softmax(1, 2, 3, 4)
  EXPECT_FLOAT_EQ(scores[3] / state.sum, 0.6439142599F);
}

TEST(ReferenceKernels, RopeRotatesAdjacentPairs) {
  std::vector<float> head = {1, 0, 0, 1};
  const std::vector<float> cos = {0, 0, 0.6F, 0.6F};
  const std::vector<float> sin = {-1, 1, -0.8F, 0.8F};
  reference::Rope(Dense(head.data(), 1, 4), cos.data(), sin.data());
  EXPECT_EQ(head, (std::vector<float>{0, 1, -0.8F, 0.6F}));
}

TEST(ReferenceKernels, ActivationsAtKnownPoints) {
  std::vector<float> x = {1.0F, -1.0F, 0.0F};
  const std::vector<float> up = {2.0F, 2.0F, 2.0F};
  reference::SwiGlu(x.data(), up.data(), 3);
  EXPECT_FLOAT_EQ(x[0], 1.4621171573F);
  EXPECT_FLOAT_EQ(x[1], -0.5378828427F);
  EXPECT_FLOAT_EQ(x[2], 0.0F);
  x = {1.0F, -1.0F, 3.0F};
  reference::Gelu(x.data(), 3);
  EXPECT_FLOAT_EQ(x[0], 0.8411919906F);
  EXPECT_FLOAT_EQ(x[1], -0.1588080094F);
  EXPECT_FLOAT_EQ(x[2], 2.9963627794F);
}

}  // namespace
}  // namespace deepthin::runtime
