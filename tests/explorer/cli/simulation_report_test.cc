#include "explorer/cli/simulation_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "costmodel/soc_presets.h"
#include "spec/errors.h"
#include "spec/model_argument.h"

namespace deepthin::explorer {
namespace {

using ::testing::HasSubstr;

constexpr double kNanosecond = 1e-3;  // in the format's microseconds

// A block of 0.3 MB in f16 in 1 MiB of SRAM: repeats find theirs there, tokens do not.
Problem SmallProblem() {
  return {.model = ModelFromArgument(
              "mobilellm-ls-125m:n_blocks=4,d_model=128,n_heads=4,n_kv_heads=2,head_dim=32,"
              "d_ff=256,vocab_size=4000"),
          .precision = *PrecisionByName("f16"),
          .soc = costmodel::SocFromArgument("iphone-13:levels.0.capacity_bytes=1048576"),
          .workload = {.prompt_tokens = 20, .generated_tokens = 9, .batch = 1}};
}

TokenSimulation SmallToken() { return SimulateToken(SmallProblem(), Bytes(1024)); }

TEST(SimulationReport, StaysWithinTheStatedBound) {
  const TokenSimulation token = SmallToken();
  ASSERT_TRUE(token.bounds.has_value());
  EXPECT_GE(token.simulated.dram_bytes(), token.bounds->low);
  EXPECT_LE(token.simulated.dram_bytes(), token.bounds->high);
  EXPECT_EQ(token.list.pass.context_tokens, 24);
  const Json json = SimulationJson(token);
  int64_t closed = 0;
  int64_t simulated = 0;
  for (const Json& op : json["operators"]) {
    closed += op["closed_dram_bytes"].get<int64_t>();
    simulated += op["simulated_dram_bytes"].get<int64_t>();
  }
  EXPECT_EQ(closed, json["closed_dram_bytes"]);
  EXPECT_EQ(simulated, json["simulated_dram_bytes"]);
  EXPECT_NEAR(static_cast<double>(simulated) / static_cast<double>(closed), 1, 0.05);
  EXPECT_THAT(SimulationTable(token), HasSubstr("the stated bound for it is"));
}

TEST(SimulationReport, StatesNoBoundForSeveralLevels) {
  Problem problem = SmallProblem();
  problem.soc = costmodel::SocFromArgument("raspberry-pi-5");
  const TokenSimulation token = SimulateToken(problem, Bytes(1024));
  EXPECT_FALSE(token.bounds.has_value());
  EXPECT_THAT(SimulationTable(token), HasSubstr("for a single SRAM level only"));
  EXPECT_FALSE(SimulationJson(token).contains("bound_low_bytes"));
}

// The closed form beside it is the one for a level that keeps what was used last.
TEST(SimulationReport, ComparesLikeWithLike) {
  Problem problem = SmallProblem();
  const Bytes lru = SimulateToken(problem, Bytes(1024)).closed.dram_bytes;
  problem.soc.levels[0].replacement = Replacement::kPinned;
  EXPECT_EQ(SimulateToken(problem, Bytes(1024)).closed.dram_bytes, lru);
}

TEST(SimulationReport, RefusesWhatIsTooLong) {
  const auto error_of = [](Bytes line, const std::string& model) {
    Problem problem = SmallProblem();
    problem.model = ModelFromArgument("mobilellm-125m:" + model);
    try {
      (void)SimulateToken(problem, line);
    } catch (const InputError& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  EXPECT_THAT(error_of(Bytes(1), "n_blocks=2"), HasSubstr("--line"));
  EXPECT_THAT(error_of(MiB(65), "n_blocks=2"), HasSubstr("64 MiB"));
  EXPECT_THAT(error_of(KiB(4), "vocab_size=4194304,d_model=65536"), HasSubstr("longer lines"));
  EXPECT_THAT(error_of(KiB(4), "repeat=immediate:500,n_blocks=30"), HasSubstr("longer lines"));
}

struct Lane {
  int events = 0;
  double end_us = 0;
  double busy_us = 0;
  int64_t bytes = 0;
};

// Lanes do not overlap themselves, lie within the pass, and hold all bytes and all arithmetic.
TEST(SimulationReport, TimelineHoldsTheWholeToken) {
  const TokenSimulation token = SmallToken();
  const Json trace = Json::parse(SimulationTrace(token, SmallProblem().model, "sample").dump());
  EXPECT_EQ(trace["displayTimeUnit"], "ms");
  std::map<std::string, std::string> tracks;
  std::map<std::string, Lane> lanes;
  double pass_us = 0;
  for (const Json& event : trace["traceEvents"]) {
    if (event["ph"] == "M") {
      tracks[event["args"]["name"]] = event["name"];
      continue;
    }
    ASSERT_EQ(event["ph"], "X");
    const double begin = event["ts"].get<double>();
    const double end = begin + event["dur"].get<double>();
    Lane& lane = lanes[event["cat"].get<std::string>()];
    EXPECT_GE(begin, lane.end_us - kNanosecond) << event.dump();
    lane.end_us = end;
    ++lane.events;
    lane.busy_us += event["args"].value("busy_us", 0.0);
    lane.bytes += event["args"].value("dram_bytes", int64_t{0});
    if (event["cat"] == "pass") pass_us = end;
    EXPECT_LE(end, pass_us + kNanosecond) << event.dump();
  }
  for (const char* name : {"operators", "transfer", "compute"}) {
    EXPECT_EQ(tracks[name], "thread_name");
  }
  EXPECT_EQ(lanes["block"].events, 8);
  EXPECT_EQ(lanes["operator"].events, 8 * 9 + 3);
  EXPECT_EQ(lanes["operator"].bytes, token.simulated.dram_bytes().value());
  EXPECT_EQ(lanes["transfer"].bytes, token.simulated.dram_bytes().value());
  double compute_us = 0;
  for (const auto& op : token.simulated.ops) compute_us += ToMicroseconds(op.compute_time);
  EXPECT_NEAR(lanes["compute"].busy_us, compute_us, 1e-6 * compute_us);
  EXPECT_NEAR(pass_us, ToMicroseconds(token.simulated.time), kNanosecond);
}

// Two buffers: a transfer does not wait for the arithmetic on the tile before, but for the one
// before that.
TEST(SimulationReport, TilesOverlapAsTwoBuffersLetThem) {
  const TokenSimulation token = SmallToken();
  int overlaps = 0;
  for (const auto& op : token.simulated.ops) {
    for (size_t i = 0; i < op.tiles.size(); ++i) {
      const auto& tile = op.tiles[i];
      EXPECT_GE(tile.compute_begin, tile.load_end);
      if (i >= 1) {
        EXPECT_GE(tile.load_begin, op.tiles[i - 1].load_end);
        EXPECT_GE(tile.compute_begin, op.tiles[i - 1].compute_end);
        if (tile.load_begin < op.tiles[i - 1].compute_end) ++overlaps;
      }
      if (i >= 2) {
        EXPECT_GE(tile.load_begin, op.tiles[i - 2].compute_end);
      }
    }
  }
  EXPECT_GT(overlaps, 0);
}

}  // namespace
}  // namespace deepthin::explorer
