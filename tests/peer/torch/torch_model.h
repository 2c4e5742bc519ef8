// A ModelSpec in libtorch, written as one would there: an oracle for gradients and the other side
// of
// ./dev bench train.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <span>
#include <vector>

#include "runtime/trainer/batch.h"
#include "runtime/trainer/parameters.h"
#include "spec/model_spec.h"

namespace deepthin::peer {

class TorchModel {
 public:
  // Leaves that ask for gradients, from the trainer's array of parameters; in f32 or f64.
  TorchModel(const ModelSpec& spec, const runtime::BatchShape& shape,
             std::span<const double> parameters, torch::ScalarType type);

  // Mean of -log(probability) of a batch (runtime::BatchView), in nats.
  [[nodiscard]] torch::Tensor Loss(std::span<const int32_t> batch) const;

  // In the order of LayOutParameters(spec).tensors.
  [[nodiscard]] const std::vector<torch::Tensor>& parameters() const { return parameters_; }
  [[nodiscard]] const runtime::ParameterLayout& layout() const { return layout_; }

 private:
  [[nodiscard]] const torch::Tensor& At(const runtime::ParameterPlace& place) const;
  [[nodiscard]] torch::Tensor Norm(const torch::Tensor& x,
                                   const runtime::ParameterPlace& weights) const;
  [[nodiscard]] torch::Tensor Rotated(const torch::Tensor& heads) const;
  [[nodiscard]] torch::Tensor Attention(const torch::Tensor& x,
                                        const runtime::BlockPlaces& block) const;
  [[nodiscard]] torch::Tensor FeedForward(const torch::Tensor& x,
                                          const runtime::BlockPlaces& block) const;

  ModelSpec spec_;
  runtime::BatchShape shape_;
  runtime::ParameterLayout layout_;
  std::vector<torch::Tensor> parameters_;
  torch::Tensor cos_, sin_;  // [length, 1, head_dim / 2]
  torch::Tensor mask_;       // [length, length]: -infinity where a key is later than its query
};

}  // namespace deepthin::peer
