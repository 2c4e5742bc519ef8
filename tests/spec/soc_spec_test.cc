// Validate() of SocSpec, Workload and Problem.
#include "spec/soc_spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "spec/model_presets.h"
#include "spec/problem.h"
#include "tests/spec/input_error_of.h"

namespace deepthin {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

template <class T>
Sourced<T> Assumed(T value) {
  return {.value = value, .source = "assumed: for this test", .low = {}, .high = {}};
}

MemoryLevel Level(const std::string& name, LevelKind kind, Bytes capacity) {
  MemoryLevel level;
  level.name = name;
  level.kind = kind;
  level.capacity = Assumed(capacity);
  level.read_bandwidth = Assumed(GBps(10));
  level.write_bandwidth = Assumed(GBps(10));
  level.read_energy = Assumed(PicojoulesPerByte(20));
  return level;
}

SocSpec Phone() {
  SocSpec soc;
  soc.name = "phone";
  soc.levels = {Level("slc", LevelKind::kSram, MiB(8)), Level("dram", LevelKind::kDram, GiB(6)),
                Level("flash", LevelKind::kFlash, GiB(128))};
  soc.compute = {{.dtype = Dtype::kF16, .peak = Assumed(GMacsPerSecond(100)), .energy = {}}};
  soc.fixed = {.per_operator = Assumed(Seconds(0)),
               .per_executed_block = Assumed(Microseconds(13)),
               .per_token = Assumed(Seconds(0))};
  return soc;
}

std::string ErrorOf(const SocSpec& soc) {
  return InputErrorOf([&] {
    Validate(soc, {"phone.json", ""});
    return 0;
  });
}

struct Wrong {
  const char* sentence;
  void (*spoil)(SocSpec&);
};

TEST(ValidateSocTest, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(ErrorOf(Phone()), "");
  const Wrong wrong_ones[] = {
      {"/name: is empty", [](SocSpec& s) { s.name.clear(); }},
      {"/levels: has no dram level", [](SocSpec& s) { s.levels.erase(s.levels.begin() + 1); }},
      {"/levels: has no dram level", [](SocSpec& s) { s.levels.clear(); }},
      {"/levels: has 17 levels; expected at most 16",
       [](SocSpec& s) { s.levels.resize(17, s.levels[2]); }},
      {"/levels/1/name: repeats 'slc'", [](SocSpec& s) { s.levels[1].name = "slc"; }},
      {"/levels/2/name: is empty", [](SocSpec& s) { s.levels[2].name.clear(); }},
      {"/levels/1/kind: is sram after dram; expected levels nearest first",
       [](SocSpec& s) { std::swap(s.levels[0], s.levels[1]); }},
      {"/levels/2/kind: is a second dram level",
       [](SocSpec& s) { s.levels[2].kind = LevelKind::kDram; }},
      {"/levels/0/capacity_bytes/value: is 0; expected a positive number",
       [](SocSpec& s) { s.levels[0].capacity.value = Bytes(0); }},
      {"/levels/0/capacity_bytes/value: is -1",
       [](SocSpec& s) { s.levels[0].capacity.value = Bytes(-1); }},
      {"/levels/0/capacity_bytes/value: is 9.22337e+18",
       [](SocSpec& s) { s.levels[0].capacity.value = Bytes(INT64_MAX); }},
      {"/levels/0/capacity_bytes/source: is empty",
       [](SocSpec& s) { s.levels[0].capacity.source = " \t"; }},
      {"/levels/0/capacity_bytes: has a value outside its own low and high",
       [](SocSpec& s) { s.levels[0].capacity.low = MiB(8) + Bytes(1); }},
      {"/levels/0/capacity_bytes: has a value outside its own low and high",
       [](SocSpec& s) { s.levels[0].capacity.high = MiB(8) - Bytes(1); }},
      {"/levels/1/read_bandwidth_bytes_per_s/value: is nan",
       [](SocSpec& s) { s.levels[1].read_bandwidth.value = BytesPerSecond(kNan); }},
      {"/levels/1/read_bandwidth_bytes_per_s/high: is inf",
       [](SocSpec& s) { s.levels[1].read_bandwidth.high = BytesPerSecond(kInfinity); }},
      {"/levels/1/write_bandwidth_bytes_per_s/value: is 1e-300",
       [](SocSpec& s) { s.levels[1].write_bandwidth.value = BytesPerSecond(1e-300); }},
      {"/levels/1/read_energy_j_per_byte/value: is -1e-12; expected 0, or a number",
       [](SocSpec& s) { s.levels[1].read_energy = Assumed(PicojoulesPerByte(-1)); }},
      {"/compute: is empty", [](SocSpec& s) { s.compute.clear(); }},
      {"/compute/0/peak_macs_per_s/value: is 0",
       [](SocSpec& s) { s.compute[0].peak.value = MacsPerSecond(0); }},
      {"/compute/0/one_token_macs_per_s: is more than the peak",
       [](SocSpec& s) { s.compute[0].one_token = Assumed(GMacsPerSecond(101)); }},
      {"/compute/0/unpack_bytes_per_s/value: is 0",
       [](SocSpec& s) { s.compute[0].unpack = Assumed(BytesPerSecond(0)); }},
      {"/compute/0/exposed_share: is more than 1; expected a share, 0 to 1",
       [](SocSpec& s) { s.compute[0].exposed = Assumed(Share(1.01)); }},
      {"/compute/0/exposed_share/value: is -0.1",
       [](SocSpec& s) { s.compute[0].exposed = Assumed(Share(-0.1)); }},
      {"/attention/exposed_share: is more than 1",
       [](SocSpec& s) {
         s.attention = AttentionRate{.peak = s.compute[0].peak, .exposed = Assumed(Share(2))};
       }},
      {"/attention/peak_macs_per_s/value: is 0", [](SocSpec& s) { s.attention.emplace(); }},
      {"/elementwise_bytes_per_s/value: is -1",
       [](SocSpec& s) { s.elementwise = Assumed(BytesPerSecond(-1)); }},
      {"/residuals/measured_on: is empty", [](SocSpec& s) { s.residuals.emplace(); }},
      {"/residuals/decode/measurements: is 0",
       [](SocSpec& s) {
         s.residuals = Residuals{"x", 1, PhaseResiduals{0, 0.1, 0.2}, std::nullopt};
       }},
      {"/residuals/prefill/p90_relative_error: is -0.2",
       [](SocSpec& s) {
         s.residuals = Residuals{"x", 1, std::nullopt, PhaseResiduals{3, 0.1, -0.2}};
       }},
      {"/compute/1/dtype: repeats f16", [](SocSpec& s) { s.compute.push_back(s.compute[0]); }},
      {"/fixed/per_token_s/value: is -1",
       [](SocSpec& s) { s.fixed.per_token.value = Seconds(-1); }},
      {"/battery_j/value: is 0", [](SocSpec& s) { s.battery = Assumed(Joules(0)); }},
      {"/battery_j/source: is empty",
       [](SocSpec& s) {
         s.battery = Sourced<Joules>{Joules(45'000), "", {}, {}};
       }},
      {"/fixed/per_operator_s/source: is empty",
       [](SocSpec& s) { s.fixed.per_operator.source.clear(); }},
  };
  for (const Wrong& wrong : wrong_ones) {
    SocSpec soc = Phone();
    wrong.spoil(soc);
    EXPECT_THAT(ErrorOf(soc), StartsWith("phone.json: " + std::string(wrong.sentence)));
  }
}

TEST(ValidateSocTest, AcceptsTheEdges) {
  SocSpec soc = Phone();
  soc.levels[0].capacity.low = soc.levels[0].capacity.high = MiB(8);
  soc.levels[0].capacity.value = MiB(8);
  soc.levels[1].read_energy = Assumed(JoulesPerByte(0));
  soc.battery = Assumed(Joules(45'000));
  soc.levels.erase(soc.levels.begin() + 2);
  EXPECT_EQ(ErrorOf(soc), "");
}

Problem OnPhone() {
  return {.model = *ModelPresetByName("mobilellm-125m"),
          .precision = {},
          .soc = Phone(),
          .workload = {.prompt_tokens = 64, .generated_tokens = 32, .batch = 1}};
}

std::string ErrorOf(const Problem& problem) {
  return InputErrorOf([&] {
    Validate(problem, {"sweep.json", "/base"});
    return 0;
  });
}

TEST(ValidateProblemTest, NamesThePartThatIsWrong) {
  EXPECT_EQ(ErrorOf(OnPhone()), "");
  Problem problem = OnPhone();
  problem.model.n_heads = 0;
  EXPECT_THAT(ErrorOf(problem), StartsWith("sweep.json: /base/model/n_heads: is 0"));
  problem = OnPhone();
  problem.soc.levels[0].name = "";
  EXPECT_THAT(ErrorOf(problem), StartsWith("sweep.json: /base/soc/levels/0/name"));
  for (int64_t Workload::*member :
       {&Workload::prompt_tokens, &Workload::generated_tokens, &Workload::batch}) {
    problem = OnPhone();
    problem.workload.*member = 0;
    EXPECT_THAT(ErrorOf(problem), HasSubstr("/base/workload/"));
    problem.workload.*member = INT64_MAX;
    EXPECT_THAT(ErrorOf(problem), HasSubstr("/base/workload/"));
  }
}

TEST(ValidateProblemTest, WorkloadFitsTheContextExactly) {
  Problem problem = OnPhone();
  problem.workload = {.prompt_tokens = 2'000, .generated_tokens = 48, .batch = 1};
  EXPECT_EQ(ErrorOf(problem), "");
  problem.workload.generated_tokens = 49;
  EXPECT_THAT(ErrorOf(problem),
              HasSubstr("/workload: asks for 2049 tokens of context; expected at most max_seq_len, "
                        "which is 2048"));
}

// 2^24 tokens on a model at the bounds would need 2^82 multiply-accumulates.
TEST(ValidateProblemTest, RefusesWhatWouldOverflow) {
  Problem problem = OnPhone();
  problem.model.max_seq_len = 1 << 24;
  problem.workload = {.prompt_tokens = 1 << 20, .generated_tokens = 1, .batch = 1};
  EXPECT_EQ(ErrorOf(problem), "");
  problem.workload.batch = 1 << 16;
  EXPECT_THAT(ErrorOf(problem), HasSubstr("/workload: asks for up to 2.5e+21 multiply-accum"));
}

}  // namespace
}  // namespace deepthin
