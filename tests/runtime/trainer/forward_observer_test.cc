// What the observer of a forward pass is shown, against the same sums written out.
#include "runtime/trainer/forward_observer.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <map>
#include <mutex>
#include <tuple>
#include <vector>

#include "runtime/trainer/backpropagation.h"
#include "tests/runtime/test_models.h"
#include "tests/runtime/trainer/training_models.h"

namespace deepthin::runtime {
namespace {

using Rows = std::vector<std::vector<double>>;

template <class T>
Rows Copy(MatrixView<const T> m) {
  Rows rows;
  for (int64_t r = 0; r < m.rows; ++r) rows.emplace_back(m.Row(r), m.Row(r) + m.cols);
  return rows;
}

struct Seen {
  std::map<std::tuple<int64_t, int64_t, int64_t>, std::vector<double>> attention;  // block head row
  std::map<int64_t, Rows> inputs, gate_up;                                         // of a block
};

// Everything that is shown; a row of a head that is shown twice fails.
Seen Observe(const ModelSpec& spec, const BatchShape& shape, const std::vector<double>& parameters,
             BatchView batch, ThreadPool& pool) {
  Backpropagation<double> model(spec, shape, pool);
  Seen seen;
  std::mutex mutex;
  const auto on_attention = [&](int64_t executed, const AttentionTile<double>& tile) {
    const std::lock_guard lock(mutex);
    const Rows rows = Copy(tile.weights);
    for (size_t i = 0; i < rows.size(); ++i) {
      const std::tuple key(executed, tile.head, tile.first_row + static_cast<int64_t>(i));
      EXPECT_TRUE(seen.attention.emplace(key, rows[i]).second);
    }
  };
  const auto on_ffn = [&](int64_t executed, MatrixView<const double> input,
                          MatrixView<const double> gate_up) {
    EXPECT_TRUE(seen.inputs.emplace(executed, Copy(input)).second);
    seen.gate_up[executed] = Copy(gate_up);
  };
  model.Observe(parameters, batch, {.on_attention = on_attention, .on_ffn = on_ffn});
  return seen;
}

// x g / root(mean of squares + eps)
std::vector<double> Normed(const ModelSpec& spec, MatrixView<const double> g, const double* x) {
  double squares = 0;
  for (int64_t i = 0; i < spec.d_model; ++i) squares += x[i] * x[i];
  const double rms = std::sqrt(squares / static_cast<double>(spec.d_model) + spec.norm_eps);
  std::vector<double> y;
  for (int64_t i = 0; i < spec.d_model; ++i) y.push_back(g.data[i] * x[i] / rms);
  return y;
}

std::vector<double> Product(MatrixView<const double> w, const std::vector<double>& x) {
  std::vector<double> y;
  for (int64_t r = 0; r < w.rows; ++r) {
    double sum = 0;
    for (size_t c = 0; c < x.size(); ++c) sum += w.Row(r)[c] * x[c];
    y.push_back(sum);
  }
  return y;
}

void Rotate(const ModelSpec& spec, int64_t position, std::vector<double>& heads) {
  for (size_t i = 0; i < heads.size(); i += 2) {
    const double pair = static_cast<double>(i % static_cast<size_t>(spec.head_dim));
    const double angle = static_cast<double>(position) *
                         std::pow(spec.rope_theta, -pair / static_cast<double>(spec.head_dim));
    const double a = heads[i];
    const double b = heads[i + 1];
    heads[i] = a * std::cos(angle) - b * std::sin(angle);
    heads[i + 1] = a * std::sin(angle) + b * std::cos(angle);
  }
}

RC_GTEST_PROP(ForwardObserverProperty, ShowsEachRowOfEachHeadOnce, ()) {
  const ModelSpec spec = DrawTrainableSpec();
  const BatchShape shape = DrawShape(3, 7);
  const auto seed = *rc::gen::arbitrary<uint32_t>();
  const auto parameters = SmallParameters<double>(spec, seed);
  ThreadPool pool(2);
  const Seen seen = Observe(spec, shape, parameters, RandomBatch(spec, shape, seed), pool);
  const int64_t blocks = ExecutedBlocks(spec);
  RC_ASSERT(static_cast<int64_t>(seen.attention.size()) ==
            blocks * spec.n_heads * shape.predicted());
  for (const auto& [key, weights] : seen.attention) {
    const auto position = static_cast<size_t>(std::get<2>(key) % shape.length);
    double sum = 0;
    for (size_t j = 0; j < weights.size(); ++j) {
      sum += weights[j];
      RC_ASSERT((j <= position && weights[j] > 0) || (j > position && weights[j] == 0));
    }
    RC_ASSERT(std::abs(sum - 1) < 1e-12);
  }
  RC_ASSERT(static_cast<int64_t>(seen.inputs.size()) == blocks);
  const ParameterLayout layout = LayOutParameters(spec);
  const std::vector<int64_t> order = ExecutionOrder(spec);
  for (const auto& [executed, inputs] : seen.inputs) {
    const auto block = static_cast<size_t>(order[static_cast<size_t>(executed)]);
    const auto w = layout.blocks[block].gate_up.In(std::span<const double>(parameters));
    for (size_t t = 0; t < inputs.size(); ++t) {
      const auto expected = Product(w, inputs[t]);
      for (size_t i = 0; i < expected.size(); ++i) {
        RC_ASSERT(std::abs(seen.gate_up.at(executed)[t][i] - expected[i]) < 1e-9);
      }
    }
  }
}

// Over more than one tile of queries.
TEST(ForwardObserverTest, TheWeightsAreThoseOfTheFirstBlockByHand) {
  ModelSpec spec = SmallSpec();
  spec.max_seq_len = 256;
  const BatchShape shape = {.sequences = 2, .length = 70};
  const auto parameters = SmallParameters<double>(spec, 4);
  const auto batch = RandomBatch(spec, shape, 4);
  ThreadPool pool(1);
  const Seen seen = Observe(spec, shape, parameters, batch, pool);
  const ParameterLayout layout = LayOutParameters(spec);
  const std::span<const double> p(parameters);
  const auto qkv = layout.blocks[0].qkv.In(p);
  const int64_t hd = spec.head_dim;
  for (int64_t s = 0; s < shape.sequences; ++s) {
    Rows queries, keys;
    for (int64_t t = 0; t < shape.length; ++t) {
      const auto token = batch[static_cast<size_t>(s * (shape.length + 1) + t)];
      const auto x =
          Normed(spec, layout.blocks[0].attn_norm.In(p), layout.embedding.In(p).Row(token));
      queries.push_back(Product(qkv.Rows(0, QueryDim(spec)), x));
      keys.push_back(Product(qkv.Rows(QueryDim(spec), QueryDim(spec) + KvDim(spec)), x));
      Rotate(spec, t, queries.back());
      Rotate(spec, t, keys.back());
    }
    for (int64_t head = 0; head < spec.n_heads; ++head) {
      const int64_t kv_head = head / (spec.n_heads / spec.n_kv_heads);
      for (int64_t t = 0; t < shape.length; ++t) {
        std::vector<double> expected;
        double sum = 0;
        for (int64_t j = 0; j <= t; ++j) {
          double score = 0;
          for (int64_t i = 0; i < hd; ++i) {
            score += queries[static_cast<size_t>(t)][static_cast<size_t>(head * hd + i)] *
                     keys[static_cast<size_t>(j)][static_cast<size_t>(kv_head * hd + i)];
          }
          expected.push_back(std::exp(score / std::sqrt(static_cast<double>(hd))));
          sum += expected.back();
        }
        const auto& weights = seen.attention.at({0, head, s * shape.length + t});
        for (size_t j = 0; j < expected.size(); ++j) {
          ASSERT_NEAR(weights[j], expected[j] / sum, 1e-10) << s << ' ' << head << ' ' << t;
        }
      }
    }
  }
}

// A pass that is watched leaves what follows as it was.
TEST(ForwardObserverTest, LossesStayTheSame) {
  const ModelSpec spec = SmallSpec();
  const BatchShape shape = {.sequences = 1, .length = 5};
  const auto parameters = SmallParameters<float>(spec, 2);
  const auto batch = RandomBatch(spec, shape, 2);
  ThreadPool pool(1);
  Backpropagation<float> model(spec, shape, pool);
  const double before = model.Loss(parameters, batch);
  model.Observe(parameters, batch, {});
  EXPECT_EQ(model.Loss(parameters, batch), before);
}

}  // namespace
}  // namespace deepthin::runtime
