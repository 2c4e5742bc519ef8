#include "runtime/checkpoint/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cmath>
#include <csignal>
#include <filesystem>
#include <random>

#include "runtime/checkpoint/rope_rows.h"
#include "runtime/checkpoint/safetensors_file.h"
#include "runtime/decoder.h"
#include "spec/files.h"
#include "tests/runtime/checkpoint/same_weights.h"
#include "tests/runtime/error_text.h"
#include "tests/runtime/test_models.h"

namespace deepthin::runtime {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Safetensors : public WithFolder {
 protected:
  [[nodiscard]] Weights Through(const Weights& weights) const {
    WriteSafetensors(weights, Path("model"));
    return LoadSafetensors(Path("model"));
  }
  // What loading the tensors of a small model says after `change` of the file's bytes.
  [[nodiscard]] std::string ErrorAfter(const std::function<void(std::string&)>& change) const {
    WriteSafetensors(SmallWeights(SmallSpec(), 1), Path("model"));
    std::string content = ReadFile(Path("model/model.safetensors"));
    change(content);
    WriteFileAtomically(Path("model/model.safetensors"), content);
    return ErrorText<InputError>([&] { static_cast<void>(LoadSafetensors(Path("model"))); });
  }
};

TEST(RopeRows, GoThereAndBack) {
  EXPECT_THAT(PairsFromHalves(12, 6), ElementsAre(0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11));
  EXPECT_THAT(HalvesFromPairs(6, 6), ElementsAre(0, 2, 4, 1, 3, 5));
}

TEST_F(Safetensors, AFolderThatCouldNotBeFilledIsNotLeft) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit small = before;
  small.rlim_cur = 100;
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  EXPECT_THROW(WriteSafetensors(SmallWeights(SmallSpec(), 1), Path("model")), EnvironmentError);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  static_cast<void>(std::signal(SIGXFSZ, handler));
  EXPECT_FALSE(std::filesystem::exists(Path("model")));
}

TEST_F(Safetensors, WhatIsWrittenIsReadBackEqual) {
  ThreadPool pool(1);
  for (const char* precision : {"f32", "f16", "bf16", "w8a8"}) {
    for (const bool tied : {true, false}) {
      for (const char* repeat : {"none", "immediate:2"}) {
        SCOPED_TRACE(std::string(precision) + (tied ? " tied " : " untied ") + repeat);
        ModelSpec spec = SmallSpec();  // odd sizes: what follows 16 bits need not be aligned for 32
        spec.tie_embeddings = tied;
        spec.repeat = RepeatScheduleFromText(repeat);
        const Weights weights =
            ConvertWeights(SmallWeights(spec, 3), *PrecisionByName(precision), pool);
        ExpectSame(Through(weights), weights);
        // The tensors' file stands for its folder.
        ExpectSame(LoadSafetensors(Path("model/model.safetensors")), weights);
      }
    }
  }
}

// Queries are in the other order in the file: row 1 of a head of 10 is row 5 there.
TEST_F(Safetensors, RowsAreInHuggingFacesOrder) {
  const Weights weights = SmallWeights(SmallSpec(), 3);
  WriteSafetensors(weights, Path("model"));
  const FileContent mapped = MapFile(Path("model/model.safetensors"));
  const SafetensorsFile file = SafetensorsFile::Parse(mapped, "x");
  const auto& tensor = file.tensors().at("model.layers.1.self_attn.k_proj.weight");
  EXPECT_THAT(tensor.shape, ElementsAre(20, 22));
  EXPECT_EQ(tensor.dtype, "F32");
  const WeightMatrix theirs = {Dtype::kF32, 20, 22, tensor.data, nullptr};
  const WeightMatrix ours = weights.blocks[1].wk;
  const auto same_row = [&](int64_t their_row, int64_t our_row) {
    return std::memcmp(theirs.Row(their_row), ours.Row(our_row), 88) == 0;
  };
  EXPECT_TRUE(same_row(0, 0));
  EXPECT_TRUE(same_row(5, 1));
  EXPECT_TRUE(same_row(1, 2));
  EXPECT_TRUE(same_row(15, 11));
  EXPECT_FALSE(same_row(1, 1));
}

// Without the folder's aligned header: every tensor at an odd address.
TEST_F(Safetensors, TensorsNeedNotBeAligned) {
  ThreadPool pool(1);
  for (const char* precision : {"f32", "bf16", "w8a8"}) {
    const Weights weights =
        ConvertWeights(SmallWeights(SmallSpec(), 3), *PrecisionByName(precision), pool);
    WriteSafetensors(weights, Path("model"));
    std::string content = ReadFile(Path("model/model.safetensors"));
    content.insert(8, " ");
    content[0] = static_cast<char>(content[0] + 1);  // a multiple of 8 before: no carry
    WriteFileAtomically(Path("model/model.safetensors"), content);
    ExpectSame(LoadSafetensors(Path("model")), weights);
  }
}

TEST_F(Safetensors, NormsMayHaveSixteenBits) {
  const std::string error = ErrorAfter([](std::string& content) {
    // The norm takes half of its bytes: dtype and end change, digits do not.
    const size_t at = content.find("model.norm.weight");
    const size_t dtype = content.find("F32", at);
    content.replace(dtype, 3, "F16");
    const size_t begin = content.find("offsets\":[", at) + 10;
    const int64_t first = std::stoll(content.substr(begin));
    const size_t comma = content.find(',', begin);
    const size_t end = content.find(']', comma);
    const std::string text = std::to_string(first + 44);
    content.replace(comma + 1, end - comma - 1,
                    text + std::string(end - comma - 1 - text.size(), ' '));
  });
  EXPECT_TRUE(error.empty() || error.find("infinite") != std::string::npos) << error;
}

TEST_F(Safetensors, EveryTruncationAndEveryChangedByteGivesASentenceOrAModel) {
  WriteSafetensors(SmallWeights(SmallSpec(), 1), Path("model"));
  const std::string good = ReadFile(Path("model/model.safetensors"));
  const auto error_of = [](const std::string& content) {
    const auto copy = std::make_shared<std::vector<uint64_t>>(content.size() / 8 + 1);
    std::memcpy(copy->data(), content.data(), content.size());
    const FileContent file = {std::as_bytes(std::span(*copy)).first(content.size()), copy};
    return ErrorText<InputError>(
        [&] { static_cast<void>(WeightsFromSafetensors(file, "bad", SmallSpec())); });
  };
  ASSERT_EQ(error_of(good), "");
  const size_t head = good.find("}}  ") + 8;
  for (size_t size = 0; size < good.size(); size += size < 64 ? 1 : 97) {
    ASSERT_NE(error_of(good.substr(0, size)), "") << size;
  }
  std::mt19937 random(1);
  for (size_t at = 0; at < std::min(head, size_t{3'000}); at += at < 200 ? 1 : 5) {
    std::string changed = good;
    changed[at] = static_cast<char>(random());
    static_cast<void>(error_of(changed));
  }
}

TEST_F(Safetensors, WhatIsWrongIsNamed) {
  const auto replaced = [&](const std::string& from, const std::string& to) {
    return ErrorAfter(
        [&](std::string& content) { content.replace(content.find(from), from.size(), to); });
  };
  EXPECT_THAT(replaced("model.norm.weight", "model.norm.weighs"),
              HasSubstr("tensor model.norm.weight: is absent"));
  EXPECT_THAT(replaced("\"F32\",\"shape\":[37,22]", "\"F32\",\"shape\":[22,37]"),
              HasSubstr("has the shape [22, 37]; expected [37, 22] by config.json"));
  EXPECT_THAT(replaced("\"F32\",\"shape\":[37,22]", "\"F64\",\"shape\":[37,22]"),
              HasSubstr("lies at"));
  EXPECT_THAT(replaced("\"shape\":[37,22]", "\"shape\":[-7,22]"), HasSubstr("dimension of -7"));
  EXPECT_THAT(replaced("model.layers.1.mlp.up_proj", "model.layers.0.mlp.up_proj"),
              HasSubstr("twice"));
  EXPECT_THAT(ErrorAfter([](std::string& content) {
                const float nan = std::nanf("");
                std::memcpy(content.data() + content.size() - 4, &nan, 4);
              }),
              HasSubstr("infinite or no number"));
  EXPECT_THAT(ErrorAfter([](std::string& content) { content[7] = '\x7f'; }),
              HasSubstr("the header's length is"));

  const auto load = [](const std::string& path) {
    return ErrorText<InputError>([&] { static_cast<void>(LoadSafetensors(path)); });
  };
  std::filesystem::create_directory(Path("empty"));
  EXPECT_THAT(load(Path("empty")), HasSubstr("is a folder without config.json"));
  EXPECT_THAT(load(Path("absent.safetensors")), HasSubstr("config.json"));
  WriteSafetensors(SmallWeights(SmallSpec(), 1), Path("half"));
  std::filesystem::remove(Path("half/model.safetensors"));
  EXPECT_THAT(load(Path("half")), HasSubstr("without model.safetensors"));
}

// Hundreds of thousands of keys would keep the parser busy for minutes.
TEST_F(Safetensors, AHeaderOfManyKeysIsRefusedAtOnce) {
  std::string header = "{\"x\":1";
  for (int i = 0; i < 300'000; ++i) header += ",\"" + std::to_string(i) + "\":1";
  header += "}";
  std::string file(8, '\0');
  for (size_t i = 0; i < 3; ++i) file[i] = static_cast<char>(header.size() >> (8 * i));
  file += header;
  const FileContent mapped = {std::as_bytes(std::span(file)), nullptr};
  EXPECT_THAT(ErrorText<InputError>(
                  [&] { static_cast<void>(WeightsFromSafetensors(mapped, "many", SmallSpec())); }),
              HasSubstr("many: header: has too many keys"));
}

TEST_F(Safetensors, AHeadBesideATiedTableHasToBeTheTable) {
  ModelSpec spec = SmallSpec();
  spec.tie_embeddings = false;
  Weights weights = SmallWeights(spec, 1);
  WriteSafetensors(weights, Path("model"));
  const std::string config = ReadFile(Path("model/config.json"));
  ModelSpec tied = spec;
  tied.tie_embeddings = true;
  WriteFileAtomically(Path("model/config.json"), HfConfig(tied).dump());
  const auto error = [&] {
    return ErrorText<InputError>([&] { static_cast<void>(LoadSafetensors(Path("model"))); });
  };
  EXPECT_THAT(error(), HasSubstr("lm_head.weight: differs from the token table"));
  weights.head = weights.embedding;
  WriteSafetensors(weights, Path("model"));
  WriteFileAtomically(Path("model/config.json"), HfConfig(tied).dump());
  EXPECT_EQ(error(), "");
  // And one that is absent where the config has one.
  WriteSafetensors(SmallWeights(tied, 1), Path("model"));
  WriteFileAtomically(Path("model/config.json"), config);
  EXPECT_THAT(error(), HasSubstr("--share-embedding yes"));
}

TEST_F(Safetensors, WhatTheFormatCannotHoldIsNotWritten) {
  ThreadPool pool(1);
  const auto write = [&](const ModelSpec& spec, const char* precision) {
    return ErrorText<InputError>([&] {
      WriteSafetensors(ConvertWeights(SmallWeights(spec, 1), *PrecisionByName(precision), pool),
                       Path("out"));
    });
  };
  EXPECT_THAT(write(SmallSpec(), "q8_0"), HasSubstr("no type for q8_0"));
  ModelSpec spec = SmallSpec();
  spec.ffn = Ffn::kRelu;
  EXPECT_THAT(write(spec, "f32"), HasSubstr("swiglu"));
  EXPECT_FALSE(std::filesystem::exists(Path("out")));
}

}  // namespace
}  // namespace deepthin::runtime
