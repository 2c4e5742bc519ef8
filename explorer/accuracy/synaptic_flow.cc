#include "explorer/accuracy/synaptic_flow.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "runtime/trainer/parameters.h"
#include "spec/errors.h"

namespace deepthin::explorer {
namespace {

using runtime::BlockPlaces;
using runtime::MatrixView;
using runtime::ParameterPlace;
using Values = std::vector<double>;
using Matrix = MatrixView<const float>;

double Dot(const Values& a, const Values& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

// |w| x
Values Forward(Matrix w, const Values& x) {
  Values y(static_cast<size_t>(w.rows));
  for (int64_t r = 0; r < w.rows; ++r) {
    const float* row = w.Row(r);
    double sum = 0;
    for (size_t c = 0; c < x.size(); ++c) sum += std::abs(static_cast<double>(row[c])) * x[c];
    y[static_cast<size_t>(r)] = sum;
  }
  return y;
}

// dx += |w|^T dy
void AddBackward(Matrix w, const Values& dy, Values& dx) {
  for (int64_t r = 0; r < w.rows; ++r) {
    const float* row = w.Row(r);
    const double d = dy[static_cast<size_t>(r)];
    for (size_t c = 0; c < dx.size(); ++c) dx[c] += std::abs(static_cast<double>(row[c])) * d;
  }
}

Values Times(Matrix gain, const Values& x) {
  Values y(x.size());
  for (size_t i = 0; i < x.size(); ++i) y[i] = std::abs(static_cast<double>(gain.data[i])) * x[i];
  return y;
}

void Add(const Values& x, Values& sum) {
  for (size_t i = 0; i < x.size(); ++i) sum[i] += x[i];
}

// What the backward pass needs of one executed block.
struct Tape {
  Values values, spread, attended, gate_up, hidden, down;
  double scale = 1;  // the residual stream behind the block was divided by it
};

class FlowNetwork {
 public:
  FlowNetwork(const ModelSpec& spec, std::span<const float> parameters)
      : spec_(spec),
        parameters_(parameters),
        layout_(runtime::LayOutParameters(spec)),
        order_(ExecutionOrder(spec)) {}

  SynapticFlow Run() {
    Values x(static_cast<size_t>(spec_.d_model), 1.0);
    double log_scale = 0;
    for (const int64_t block : order_) {
      tapes_.push_back(ForwardBlock(block, x));
      log_scale += std::log(tapes_.back().scale);
    }
    const Matrix head = In(layout_.head);
    const Values outputs = Forward(head, Times(In(layout_.final_norm), x));
    double sum = 0;
    for (const double output : outputs) sum += output;
    if (sum == 0) return {.log_output = -INFINITY, .share_sum = 0};

    // Backward from ln R: dR/dx / R, and so every flow a share of R.
    shares_ = 1;  // the head's
    const Values douts(outputs.size(), 1 / sum);
    Values dnormed(x.size());
    AddBackward(head, douts, dnormed);
    Values dx = Times(In(layout_.final_norm), dnormed);
    for (size_t i = order_.size(); i-- > 0;) BackwardBlock(order_[i], tapes_[i], dx);
    return {.log_output = std::log(sum) + log_scale, .share_sum = shares_};
  }

 private:
  [[nodiscard]] Matrix In(const ParameterPlace& place) const { return place.In(parameters_); }
  [[nodiscard]] const BlockPlaces& PlacesOf(int64_t block) const {
    return layout_.blocks[static_cast<size_t>(block)];
  }
  // The rows of values in the product of queries, keys and values.
  [[nodiscard]] Matrix ValuesOf(const BlockPlaces& places) const {
    return In(places.qkv).Rows(QueryDim(spec_) + KvDim(spec_), places.qkv.rows);
  }
  // Which value a query head's element takes: those of its key/value head.
  [[nodiscard]] size_t ValueOf(size_t element) const {
    const auto head_dim = static_cast<size_t>(spec_.head_dim);
    const auto group = static_cast<size_t>(spec_.n_heads / spec_.n_kv_heads);
    return element / head_dim / group * head_dim + element % head_dim;
  }

  // x: the residual stream, which it leaves with a greatest element of 1.
  [[nodiscard]] Tape ForwardBlock(int64_t block, Values& x) const {
    const BlockPlaces& places = PlacesOf(block);
    Tape tape;
    tape.values = Forward(ValuesOf(places), Times(In(places.attn_norm), x));
    tape.spread.resize(static_cast<size_t>(QueryDim(spec_)));
    for (size_t i = 0; i < tape.spread.size(); ++i) tape.spread[i] = tape.values[ValueOf(i)];
    tape.attended = Forward(In(places.wo), tape.spread);
    Add(tape.attended, x);
    tape.gate_up = Forward(In(places.gate_up), Times(In(places.ffn_norm), x));
    tape.hidden = Hidden(tape.gate_up);
    tape.down = Forward(In(places.w_down), tape.hidden);
    Add(tape.down, x);
    tape.scale = *std::max_element(x.begin(), x.end());
    for (double& element : x) element /= tape.scale;
    return tape;
  }

  [[nodiscard]] Values Hidden(const Values& gate_up) const {
    const auto n = static_cast<size_t>(spec_.d_ff);
    if (spec_.ffn != Ffn::kSwiglu) return gate_up;
    Values hidden(n);
    for (size_t i = 0; i < n; ++i) hidden[i] = std::sqrt(gate_up[i] * gate_up[n + i]);
    return hidden;
  }

  // To that of gate and up: each has half of the flow of their root.
  [[nodiscard]] Values HiddenGradient(const Tape& tape, const Values& dhidden) const {
    const size_t n = dhidden.size();
    if (spec_.ffn != Ffn::kSwiglu) return dhidden;
    Values d(2 * n);
    for (size_t i = 0; i < n; ++i) {
      const double half_flow = dhidden[i] * tape.hidden[i] / 2;
      if (half_flow == 0) continue;
      d[i] = half_flow / tape.gate_up[i];
      d[n + i] = half_flow / tape.gate_up[n + i];
    }
    return d;
  }

  // dx: d ln R of the block's output, to that of its input.
  void BackwardBlock(int64_t block, const Tape& tape, Values& dx) {
    const BlockPlaces& places = PlacesOf(block);
    for (double& element : dx) element /= tape.scale;
    shares_ += Dot(dx, tape.down);
    Values dhidden(tape.hidden.size());
    AddBackward(In(places.w_down), dx, dhidden);
    const Values dgate_up = HiddenGradient(tape, dhidden);
    shares_ += Dot(dgate_up, tape.gate_up);
    Values dnormed(dx.size());
    AddBackward(In(places.gate_up), dgate_up, dnormed);
    Add(Times(In(places.ffn_norm), dnormed), dx);

    shares_ += Dot(dx, tape.attended);
    Values dspread(tape.spread.size());
    AddBackward(In(places.wo), dx, dspread);
    Values dvalues(tape.values.size());
    for (size_t i = 0; i < dspread.size(); ++i) dvalues[ValueOf(i)] += dspread[i];
    shares_ += Dot(dvalues, tape.values);
    dnormed.assign(dx.size(), 0);
    AddBackward(ValuesOf(places), dvalues, dnormed);
    Add(Times(In(places.attn_norm), dnormed), dx);
  }

  const ModelSpec& spec_;
  std::span<const float> parameters_;
  runtime::ParameterLayout layout_;
  std::vector<int64_t> order_;
  std::vector<Tape> tapes_;
  double shares_ = 0;
};

}  // namespace

double SynapticFlow::log_flow() const { return log_output + std::log(share_sum); }

SynapticFlow SynapticFlowOf(const ModelSpec& spec, std::span<const float> parameters) {
  DEEPTHIN_CHECK(static_cast<int64_t>(parameters.size()) == runtime::LayOutParameters(spec).count);
  return FlowNetwork(spec, parameters).Run();
}

}  // namespace deepthin::explorer
