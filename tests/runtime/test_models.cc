#include "tests/runtime/test_models.h"

#include <rapidcheck.h>

#include <cmath>
#include <random>

namespace deepthin::runtime {
namespace {

using Storage = std::vector<std::vector<float>>;

class Maker {
 public:
  explicit Maker(uint32_t seed) : random_(seed) {}

  WeightMatrix Matrix(int64_t rows, int64_t cols) {
    const double half_width = 1.5 * std::sqrt(3.0 / static_cast<double>(cols));
    return F32Matrix(Tensor(rows * cols, -half_width, half_width), rows, cols);
  }
  std::span<const float> Norm(int64_t n) { return Tensor(n, 0.5, 1.5); }
  [[nodiscard]] std::shared_ptr<const void> storage() const { return storage_; }

 private:
  std::span<const float> Tensor(int64_t count, double low, double high) {
    std::vector<float> floats(static_cast<size_t>(count));
    for (float& f : floats) {
      f = static_cast<float>(low + (high - low) * static_cast<double>(random_()) * 0x1p-32);
    }
    storage_->push_back(std::move(floats));
    return storage_->back();
  }

  std::mt19937 random_;
  std::shared_ptr<Storage> storage_ = std::make_shared<Storage>();
};

int64_t Draw(int64_t low, int64_t high) { return *rc::gen::inRange<int64_t>(low, high + 1); }

RepeatSchedule DrawRepeat(int64_t n_blocks) {
  RepeatSchedule repeat;
  repeat.kind = *rc::gen::element(RepeatKind::kNone, RepeatKind::kImmediate, RepeatKind::kRepeatAll,
                                  RepeatKind::kReverse, RepeatKind::kExplicit);
  if (repeat.kind == RepeatKind::kExplicit) {
    const int64_t length = Draw(1, 6);
    for (int64_t i = 0; i < length; ++i) repeat.order.push_back(Draw(0, n_blocks - 1));
  } else if (repeat.kind != RepeatKind::kNone) {
    repeat.times = Draw(1, 3);
  }
  return repeat;
}

}  // namespace

Weights SmallWeights(const ModelSpec& spec, uint32_t seed) {
  Maker maker(seed);
  Weights weights;
  weights.spec = spec;
  weights.embedding = maker.Matrix(spec.vocab_size, spec.d_model);
  for (int64_t b = 0; b < spec.n_blocks; ++b) {
    BlockWeights w;
    w.attn_norm = maker.Norm(spec.d_model);
    w.wq = maker.Matrix(QueryDim(spec), spec.d_model);
    w.wk = maker.Matrix(KvDim(spec), spec.d_model);
    w.wv = maker.Matrix(KvDim(spec), spec.d_model);
    w.wo = maker.Matrix(spec.d_model, QueryDim(spec));
    w.ffn_norm = maker.Norm(spec.d_model);
    if (spec.ffn == Ffn::kSwiglu) w.w_gate = maker.Matrix(spec.d_ff, spec.d_model);
    w.w_up = maker.Matrix(spec.d_ff, spec.d_model);
    w.w_down = maker.Matrix(spec.d_model, spec.d_ff);
    weights.blocks.push_back(w);
  }
  weights.final_norm = maker.Norm(spec.d_model);
  weights.head =
      spec.tie_embeddings ? weights.embedding : maker.Matrix(spec.vocab_size, spec.d_model);
  weights.storage = maker.storage();
  return weights;
}

ModelSpec DrawSpec() {
  ModelSpec spec;
  spec.vocab_size = Draw(2, 70);
  spec.d_model = Draw(3, 40);
  spec.n_blocks = Draw(1, 4);
  spec.n_kv_heads = Draw(1, 3);
  spec.n_heads = spec.n_kv_heads * Draw(1, 4);
  spec.head_dim = 2 * Draw(1, 10);
  spec.d_ff = Draw(1, 50);
  spec.ffn = *rc::gen::element(Ffn::kSwiglu, Ffn::kGelu, Ffn::kRelu);
  spec.tie_embeddings = *rc::gen::arbitrary<bool>();
  spec.repeat = DrawRepeat(spec.n_blocks);
  spec.kv_policy = *rc::gen::element(KvPolicy::kPerOccurrence, KvPolicy::kShared);
  spec.max_seq_len = Draw(100, 200);
  spec.rope_theta = *rc::gen::element(10'000.0, 100.0, 500'000.0);
  spec.norm_eps = *rc::gen::element(1e-5, 1e-6, 1e-2);
  Validate(spec);
  return spec;
}

std::vector<int32_t> DrawTokens(const ModelSpec& spec, int64_t most) {
  std::vector<int32_t> tokens(static_cast<size_t>(Draw(1, most)));
  for (int32_t& token : tokens) token = static_cast<int32_t>(Draw(0, spec.vocab_size - 1));
  return tokens;
}

std::vector<int32_t> SomeTokens(const ModelSpec& spec, int64_t count) {
  std::vector<int32_t> tokens;
  for (int64_t i = 0; i < count; ++i) {
    tokens.push_back(static_cast<int32_t>(i * i * 7919 % spec.vocab_size));
  }
  return tokens;
}

ModelSpec SmallSpec() {
  return {.vocab_size = 37,
          .d_model = 22,
          .n_blocks = 2,
          .n_heads = 6,
          .n_kv_heads = 2,
          .head_dim = 10,
          .d_ff = 29,
          .max_seq_len = 700};
}

}  // namespace deepthin::runtime
