#include "spec/precision.h"

namespace deepthin {

std::optional<Precision> PrecisionByName(std::string_view name) {
  for (const NamedPrecision& known : kPrecisions) {
    if (known.name == name) return known.precision;
  }
  return std::nullopt;
}

WeightBytes CountWeightBytes(const ModelSpec& spec, const Precision& precision) {
  const Dtype w = precision.weights;
  const Bytes norm = StorageBytes(Dtype::kF32, 1, spec.d_model);
  const Bytes attention = StorageBytes(w, QueryDim(spec) + 2 * KvDim(spec), spec.d_model) +
                          StorageBytes(w, spec.d_model, QueryDim(spec));
  const Bytes ffn = StorageBytes(w, (FfnMatrices(spec.ffn) - 1) * spec.d_ff, spec.d_model) +
                    StorageBytes(w, spec.d_model, spec.d_ff);
  const Bytes table = StorageBytes(precision.embedding, spec.vocab_size, spec.d_model);
  const Bytes block = attention + ffn + 2 * norm;
  return {.embedding = table,
          .head = spec.tie_embeddings ? Bytes(0) : table,
          .block = block,
          .blocks = spec.n_blocks * block,
          .final_norm = norm};
}

Bytes KvBytesPerToken(const ModelSpec& spec, const Precision& precision) {
  return StorageBytes(precision.kv, 2 * KvEntryCount(spec), KvDim(spec));
}

}  // namespace deepthin
