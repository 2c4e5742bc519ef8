#include "runtime/checkpoint/llama2c.h"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/checkpoint/file_content.h"
#include "runtime/checkpoint/model_tensors.h"
#include "runtime/checkpoint/weight_checks.h"
#include "spec/errors.h"
#include "spec/files.h"

namespace deepthin::runtime {
namespace {

static_assert(std::endian::native == std::endian::little, "the file is mapped as it is");

constexpr int64_t kHeaderBytes = 28;
constexpr double kRopeTheta = 10'000.0;
constexpr double kNormEps = 1e-5;

struct Header {
  int32_t d_model;
  int32_t d_ff;
  int32_t n_layers;
  int32_t n_heads;
  int32_t n_kv_heads;
  int32_t vocab_size;  // negative: untied
  int32_t seq_len;
};
static_assert(sizeof(Header) == kHeaderBytes);

void RefuseOtherFormats(std::span<const std::byte> bytes, const std::string& path) {
  constexpr std::array kOthers = {
      std::pair{std::string_view("24ka"), "a llama2.c checkpoint of version 1 or 2"},
      std::pair{std::string_view("GGUF"), "a GGUF file"},
      std::pair{std::string_view("PK\x03\x04"), "a zip file (PyTorch)"}};
  for (const auto& [magic, name] : kOthers) {
    if (std::memcmp(bytes.data(), magic.data(), 4) == 0) {
      throw InputError({path, ""}, std::string("is ") + name, "a llama2.c checkpoint of version 0");
    }
  }
}

ModelSpec SpecFromHeader(const Header& header, const std::string& path) {
  const InputError::Where where{path, "header"};
  const int64_t d_model = header.d_model;
  const int64_t n_heads = header.n_heads;
  if (d_model < 1 || n_heads < 1 || d_model % n_heads != 0) {
    throw InputError(where, fmt::format("has d_model {} and n_heads {}", d_model, n_heads),
                     "two positive numbers, d_model divisible by n_heads");
  }
  ModelSpec spec;
  spec.vocab_size = std::abs(int64_t{header.vocab_size});
  spec.d_model = d_model;
  spec.n_blocks = header.n_layers;
  spec.n_heads = n_heads;
  spec.n_kv_heads = header.n_kv_heads;
  spec.head_dim = d_model / n_heads;
  spec.d_ff = header.d_ff;
  spec.tie_embeddings = header.vocab_size > 0;
  spec.max_seq_len = header.seq_len;
  spec.rope_theta = kRopeTheta;
  spec.norm_eps = kNormEps;
  Validate(spec, where);
  return spec;
}

// All floats of the file: the parameters and the RoPE values, which nobody uses. Validate() has
// bounded the shapes so that this does not overflow.
int64_t FloatCount(const ModelSpec& spec) {
  return CountParams(spec).total() + spec.max_seq_len * spec.head_dim;
}

// Hands out the floats of the file one tensor after the other.
class Reader {
 public:
  explicit Reader(std::span<const float> floats) : floats_(floats) {}

  std::span<const float> Next(int64_t count) {
    const auto n = static_cast<size_t>(count);
    DEEPTHIN_CHECK(n <= floats_.size() - at_);  // the size of the file was checked before
    at_ += n;
    return floats_.subspan(at_ - n, n);
  }

  WeightMatrix NextMatrix(int64_t rows, int64_t cols) {
    return F32Matrix(Next(rows * cols), rows, cols);
  }

  // One tensor per block, stacked.
  void NextOfEachBlock(Weights& weights, std::span<const float> BlockWeights::*norm,
                       int64_t count) {
    for (BlockWeights& block : weights.blocks) block.*norm = Next(count);
  }
  void NextOfEachBlock(Weights& weights, WeightMatrix BlockWeights::*matrix, int64_t rows,
                       int64_t cols) {
    for (BlockWeights& block : weights.blocks) block.*matrix = NextMatrix(rows, cols);
  }

 private:
  std::span<const float> floats_;
  size_t at_ = 0;
};

void RequireFiniteFloats(std::span<const float> floats, const std::string& path) {
  const std::optional<int64_t> bad = FirstNotFinite(floats);
  if (!bad) return;
  throw InputError({path, fmt::format("byte {}", kHeaderBytes + *bad * 4)},
                   fmt::format("is {}", floats[static_cast<size_t>(*bad)]), "a finite number");
}

void RequireExpressible(const Weights& weights, const std::string& path) {
  const ModelSpec& spec = weights.spec;
  const auto require = [&path](bool holds, const std::string& found, const std::string& expected) {
    if (holds) return;
    throw InputError({path, ""},
                     "cannot be written: a llama2.c checkpoint cannot say that " + found, expected);
  };
  const auto require_f32 = [&require](const WeightMatrix& w) {
    require(w.dtype == Dtype::kF32, fmt::format("weights are {}", ToText(w.dtype)), "f32");
  };
  require_f32(weights.embedding);
  require_f32(weights.head);
  for (const BlockWeights& block : weights.blocks) {
    for (const auto matrix : kBlockMatrices) require_f32(block.*matrix);
  }
  require(spec.ffn == Ffn::kSwiglu, fmt::format("the FFN is {}", ToText(spec.ffn)), "swiglu");
  require(ExecutedBlocks(spec) == spec.n_blocks && ExecutionOrder(spec) == ExecutionOrder([&] {
                                                     ModelSpec plain = spec;
                                                     plain.repeat = {};
                                                     return plain;
                                                   }()),
          "blocks are executed in the order " + ToText(spec.repeat), "repeat none");
  require(spec.head_dim * spec.n_heads == spec.d_model,
          fmt::format("head_dim is {}", spec.head_dim), "d_model / n_heads");
  require(spec.rope_theta == kRopeTheta, fmt::format("rope_theta is {}", spec.rope_theta),
          fmt::format("{}", kRopeTheta));
  require(spec.norm_eps == kNormEps, fmt::format("norm_eps is {}", spec.norm_eps),
          fmt::format("{}", kNormEps));
}

// The values that readers of the first days of the format looked up: all cosines, then all sines.
std::vector<float> RopeValues(const ModelSpec& spec) {
  const int64_t pairs = spec.head_dim / 2;
  std::vector<float> values(static_cast<size_t>(spec.max_seq_len * spec.head_dim));
  for (int64_t position = 0; position < spec.max_seq_len; ++position) {
    for (int64_t i = 0; i < pairs; ++i) {
      const double frequency = std::pow(
          spec.rope_theta, -2.0 * static_cast<double>(i) / static_cast<double>(spec.head_dim));
      const double angle = static_cast<double>(position) * frequency;
      const auto at = static_cast<size_t>(position * pairs + i);
      values[at] = static_cast<float>(std::cos(angle));
      values[at + values.size() / 2] = static_cast<float>(std::sin(angle));
    }
  }
  return values;
}

}  // namespace

Weights LoadLlama2c(const std::string& path, FileAccess access) {
  return WeightsFromLlama2c(OpenFile(path, access), path);
}

Weights WeightsFromLlama2c(const FileContent& file, const std::string& path) {
  const auto size = static_cast<int64_t>(file.bytes.size());
  if (size < kHeaderBytes) {
    throw InputError({path, "header"}, fmt::format("ends after {} bytes", size),
                     fmt::format("{} bytes", kHeaderBytes));
  }
  RefuseOtherFormats(file.bytes, path);
  Header header = {};
  std::memcpy(&header, file.bytes.data(), sizeof(header));
  const ModelSpec spec = SpecFromHeader(header, path);
  const int64_t expected = kHeaderBytes + 4 * FloatCount(spec);
  if (size != expected) {
    throw InputError({path, ""},
                     fmt::format("has {} bytes, {}", size,
                                 size < expected ? "cut short" : "more than its header says"),
                     fmt::format("{} bytes by its header", expected));
  }
  // The mapping begins on a page, so that the floats behind the header are aligned as floats.
  const std::span<const float> floats(
      reinterpret_cast<const float*>(file.bytes.data() + kHeaderBytes),
      static_cast<size_t>(FloatCount(spec)));
  RequireFiniteFloats(floats, path);

  Weights weights;
  weights.spec = spec;
  weights.storage = file.owner;
  weights.blocks.resize(static_cast<size_t>(spec.n_blocks));
  const int64_t d = spec.d_model;
  Reader reader(floats);
  weights.embedding = reader.NextMatrix(spec.vocab_size, d);
  reader.NextOfEachBlock(weights, &BlockWeights::attn_norm, d);
  reader.NextOfEachBlock(weights, &BlockWeights::wq, QueryDim(spec), d);
  reader.NextOfEachBlock(weights, &BlockWeights::wk, KvDim(spec), d);
  reader.NextOfEachBlock(weights, &BlockWeights::wv, KvDim(spec), d);
  reader.NextOfEachBlock(weights, &BlockWeights::wo, d, QueryDim(spec));
  reader.NextOfEachBlock(weights, &BlockWeights::ffn_norm, d);
  reader.NextOfEachBlock(weights, &BlockWeights::w_gate, spec.d_ff, d);
  reader.NextOfEachBlock(weights, &BlockWeights::w_down, d, spec.d_ff);
  reader.NextOfEachBlock(weights, &BlockWeights::w_up, spec.d_ff, d);
  weights.final_norm = reader.Next(d);
  static_cast<void>(reader.Next(spec.max_seq_len * spec.head_dim));  // RoPE values
  weights.head = spec.tie_embeddings ? weights.embedding : reader.NextMatrix(spec.vocab_size, d);
  return weights;
}

void WriteLlama2c(const Weights& weights, const std::string& path) {
  const ModelSpec& spec = weights.spec;
  RequireExpressible(weights, path);
  // Validate() has bounded every field below 2^31.
  const Header header = {
      .d_model = static_cast<int32_t>(spec.d_model),
      .d_ff = static_cast<int32_t>(spec.d_ff),
      .n_layers = static_cast<int32_t>(spec.n_blocks),
      .n_heads = static_cast<int32_t>(spec.n_heads),
      .n_kv_heads = static_cast<int32_t>(spec.n_kv_heads),
      .vocab_size = static_cast<int32_t>(spec.tie_embeddings ? spec.vocab_size : -spec.vocab_size),
      .seq_len = static_cast<int32_t>(spec.max_seq_len)};
  const std::vector<float> rope_values = RopeValues(spec);

  std::vector<std::string_view> pieces;
  pieces.emplace_back(reinterpret_cast<const char*>(&header), sizeof(header));
  pieces.push_back(BytesOf(weights.embedding));
  const auto push_each = [&](auto member) {
    for (const BlockWeights& block : weights.blocks) pieces.push_back(BytesOf(block.*member));
  };
  push_each(&BlockWeights::attn_norm);
  for (const auto matrix :
       {&BlockWeights::wq, &BlockWeights::wk, &BlockWeights::wv, &BlockWeights::wo}) {
    push_each(matrix);
  }
  push_each(&BlockWeights::ffn_norm);
  for (const auto matrix : {&BlockWeights::w_gate, &BlockWeights::w_down, &BlockWeights::w_up}) {
    push_each(matrix);
  }
  pieces.push_back(BytesOf(weights.final_norm));
  pieces.push_back(BytesOf(rope_values));
  if (!spec.tie_embeddings) pieces.push_back(BytesOf(weights.head));
  WriteFileAtomically(path, pieces);
}

}  // namespace deepthin::runtime
