// Training steps in libtorch: the other side of ./dev bench train. bf16 is autocast, as its users
// have it: weights and sums f32.
#include <ATen/autocast_mode.h>

#include <cmath>

#include "runtime/trainer/adamw.h"
#include "runtime/weights.h"
#include "tests/peer/torch/torch_model.h"
#include "tests/peer/torch/training_task.h"

namespace deepthin::peer {
namespace {

TorchModel ModelOf(const TrainingTask& task) {
  runtime::ThreadPool pool(task.threads);
  const runtime::ParameterLayout layout = runtime::LayOutParameters(task.spec);
  std::vector<double> parameters(static_cast<size_t>(layout.count));
  runtime::ReadWeights<double>(runtime::RandomWeights(task.spec, 1, pool), layout, parameters);
  return {task.spec, task.options.shape, parameters, torch::kFloat};
}

// Matrices decay, norms do not.
torch::optim::AdamW OptimiserOf(const TorchModel& model, const runtime::AdamWOptions& options) {
  const auto group = [&](bool decays) {
    std::vector<torch::Tensor> tensors;
    for (size_t i = 0; i < model.parameters().size(); ++i) {
      if (model.layout().tensors[i].decays == decays) tensors.push_back(model.parameters()[i]);
    }
    auto of_group = std::make_unique<torch::optim::AdamWOptions>();
    of_group->betas({options.beta1, options.beta2})
        .eps(options.epsilon)
        .weight_decay(decays ? options.decay : 0);
    return torch::optim::OptimizerParamGroup(tensors, std::move(of_group));
  };
  return torch::optim::AdamW(
      std::vector<torch::optim::OptimizerParamGroup>{group(true), group(false)});
}

void Run(const TrainingTask& task) {
  torch::set_num_threads(static_cast<int>(task.threads));
  const bool rounded = task.options.precision == runtime::ProductPrecision::kBf16;
  const TorchModel model = ModelOf(task);
  auto optimiser = OptimiserOf(model, task.options.adamw);
  RunAndPrint(task, "libtorch " TORCH_VERSION, [&](int64_t step) {
    for (auto& group : optimiser.param_groups()) {
      group.options().set_lr(runtime::LearningRate(task.options.rate, step));
    }
    for (torch::Tensor parameter : model.parameters()) parameter.mutable_grad().reset();
    at::autocast::set_autocast_cpu_dtype(at::kBFloat16);
    at::autocast::set_cpu_enabled(rounded);
    const auto loss = model.Loss(task.BatchAt(step));
    at::autocast::clear_cache();
    at::autocast::set_cpu_enabled(false);
    loss.backward();
    torch::nn::utils::clip_grad_norm_(model.parameters(), task.options.clip_norm);
    optimiser.step();
    return loss.item<double>();
  });
}

}  // namespace
}  // namespace deepthin::peer

int main(int argc, char** argv) { return deepthin::peer::Main(argc, argv, deepthin::peer::Run); }
