#include "runtime/checkpoint/gguf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/thread_pool.h"
#include "spec/files.h"
#include "tests/runtime/checkpoint/same_weights.h"
#include "tests/runtime/error_text.h"
#include "tests/runtime/test_models.h"

namespace deepthin::runtime {
namespace {

using ::testing::HasSubstr;

// Every width a multiple of 32, head_dim other than d_model / n_heads.
ModelSpec RoundSpec() {
  return {.vocab_size = 40,
          .d_model = 64,
          .n_blocks = 2,
          .n_heads = 4,
          .n_kv_heads = 2,
          .head_dim = 24,
          .d_ff = 96,
          .max_seq_len = 100};
}

class Gguf : public WithFolder {
 protected:
  [[nodiscard]] Weights Through(const Weights& weights,
                                const std::optional<Vocabulary>& vocabulary = {}) const {
    WriteGguf(weights, vocabulary, Path("model.gguf"));
    return LoadGguf(Path("model.gguf"));
  }
};

TEST_F(Gguf, WhatIsWrittenIsReadBackEqual) {
  ThreadPool pool(1);
  for (const NamedPrecision& named : kPrecisions) {
    if (named.precision.weights == Dtype::kInt8) continue;
    for (const bool tied : {true, false}) {
      for (const char* repeat :
           {"none", "immediate:2", "repeat_all:3", "reverse:2", "explicit:0-1-1-0"}) {
        SCOPED_TRACE(std::string(named.name) + (tied ? " tied " : " untied ") + repeat);
        ModelSpec spec = RoundSpec();
        spec.tie_embeddings = tied;
        spec.repeat = RepeatScheduleFromText(repeat);
        spec.kv_policy = tied ? KvPolicy::kShared : KvPolicy::kPerOccurrence;
        const Weights weights = ConvertWeights(SmallWeights(spec, 3), named.precision, pool);
        ExpectSame(Through(weights), weights);
      }
    }
  }
}

TEST_F(Gguf, FormatsMayDifferByTensor) {
  ThreadPool pool(1);
  Precision mixed = kF32;
  mixed.weights = Dtype::kQ4_0;
  mixed.embedding = Dtype::kQ8_0;
  Weights weights = ConvertWeights(SmallWeights(RoundSpec(), 3), mixed, pool);
  const Weights f16 = ConvertWeights(weights, *PrecisionByName("f16"), pool);
  weights.blocks[1].w_down = f16.blocks[1].w_down;
  ExpectSame(Through(weights), weights);
}

TEST_F(Gguf, OtherFfnsAndConstantsComeBackAsTheyWereMeant) {
  for (const Ffn ffn : {Ffn::kSwiglu, Ffn::kGelu, Ffn::kRelu}) {
    ModelSpec spec = SmallSpec();
    spec.ffn = ffn;
    spec.rope_theta = 123'456.7;
    spec.norm_eps = 1e-6;
    const Weights weights = SmallWeights(spec, 3);
    ExpectSame(Through(weights), weights);
  }
}

// Offsets by hand, for a model of one block without a vocabulary.
TEST_F(Gguf, BytesLieWhereTheFormatSays) {
  ModelSpec spec = RoundSpec();
  spec.n_blocks = 1;
  const Weights weights = SmallWeights(spec, 3);
  WriteGguf(weights, std::nullopt, Path("model.gguf"));
  const std::string file = ReadFile(Path("model.gguf"));
  const auto u32 = [&](size_t at) {
    uint32_t value = 0;
    std::memcpy(&value, file.data() + at, 4);
    return value;
  };
  EXPECT_EQ(file.substr(0, 4), "GGUF");
  EXPECT_EQ(u32(4), 3U);
  EXPECT_EQ(u32(8), 11U);  // table, 9 of the block, norm
  // The first key: its length in 8 bytes, its text, type 8 (text), then "llama" in the same way.
  const std::string key = "general.architecture";
  EXPECT_EQ(u32(24), key.size());
  EXPECT_EQ(file.substr(32, key.size()), key);
  EXPECT_EQ(u32(52), 8U);
  EXPECT_EQ(file.substr(64, 5), "llama");
  // The data are the last part, each tensor padded to 32: the norm is 64 floats.
  float first = 0;
  const size_t norm_at = file.size() - 256;
  std::memcpy(&first, file.data() + norm_at, 4);
  EXPECT_EQ(first, weights.final_norm[0]);
  const size_t down_at = norm_at - size_t{64} * 96 * 4;
  std::memcpy(&first, file.data() + down_at, 4);
  EXPECT_EQ(first, F32Values(weights.blocks[0].w_down)[0]);
  size_t data_bytes = 0;
  for (const int n :
       {40 * 64, 64, 96 * 64, 48 * 64, 48 * 64, 64 * 96, 64, 96 * 64, 96 * 64, 64 * 96, 64}) {
    data_bytes += static_cast<size_t>(n) * 4;
  }
  EXPECT_EQ((file.size() - data_bytes) % 32, 0U);
  // The record of the table: name, 2 dimensions, columns first, F32, offset 0.
  const size_t at = file.find("token_embd.weight");
  EXPECT_EQ(u32(at + 17), 2U);
  EXPECT_EQ(u32(at + 21), 64U);
  EXPECT_EQ(u32(at + 29), 40U);
  EXPECT_EQ(u32(at + 37), 0U);
  EXPECT_EQ(u32(at + 41), 0U);
}

TEST_F(Gguf, IsReadInPlace) {
  const Weights weights = SmallWeights(RoundSpec(), 3);
  WriteGguf(weights, std::nullopt, Path("model.gguf"));
  const FileContent mapped = MapFile(Path("model.gguf"));
  const Weights read = WeightsFromGguf(GgufFile::Parse(mapped, "model.gguf"));
  const auto inside = [&](const void* p) {
    const auto* byte = static_cast<const std::byte*>(p);
    return byte >= mapped.bytes.data() && byte < mapped.bytes.data() + mapped.bytes.size();
  };
  EXPECT_TRUE(inside(read.embedding.data));
  EXPECT_TRUE(inside(read.final_norm.data()));
  for (const auto matrix : kBlockMatrices) EXPECT_TRUE(inside((read.blocks[1].*matrix).data));
  EXPECT_EQ(read.head.data, read.embedding.data);
}

Vocabulary SomeVocabulary(Segmentation segmentation, int64_t size) {
  Vocabulary out;
  out.segmentation = segmentation;
  out.bos = 1;
  out.eos = 2;
  out.pieces = {{"<unk>", 0, PieceKind::kUnknown},
                {"<s>", 0, PieceKind::kControl},
                {"</s>", 0, PieceKind::kControl},
                {"<0x00>", 0, PieceKind::kByte}};
  while (static_cast<int64_t>(out.pieces.size()) < size) {
    const auto i = static_cast<float>(out.pieces.size());
    out.pieces.push_back({"\u2581p" + std::to_string(out.pieces.size()), -i / 3, PieceKind::kText});
  }
  return out;
}

TEST_F(Gguf, CarriesItsVocabulary) {
  const Weights weights = SmallWeights(RoundSpec(), 3);
  for (const Segmentation segmentation : {Segmentation::kBpe, Segmentation::kUnigram}) {
    Vocabulary vocabulary = SomeVocabulary(segmentation, 40);
    vocabulary.add_space_prefix = segmentation == Segmentation::kBpe;
    vocabulary.character_map = segmentation == Segmentation::kBpe ? "" : std::string("\0\1\xff", 3);
    vocabulary.pieces[7].kind = PieceKind::kUserDefined;
    ExpectSame(Through(weights, vocabulary), weights);
    EXPECT_EQ(LoadGgufVocabulary(Path("model.gguf")), vocabulary);
    vocabulary.eos.reset();
    ExpectSame(Through(weights, vocabulary), weights);
    EXPECT_EQ(LoadGgufVocabulary(Path("model.gguf")), vocabulary);
  }
  ExpectSame(Through(weights), weights);
  EXPECT_EQ(LoadGgufVocabulary(Path("model.gguf")), std::nullopt);
  EXPECT_THAT(ErrorText<InputError>([&] {
                WriteGguf(weights, SomeVocabulary(Segmentation::kBpe, 39), Path("model.gguf"));
              }),
              HasSubstr("has 39 pieces; expected the model's 40"));
}

TEST_F(Gguf, WhatTheFormatCannotHoldIsNotWritten) {
  ThreadPool pool(1);
  const auto write = [&](const ModelSpec& spec, const char* precision) {
    return ErrorText<InputError>([&] {
      WriteGguf(ConvertWeights(SmallWeights(spec, 1), *PrecisionByName(precision), pool),
                std::nullopt, Path("model.gguf"));
    });
  };
  EXPECT_THAT(write(RoundSpec(), "w8a8"), HasSubstr("expected --dtype q8_0, or --safetensors"));
  EXPECT_THAT(write(SmallSpec(), "q4_0"),
              HasSubstr("rows of 22 are no whole groups of 32 in q4_0"));
  EXPECT_FALSE(std::filesystem::exists(Path("model.gguf")));
  EXPECT_EQ(write(SmallSpec(), "bf16"), "");
}

}  // namespace
}  // namespace deepthin::runtime
