// Gradients in f64 against central finite differences, for random models of every kind.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "runtime/trainer/backpropagation.h"
#include "spec/json_io.h"
#include "tests/runtime/test_models.h"
#include "tests/runtime/trainer/training_models.h"

namespace deepthin::runtime {
namespace {

constexpr double kMaxRelativeError = 1e-5;
// Rounding of the losses, some 1e-15, becomes 1e-15 / kStep in a difference: derivatives below this
// are compared by their absolute error.
constexpr double kSmallestDerivative = 1e-4;
constexpr double kStep = 3e-5;

// The loss and its gradient at one point.
class Check {
 public:
  Check(const ModelSpec& spec, const BatchShape& shape, uint32_t seed)
      : has_kinks_(spec.ffn == Ffn::kRelu),
        random_(seed),
        model_(spec, shape, pool_),
        parameters_(SmallParameters<double>(spec, seed)),
        batch_(RandomBatch(spec, shape, seed)),
        gradient_(parameters_.size(), NAN) {
    loss_ = model_.LossAndGradient(parameters_, batch_, gradient_);
  }

  // The largest relative error of any tensor: of one of its elements, and of all of them at once
  // along a random direction. `worst` names the tensor.
  double WorstError(std::string& worst) {
    double largest = 0;
    for (const NamedPlace& tensor : model_.layout().tensors) {
      const auto size = static_cast<size_t>(tensor.place.size());
      std::vector<double> element(size);
      element[random_() % size] = 1;
      std::vector<double> direction(size);
      for (double& x : direction) x = std::normal_distribution<double>()(random_);
      for (const auto& along : {element, direction}) {
        const double error = RelativeError(tensor.place, along);
        if (error <= largest) continue;
        largest = error;
        worst = tensor.name;
      }
    }
    return largest;
  }

  [[nodiscard]] double loss() const { return loss_; }
  [[nodiscard]] const std::vector<double>& gradient() const { return gradient_; }
  [[nodiscard]] double LossAgain() { return model_.Loss(parameters_, batch_); }
  [[nodiscard]] int checked() const { return checked_; }
  [[nodiscard]] int kinks() const { return kinks_; }

 private:
  double RelativeError(const ParameterPlace& place, const std::vector<double>& along) {
    double exact = 0;
    for (size_t i = 0; i < along.size(); ++i) {
      exact += along[i] * gradient_[static_cast<size_t>(place.offset) + i];
    }
    const std::optional<double> tried = Derivative(place, along);
    if (!tried) {
      ++kinks_;
      return 0;
    }
    ++checked_;
    const double size = std::max({std::abs(*tried), std::abs(exact), kSmallestDerivative});
    const double error = std::abs(*tried - exact) / size;
    return std::isnan(error) ? INFINITY : error;
  }

  // Richardson's extrapolation from two central differences. Absent where ReLU is in the model and
  // those are far apart: between the points there may be a kink, and no derivative to compare with.
  std::optional<double> Derivative(const ParameterPlace& place, const std::vector<double>& along) {
    const double wide = (LossAt(place, along, kStep) - LossAt(place, along, -kStep)) / (2 * kStep);
    const double half = kStep / 2;
    const double narrow = (LossAt(place, along, half) - LossAt(place, along, -half)) / kStep;
    const double size = std::max(std::abs(narrow), kSmallestDerivative);
    if (has_kinks_ && std::abs(wide - narrow) > 0.1 * kMaxRelativeError * size) {
      return std::nullopt;
    }
    return (4 * narrow - wide) / 3;
  }

  double LossAt(const ParameterPlace& place, const std::vector<double>& along, double step) {
    std::vector<double> moved = parameters_;
    for (size_t i = 0; i < along.size(); ++i) {
      moved[static_cast<size_t>(place.offset) + i] += step * along[i];
    }
    return model_.Loss(moved, batch_);
  }

  bool has_kinks_;
  std::mt19937 random_;
  ThreadPool pool_{1};
  Backpropagation<double> model_;
  std::vector<double> parameters_;
  std::vector<int32_t> batch_;
  std::vector<double> gradient_;
  double loss_ = 0;
  int checked_ = 0;
  int kinks_ = 0;
};

// 100 models.
RC_GTEST_PROP(GradientProperty, AgreesWithFiniteDifferences, ()) {
  const ModelSpec spec = DrawTrainableSpec();
  const BatchShape shape = DrawShape(2, 7);
  RC_LOG() << ToJson(spec).dump() << " " << shape.sequences << " x " << shape.length << "\n";
  Check check(spec, shape, *rc::gen::arbitrary<uint32_t>());
  std::string worst;
  const double error = check.WorstError(worst);
  RC_LOG() << worst << " " << error << "\n";
  RC_ASSERT(error < kMaxRelativeError);
  RC_ASSERT(check.LossAgain() == check.loss());
  RC_ASSERT(check.kinks() <= check.checked());
}

// More positions than a tile of attention, more tokens than a tile of the head.
TEST(GradientTest, AgreesWithFiniteDifferencesOverSeveralTiles) {
  ModelSpec spec = SmallSpec();
  spec.d_model = 6;
  spec.n_heads = 2;
  spec.n_kv_heads = 1;
  spec.head_dim = 4;
  spec.n_blocks = 1;
  spec.d_ff = 5;
  spec.repeat = {.kind = RepeatKind::kImmediate, .times = 2, .order = {}};
  Check check(spec, {.sequences = 4, .length = 150}, 3);
  std::string worst;
  EXPECT_LT(check.WorstError(worst), kMaxRelativeError) << worst;
}

// Executed twice: both times have to count.
TEST(GradientTest, OfARepeatedBlockIsTheSumOverItsTwins) {
  ModelSpec repeated = SmallSpec();
  repeated.n_blocks = 1;
  repeated.repeat = {.kind = RepeatKind::kImmediate, .times = 2, .order = {}};
  ModelSpec plain = repeated;
  plain.n_blocks = 2;
  plain.repeat = {};
  const BatchShape shape = {.sequences = 2, .length = 9};
  const std::vector<int32_t> batch = RandomBatch(plain, shape, 5);
  const ParameterLayout small = LayOutParameters(repeated);
  const ParameterLayout large = LayOutParameters(plain);
  const std::vector<double> p = SmallParameters<double>(repeated, 7);
  const int64_t begin = small.blocks[0].attn_norm.offset;
  const int64_t size = small.blocks[0].w_down.end() - begin;
  std::vector<double> twins = p;  // the block once more behind itself
  twins.insert(twins.begin() + begin + size, p.begin() + begin, p.begin() + begin + size);
  ASSERT_EQ(static_cast<int64_t>(twins.size()), large.count);

  ThreadPool pool(2);
  std::vector<double> of_one(p.size());
  std::vector<double> of_two(twins.size());
  Backpropagation<double> one(repeated, shape, pool);
  Backpropagation<double> two(plain, shape, pool);
  EXPECT_EQ(one.LossAndGradient(p, batch, of_one), two.LossAndGradient(twins, batch, of_two));
  for (int64_t i = begin; i < begin + size; ++i) {
    const auto at = static_cast<size_t>(i);
    EXPECT_NEAR(of_one[at], of_two[at] + of_two[at + static_cast<size_t>(size)], 1e-14);
  }
}

}  // namespace
}  // namespace deepthin::runtime
