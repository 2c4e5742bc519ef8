#include <fmt/format.h>

#include <cstring>
#include <vector>

#include "runtime/checkpoint/gguf.h"
#include "runtime/checkpoint/gguf_keys.h"
#include "runtime/checkpoint/model_tensors.h"
#include "spec/files.h"

namespace deepthin::runtime {
namespace {

constexpr uint64_t kAlignment = kGgufDefaultAlignment;
constexpr uint32_t kQuantizationVersion = 2;  // of ggml's Q formats

template <class T>
void Append(T value, std::string& out) {
  char raw[sizeof(T)];
  std::memcpy(raw, &value, sizeof(T));
  out.append(raw, sizeof(T));
}
void AppendText(std::string_view text, std::string& out) {
  Append(uint64_t{text.size()}, out);
  out += text;
}

// Metadata entries one after the other.
class Metadata {
 public:
  void U32(std::string_view key, int64_t value) {
    Key(key, GgufType::kU32);
    Append(static_cast<uint32_t>(value), bytes_);
  }
  void F32(std::string_view key, double value) {
    Key(key, GgufType::kF32);
    Append(static_cast<float>(value), bytes_);
  }
  void Bool(std::string_view key, bool value) {
    Key(key, GgufType::kBool);
    Append(static_cast<uint8_t>(value ? 1 : 0), bytes_);
  }
  void Text(std::string_view key, std::string_view value) {
    Key(key, GgufType::kString);
    AppendText(value, bytes_);
  }
  // append(piece, out) for each piece.
  template <class AppendElement>
  void Array(std::string_view key, GgufType element, const std::vector<VocabularyPiece>& pieces,
             const AppendElement& append) {
    ArrayHead(key, element, pieces.size());
    for (const VocabularyPiece& piece : pieces) append(piece, bytes_);
  }
  void Blob(std::string_view key, std::string_view value) {
    ArrayHead(key, GgufType::kU8, value.size());
    bytes_ += value;
  }

  [[nodiscard]] uint64_t count() const { return count_; }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  void Key(std::string_view key, GgufType type) {
    AppendText(key, bytes_);
    Append(static_cast<uint32_t>(type), bytes_);
    ++count_;
  }
  void ArrayHead(std::string_view key, GgufType element, size_t n) {
    Key(key, GgufType::kArray);
    Append(static_cast<uint32_t>(element), bytes_);
    Append(uint64_t{n}, bytes_);
  }

  std::string bytes_;
  uint64_t count_ = 0;
};

struct NamedTensor {
  std::string name;
  Dtype dtype;
  std::vector<int64_t> dimensions;  // innermost first
  std::string_view bytes;
};

std::vector<NamedTensor> TensorsOf(const Weights& weights) {
  std::vector<NamedTensor> tensors;
  const auto matrix = [&](std::string name, const WeightMatrix& w) {
    tensors.push_back({std::move(name), w.dtype, {w.cols, w.rows}, BytesOf(w)});
  };
  const auto norm = [&](std::string name, std::span<const float> floats) {
    tensors.push_back(
        {std::move(name), Dtype::kF32, {static_cast<int64_t>(floats.size())}, BytesOf(floats)});
  };
  matrix(std::string(kEmbeddingTensor.gguf), weights.embedding);
  for (size_t b = 0; b < weights.blocks.size(); ++b) {
    for (const BlockTensor& tensor : kBlockTensors) {
      std::string name = fmt::format("blk.{}.{}", b, tensor.gguf);
      if (tensor.norm != nullptr) {
        norm(std::move(name), weights.blocks[b].*tensor.norm);
      } else if (const WeightMatrix& w = weights.blocks[b].*tensor.matrix; !w.empty()) {
        matrix(std::move(name), w);
      }
    }
  }
  norm(std::string(kFinalNormTensor.gguf), weights.final_norm);
  if (!weights.spec.tie_embeddings) matrix(std::string(kHeadTensor.gguf), weights.head);
  return tensors;
}

void RequireExpressible(const std::vector<NamedTensor>& tensors, const std::string& path) {
  for (const NamedTensor& tensor : tensors) {
    if (!GgmlType(tensor.dtype)) {
      throw InputError({path, "tensor " + tensor.name},
                       "cannot be written: GGUF has no type for int8 with one scale per row (W8A8)",
                       "--dtype q8_0, or --safetensors");
    }
    const bool is_grouped = tensor.dtype == Dtype::kQ8_0 || tensor.dtype == Dtype::kQ4_0;
    if (is_grouped && tensor.dimensions[0] % kGroup != 0) {
      throw InputError({path, "tensor " + tensor.name},
                       fmt::format("cannot be written: rows of {} are no whole groups of 32 in {}",
                                   tensor.dimensions[0], ToText(tensor.dtype)),
                       "a width that is a multiple of 32, or --dtype f16");
    }
  }
}

// general.file_type, after llama.cpp's llama_ftype: what most of the matrices are stored in.
uint32_t FileType(Dtype dtype) {
  switch (dtype) {
    case Dtype::kF32:
    case Dtype::kInt8:
      return 0;
    case Dtype::kF16:
      return 1;
    case Dtype::kQ4_0:
      return 2;
    case Dtype::kQ8_0:
      return 7;
    case Dtype::kBf16:
      return 32;
  }
  return 0;
}

void DescribeModel(const Weights& weights, Metadata& out) {
  const ModelSpec& spec = weights.spec;
  out.Text(gguf::kArchitecture, gguf::kLlama);
  out.U32("general.alignment", int64_t{kAlignment});
  out.U32("general.file_type", FileType(weights.blocks[0].wq.dtype));
  out.U32("general.quantization_version", kQuantizationVersion);
  out.U32(gguf::kVocabSize, spec.vocab_size);
  out.U32(gguf::kContextLength, spec.max_seq_len);
  out.U32(gguf::kWidth, spec.d_model);
  out.U32(gguf::kBlocks, spec.n_blocks);
  out.U32(gguf::kFfnWidth, spec.d_ff);
  out.U32(gguf::kHeads, spec.n_heads);
  out.U32(gguf::kKvHeads, spec.n_kv_heads);
  out.U32(gguf::kKeyLength, spec.head_dim);
  out.U32(gguf::kValueLength, spec.head_dim);
  out.U32(gguf::kRopeDimensions, spec.head_dim);
  out.F32(gguf::kRopeTheta, spec.rope_theta);
  out.F32(gguf::kNormEps, spec.norm_eps);
  if (spec.repeat != RepeatSchedule{}) out.Text(gguf::kRepeat, ToText(spec.repeat));
  if (spec.kv_policy != KvPolicy::kPerOccurrence) out.Text(gguf::kKvPolicy, ToText(spec.kv_policy));
  if (spec.ffn != Ffn::kSwiglu) out.Text(gguf::kFfn, ToText(spec.ffn));
}

void DescribeVocabulary(const Vocabulary& vocabulary, Metadata& out) {
  out.Text(gguf::kTokenizerModel, vocabulary.segmentation == Segmentation::kUnigram
                                      ? gguf::kUnigramModel
                                      : gguf::kBpeModel);
  out.Array(gguf::kTokens, GgufType::kString, vocabulary.pieces,
            [](const VocabularyPiece& p, std::string& bytes) { AppendText(p.text, bytes); });
  out.Array(gguf::kScores, GgufType::kF32, vocabulary.pieces,
            [](const VocabularyPiece& p, std::string& bytes) { Append(p.score, bytes); });
  out.Array(gguf::kTokenTypes, GgufType::kI32, vocabulary.pieces,
            [](const VocabularyPiece& p, std::string& bytes) {
              Append(static_cast<int32_t>(p.kind), bytes);
            });
  const auto id = [&out](std::string_view key, std::optional<int32_t> token) {
    out.U32(key, token ? int64_t{*token} : int64_t{UINT32_MAX});
  };
  id(gguf::kBosId, vocabulary.bos);
  id(gguf::kEosId, vocabulary.eos);
  id(gguf::kUnknownId, vocabulary.unknown);
  out.Bool(gguf::kAddBos, vocabulary.bos.has_value());
  out.Bool(gguf::kAddEos, false);
  out.Bool(gguf::kAddSpacePrefix, vocabulary.add_space_prefix);
  out.Bool(gguf::kRemoveExtraWhitespaces, vocabulary.remove_extra_whitespaces);
  if (!vocabulary.character_map.empty()) out.Blob(gguf::kCharacterMap, vocabulary.character_map);
}

uint64_t Padding(uint64_t offset) { return (kAlignment - offset % kAlignment) % kAlignment; }

}  // namespace

void WriteGguf(const Weights& weights, const std::optional<Vocabulary>& vocabulary,
               const std::string& path) {
  const std::vector<NamedTensor> tensors = TensorsOf(weights);
  RequireExpressible(tensors, path);
  Metadata metadata;
  DescribeModel(weights, metadata);
  if (vocabulary) {
    if (static_cast<int64_t>(vocabulary->pieces.size()) != weights.spec.vocab_size) {
      throw InputError({path, "vocabulary"},
                       fmt::format("has {} pieces", vocabulary->pieces.size()),
                       fmt::format("the model's {}", weights.spec.vocab_size));
    }
    DescribeVocabulary(*vocabulary, metadata);
  } else {
    metadata.Text(gguf::kTokenizerModel, gguf::kNoVocabulary);
  }

  std::string head(kGgufMagic);
  Append(kGgufVersion, head);
  Append(uint64_t{tensors.size()}, head);
  Append(metadata.count(), head);
  head += metadata.bytes();
  uint64_t offset = 0;  // in the data
  for (const NamedTensor& tensor : tensors) {
    AppendText(tensor.name, head);
    Append(static_cast<uint32_t>(tensor.dimensions.size()), head);
    for (const int64_t n : tensor.dimensions) Append(static_cast<uint64_t>(n), head);
    Append(*GgmlType(tensor.dtype), head);
    Append(offset, head);
    offset += tensor.bytes.size() + Padding(tensor.bytes.size());
  }
  head.append(Padding(head.size()), '\0');

  static constexpr char kZeros[kAlignment] = {};
  std::vector<std::string_view> pieces = {head};
  for (const NamedTensor& tensor : tensors) {
    pieces.push_back(tensor.bytes);
    pieces.emplace_back(kZeros, Padding(tensor.bytes.size()));
  }
  WriteFileAtomically(path, pieces);
}

}  // namespace deepthin::runtime
