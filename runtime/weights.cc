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

constexpr int64_t kCacheLine = 64;
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

// Rows [begin, end) of a matrix as f32, to out.
using RowSource = std::function<void(int64_t begin, int64_t end, float* out)>;

RowSource RandomRows(uint64_t seed, uint64_t key, int64_t cols) {
  const double sigma = 1.0 / std::sqrt(static_cast<double>(cols));
  const auto scale = static_cast<float>(sigma / kNearlyNormalSigma);
  const uint64_t first_counter = Mix(Mix(seed + kGoldenGamma) + key * kGoldenGamma);
  return [scale, first_counter, cols](int64_t begin, int64_t end, float* out) {
    for (int64_t i = begin * cols; i < end * cols; ++i) {
      *out++ = scale * static_cast<float>(NearlyNormal(first_counter + static_cast<uint64_t>(i)));
    }
  };
}

RowSource RowsOf(const WeightMatrix& w) {
  return [w](int64_t begin, int64_t end, float* out) { Dequantize(w, begin, end, out); };
}

// Hands out matrices of one allocation, one behind the other, and remembers what they are filled
// with.
class Layout {
 public:
  Layout(const ModelSpec& spec, const Precision& precision) : precision_(precision) {
    // Besides the tensors a gap behind each, and behind the scales of each int8 matrix.
    const int64_t gaps = 2 * (3 + 9 * spec.n_blocks) * kCacheLine;
    const Bytes bytes = CountWeightBytes(spec, precision).total() + Bytes(gaps);
    storage_ = AllocateFloats(bytes.value() / 4, "the model's weights");
    next_ = reinterpret_cast<std::byte*>(storage_.get());
  }

  WeightMatrix Table(int64_t rows, int64_t cols, RowSource source) {
    return Matrix(precision_.embedding, rows, cols, std::move(source));
  }
  WeightMatrix BlockMatrix(int64_t rows, int64_t cols, RowSource source) {
    return Matrix(precision_.weights, rows, cols, std::move(source));
  }
  std::span<const float> Norm(int64_t n, std::span<const float> values) {
    auto* floats = reinterpret_cast<float*>(Take(n * int64_t{sizeof(float)}));
    if (values.empty()) std::fill_n(floats, n, 1.0F);
    std::copy(values.begin(), values.end(), floats);
    return {floats, static_cast<size_t>(n)};
  }

  [[nodiscard]] std::shared_ptr<const void> Fill(ThreadPool& pool) const {
    const auto fill = [this](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) FillPiece(pieces_[static_cast<size_t>(i)]);
    };
    pool.ForRanges(static_cast<int64_t>(pieces_.size()), 1, std::cref(fill));
    return storage_;
  }

 private:
  struct Target {
    Dtype dtype;
    int64_t cols;
    int64_t row_bytes;
    std::byte* data;
    float* row_scales;
    RowSource source;
  };
  struct Piece {
    size_t target;
    int64_t begin_row, end_row;
  };

  std::byte* Take(int64_t bytes) {
    std::byte* taken = next_;
    next_ += (bytes + kCacheLine - 1) / kCacheLine * kCacheLine;
    return taken;
  }

  WeightMatrix Matrix(Dtype dtype, int64_t rows, int64_t cols, RowSource source) {
    WeightMatrix w = {dtype, rows, cols, nullptr, nullptr};
    Target target = {
        dtype, cols, w.row_bytes(), Take(rows * w.row_bytes()), nullptr, std::move(source)};
    if (dtype == Dtype::kInt8) {
      target.row_scales = reinterpret_cast<float*>(Take(rows * int64_t{sizeof(float)}));
    }
    w.data = target.data;
    w.row_scales = target.row_scales;
    const int64_t piece_rows = std::max<int64_t>(1, kPieceFloats / cols);
    for (int64_t r = 0; r < rows; r += piece_rows) {
      pieces_.push_back({targets_.size(), r, std::min(r + piece_rows, rows)});
    }
    targets_.push_back(std::move(target));
    return w;
  }

  void FillPiece(const Piece& piece) const {
    const Target& target = targets_[piece.target];
    std::byte* out = target.data + piece.begin_row * target.row_bytes;
    if (target.dtype == Dtype::kF32) {
      target.source(piece.begin_row, piece.end_row, reinterpret_cast<float*>(out));
      return;
    }
    std::vector<float> rows(static_cast<size_t>((piece.end_row - piece.begin_row) * target.cols));
    target.source(piece.begin_row, piece.end_row, rows.data());
    for (int64_t r = piece.begin_row; r < piece.end_row; ++r) {
      QuantizeRow(target.dtype, rows.data() + (r - piece.begin_row) * target.cols, target.cols,
                  out + (r - piece.begin_row) * target.row_bytes,
                  target.row_scales == nullptr ? nullptr : target.row_scales + r);
    }
  }

  Precision precision_;
  std::shared_ptr<float> storage_;
  std::byte* next_ = nullptr;
  std::vector<Target> targets_;
  std::vector<Piece> pieces_;
};

BlockWeights LayOutRandomBlock(const ModelSpec& spec, uint64_t seed, uint64_t block,
                               Layout& layout) {
  const auto matrix = [&](Part part, int64_t rows, int64_t cols) {
    return layout.BlockMatrix(rows, cols, RandomRows(seed, 16 * (block + 1) + part, cols));
  };
  const int64_t d = spec.d_model;
  BlockWeights w;
  w.attn_norm = layout.Norm(d, {});
  w.wq = matrix(kQuery, QueryDim(spec), d);
  w.wk = matrix(kKey, KvDim(spec), d);
  w.wv = matrix(kValue, KvDim(spec), d);
  w.wo = matrix(kOutput, d, QueryDim(spec));
  w.ffn_norm = layout.Norm(d, {});
  if (spec.ffn == Ffn::kSwiglu) w.w_gate = matrix(kGate, spec.d_ff, d);
  w.w_up = matrix(kUp, spec.d_ff, d);
  w.w_down = matrix(kDown, d, spec.d_ff);
  return w;
}

}  // namespace

Bytes MatrixBytesOf(const BlockWeights& block) {
  Bytes sum(0);
  for (const auto matrix : kBlockMatrices) sum += (block.*matrix).bytes();
  return sum;
}

Bytes WeightBytesOf(const Weights& weights) {
  const auto norm_bytes = [](std::span<const float> norm) {
    return Bytes(static_cast<int64_t>(norm.size_bytes()));
  };
  Bytes sum = weights.embedding.bytes() + norm_bytes(weights.final_norm);
  if (!weights.spec.tie_embeddings) sum += weights.head.bytes();
  for (const BlockWeights& block : weights.blocks) {
    sum += norm_bytes(block.attn_norm) + norm_bytes(block.ffn_norm) + MatrixBytesOf(block);
  }
  return sum;
}

Weights RandomWeights(const ModelSpec& spec, uint64_t seed, ThreadPool& pool,
                      const Precision& precision) {
  Validate(spec);
  Layout layout(spec, precision);
  const auto table = [&](uint64_t key) {
    return layout.Table(spec.vocab_size, spec.d_model, RandomRows(seed, key, spec.d_model));
  };
  Weights weights;
  weights.spec = spec;
  weights.embedding = table(kEmbedding);
  for (int64_t b = 0; b < spec.n_blocks; ++b) {
    weights.blocks.push_back(LayOutRandomBlock(spec, seed, static_cast<uint64_t>(b), layout));
  }
  weights.final_norm = layout.Norm(spec.d_model, {});
  weights.head = spec.tie_embeddings ? weights.embedding : table(kHead);
  weights.storage = layout.Fill(pool);
  return weights;
}

Weights ConvertWeights(const Weights& weights, const Precision& precision, ThreadPool& pool) {
  const ModelSpec& spec = weights.spec;
  Layout layout(spec, precision);
  const auto table = [&](const WeightMatrix& w) { return layout.Table(w.rows, w.cols, RowsOf(w)); };
  Weights out;
  out.spec = spec;
  out.embedding = table(weights.embedding);
  for (const BlockWeights& block : weights.blocks) {
    BlockWeights w;
    w.attn_norm = layout.Norm(spec.d_model, block.attn_norm);
    w.ffn_norm = layout.Norm(spec.d_model, block.ffn_norm);
    for (const auto matrix : kBlockMatrices) {
      const WeightMatrix& from = block.*matrix;
      if (!from.empty()) w.*matrix = layout.BlockMatrix(from.rows, from.cols, RowsOf(from));
    }
    out.blocks.push_back(w);
  }
  out.final_norm = layout.Norm(spec.d_model, weights.final_norm);
  out.head = spec.tie_embeddings ? out.embedding : table(weights.head);
  out.storage = layout.Fill(pool);
  return out;
}

}  // namespace deepthin::runtime
