// Random weights: every element is a function of (seed, tensor, index) alone, in integer arithmetic
// until the last multiplication, so that they are the same bits everywhere.
#include "runtime/weights.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "runtime/memory.h"
#include "runtime/thread_pool.h"

namespace deepthin::runtime {
namespace {

constexpr int64_t kCacheLineFloats = 16;
constexpr int64_t kPieceFloats = 1 << 15;

// What a tensor is; part of its key, hence never renumbered. Block b has keys 16 (b + 1) + part.
enum Part : uint64_t {
  kEmbedding = 0,
  kHead = 1,
  kQuery,
  kKey,
  kValue,
  kOutput,
  kGate,
  kUp,
  kDown
};

// A run of elements that is filled at one go.
struct Piece {
  float* data;
  int64_t count;
  uint64_t counter;  // of the first element
  float scale;       // 0: norm weights, all 1
};

// The finaliser of SplitMix64 (Steele, Lea & Flood, OOPSLA 2014, figure 17).
uint64_t Mix(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31);
}
constexpr uint64_t kGoldenGamma = 0x9e3779b97f4a7c15U;

// The sum of four uniform 16-bit numbers less its mean: close to normal (Irwin-Hall), and an
// integer that f32 holds.
int32_t NearlyNormal(uint64_t counter) {
  const uint64_t bits = Mix(counter * kGoldenGamma);
  const uint64_t sum =
      (bits & 0xffff) + (bits >> 16 & 0xffff) + (bits >> 32 & 0xffff) + (bits >> 48);
  return static_cast<int32_t>(sum) - 2 * 0xffff;
}

// Of NearlyNormal: the root of four times (65536^2 - 1) / 12.
constexpr double kNearlyNormalSigma = 37837.22723720648;

void Fill(const Piece& piece) {
  if (piece.scale == 0) {
    std::fill_n(piece.data, piece.count, 1.0F);
    return;
  }
  for (int64_t i = 0; i < piece.count; ++i) {
    const uint64_t counter = piece.counter + static_cast<uint64_t>(i);
    piece.data[i] = piece.scale * static_cast<float>(NearlyNormal(counter));
  }
}

int64_t RoundUp(int64_t count) {
  return (count + kCacheLineFloats - 1) / kCacheLineFloats * kCacheLineFloats;
}

// Hands out tensors of one allocation, one behind the other, and remembers what they are filled
// with.
class Layout {
 public:
  Layout(const ModelSpec& spec, uint64_t seed) : seed_(seed) {
    const int64_t tensors = 2 + 9 * spec.n_blocks + 1;
    floats_ = AllocateFloats(CountParams(spec).total() + tensors * kCacheLineFloats,
                             "the model's weights");
  }

  std::span<const float> Matrix(uint64_t key, int64_t rows, int64_t cols) {
    const double sigma = 1.0 / std::sqrt(static_cast<double>(cols));
    return Tensor(key, rows * cols, static_cast<float>(sigma / kNearlyNormalSigma));
  }
  std::span<const float> Norm(int64_t n) { return Tensor(0, n, 0.0F); }

  [[nodiscard]] const std::vector<Piece>& pieces() const { return pieces_; }
  [[nodiscard]] std::shared_ptr<const void> storage() const { return floats_; }

 private:
  std::span<const float> Tensor(uint64_t key, int64_t count, float scale) {
    float* data = floats_.get() + used_;
    used_ += RoundUp(count);
    const uint64_t first_counter = Mix(Mix(seed_ + kGoldenGamma) + key * kGoldenGamma);
    for (int64_t i = 0; i < count; i += kPieceFloats) {
      pieces_.push_back({data + i, std::min(kPieceFloats, count - i),
                         first_counter + static_cast<uint64_t>(i), scale});
    }
    return {data, static_cast<size_t>(count)};
  }

  uint64_t seed_;
  std::shared_ptr<float> floats_;
  int64_t used_ = 0;
  std::vector<Piece> pieces_;
};

BlockWeights LayOutBlock(const ModelSpec& spec, uint64_t block, Layout& layout) {
  const uint64_t key = 16 * (block + 1);
  const int64_t d = spec.d_model;
  BlockWeights w;
  w.attn_norm = layout.Norm(d);
  w.wq = layout.Matrix(key + kQuery, QueryDim(spec), d);
  w.wk = layout.Matrix(key + kKey, KvDim(spec), d);
  w.wv = layout.Matrix(key + kValue, KvDim(spec), d);
  w.wo = layout.Matrix(key + kOutput, d, QueryDim(spec));
  w.ffn_norm = layout.Norm(d);
  if (spec.ffn == Ffn::kSwiglu) w.w_gate = layout.Matrix(key + kGate, spec.d_ff, d);
  w.w_up = layout.Matrix(key + kUp, spec.d_ff, d);
  w.w_down = layout.Matrix(key + kDown, d, spec.d_ff);
  return w;
}

}  // namespace

Weights RandomWeights(const ModelSpec& spec, uint64_t seed, ThreadPool& pool) {
  Validate(spec);
  Layout layout(spec, seed);
  Weights weights;
  weights.spec = spec;
  weights.embedding = layout.Matrix(kEmbedding, spec.vocab_size, spec.d_model);
  for (int64_t b = 0; b < spec.n_blocks; ++b) {
    weights.blocks.push_back(LayOutBlock(spec, static_cast<uint64_t>(b), layout));
  }
  weights.final_norm = layout.Norm(spec.d_model);
  weights.head =
      spec.tie_embeddings ? weights.embedding : layout.Matrix(kHead, spec.vocab_size, spec.d_model);
  weights.storage = layout.storage();

  const std::vector<Piece>& pieces = layout.pieces();
  const auto fill = [&pieces](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) Fill(pieces[static_cast<size_t>(i)]);
  };
  pool.ForRanges(static_cast<int64_t>(pieces.size()), 1, fill);
  return weights;
}

}  // namespace deepthin::runtime
