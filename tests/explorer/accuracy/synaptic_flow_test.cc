// Synaptic flow: by hand, against its own derivatives, against the trainer's gradients.
#include "explorer/accuracy/synaptic_flow.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <vector>

#include "runtime/thread_pool.h"
#include "runtime/trainer/backpropagation.h"
#include "runtime/trainer/parametrisation.h"
#include "spec/model_presets.h"
#include "tests/runtime/test_models.h"
#include "tests/runtime/trainer/training_models.h"

namespace deepthin::explorer {
namespace {

using runtime::LayOutParameters;
using runtime::NamedPlace;
using runtime::ParameterLayout;
using runtime::ParameterPlace;
using runtime::SmallParameters;

// Two of everything that must be two, one of the rest.
ModelSpec Toy(Ffn ffn) {
  return {.vocab_size = 2,
          .d_model = 2,
          .n_blocks = 1,
          .n_heads = 1,
          .n_kv_heads = 1,
          .head_dim = 2,
          .d_ff = 1,
          .ffn = ffn,
          .tie_embeddings = false};
}

void Fill(const ParameterPlace& place, float value, std::vector<float>& parameters) {
  for (int64_t i = place.offset; i < place.end(); ++i) parameters[static_cast<size_t>(i)] = value;
}

// Weights of 1: ones become 2 in the values, 4 behind attention, 5 with the stream beside; 10 in
// the hidden layer and behind it, 15 with the stream; outputs of 30 each.
TEST(SynapticFlowTest, OfAToyByHand) {
  for (const Ffn ffn : {Ffn::kRelu, Ffn::kGelu}) {
    const ModelSpec spec = Toy(ffn);
    const ParameterLayout layout = LayOutParameters(spec);
    std::vector<float> parameters(static_cast<size_t>(layout.count), 1.0F);
    Fill(layout.blocks[0].w_down, -1, parameters);  // magnitudes are what counts
    Fill(layout.embedding, 7, parameters);          // a choice of rows
    const SynapticFlow flow = SynapticFlowOf(spec, parameters);
    EXPECT_NEAR(flow.log_output, std::log(60.0), 1e-12);
    // The head, values and output of attention, up and down.
    EXPECT_NEAR(flow.share_sum, 1 + 2 * (4.0 / 5) + 2 * (10.0 / 15), 1e-12);
    EXPECT_NEAR(flow.log_flow(), std::log(60.0 * (1 + 1.6 + 4.0 / 3)), 1e-12);
  }
}

// The root of gate and up: with an up of 4, 10 and 40 make 20.
TEST(SynapticFlowTest, OfAGatedToyByHand) {
  const ModelSpec spec = Toy(Ffn::kSwiglu);
  const ParameterLayout layout = LayOutParameters(spec);
  std::vector<float> parameters(static_cast<size_t>(layout.count), 1.0F);
  ParameterPlace up = layout.blocks[0].gate_up;
  up.offset += up.cols;
  up.rows = 1;
  Fill(up, 4, parameters);
  const SynapticFlow flow = SynapticFlowOf(spec, parameters);
  EXPECT_NEAR(flow.log_output, std::log(100.0), 1e-12);
  EXPECT_NEAR(flow.share_sum, 1 + 2 * (4.0 / 5) + 2 * (20.0 / 25), 1e-12);
}

double LogOutputWith(const ModelSpec& spec, std::vector<float> parameters,
                     const ParameterPlace& place, float factor) {
  for (int64_t i = place.offset; i < place.end(); ++i) parameters[static_cast<size_t>(i)] *= factor;
  return SynapticFlowOf(spec, parameters).log_output;
}

// The sum over a matrix of weight x dR/dweight, over R, is the derivative of ln R with respect to
// the logarithm of the matrix' scale.
RC_GTEST_PROP(SynapticFlowProperty, IsTheDerivativeOfTheOutput, ()) {
  const ModelSpec spec = runtime::DrawTrainableSpec();
  const auto parameters = SmallParameters<float>(spec, *rc::gen::arbitrary<uint32_t>());
  const SynapticFlow flow = SynapticFlowOf(spec, parameters);
  constexpr float kUp = 1.0F + 0x1p-8F;
  constexpr float kDown = 1.0F - 0x1p-8F;
  double sum = 0;
  int64_t matrices = 0;
  for (const NamedPlace& tensor : LayOutParameters(spec).tensors) {
    if (!tensor.decays) continue;  // norms' weights do not count
    const double rise = LogOutputWith(spec, parameters, tensor.place, kUp) -
                        LogOutputWith(spec, parameters, tensor.place, kDown);
    sum += rise / (std::log(static_cast<double>(kUp)) - std::log(static_cast<double>(kDown)));
    ++matrices;
  }
  RC_LOG() << sum << " " << flow.share_sum << "\n";
  RC_ASSERT(std::abs(sum - flow.share_sum) < 2e-4 * flow.share_sum);
  // The head has all of it; each other matrix has no more than that, each time.
  RC_ASSERT(flow.share_sum > 1);
  RC_ASSERT(flow.share_sum < 1 + 4.0 * static_cast<double>(ExecutedBlocks(spec)));
  RC_ASSERT(matrices > 4);
}

// With an epsilon far above the activations, one position, ReLU and weights above 0 the trainer's
// model is the same network; with logits (z, 0) and target 0 the loss is ln(1 + e^-z), so that
// dz = -dloss / (1 - p).
TEST(SynapticFlowTest, AgreesWithTheTrainersGradients) {
  constexpr double kInput = 1e-14;
  ModelSpec spec = runtime::SmallSpec();
  spec.vocab_size = 2;
  spec.n_blocks = 1;
  spec.ffn = Ffn::kRelu;
  spec.tie_embeddings = false;
  spec.norm_eps = 1;
  spec.repeat = RepeatScheduleFromText("immediate:2");
  const ParameterLayout layout = LayOutParameters(spec);
  std::vector<float> parameters = SmallParameters<float>(spec, 9);
  const ParameterPlace other_row = {layout.head.offset + spec.d_model, 1, spec.d_model};
  Fill(other_row, 0, parameters);
  // An output about 1.
  const double output_of_ones = std::exp(SynapticFlowOf(spec, parameters).log_output);
  for (int64_t i = layout.head.offset; i < other_row.offset; ++i) {
    parameters[static_cast<size_t>(i)] /= static_cast<float>(kInput * output_of_ones);
  }
  std::vector<double> of_trainer;
  for (const float x : parameters) of_trainer.push_back(std::abs(static_cast<double>(x)));
  for (int64_t i = 0; i < layout.embedding.size(); ++i) {
    of_trainer[static_cast<size_t>(layout.embedding.offset + i)] = kInput;
  }

  runtime::ThreadPool pool(1);
  runtime::Backpropagation<double> model(spec, {.sequences = 1, .length = 1}, pool);
  std::vector<double> gradient(of_trainer.size());
  const std::vector<int32_t> batch = {0, 0};
  const double loss = model.LossAndGradient(of_trainer, batch, gradient);
  const double output = -std::log(std::expm1(loss));
  ASSERT_NEAR(output, 1, 1e-3);
  double flow = 0;
  for (const NamedPlace& tensor : layout.tensors) {
    if (!tensor.decays || tensor.name == "embedding") continue;
    for (int64_t i = tensor.place.offset; i < tensor.place.end(); ++i) {
      flow += of_trainer[static_cast<size_t>(i)] * gradient[static_cast<size_t>(i)];
    }
  }
  flow /= std::expm1(-loss);
  const SynapticFlow ours = SynapticFlowOf(spec, parameters);
  EXPECT_NEAR(ours.log_output, std::log(output / kInput), 1e-7);
  EXPECT_NEAR(ours.share_sum, flow / output, 1e-7 * ours.share_sum);
}

TEST(SynapticFlowTest, OfADeepModelIsBeyondAnyDouble) {
  ModelSpec spec = runtime::SmallSpec();
  spec.n_blocks = 1;
  spec.d_model = 64;
  spec.d_ff = 128;
  spec.repeat = {.kind = RepeatKind::kImmediate, .times = 400, .order = {}};
  runtime::ThreadPool pool(1);
  const ParameterLayout layout = LayOutParameters(spec);
  std::vector<float> parameters(static_cast<size_t>(layout.count));
  ReadWeights<float>(InitialWeights(spec, runtime::Parametrisation::kStandard, 1, pool), layout,
                     parameters);
  const double log_flow = SynapticFlowOf(spec, parameters).log_flow();
  EXPECT_TRUE(std::isfinite(log_flow));
  EXPECT_GT(log_flow, 710);
}

TEST(SynapticFlowTest, WithoutOutputIsMinusInfinity) {
  const ModelSpec spec = Toy(Ffn::kSwiglu);
  const ParameterLayout layout = LayOutParameters(spec);
  std::vector<float> parameters(static_cast<size_t>(layout.count), 1.0F);
  Fill(layout.blocks[0].gate_up, 0, parameters);  // the root's slope there is no number
  EXPECT_NEAR(SynapticFlowOf(spec, parameters).share_sum, 1 + 2 * (4.0 / 5), 1e-12);
  Fill(layout.head, 0, parameters);
  EXPECT_EQ(SynapticFlowOf(spec, parameters).log_flow(), -INFINITY);
}

}  // namespace
}  // namespace deepthin::explorer
