// Our gradients against libtorch's autograd, in f64, for random models of every kind.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "runtime/trainer/backpropagation.h"
#include "spec/json_io.h"
#include "tests/peer/torch/torch_model.h"
#include "tests/runtime/trainer/training_models.h"

namespace deepthin::peer {
namespace {

constexpr double kMaxRelativeError = 1e-10;  // of a tensor's largest element

// The largest error of any tensor, as a share of its largest element.
double WorstError(const ModelSpec& spec, const runtime::BatchShape& shape, uint32_t seed,
                  std::string& worst) {
  runtime::ThreadPool pool(2);
  runtime::Backpropagation<double> ours(spec, shape, pool);
  const auto parameters = runtime::SmallParameters<double>(spec, seed);
  const auto batch = runtime::RandomBatch(spec, shape, seed);
  std::vector<double> gradient(parameters.size());
  const double loss = ours.LossAndGradient(parameters, batch, gradient);

  const TorchModel torch_model(spec, shape, parameters, torch::kDouble);
  const auto torch_loss = torch_model.Loss(batch);
  torch_loss.backward();
  double largest = std::abs(torch_loss.item<double>() - loss) / std::abs(loss);
  worst = "loss";
  for (size_t t = 0; t < torch_model.parameters().size(); ++t) {
    const runtime::NamedPlace& tensor = ours.layout().tensors[t];
    const torch::Tensor& leaf = torch_model.parameters()[t];
    // A block that no schedule executes has none.
    const auto theirs = leaf.grad().defined() ? leaf.grad().contiguous() : torch::zeros_like(leaf);
    double error = 0;
    double size = 1e-8;
    for (int64_t i = 0; i < tensor.place.size(); ++i) {
      const double expected = theirs.data_ptr<double>()[i];
      size = std::max(size, std::abs(expected));
      error = std::max(error,
                       std::abs(gradient[static_cast<size_t>(tensor.place.offset + i)] - expected));
    }
    if (error / size <= largest) continue;
    largest = error / size;
    worst = tensor.name;
  }
  return largest;
}

RC_GTEST_PROP(TorchGradientProperty, AgreesWithAutograd, ()) {
  const ModelSpec spec = runtime::DrawTrainableSpec();
  const runtime::BatchShape shape = runtime::DrawShape(3, 9);
  RC_LOG() << ToJson(spec).dump() << " " << shape.sequences << " x " << shape.length << "\n";
  std::string worst;
  const double error = WorstError(spec, shape, *rc::gen::arbitrary<uint32_t>(), worst);
  RC_LOG() << worst << " " << error << "\n";
  RC_ASSERT(error < kMaxRelativeError);
}

}  // namespace
}  // namespace deepthin::peer
