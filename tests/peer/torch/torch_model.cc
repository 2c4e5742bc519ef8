#include "tests/peer/torch/torch_model.h"

#include <cmath>
#include <limits>

#include "spec/errors.h"

namespace deepthin::peer {

TorchModel::TorchModel(const ModelSpec& spec, const runtime::BatchShape& shape,
                       std::span<const double> parameters, torch::ScalarType type)
    : spec_(spec), shape_(shape), layout_(runtime::LayOutParameters(spec)) {
  DEEPTHIN_CHECK(static_cast<int64_t>(parameters.size()) == layout_.count);
  for (const runtime::NamedPlace& tensor : layout_.tensors) {
    const auto& [offset, rows, cols] = tensor.place;
    auto values = torch::empty({rows, cols}, torch::kDouble);
    std::copy_n(parameters.data() + offset, rows * cols, values.data_ptr<double>());
    auto leaf = (rows == 1 && !tensor.decays ? values.view({cols}) : values).to(type).clone();
    parameters_.push_back(leaf.set_requires_grad(true));
  }
  const int64_t pairs = spec.head_dim / 2;
  auto angles = torch::empty({shape.length, 1, pairs}, torch::kDouble);
  for (int64_t t = 0; t < shape.length; ++t) {
    for (int64_t i = 0; i < pairs; ++i) {
      const double exponent = -static_cast<double>(2 * i) / static_cast<double>(spec.head_dim);
      angles.data_ptr<double>()[t * pairs + i] =
          static_cast<double>(t) * std::pow(spec.rope_theta, exponent);
    }
  }
  cos_ = angles.cos().to(type);
  sin_ = angles.sin().to(type);
  mask_ = torch::full({shape.length, shape.length}, -std::numeric_limits<double>::infinity(), type)
              .triu(1);
}

const torch::Tensor& TorchModel::At(const runtime::ParameterPlace& place) const {
  for (size_t i = 0; i < parameters_.size(); ++i) {
    if (layout_.tensors[i].place.offset == place.offset) return parameters_[i];
  }
  DEEPTHIN_CHECK(false);
}

torch::Tensor TorchModel::Norm(const torch::Tensor& x,
                               const runtime::ParameterPlace& weights) const {
  return x * torch::rsqrt(x.square().mean(-1, true) + spec_.norm_eps) * At(weights);
}

// heads: [sequences, length, heads, head_dim]; pairs are neighbours.
torch::Tensor TorchModel::Rotated(const torch::Tensor& heads) const {
  const auto pairs = heads.unflatten(-1, {spec_.head_dim / 2, 2});
  const auto a = pairs.select(-1, 0);
  const auto b = pairs.select(-1, 1);
  return torch::stack({a * cos_ - b * sin_, a * sin_ + b * cos_}, -1).flatten(-2);
}

torch::Tensor TorchModel::Attention(const torch::Tensor& x,
                                    const runtime::BlockPlaces& block) const {
  const int64_t hd = spec_.head_dim;
  const auto qkv = torch::linear(Norm(x, block.attn_norm), At(block.qkv))
                       .view({shape_.sequences, shape_.length, -1, hd});
  const auto parts = qkv.split_with_sizes({spec_.n_heads, spec_.n_kv_heads, spec_.n_kv_heads}, 2);
  const auto q = Rotated(parts[0]).transpose(1, 2);
  auto k = Rotated(parts[1]).transpose(1, 2);
  auto v = parts[2].transpose(1, 2);
  const int64_t group = spec_.n_heads / spec_.n_kv_heads;
  if (group > 1) {
    k = k.repeat_interleave(group, 1);
    v = v.repeat_interleave(group, 1);
  }
  const auto scores = torch::matmul(q / std::sqrt(static_cast<double>(hd)), k.transpose(-2, -1));
  const auto weights = torch::softmax(scores + mask_, -1);
  const auto heads = torch::matmul(weights, v).transpose(1, 2).flatten(2);
  return torch::linear(heads, At(block.wo));
}

torch::Tensor TorchModel::FeedForward(const torch::Tensor& x,
                                      const runtime::BlockPlaces& block) const {
  const auto in = torch::linear(Norm(x, block.ffn_norm), At(block.gate_up));
  torch::Tensor hidden;
  switch (spec_.ffn) {
    case Ffn::kSwiglu: {
      const auto halves = in.chunk(2, -1);
      hidden = torch::silu(halves[0]) * halves[1];
      break;
    }
    case Ffn::kGelu:
      hidden = torch::gelu(in, "tanh");
      break;
    case Ffn::kRelu:
      hidden = torch::relu(in);
      break;
  }
  return torch::linear(hidden, At(block.w_down));
}

torch::Tensor TorchModel::Loss(std::span<const int32_t> batch) const {
  auto tokens = torch::empty({shape_.sequences, shape_.length + 1}, torch::kLong);
  std::copy(batch.begin(), batch.end(), tokens.data_ptr<int64_t>());
  auto x = torch::embedding(At(layout_.embedding), tokens.slice(1, 0, shape_.length));
  for (const int64_t stored : ExecutionOrder(spec_)) {
    const runtime::BlockPlaces& block = layout_.blocks[static_cast<size_t>(stored)];
    x = x + Attention(x, block);
    x = x + FeedForward(x, block);
  }
  const auto logits = torch::linear(Norm(x, layout_.final_norm), At(layout_.head));
  return torch::nn::functional::cross_entropy(logits.flatten(0, 1), tokens.slice(1, 1).flatten());
}

}  // namespace deepthin::peer
