// Reading: metadata to a ModelSpec, then each tensor that the spec asks for, then none left over.
#include "runtime/checkpoint/gguf.h"

#include <fmt/format.h>

#include <set>

#include "runtime/checkpoint/gguf_keys.h"
#include "runtime/checkpoint/model_tensors.h"
#include "runtime/checkpoint/weight_checks.h"

namespace deepthin::runtime {
namespace {

int64_t RequiredInt(const GgufFile& file, std::string_view key) {
  if (const auto value = file.Int(key)) return *value;
  throw InputError(file.KeyPlace(key), "is absent", "a whole number");
}

// A key of Llama that changes what is computed, where it has another value than a ModelSpec's.
void RequireText(const GgufFile& file, std::string_view key, std::string_view only) {
  const auto value = file.Text(key);
  if (value && *value != only)
    throw InputError(file.KeyPlace(key), "is " + *value, std::string(only));
}
void RequireInt(const GgufFile& file, std::string_view key, int64_t only) {
  const auto value = file.Int(key);
  if (value && *value != only) {
    throw InputError(file.KeyPlace(key), fmt::format("is {}", *value), fmt::format("{}", only));
  }
}

void RefuseOtherModels(const GgufFile& file) {
  const auto architecture = file.Text(gguf::kArchitecture);
  if (!architecture || *architecture != gguf::kLlama) {
    throw InputError(file.KeyPlace(gguf::kArchitecture),
                     architecture ? "is " + *architecture : "is absent", "llama");
  }
  RequireText(file, "llama.rope.scaling.type", "none");
  RequireInt(file, "llama.expert_count", 0);
  RequireInt(file, "split.count", 1);
  for (const char* key : {"llama.rope.scale_linear", "llama.rope.scaling.factor"}) {
    const auto factor = file.Number(key);
    if (factor && *factor != 1)
      throw InputError(file.KeyPlace(key), fmt::format("is {}", *factor), "1");
  }
  if (file.Bool("llama.attention.causal") == false) {
    throw InputError(file.KeyPlace("llama.attention.causal"), "is false", "true");
  }
}

template <class E>
E EnumAt(const GgufFile& file, std::string_view key, E absent) {
  const auto text = file.Text(key);
  if (!text) return absent;
  if (const auto value = FromText<E>(*text)) return *value;
  throw InputError(file.KeyPlace(key), "is '" + *text + "'", "one of " + TextChoices<E>());
}

RepeatSchedule RepeatAt(const GgufFile& file) {
  const auto text = file.Text(gguf::kRepeat);
  if (!text) return {};
  try {
    return RepeatScheduleFromText(*text);
  } catch (const InputError&) {
    throw InputError(file.KeyPlace(gguf::kRepeat), "is no repeat schedule",
                     "a text as none or immediate:2");
  }
}

ModelSpec SpecFromGguf(const GgufFile& file) {
  RefuseOtherModels(file);
  ModelSpec spec;
  spec.d_model = RequiredInt(file, gguf::kWidth);
  spec.n_blocks = RequiredInt(file, gguf::kBlocks);
  spec.n_heads = RequiredInt(file, gguf::kHeads);
  spec.n_kv_heads = file.Int(gguf::kKvHeads).value_or(spec.n_heads);
  spec.d_ff = RequiredInt(file, gguf::kFfnWidth);
  spec.max_seq_len = RequiredInt(file, gguf::kContextLength);
  const auto head_dim = file.Int(gguf::kKeyLength);
  if (!head_dim && (spec.n_heads < 1 || spec.d_model < 1 || spec.d_model % spec.n_heads != 0)) {
    throw InputError(
        file.KeyPlace(gguf::kHeads), fmt::format("is {}", spec.n_heads),
        fmt::format("a divisor of {} where {} is absent", spec.d_model, gguf::kKeyLength));
  }
  spec.head_dim = head_dim ? *head_dim : spec.d_model / spec.n_heads;
  RequireInt(file, gguf::kValueLength, spec.head_dim);
  RequireInt(file, gguf::kRopeDimensions, spec.head_dim);
  const auto norm_eps = file.Number(gguf::kNormEps);
  if (!norm_eps) throw InputError(file.KeyPlace(gguf::kNormEps), "is absent", "a number");
  spec.norm_eps = *norm_eps;
  spec.rope_theta = file.Number(gguf::kRopeTheta).value_or(10'000.0);
  spec.ffn = EnumAt(file, gguf::kFfn, Ffn::kSwiglu);
  spec.kv_policy = EnumAt(file, gguf::kKvPolicy, KvPolicy::kPerOccurrence);
  spec.repeat = RepeatAt(file);

  const auto embedding = file.tensors().find(kEmbeddingTensor.gguf);
  if (embedding == file.tensors().end()) {
    throw InputError(file.TensorPlace(kEmbeddingTensor.gguf), "is absent", "the token table");
  }
  spec.vocab_size = embedding->second.rows;
  RequireInt(file, gguf::kVocabSize, spec.vocab_size);
  spec.tie_embeddings = !file.tensors().contains(kHeadTensor.gguf);
  Validate(spec, {file.path(), "metadata"});
  return spec;
}

// Takes tensors by name and remembers which.
class Taker {
 public:
  explicit Taker(const GgufFile& file) : file_(file) {}

  WeightMatrix Matrix(const std::string& name, MatrixShape shape) {
    const GgufTensor& tensor = Take(name);
    if (tensor.rows != shape.rows || tensor.cols != shape.cols) {
      throw InputError(file_.TensorPlace(name),
                       fmt::format("has {} rows of {}", tensor.rows, tensor.cols),
                       fmt::format("{} of {} by the metadata", shape.rows, shape.cols));
    }
    const WeightMatrix w = {tensor.dtype, tensor.rows, tensor.cols, tensor.data, nullptr};
    RequireFinite(w, file_.TensorPlace(name));
    return w;
  }

  std::span<const float> Norm(const std::string& name, int64_t n) {
    const GgufTensor& tensor = Take(name);
    if (tensor.dtype != Dtype::kF32 || tensor.rows != 1 || tensor.cols != n) {
      throw InputError(
          file_.TensorPlace(name),
          fmt::format("has {} x {} numbers of {}", tensor.rows, tensor.cols, ToText(tensor.dtype)),
          fmt::format("{} of f32", n));
    }
    const std::span<const float> norm(reinterpret_cast<const float*>(tensor.data),
                                      static_cast<size_t>(n));
    RequireFinite(norm, file_.TensorPlace(name));
    return norm;
  }

  void RequireAllTaken() const {
    for (const auto& [name, tensor] : file_.tensors()) {
      if (taken_.contains(name)) continue;
      throw InputError(file_.TensorPlace(name),
                       "is no part of the model that the metadata describe",
                       "a Llama model without biases, experts and RoPE factors");
    }
  }

 private:
  const GgufTensor& Take(const std::string& name) {
    const auto found = file_.tensors().find(name);
    if (found == file_.tensors().end()) {
      throw InputError(file_.TensorPlace(name), "is absent", "it, by the metadata");
    }
    taken_.insert(found->first);
    return found->second;
  }

  const GgufFile& file_;
  std::set<std::string_view> taken_;
};

}  // namespace

Weights WeightsFromGguf(const GgufFile& file) {
  Weights weights;
  weights.spec = SpecFromGguf(file);
  weights.storage = file.owner();
  const ModelSpec& spec = weights.spec;
  Taker taker(file);
  const MatrixShape table = {spec.vocab_size, spec.d_model};
  weights.embedding = taker.Matrix(std::string(kEmbeddingTensor.gguf), table);
  for (int64_t b = 0; b < spec.n_blocks; ++b) {
    BlockWeights block;
    for (const BlockTensor& tensor : kBlockTensors) {
      const std::string name = fmt::format("blk.{}.{}", b, tensor.gguf);
      if (tensor.norm != nullptr) {
        block.*tensor.norm = taker.Norm(name, spec.d_model);
      } else if (const MatrixShape shape = ShapeOf(tensor.matrix, spec); shape.rows > 0) {
        block.*tensor.matrix = taker.Matrix(name, shape);
      }
    }
    weights.blocks.push_back(block);
  }
  weights.final_norm = taker.Norm(std::string(kFinalNormTensor.gguf), spec.d_model);
  weights.head =
      spec.tie_embeddings ? weights.embedding : taker.Matrix(std::string(kHeadTensor.gguf), table);
  taker.RequireAllTaken();
  return weights;
}

Weights LoadGguf(const std::string& path, FileAccess access) {
  return WeightsFromGguf(GgufFile::Parse(OpenFile(path, access), path));
}

}  // namespace deepthin::runtime
