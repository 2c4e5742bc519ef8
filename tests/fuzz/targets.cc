#include "tests/fuzz/targets.h"

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "runtime/checkpoint/gguf.h"
#include "runtime/checkpoint/hf_config.h"
#include "runtime/checkpoint/llama2c.h"
#include "runtime/checkpoint/safetensors.h"
#include "runtime/checkpoint/vocabulary_files.h"
#include "runtime/text/tokenizer.h"
#include "spec/errors.h"
#include "spec/json_io.h"
#include "spec/model_argument.h"
#include "spec/soc_spec.h"

namespace deepthin::fuzz {
namespace {

using runtime::FileContent;
using runtime::Tokenizer;

std::string_view Text(std::span<const uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// In memory of its own, aligned as a mapping is, and no longer than the bytes, so that
// AddressSanitizer sees what lies behind them.
FileContent FileOf(std::span<const uint8_t> bytes) {
  std::shared_ptr<std::byte> copy(
      static_cast<std::byte*>(::operator new(bytes.size(), std::align_val_t(64))),
      [](std::byte* p) { ::operator delete(p, std::align_val_t(64)); });
  if (!bytes.empty()) std::memcpy(copy.get(), bytes.data(), bytes.size());
  return {{copy.get(), bytes.size()}, copy};
}

template <class Read>
void ReadOrRefuse(const Read& read) {
  try {
    read();
  } catch (const InputError&) {
  }
}

// Reads every byte that the views say there is.
void Touch(const runtime::Weights& weights) {
  double sum = 0;
  const auto touch = [&sum](const runtime::WeightMatrix& w) {
    if (w.empty()) return;
    std::vector<float> row(static_cast<size_t>(w.cols));
    for (const int64_t r : {int64_t{0}, w.rows - 1}) {
      runtime::Dequantize(w, r, r + 1, row.data());
      sum += static_cast<double>(row.front()) + static_cast<double>(row.back());
    }
  };
  touch(weights.embedding);
  touch(weights.head);
  for (const runtime::BlockWeights& block : weights.blocks) {
    for (const auto matrix : runtime::kBlockMatrices) touch(block.*matrix);
    sum += static_cast<double>(block.attn_norm.back()) + static_cast<double>(block.ffn_norm.back());
  }
  sum += static_cast<double>(weights.final_norm.back());
  DEEPTHIN_CHECK(sum == sum);  // all were finite
}

void Use(const Tokenizer& tokenizer) {
  for (const std::string_view text :
       {"Once upon  a time", " \xe2\x96\x81 \xff\xc3\xa9 \xef\xac\x81"}) {
    const auto ids = tokenizer.Encode(text, Tokenizer::Marks::kBosAndEos);
    for (const int32_t id : ids) DEEPTHIN_CHECK(id >= 0 && id < tokenizer.vocab_size());
    static_cast<void>(tokenizer.Decode(ids));
  }
}

void RunGguf(std::span<const uint8_t> bytes) {
  const FileContent file = FileOf(bytes);
  ReadOrRefuse([&] { Touch(WeightsFromGguf(runtime::GgufFile::Parse(file, "fuzz"))); });
  ReadOrRefuse([&] {
    const auto vocabulary = VocabularyFromGguf(runtime::GgufFile::Parse(file, "fuzz"));
    if (vocabulary) Use(Tokenizer::FromVocabulary(*vocabulary, "fuzz"));
  });
}

void RunSafetensors(std::span<const uint8_t> bytes) {
  // The model of the corpus; other shapes are refused, as they should be.
  const ModelSpec spec{.vocab_size = 5,
                       .d_model = 6,
                       .n_blocks = 1,
                       .n_heads = 2,
                       .n_kv_heads = 1,
                       .head_dim = 4,
                       .d_ff = 3,
                       .max_seq_len = 10};
  const FileContent file = FileOf(bytes);
  ReadOrRefuse([&] { Touch(runtime::WeightsFromSafetensors(file, "fuzz", spec)); });
}

void RunLlama2c(std::span<const uint8_t> bytes) {
  const FileContent file = FileOf(bytes);
  ReadOrRefuse([&] { Touch(runtime::WeightsFromLlama2c(file, "fuzz")); });
}

void RunTokenizer(std::span<const uint8_t> bytes) {
  for (const int64_t vocab_size : {259, 263}) {
    ReadOrRefuse([&] { Use(Tokenizer::FromBytes(Text(bytes), vocab_size, "fuzz")); });
  }
}

void RunSentencePiece(std::span<const uint8_t> bytes) {
  ReadOrRefuse([&] {
    Use(Tokenizer::FromVocabulary(runtime::SentencePieceVocabulary(Text(bytes), "fuzz"), "fuzz"));
  });
}

void RunJson(std::span<const uint8_t> bytes) {
  ReadOrRefuse([&] {
    const Json json = ParseJson(Text(bytes), "fuzz");
    ReadOrRefuse([&] { static_cast<void>(ModelFromJson(json, {"fuzz", ""})); });
    ReadOrRefuse([&] { static_cast<void>(runtime::SpecFromHfConfig(json, "fuzz")); });
    ReadOrRefuse([&] { Validate(FromJson<SocSpec>(json, {"fuzz", ""}), {"fuzz", ""}); });
    static_cast<void>(json.dump(-1, ' ', false, Json::error_handler_t::replace));
  });
}

constexpr Target kTargets[] = {
    {"gguf", RunGguf},           {"safetensors", RunSafetensors},     {"llama2c", RunLlama2c},
    {"tokenizer", RunTokenizer}, {"sentencepiece", RunSentencePiece}, {"json", RunJson}};

}  // namespace

std::span<const Target> Targets() { return kTargets; }

const Target* TargetByName(std::string_view name) {
  for (const Target& target : kTargets) {
    if (target.name == name) return &target;
  }
  return nullptr;
}

}  // namespace deepthin::fuzz
