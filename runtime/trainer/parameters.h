// Where each parameter of a model lies in one array, so that gradients and the optimiser's moments
// are arrays of the same layout.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "runtime/kernels/matrix.h"
#include "runtime/weights.h"
#include "spec/model_spec.h"

namespace deepthin::runtime {

// A matrix, or a norm's weights as one row of them.
struct ParameterPlace {
  int64_t offset = 0;  // elements from the beginning of the array
  int64_t rows = 0;
  int64_t cols = 0;

  [[nodiscard]] int64_t size() const { return rows * cols; }
  [[nodiscard]] int64_t end() const { return offset + size(); }
  template <class T>
  [[nodiscard]] MatrixView<T> In(std::span<T> array) const {
    return Dense(array.data() + offset, rows, cols);
  }
};

// Matrices that are multiplied with the same input lie one behind the other, and are one product.
struct BlockPlaces {
  ParameterPlace attn_norm;  // [1, d_model]
  ParameterPlace qkv;        // [(n_heads + 2 n_kv_heads) head_dim, d_model]: queries, keys, values
  ParameterPlace wo;         // [d_model, n_heads head_dim]
  ParameterPlace ffn_norm;   // [1, d_model]
  ParameterPlace gate_up;    // [2 d_ff, d_model]: gate, up; [d_ff, d_model] unless SwiGLU
  ParameterPlace w_down;     // [d_model, d_ff]
};

struct NamedPlace {
  std::string name;  // "embedding", "block 3 qkv"
  ParameterPlace place;
  bool decays = false;  // weight decay applies: matrices, not norms
};

struct ParameterLayout {
  ParameterPlace embedding;         // [vocab_size, d_model]
  std::vector<BlockPlaces> blocks;  // [n_blocks], stored
  ParameterPlace final_norm;        // [1, d_model]
  ParameterPlace head;              // [vocab_size, d_model]; the embedding's place if tied
  std::vector<NamedPlace> tensors;  // each once, without gaps, in the order of their offsets
  int64_t count = 0;                // CountParams(spec).total()
};

// REQUIRES: Validate(spec).
[[nodiscard]] ParameterLayout LayOutParameters(const ModelSpec& spec);

// Copies the weights, whatever their formats, to `out`. REQUIRES: out has layout.count elements;
// the layout is that of weights.spec.
template <class T>
void ReadWeights(const Weights& weights, const ParameterLayout& layout, std::span<T> out);

// A copy of the parameters that decoder and exports take. Throws EnvironmentError where memory does
// not suffice. REQUIRES: parameters has as many elements as the layout of spec.
[[nodiscard]] Weights WeightsFromParameters(const ModelSpec& spec,
                                            std::span<const float> parameters);

}  // namespace deepthin::runtime
