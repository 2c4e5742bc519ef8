// GGUF files that are damaged or made to harm: each gives one sentence or a sound model.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>

#include "runtime/checkpoint/gguf.h"
#include "runtime/thread_pool.h"
#include "spec/files.h"
#include "tests/runtime/checkpoint/same_weights.h"
#include "tests/runtime/error_text.h"
#include "tests/runtime/test_models.h"

namespace deepthin::runtime {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class GgufHostile : public WithFolder {
 protected:
  void SetUp() override {
    WithFolder::SetUp();
    ThreadPool pool(1);
    ModelSpec spec{.vocab_size = 4,
                   .d_model = 32,
                   .n_blocks = 1,
                   .n_heads = 2,
                   .n_kv_heads = 1,
                   .head_dim = 16,
                   .d_ff = 32,
                   .max_seq_len = 10};
    Precision q4 = kF32;
    q4.weights = Dtype::kQ4_0;
    Vocabulary vocabulary;
    vocabulary.pieces = {{"<unk>", 0, PieceKind::kUnknown}, {"a", 1}, {"b", 2}, {"c", 3}};
    WriteGguf(ConvertWeights(SmallWeights(spec, 1), q4, pool), vocabulary, Path("good.gguf"));
    good_ = ReadFile(Path("good.gguf"));
  }

  // What loading a copy says that lies in memory of just its size; empty where it loads.
  [[nodiscard]] static std::string ErrorOf(const std::string& content) {
    const auto copy = std::make_shared<std::vector<uint64_t>>(content.size() / 8 + 1);
    std::memcpy(copy->data(), content.data(), content.size());
    const FileContent file = {std::as_bytes(std::span(*copy)).first(content.size()), copy};
    return ErrorText<InputError>([&] {
      const GgufFile gguf = GgufFile::Parse(file, "bad.gguf");
      static_cast<void>(WeightsFromGguf(gguf));
      static_cast<void>(VocabularyFromGguf(gguf));
    });
  }
  template <class T>
  [[nodiscard]] std::string With(size_t at, T value) const {
    std::string changed = good_;
    std::memcpy(changed.data() + at, &value, sizeof(value));
    return changed;
  }
  template <class T>
  [[nodiscard]] T At(size_t at) const {
    T value;
    std::memcpy(&value, good_.data() + at, sizeof(value));
    return value;
  }
  // Behind the type of a metadata value.
  [[nodiscard]] size_t ValueOf(const std::string& key) const {
    return good_.find(key) + key.size() + 4;
  }
  // Of the record of a tensor with two dimensions.
  [[nodiscard]] size_t TypeOf(const std::string& tensor) const {
    return good_.find(tensor) + tensor.size() + 4 + 16;
  }

  std::string good_;
};

TEST_F(GgufHostile, TheUndamagedFileLoads) { EXPECT_EQ(ErrorOf(good_), ""); }

TEST_F(GgufHostile, EveryTruncationIsRefused) {
  for (size_t size = 0; size < good_.size(); ++size) {
    ASSERT_THAT(ErrorOf(good_.substr(0, size)), HasSubstr("bad.gguf: ")) << size;
  }
}

TEST_F(GgufHostile, EveryByteOfTheHeadChangedGivesASentenceOrAModel) {
  const size_t head = good_.find("output_norm.weight") + 40;
  std::mt19937 random(1);
  for (size_t at = 0; at < head; ++at) {
    for (const int value : {0x00, 0xff, good_[at] + 1, static_cast<int>(random() & 0xff)}) {
      static_cast<void>(ErrorOf(With(at, static_cast<char>(value))));
    }
  }
}

TEST_F(GgufHostile, CountsThatTheFileCannotHold) {
  for (const uint64_t count :
       {uint64_t{1} << 20, uint64_t{1} << 40, ~uint64_t{0}, uint64_t{1} << 63}) {
    EXPECT_THAT(ErrorOf(With(8, count)), HasSubstr("tensors"));
    EXPECT_THAT(ErrorOf(With(16, count)), HasSubstr("metadata"));
    EXPECT_THAT(ErrorOf(With(24, count)), HasSubstr("ends within a metadata key"));
    EXPECT_NE(ErrorOf(With(ValueOf("tokenizer.ggml.tokens") + 4, count)), "");
    EXPECT_NE(ErrorOf(With(ValueOf("tokenizer.ggml.scores") + 4, count)), "");
    EXPECT_NE(ErrorOf(With(good_.find("token_embd.weight") + 17 + 4, count)), "");
  }
  for (const int by : {-1, 1}) {
    EXPECT_NE(ErrorOf(With(8, At<uint64_t>(8) + static_cast<uint64_t>(by))), "");
    EXPECT_NE(ErrorOf(With(16, At<uint64_t>(16) + static_cast<uint64_t>(by))), "");
  }
}

TEST_F(GgufHostile, ShapesThatDisagree) {
  for (const char* key :
       {"llama.block_count", "llama.embedding_length", "llama.feed_forward_length",
        "llama.attention.head_count", "llama.attention.head_count_kv", "llama.attention.key_length",
        "llama.rope.dimension_count", "llama.attention.value_length", "llama.vocab_size"}) {
    SCOPED_TRACE(key);
    const auto value = At<uint32_t>(ValueOf(key));
    for (const uint32_t bad : {0U, value + 1, value * 2, 0x7fffffffU, 0xffffffffU}) {
      EXPECT_THAT(ErrorOf(With(ValueOf(key), bad)), HasSubstr("bad.gguf: ")) << bad;
    }
  }
}

TEST_F(GgufHostile, OffsetsAndTypes) {
  const size_t offset = TypeOf("blk.0.attn_k.weight") + 4;
  EXPECT_THAT(ErrorOf(With(offset, At<uint64_t>(offset) + 1)),
              HasSubstr("tensor blk.0.attn_k.weight: lies at offset"));
  EXPECT_THAT(ErrorOf(With(offset, At<uint64_t>(offset) - 32)), HasSubstr("lies over"));
  EXPECT_THAT(ErrorOf(With(offset, At<uint64_t>(TypeOf("blk.0.attn_v.weight") + 4))),
              HasSubstr("lies over"));
  EXPECT_THAT(ErrorOf(With(offset, uint64_t{1} << 20)), HasSubstr("beyond the end"));
  EXPECT_THAT(ErrorOf(With(offset, ~uint64_t{0} - 31)), HasSubstr("beyond the end"));
  EXPECT_THAT(ErrorOf(With(TypeOf("blk.0.attn_k.weight"), 12U)),
              AllOf(HasSubstr("ggml type 12"), HasSubstr("Q8_0 (8)")));
  EXPECT_THAT(ErrorOf(With(ValueOf("general.alignment"), 0U)), HasSubstr("a multiple of 8"));
  EXPECT_THAT(ErrorOf(With(4, 2U)), HasSubstr("GGUF version 2; expected 3"));
}

TEST_F(GgufHostile, NamesTwiceOrUnknown) {
  std::string twice = good_;
  twice.replace(twice.find("blk.0.attn_k.weight"), 19, "blk.0.attn_v.weight");
  EXPECT_THAT(ErrorOf(twice), HasSubstr("twice"));
  std::string other = good_;
  other.replace(other.find("blk.0.attn_k.weight"), 19, "blk.0.attn_q.biases");
  EXPECT_THAT(ErrorOf(other), HasSubstr("blk.0.attn_k.weight: is absent"));
  std::string key = good_;
  key.replace(key.find("llama.block_count"), 17, "llama.vocab_sizes");
  EXPECT_THAT(ErrorOf(key), HasSubstr("metadata llama.block_count: is absent"));
  std::string qwen = good_;
  qwen.replace(qwen.find("llama", 60), 5, "qwen2");
  EXPECT_THAT(ErrorOf(qwen), HasSubstr("is qwen2; expected llama"));
}

TEST_F(GgufHostile, NumbersThatAreNone) {
  std::string norm = good_;
  const float nan = std::nanf("");
  std::memcpy(norm.data() + norm.size() - 4, &nan, 4);
  EXPECT_THAT(ErrorOf(norm), HasSubstr("tensor output_norm.weight: has number 31"));
  const auto offset = At<uint64_t>(TypeOf("blk.0.attn_k.weight") + 4);
  const size_t data =
      good_.size() - 128 -
      static_cast<size_t>(At<uint64_t>(good_.find("output_norm.weight") + 18 + 4 + 8 + 4));
  EXPECT_THAT(ErrorOf(With(data + offset + 18, uint16_t{0x7e00})),
              HasSubstr("tensor blk.0.attn_k.weight, row 1: has the scale of group 0"));
  EXPECT_THAT(ErrorOf(With(ValueOf("tokenizer.ggml.scores") + 12, nan)), HasSubstr("scores"));
  EXPECT_THAT(ErrorOf(With(ValueOf("layer_norm_rms_epsilon"), nan)), HasSubstr("norm_eps"));
}

TEST_F(GgufHostile, DeepNestingEnds) {
  // A value that is an array of arrays of arrays, each of one.
  std::string nested = good_.substr(0, ValueOf("general.alignment") - 4);
  const auto append = [&nested](auto value) {
    nested.append(reinterpret_cast<const char*>(&value), sizeof(value));
  };
  append(uint32_t{9});
  for (int i = 0; i < 10'000; ++i) {
    append(uint32_t{9});
    append(uint64_t{1});
  }
  EXPECT_THAT(ErrorOf(nested), HasSubstr("nested too deeply"));
}

}  // namespace
}  // namespace deepthin::runtime
