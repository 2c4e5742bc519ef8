#include "runtime/checkpoint/llama2c.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <random>
#include <string>

#include "runtime/decoder.h"
#include "spec/errors.h"
#include "spec/files.h"
#include "tests/runtime/error_text.h"
#include "tests/runtime/reference_decoder.h"
#include "tests/runtime/test_models.h"

namespace deepthin::runtime {
namespace {

using ::testing::HasSubstr;

class Llama2c : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "llama2c.XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::string Path(const std::string& name = "model.bin") const {
    return (folder_ / name).string();
  }
  // The error that a file with this content gives; empty where it loads.
  [[nodiscard]] std::string ErrorOf(const std::string& content) const {
    std::ofstream(Path(), std::ios::binary) << content;
    return ErrorText<InputError>([&] { static_cast<void>(LoadLlama2c(Path())); });
  }
  [[nodiscard]] std::string FileOf(const ModelSpec& spec) const {
    WriteLlama2c(SmallWeights(spec, 1), Path());
    return ReadFile(Path());
  }

  std::filesystem::path folder_;
};

ModelSpec FileSpec() {
  return {.vocab_size = 31,
          .d_model = 24,
          .n_blocks = 3,
          .n_heads = 4,
          .n_kv_heads = 2,
          .head_dim = 6,
          .d_ff = 17,
          .max_seq_len = 19};
}

std::string WithField(std::string file, size_t field, int32_t value) {
  std::memcpy(file.data() + 4 * field, &value, 4);
  return file;
}

TEST_F(Llama2c, WhatIsWrittenIsReadBackEqual) {
  for (const bool tied : {true, false}) {
    ModelSpec spec = FileSpec();
    spec.tie_embeddings = tied;
    const Weights written = SmallWeights(spec, 5);
    WriteLlama2c(written, Path());
    const Weights read = LoadLlama2c(Path());
    EXPECT_EQ(read.spec, spec);
    EXPECT_TRUE(std::ranges::equal(F32Values(read.embedding), F32Values(written.embedding)));
    EXPECT_TRUE(std::ranges::equal(read.final_norm, written.final_norm));
    EXPECT_TRUE(std::ranges::equal(F32Values(read.head), F32Values(written.head)));
    ASSERT_EQ(read.blocks.size(), 3U);
    for (size_t b = 0; b < 3; ++b) {
      const BlockWeights& in = written.blocks[b];
      const BlockWeights& out = read.blocks[b];
      EXPECT_TRUE(std::ranges::equal(out.attn_norm, in.attn_norm));
      EXPECT_TRUE(std::ranges::equal(out.ffn_norm, in.ffn_norm));
      for (const auto matrix : kBlockMatrices) {
        EXPECT_TRUE(std::ranges::equal(F32Values(out.*matrix), F32Values(in.*matrix)));
      }
    }
  }
}

// Offsets by hand, from the layout as it is documented: one float of each tensor.
TEST_F(Llama2c, TensorsLieWhereTheFormatSays) {
  ModelSpec spec = FileSpec();
  spec.tie_embeddings = false;
  const Weights w = SmallWeights(spec, 5);
  WriteLlama2c(w, Path());
  const std::string file = ReadFile(Path());
  const auto at = [&file](size_t index) {
    float value = 0;
    std::memcpy(&value, file.data() + 28 + 4 * index, 4);
    return value;
  };
  constexpr size_t kVocab = 31;
  constexpr size_t kWidth = 24;
  constexpr size_t kKvWidth = 12;
  constexpr size_t kHidden = 17;
  constexpr size_t kBlocks = 3;
  size_t base = 0;  // of the tensor, stacked over the blocks
  EXPECT_EQ(at(base + 1), F32Values(w.embedding)[1]);
  base += kVocab * kWidth;
  EXPECT_EQ(at(base + kWidth), w.blocks[1].attn_norm[0]);
  base += kBlocks * kWidth;
  EXPECT_EQ(at(base + kWidth * kWidth), F32Values(w.blocks[1].wq)[0]);
  base += kBlocks * kWidth * kWidth;
  EXPECT_EQ(at(base + kKvWidth * kWidth), F32Values(w.blocks[1].wk)[0]);
  base += kBlocks * kKvWidth * kWidth;
  EXPECT_EQ(at(base + kKvWidth * kWidth), F32Values(w.blocks[1].wv)[0]);
  base += kBlocks * kKvWidth * kWidth;
  EXPECT_EQ(at(base + kWidth * kWidth), F32Values(w.blocks[1].wo)[0]);
  base += kBlocks * kWidth * kWidth;
  EXPECT_EQ(at(base + kWidth), w.blocks[1].ffn_norm[0]);
  base += kBlocks * kWidth;
  EXPECT_EQ(at(base + kHidden * kWidth), F32Values(w.blocks[1].w_gate)[0]);
  base += kBlocks * kHidden * kWidth;
  EXPECT_EQ(at(base + kHidden * kWidth), F32Values(w.blocks[1].w_down)[0]);
  base += kBlocks * kHidden * kWidth;
  EXPECT_EQ(at(base + kHidden * kWidth), F32Values(w.blocks[1].w_up)[0]);
  base += kBlocks * kHidden * kWidth;
  EXPECT_EQ(at(base), w.final_norm[0]);
  base += kWidth;
  constexpr size_t kRopeValues = 19;            // positions, times head_dim 6
  EXPECT_EQ(at(base), 1.0F);                    // cos 0
  EXPECT_EQ(at(base + kRopeValues * 3), 0.0F);  // sin 0
  base += kRopeValues * 6;
  EXPECT_EQ(at(base), F32Values(w.head)[0]);
  EXPECT_EQ(file.size(), 28 + 4 * (base + kVocab * kWidth));
}

TEST_F(Llama2c, EveryTruncationIsRefused) {
  const std::string file = FileOf(FileSpec());
  for (size_t size = 0; size < 64; ++size) {
    EXPECT_NE(ErrorOf(file.substr(0, size)), "") << size;
  }
  std::mt19937 random(1);
  for (int i = 0; i < 200; ++i) EXPECT_NE(ErrorOf(file.substr(0, random() % file.size())), "");
  EXPECT_THAT(ErrorOf(file.substr(0, 20)), HasSubstr("header: ends after 20 bytes"));
  EXPECT_THAT(ErrorOf(file.substr(0, file.size() - 1)),
              HasSubstr("cut short; expected " + std::to_string(file.size())));
  EXPECT_THAT(ErrorOf(file + "x"), HasSubstr("more than its header says"));
  EXPECT_EQ(ErrorOf(file), "");
}

TEST_F(Llama2c, EveryAbsurdHeaderFieldIsRefused) {
  const std::string file = FileOf(FileSpec());
  constexpr int32_t kMin = std::numeric_limits<int32_t>::min();
  constexpr int32_t kMax = std::numeric_limits<int32_t>::max();
  for (size_t field = 0; field < 7; ++field) {
    for (const int32_t value :
         {0, -1, 1, 2, 3, 5, 1 << 10, 1 << 14, 1 << 20, (1 << 20) + 1, 1 << 22, 1 << 24, 1 << 30,
          -(1 << 20), kMin, kMin + 1, kMax, kMax - 1}) {
      const std::string changed = WithField(file, field, value);
      if (changed == file) continue;
      const std::string text = ErrorOf(changed);
      EXPECT_NE(text, "") << "field " << field << " = " << value;
      EXPECT_THAT(text, HasSubstr(Path()));
    }
  }
  // All of them huge: what they multiply to is far beyond 64 bits.
  std::string huge = file;
  for (size_t field = 0; field < 7; ++field) huge = WithField(huge, field, kMax);
  EXPECT_NE(ErrorOf(huge), "");
  // The largest that Validate lets through.
  huge = WithField(WithField(WithField(file, 0, 1 << 20), 1, 1 << 20), 2, 1 << 14);
  EXPECT_THAT(ErrorOf(WithField(huge, 6, 1 << 24)), HasSubstr("cut short"));
}

TEST_F(Llama2c, RandomBytesNeverCrash) {
  const std::string file = FileOf(FileSpec());
  std::mt19937 random(2);
  for (int i = 0; i < 500; ++i) {
    std::string changed = file;
    for (uint32_t n = random() % 4; n < 4; ++n) {
      changed[random() % (i % 2 == 0 ? 28 : changed.size())] = static_cast<char>(random());
    }
    static_cast<void>(ErrorOf(changed));  // loads, or throws InputError
  }
}

TEST_F(Llama2c, NumbersThatAreNoneAreRefusedWithTheirPlace) {
  std::string file = FileOf(FileSpec());
  for (const float value : {std::nanf(""), INFINITY, -INFINITY}) {
    std::memcpy(file.data() + 428, &value, 4);
    EXPECT_THAT(ErrorOf(file), HasSubstr("byte 428: is "));
  }
}

TEST_F(Llama2c, OtherFilesAreNamed) {
  const std::string rest(100, '\0');
  EXPECT_THAT(ErrorOf("GGUF" + rest), HasSubstr("is a GGUF file"));
  EXPECT_THAT(ErrorOf("24ka" + rest), HasSubstr("version 1 or 2"));
  EXPECT_NE(ErrorOf("{\"vocab_size\": 32000, \"d_model\": 576, \"n_blocks\": 30}"), "");
  const auto load = [](const std::string& path) {
    return ErrorText<InputError>([&] { static_cast<void>(LoadLlama2c(path)); });
  };
  EXPECT_THAT(load(folder_.string()), HasSubstr("is not a regular file"));
  EXPECT_THAT(load(Path("absent")), HasSubstr("No such file"));
  ASSERT_EQ(::mkfifo(Path("pipe").c_str(), 0600), 0);
  EXPECT_THAT(load(Path("pipe")), HasSubstr("is not a regular file"));
}

TEST_F(Llama2c, WhatTheFormatCannotSayIsNotWritten) {
  const auto write = [&](const auto& change) {
    ModelSpec spec = FileSpec();
    change(spec);
    return ErrorText<InputError>([&] { WriteLlama2c(SmallWeights(spec, 1), Path("out")); });
  };
  EXPECT_THAT(write([](ModelSpec& s) {
                s.repeat = {.kind = RepeatKind::kImmediate, .times = 2, .order = {}};
              }),
              HasSubstr("in the order immediate:2"));
  EXPECT_THAT(write([](ModelSpec& s) {
                s.repeat = {.kind = RepeatKind::kExplicit, .times = 1, .order = {0, 2, 1}};
              }),
              HasSubstr("explicit:0-2-1"));
  EXPECT_THAT(write([](ModelSpec& s) { s.ffn = Ffn::kRelu; }), HasSubstr("the FFN is relu"));
  EXPECT_THAT(write([](ModelSpec& s) { s.head_dim = 8; }), HasSubstr("head_dim is 8"));
  EXPECT_THAT(write([](ModelSpec& s) { s.rope_theta = 5e5; }), HasSubstr("rope_theta is 5"));
  EXPECT_THAT(write([](ModelSpec& s) { s.norm_eps = 1e-6; }), HasSubstr("norm_eps is 1e-06"));
  EXPECT_FALSE(std::filesystem::exists(Path("out")));
  EXPECT_EQ(write([](ModelSpec& s) {  // the same order in other words
              s.repeat = {.kind = RepeatKind::kExplicit, .times = 1, .order = {0, 1, 2}};
            }),
            "");
  EXPECT_NE(ErrorText<EnvironmentError>(
                [&] { WriteLlama2c(SmallWeights(FileSpec(), 1), Path("no/folder")); }),
            "");
}

// A trained model: the continuation of BOS that has the highest logit at each step.
TEST_F(Llama2c, Stories260KContinuesAsInDoublePrecision) {
  const std::string path =
      std::string(DEEPTHIN_SOURCE_DIR) + "/../shared/checkpoints/stories260K.bin";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "no " << path;
  const Weights weights = LoadLlama2c(path);
  EXPECT_EQ(CountParams(weights.spec).total(), 260'032);
  ThreadPool pool(2);
  Decoder decoder(weights, pool, 256);
  ReferenceDecoder reference(weights);
  const auto largest = [](const auto& logits) {
    return static_cast<int32_t>(std::ranges::max_element(logits) - logits.begin());
  };
  int32_t token = 1;  // BOS
  for (int step = 0; step < 256; ++step) {
    const auto logits = decoder.Forward({&token, 1}, Logits::kLast);
    const auto expected = reference.Step(token);
    for (size_t i = 0; i < expected.size(); ++i) {
      ASSERT_NEAR(static_cast<double>(logits[i]), expected[i], reference.Tolerance());
    }
    ASSERT_EQ(largest(logits), largest(expected)) << "step " << step;
    token = largest(logits);
  }
}

}  // namespace
}  // namespace deepthin::runtime
