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

DecodeBytes CountDecodeBytes(const ModelSpec& spec, const Precision& precision, int64_t position) {
  const WeightBytes weights = CountWeightBytes(spec, precision);
  const int64_t executed = ExecutedBlocks(spec);
  const Bytes kv_row = executed * StorageBytes(precision.kv, 2, KvDim(spec));
  return {.embedding = StorageBytes(precision.embedding, 1, spec.d_model),
          .blocks = executed * weights.block,
          .kv_written = kv_row,
          .kv_read = (position + 1) * kv_row,
          .final_norm = weights.final_norm,
          .head = spec.tie_embeddings ? weights.embedding : weights.head};
}

Bytes KvBytesPerToken(const ModelSpec& spec, const Precision& precision) {
  return StorageBytes(precision.kv, 2 * KvEntryCount(spec), KvDim(spec));
}

}  // namespace deepthin
