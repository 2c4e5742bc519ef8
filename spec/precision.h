// Precision: the number formats a model is run in. Apart from ModelSpec, since it varies alone in a
// sweep.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "spec/dtype.h"
#include "spec/fields.h"
#include "spec/model_spec.h"
#include "spec/units.h"

namespace deepthin {

struct Precision {
  Dtype weights = Dtype::kF16;      // matrices of the blocks
  Dtype embedding = Dtype::kF16;    // token table and output head
  Dtype activations = Dtype::kF16;  // what matrices are multiplied with
  Dtype kv = Dtype::kF16;           // KV cache

  friend bool operator==(const Precision&, const Precision&) = default;
};

template <>
struct Fields<Precision> {
  using S = Precision;
  static constexpr auto kList =
      std::tuple(Field("weights", &S::weights, "format of the blocks' matrices"),
                 Field("embedding", &S::embedding, "format of token table and output head"),
                 Field("activations", &S::activations, "format of activations"),
                 Field("kv", &S::kv, "format of the KV cache"));
};

struct NamedPrecision {
  std::string_view name;
  Precision precision;
};

// The names that are accepted wherever a precision is asked for. w8a8 is the paper's: per-channel
// int8 weights, per-token int8 activations.
inline constexpr std::array kPrecisions = {
    NamedPrecision{"f32", {Dtype::kF32, Dtype::kF32, Dtype::kF32, Dtype::kF32}},
    NamedPrecision{"f16", {Dtype::kF16, Dtype::kF16, Dtype::kF16, Dtype::kF16}},
    NamedPrecision{"bf16", {Dtype::kBf16, Dtype::kBf16, Dtype::kBf16, Dtype::kBf16}},
    NamedPrecision{"q8_0", {Dtype::kQ8_0, Dtype::kQ8_0, Dtype::kF32, Dtype::kF16}},
    NamedPrecision{"q4_0", {Dtype::kQ4_0, Dtype::kQ4_0, Dtype::kF32, Dtype::kF16}},
    NamedPrecision{"w8a8", {Dtype::kInt8, Dtype::kInt8, Dtype::kInt8, Dtype::kF16}},
};

inline constexpr Precision kF32 = kPrecisions[0].precision;

[[nodiscard]] std::optional<Precision> PrecisionByName(std::string_view name);

// Bytes of the matrices by part. Norm weights are f32 in every precision.
struct WeightBytes {
  Bytes embedding;  // token table
  Bytes head;       // output matrix if untied, else 0
  Bytes block;      // matrices and norms of one stored block
  Bytes blocks;     // of all stored blocks
  Bytes final_norm;

  [[nodiscard]] Bytes total() const { return embedding + head + blocks + final_norm; }
};
[[nodiscard]] WeightBytes CountWeightBytes(const ModelSpec& spec, const Precision& precision);

// Bytes that a decoder reads and writes for one token, by part: what is streamed again for each
// executed block, whatever a cache may hold of it.
struct DecodeBytes {
  Bytes embedding;  // one row
  Bytes blocks;     // matrices and norms of all executed blocks
  Bytes kv_written;
  Bytes kv_read;  // of all positions up to the token's own, once for each executed block
  Bytes final_norm;
  Bytes head;  // the table, if tied

  [[nodiscard]] Bytes total() const {
    return embedding + blocks + kv_written + kv_read + final_norm + head;
  }
};
// Of the token at `position`, which counts from 0.
[[nodiscard]] DecodeBytes CountDecodeBytes(const ModelSpec& spec, const Precision& precision,
                                           int64_t position);

// Bytes that one token adds to the KV cache: key and value, over all entries.
[[nodiscard]] Bytes KvBytesPerToken(const ModelSpec& spec, const Precision& precision);

}  // namespace deepthin
