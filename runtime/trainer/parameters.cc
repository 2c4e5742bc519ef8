#include "runtime/trainer/parameters.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "runtime/memory.h"
#include "spec/errors.h"

namespace deepthin::runtime {
namespace {

class Layouter {
 public:
  ParameterPlace Matrix(std::string name, int64_t rows, int64_t cols) {
    return Take({std::move(name), {layout_.count, rows, cols}, /*decays=*/true});
  }
  ParameterPlace Norm(std::string name, int64_t n) {
    return Take({std::move(name), {layout_.count, 1, n}, /*decays=*/false});
  }
  ParameterLayout& layout() { return layout_; }

 private:
  ParameterPlace Take(NamedPlace tensor) {
    const ParameterPlace place = tensor.place;
    layout_.count = place.end();
    layout_.tensors.push_back(std::move(tensor));
    return place;
  }

  ParameterLayout layout_;
};

// Rows [begin, end) of a place.
ParameterPlace RowsOf(const ParameterPlace& place, int64_t begin, int64_t end) {
  return {place.offset + begin * place.cols, end - begin, place.cols};
}

// What lies where in a block, in the terms of BlockWeights.
struct BlockMatrixPlace {
  WeightMatrix BlockWeights::*matrix;
  ParameterPlace place;
};
std::vector<BlockMatrixPlace> MatricesOf(const ModelSpec& spec, const BlockPlaces& block) {
  const int64_t q = QueryDim(spec);
  const int64_t kv = KvDim(spec);
  const int64_t up = block.gate_up.rows - spec.d_ff;
  std::vector<BlockMatrixPlace> matrices = {
      {&BlockWeights::wq, RowsOf(block.qkv, 0, q)},
      {&BlockWeights::wk, RowsOf(block.qkv, q, q + kv)},
      {&BlockWeights::wv, RowsOf(block.qkv, q + kv, q + 2 * kv)},
      {&BlockWeights::wo, block.wo},
      {&BlockWeights::w_up, RowsOf(block.gate_up, up, block.gate_up.rows)},
      {&BlockWeights::w_down, block.w_down}};
  if (up > 0) matrices.push_back({&BlockWeights::w_gate, RowsOf(block.gate_up, 0, up)});
  return matrices;
}

template <class T>
void ReadMatrix(const WeightMatrix& w, const ParameterPlace& place, std::span<T> out) {
  DEEPTHIN_CHECK(w.rows == place.rows && w.cols == place.cols);
  std::vector<float> row(static_cast<size_t>(w.cols));
  for (int64_t r = 0; r < w.rows; ++r) {
    Dequantize(w, r, r + 1, row.data());
    std::copy(row.begin(), row.end(), place.In(out).Row(r));
  }
}

template <class T>
void ReadNorm(std::span<const float> norm, const ParameterPlace& place, std::span<T> out) {
  DEEPTHIN_CHECK(static_cast<int64_t>(norm.size()) == place.cols);
  std::copy(norm.begin(), norm.end(), place.In(out).data);
}

}  // namespace

ParameterLayout LayOutParameters(const ModelSpec& spec) {
  Layouter out;
  const int64_t d = spec.d_model;
  out.layout().embedding = out.Matrix("embedding", spec.vocab_size, d);
  for (int64_t b = 0; b < spec.n_blocks; ++b) {
    const std::string block = "block " + std::to_string(b) + " ";
    BlockPlaces places;
    places.attn_norm = out.Norm(block + "attn_norm", d);
    places.qkv = out.Matrix(block + "qkv", QueryDim(spec) + 2 * KvDim(spec), d);
    places.wo = out.Matrix(block + "wo", d, QueryDim(spec));
    places.ffn_norm = out.Norm(block + "ffn_norm", d);
    places.gate_up = out.Matrix(block + "gate_up", (FfnMatrices(spec.ffn) - 1) * spec.d_ff, d);
    places.w_down = out.Matrix(block + "w_down", d, spec.d_ff);
    out.layout().blocks.push_back(places);
  }
  out.layout().final_norm = out.Norm("final_norm", d);
  out.layout().head =
      spec.tie_embeddings ? out.layout().embedding : out.Matrix("head", spec.vocab_size, d);
  return std::move(out.layout());
}

template <class T>
void ReadWeights(const Weights& weights, const ParameterLayout& layout, std::span<T> out) {
  DEEPTHIN_CHECK(static_cast<int64_t>(out.size()) == layout.count);
  ReadMatrix(weights.embedding, layout.embedding, out);
  for (size_t b = 0; b < layout.blocks.size(); ++b) {
    const BlockPlaces& places = layout.blocks[b];
    const BlockWeights& block = weights.blocks[b];
    ReadNorm(block.attn_norm, places.attn_norm, out);
    ReadNorm(block.ffn_norm, places.ffn_norm, out);
    for (const BlockMatrixPlace& m : MatricesOf(weights.spec, places)) {
      ReadMatrix(block.*m.matrix, m.place, out);
    }
  }
  ReadNorm(weights.final_norm, layout.final_norm, out);
  if (!weights.spec.tie_embeddings) ReadMatrix(weights.head, layout.head, out);
}
template void ReadWeights<float>(const Weights&, const ParameterLayout&, std::span<float>);
template void ReadWeights<double>(const Weights&, const ParameterLayout&, std::span<double>);

Weights WeightsFromParameters(const ModelSpec& spec, std::span<const float> parameters) {
  const ParameterLayout layout = LayOutParameters(spec);
  DEEPTHIN_CHECK(static_cast<int64_t>(parameters.size()) == layout.count);
  const std::shared_ptr<float> storage = AllocateFloats(layout.count, "the trained weights");
  std::copy(parameters.begin(), parameters.end(), storage.get());
  const auto floats = [&](const ParameterPlace& place) {
    return std::span<const float>(storage.get() + place.offset, static_cast<size_t>(place.size()));
  };
  const auto matrix = [&](const ParameterPlace& place) {
    return F32Matrix(floats(place), place.rows, place.cols);
  };
  Weights weights;
  weights.spec = spec;
  weights.embedding = matrix(layout.embedding);
  for (const BlockPlaces& places : layout.blocks) {
    BlockWeights block;
    block.attn_norm = floats(places.attn_norm);
    block.ffn_norm = floats(places.ffn_norm);
    for (const BlockMatrixPlace& m : MatricesOf(spec, places)) block.*m.matrix = matrix(m.place);
    weights.blocks.push_back(block);
  }
  weights.final_norm = floats(layout.final_norm);
  weights.head = matrix(layout.head);
  weights.storage = storage;
  return weights;
}

}  // namespace deepthin::runtime
