// Axes and the names of what they vary: what is accepted, and the sentence for what is not.
#include "explorer/whatif/axis.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "explorer/soc_diff.h"
#include "explorer/sources.h"
#include "explorer/whatif/grid.h"
#include "tests/explorer/whatif/preset_question.h"

namespace deepthin::explorer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const InputError::Where kWhere = {"command line", "--vary"};

Axis Parse(const std::string& text, const std::string& soc = "iphone-13") {
  return ParseAxis(Soc(soc), text, kWhere);
}

std::vector<double> NumbersOf(const Axis& axis) {
  std::vector<double> out;
  for (const Setting& setting : axis.values) out.push_back(setting.number);
  return out;
}

std::vector<std::string> TextsOf(const Axis& axis) {
  std::vector<std::string> out;
  for (const Setting& setting : axis.values) out.push_back(setting.text);
  return out;
}

std::string ErrorOf(const std::string& text) {
  try {
    static_cast<void>(Parse(text));
  } catch (const InputError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(ParseAxis, RangesDoubleWhereThatFits) {
  EXPECT_THAT(TextsOf(Parse("sram.capacity=1MiB..64MiB")),
              ElementsAre("1 MiB", "2 MiB", "4 MiB", "8 MiB", "16 MiB", "32 MiB", "64 MiB"));
  EXPECT_THAT(NumbersOf(Parse("context=128..4096")), ElementsAre(128, 256, 512, 1024, 2048, 4096));
  EXPECT_EQ(NumbersOf(Parse("sram.capacity=1..64MiB")),
            NumbersOf(Parse("slc.capacity=1MiB..64MiB")))
      << "the lower end takes the unit of the upper one";
}

TEST(ParseAxis, OtherRangesAreGeometricInRoundNumbers) {
  EXPECT_THAT(TextsOf(Parse("dram.bandwidth=10..40GB/s:3")),
              ElementsAre("10 GB/s", "20 GB/s", "40 GB/s"));
  const Axis axis = Parse("dram.bandwidth=10GB/s..30GB/s");
  EXPECT_THAT(TextsOf(axis),
              ElementsAre("10 GB/s", "13.2 GB/s", "17.3 GB/s", "22.8 GB/s", "30 GB/s"));
  EXPECT_THAT(NumbersOf(Parse("context=1..3:100")), ElementsAre(1, 2, 3));
  EXPECT_EQ(Parse("context=1..16777216").values.size(), 13u);
  EXPECT_THAT(TextsOf(Parse("fixed.per_token=0..20us")),
              ElementsAre("0 us", "5 us", "10 us", "15 us", "20 us"));
}

TEST(ParseAxis, ListsKeepTheirOrder) {
  EXPECT_THAT(TextsOf(Parse("weights=f16,int8,q4_0")), ElementsAre("f16", "int8", "q4_0"));
  EXPECT_THAT(NumbersOf(Parse("sram.capacity=8MB,8MiB")), ElementsAre(8e6, 0x1p23));
  const Axis precision = Parse("precision=w8a8,f32");
  EXPECT_EQ(precision.values[0].precision, PrecisionByName("w8a8"));
  EXPECT_FALSE(precision.is_range);
}

TEST(ParseAxis, EveryNumberHasTheNamesOfPathsOfDiffAndOfItsLevel) {
  for (const char* name : {"iphone-13", "raspberry-pi-5", "snapdragon-8-gen-3"}) {
    const SocSpec soc = Soc(name);
    const auto numbers = SourcedNumbers(soc);
    for (size_t i = 0; i < numbers.size(); ++i) {
      const Parameter parameter = ParameterByName(soc, numbers[i].path, kWhere);
      EXPECT_THAT(parameter.numbers, ElementsAre(i)) << numbers[i].path;
      EXPECT_THAT(ParameterByName(soc, parameter.name, kWhere).numbers, ElementsAre(i));
      EXPECT_THAT(ParameterByName(soc, "soc." + numbers[i].path, kWhere).numbers, ElementsAre(i));
    }
    // A SoC with every number doubled differs in all of them, under names that are known here.
    SocSpec doubled = soc;
    for (size_t i = 0; i < numbers.size(); ++i) SetNumber(doubled, i, 2 * numbers[i].value + 1e-6);
    const auto diff = Diff(soc, doubled).values;
    EXPECT_GE(diff.size() + 1, numbers.size());
    for (const SocDifference& number : diff) {
      const Parameter parameter = ParameterByName(soc, number.name, kWhere);
      EXPECT_EQ(numbers[parameter.numbers[0]].path, number.a->path) << number.name;
    }
  }
}

TEST(ParseAxis, LevelsByTheirOwnNameAndByKind) {
  const SocSpec pi = Soc("raspberry-pi-5");
  EXPECT_EQ(ParameterByName(pi, "sram.capacity", kWhere).numbers,
            ParameterByName(pi, pi.levels[1].name + ".capacity", kWhere).numbers);
  EXPECT_EQ(ParameterByName(pi, "sram-1.capacity", kWhere).numbers,
            ParameterByName(pi, pi.levels[0].name + ".capacity", kWhere).numbers);
  EXPECT_EQ(ParameterByName(pi, "dram.bandwidth", kWhere).numbers.size(), 2u);
}

TEST(ParseAxis, ANameThatEndsInItsUnitNeedsNone) {
  EXPECT_THAT(NumbersOf(Parse("levels.0.capacity_bytes=4194304,8MiB")),
              ElementsAre(0x1p22, 0x1p23));
  EXPECT_THAT(ErrorOf("sram.capacity=4194304"), HasSubstr("MiB"));
}

TEST(ParseAxis, SaysWhatIsWrong) {
  const auto expect = [](const std::string& text, const std::vector<std::string>& parts) {
    const std::string error = ErrorOf(text);
    EXPECT_THAT(error, HasSubstr("command line: --vary: ")) << text;
    for (const std::string& part : parts) EXPECT_THAT(error, HasSubstr(part)) << text;
  };
  expect("sram.capcity=1MiB..2MiB", {"'sram.capcity'", "iphone-13", "expected sram.capacity"});
  expect("dram.read_bandwith=1..2GB/s", {"expected dram.read_bandwidth"});
  expect("bandwidth=1..2GB/s", {"dram.bandwidth"});
  expect("l2.capacity=1MiB", {"slc.capacity"});
  expect("zzz=1", {"'zzz'", "context", "sram.capacity", "fixed.per_token"});
  expect("sram.capacity=1GB/s..2GB/s", {"sram.capacity", "'2GB/s'", "a size with its unit", "MiB"});
  expect("dram.bandwidth=1..2MiB", {"'2MiB'", "GB/s"});
  expect("context=1MiB", {"context", "'1MiB'", "whole number"});
  expect("context=0..5", {"'0'", "whole number of at least 1"});
  expect("context=1.5", {"'1.5'", "whole number"});
  expect("context=99999999999", {"at most 16777216"});
  expect("sram.capacity=64MiB..1MiB", {"the empty range 64MiB..1MiB", "1MiB..64MiB"});
  expect("context=5..5", {"empty range"});
  expect("context=1..9:1", {"'1' points", "from 2 to 1000"});
  expect("context=1..9:1001", {"from 2 to 1000"});
  expect("context=1..9:many", {"'many' points"});
  expect("sram.capacity=0B..1MiB", {"positive"});
  expect("dram.bandwidth=infGB/s", {"infGB/s"});
  expect("dram.bandwidth=nanGB/s", {"nanGB/s"});
  expect("dram.bandwidth=-1GB/s", {"-1GB/s"});
  expect("dram.bandwidth=1e300GB/s", {"hardware could have"});
  expect("context=", {"no value"});
  expect("context", {"NAME=VALUES"});
  expect("=5", {"NAME=VALUES"});
  expect("weights=f16,f12", {"'f12'", "q4_0"});
  expect("weights=f16..q4_0", {"'f16..q4_0'"});
  expect("precision=int8", {"'int8'", "w8a8"});
  expect("context=5,,6", {"''"});
  expect("context=5,5", {"'5' twice"});
  expect("context=..", {"''"});
}

TEST(ParseAxis, IsNotShakenByAnyBytes) {
  // Every prefix of texts that are nearly right, and each with one byte replaced.
  for (const std::string text : {"sram.capacity=1MiB..64MiB:9", "weights=f16,q4_0,int8"}) {
    for (size_t n = 0; n < text.size(); ++n) {
      static_cast<void>(ErrorOf(text.substr(0, n)));
      for (const char c : {'\0', '.', ',', ':', '=', '\xff', '9', 'e'}) {
        std::string other = text;
        other[n] = c;
        static_cast<void>(ErrorOf(other));
      }
    }
  }
}

TEST(RequireGrid, RefusesTwoAxesOfOneNumberAndTooManyPoints) {
  const std::vector<Axis> twice = {Parse("dram.bandwidth=1..2GB/s"),
                                   Parse("dram.read_bandwidth=1..2GB/s")};
  EXPECT_THROW(RequireGrid(twice, 1, kWhere), InputError);
  const std::vector<Axis> large = {Parse("context=1..100000:1000"), Parse("prompt=1..100000:1000")};
  EXPECT_THROW(RequireGrid(large, 1, kWhere), InputError);
  const std::vector<Axis> formats = {Parse("weights=f16"), Parse("embedding=q8_0")};
  EXPECT_NO_THROW(RequireGrid(formats, 1, kWhere));
}

TEST(At, RefinesFormatsFromTheCoarsestOn) {
  const std::vector<Axis> axes = {Parse("embedding=f32"), Parse("weights=q8_0"),
                                  Parse("precision=w8a8")};
  const std::vector<size_t> first = {0, 0, 0};
  const Precision precision = At(About("mobilellm-125m"), axes, first).problem.precision;
  EXPECT_EQ(precision.embedding, Dtype::kF32);
  EXPECT_EQ(precision.weights, Dtype::kQ8_0);
  EXPECT_EQ(precision.activations, Dtype::kInt8);
}

TEST(Apply, ChangesWhatItsNameSays) {
  Question question = About("mobilellm-125m");
  const auto apply = [&](const std::string& text) {
    const Axis axis = Parse(text);
    Apply(question, axis.parameter, axis.values[0]);
  };
  apply("sram.capacity=5MiB");
  apply("dram.bandwidth=5GB/s");
  apply("compute.f32.peak=5GMAC/s");
  apply("fixed.per_operator=5us");
  apply("context=5000");
  const SocSpec& soc = question.problem.soc;
  EXPECT_EQ(soc.levels[0].capacity.value, MiB(5));
  EXPECT_EQ(soc.levels[1].read_bandwidth.value, GBps(5));
  EXPECT_EQ(soc.levels[1].write_bandwidth.value, GBps(5));
  EXPECT_FALSE(soc.levels[1].read_bandwidth.low.has_value()) << "a range of another value";
  EXPECT_EQ(soc.compute[1].peak.value, GMacsPerSecond(5));
  EXPECT_NEAR(soc.fixed.per_operator.value.value(), 5e-6, 1e-18);
  EXPECT_EQ(question.context, 5000);
  EXPECT_GE(question.problem.model.max_seq_len, 5001);
  EXPECT_NO_THROW(Ask(question));
}

}  // namespace
}  // namespace deepthin::explorer
