#include "explorer/accuracy/initial_model.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <string_view>
#include <utility>

#include "explorer/accuracy/principal_components.h"
#include "runtime/trainer/backpropagation.h"
#include "runtime/trainer/products.h"
#include "runtime/trainer/tensor.h"
#include "spec/random.h"

namespace deepthin::explorer {
namespace {

using runtime::AsConstView;
using runtime::Backpropagation;
using runtime::MatrixView;
using runtime::ParameterLayout;
using runtime::ParameterPlace;
using runtime::Tensor;

double NormOf(MatrixView<const float> m) {
  double squares = 0;
  for (int64_t r = 0; r < m.rows; ++r) {
    for (int64_t c = 0; c < m.cols; ++c) {
      squares += static_cast<double>(m.Row(r)[c]) * static_cast<double>(m.Row(r)[c]);
    }
  }
  return std::sqrt(squares);
}

// The matrices that inputs are multiplied with, each by itself.
std::vector<MatrixView<const float>> LinearMaps(const ModelSpec& spec,
                                                const ParameterLayout& layout,
                                                std::span<const float> array) {
  std::vector<MatrixView<const float>> maps = {layout.head.In(array)};
  const int64_t keys = QueryDim(spec);
  const int64_t values = keys + KvDim(spec);
  for (const runtime::BlockPlaces& places : layout.blocks) {
    const auto qkv = places.qkv.In(array);
    const auto gate_up = places.gate_up.In(array);
    const int64_t up = gate_up.rows - spec.d_ff;
    maps.insert(maps.end(),
                {qkv.Rows(0, keys), qkv.Rows(keys, values), qkv.Rows(values, qkv.rows),
                 places.wo.In(array), gate_up.Rows(up, gate_up.rows), places.w_down.In(array)});
    if (up > 0) maps.push_back(gate_up.Rows(0, up));
  }
  return maps;
}

// x with its columns' means taken off.
void Centre(MatrixView<const float> x, MatrixView<float> out) {
  std::vector<double> means(static_cast<size_t>(x.cols));
  for (int64_t t = 0; t < x.rows; ++t) {
    for (size_t c = 0; c < means.size(); ++c) means[c] += static_cast<double>(x.Row(t)[c]);
  }
  for (double& mean : means) mean /= static_cast<double>(x.rows);
  for (int64_t t = 0; t < x.rows; ++t) {
    for (size_t c = 0; c < means.size(); ++c) {
      out.Row(t)[c] = static_cast<float>(static_cast<double>(x.Row(t)[c]) - means[c]);
    }
  }
}

// What the variances of hidden layers follow from, of every executed block.
class FfnMoments {
 public:
  explicit FfnMoments(const InitialModel& model) : model_(model), products_(model.pool) {}

  // input: [tokens, d_model].
  void Add(const ParameterPlace& gate_up, MatrixView<const float> input) {
    const int64_t d = input.cols;
    if (centred_.rows() == 0) centred_ = Tensor<float>(input.rows, d, kWhat);
    Centre(input, centred_.view());
    inputs_.push_back(MomentOf(AsConstView(centred_.view())));
    weights_.push_back(gate_up.In(model_.parameters).Rows(0, model_.spec.d_ff));
    moments_.push_back(IsWide() ? MomentOf(weights_.back()) : Tensor<float>());
  }

  // Over all blocks, in their order.
  [[nodiscard]] int64_t Components(double eta) {
    std::vector<int64_t> counts(inputs_.size());
    const auto count = [&](int64_t begin, int64_t end) {
      for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) {
        counts[i] = ComponentsFor(eta, VariancesOf(i));
      }
    };
    model_.pool.ForRanges(static_cast<int64_t>(counts.size()), 1, std::cref(count));
    int64_t sum = 0;
    for (const int64_t components : counts) sum += components;
    return sum;
  }

 private:
  static constexpr std::string_view kWhat = "the covariances of hidden layers";

  // The hidden layer is no narrower than its input.
  [[nodiscard]] bool IsWide() const { return model_.spec.d_ff >= model_.spec.d_model; }
  [[nodiscard]] std::vector<double> VariancesOf(size_t executed) const {
    const MatrixView<const float> inputs = inputs_[executed].view();
    return IsWide() ? OutputVariancesFromMoments(inputs, moments_[executed].view())
                    : OutputVariances(inputs, weights_[executed]);
  }

  [[nodiscard]] Tensor<float> MomentOf(MatrixView<const float> m) {
    Tensor<float> moment(m.cols, m.cols, kWhat);
    products_.AddWeightGradient(m, m, moment.view());
    return moment;
  }

  const InitialModel& model_;
  runtime::Products<float> products_;
  Tensor<float> centred_;
  std::vector<Tensor<float>> inputs_, moments_;
  std::vector<MatrixView<const float>> weights_;
};

}  // namespace

std::vector<int32_t> RandomTokens(int64_t vocab_size, const runtime::BatchShape& shape,
                                  uint64_t seed) {
  SplitMix64 random(seed);
  std::vector<int32_t> tokens(static_cast<size_t>(shape.tokens()));
  for (int32_t& token : tokens) token = static_cast<int32_t>(random.NextBelow(vocab_size));
  return tokens;
}

double GradientNorm(const InitialModel& model) {
  Backpropagation<float> backpropagation(model.spec, model.shape, model.pool);
  Tensor<float> gradient(1, backpropagation.layout().count, "the gradient");
  static_cast<void>(
      backpropagation.LossAndGradient(model.parameters, model.batch, gradient.values()));
  double sum = 0;
  for (const auto& map :
       LinearMaps(model.spec, backpropagation.layout(), std::as_const(gradient).values())) {
    sum += NormOf(map);
  }
  return sum;
}

double HeadConfidence(const InitialModel& model) {
  Backpropagation<float> backpropagation(model.spec, model.shape, model.pool);
  const int64_t tokens = model.shape.predicted();
  Tensor<float> greatest(ExecutedBlocks(model.spec) * model.spec.n_heads, tokens,
                         "attention's greatest weights");
  const auto note = [&](int64_t executed, const runtime::AttentionTile<float>& tile) {
    float* out = greatest.Row(executed * model.spec.n_heads + tile.head) + tile.first_row;
    for (int64_t t = 0; t < tile.weights.rows; ++t) {
      const float* weights = tile.weights.Row(t);
      out[t] = *std::max_element(weights, weights + tile.weights.cols);
    }
  };
  backpropagation.Observe(model.parameters, model.batch, {.on_attention = note, .on_ffn = {}});
  double sum = 0;
  for (const float weight : greatest.values()) sum += static_cast<double>(weight);
  return sum / static_cast<double>(greatest.values().size());
}

double WeightedComponents(const InitialModel& model, double eta) {
  Backpropagation<float> backpropagation(model.spec, model.shape, model.pool);
  const std::vector<int64_t> order = ExecutionOrder(model.spec);
  FfnMoments moments(model);
  const auto note = [&](int64_t executed, MatrixView<const float> input, MatrixView<const float>) {
    const auto block = static_cast<size_t>(order[static_cast<size_t>(executed)]);
    moments.Add(backpropagation.layout().blocks[block].gate_up, input);
  };
  backpropagation.Observe(model.parameters, model.batch, {.on_attention = {}, .on_ffn = note});
  return static_cast<double>(CountParams(model.spec).total()) *
         static_cast<double>(moments.Components(eta));
}

}  // namespace deepthin::explorer
