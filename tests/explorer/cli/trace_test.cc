#include "explorer/cli/trace.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "runtime/measuring/measure.h"

namespace deepthin::explorer {
namespace {

constexpr double kNanosecond = 1e-3;  // in the format's microseconds

ModelSpec SharedRepeats() {
  return {.vocab_size = 60,
          .d_model = 16,
          .n_blocks = 2,
          .n_heads = 2,
          .n_kv_heads = 1,
          .head_dim = 8,
          .d_ff = 24,
          .repeat = {.kind = RepeatKind::kImmediate, .times = 2, .order = {}},
          .kv_policy = KvPolicy::kShared,
          .max_seq_len = 40};
}

Json TraceOf(const ModelSpec& spec) {
  const runtime::MeasureOptions options = {.prompt_tokens = 6, .generated_tokens = 3, .repeats = 1};
  const auto weights = runtime::LoadRandomWeights(spec, options);
  const auto measured = runtime::MeasureAll({&weights, 1}, {.options = options, .profile = true});
  return TraceJson(measured.front().profile, spec, "sample");
}

TEST(TraceTest, EveryEventSaysWhenWhereAndWhat) {
  const Json trace = TraceOf(SharedRepeats());
  std::map<std::string, int> count;
  for (const Json& event : trace["traceEvents"]) {
    for (const char* key : {"name", "ph", "ts", "dur", "pid", "tid", "args"}) {
      EXPECT_TRUE(event.contains(key)) << event.dump();
    }
    if (event["ph"] == "M") continue;
    EXPECT_EQ(event["ph"], "X");
    EXPECT_GE(event["ts"].get<double>(), 0);
    EXPECT_GE(event["dur"].get<double>(), 0);
    EXPECT_GE(event["args"]["bytes"].get<int64_t>(), 0);
    ++count[event["cat"].get<std::string>()];
  }
  EXPECT_EQ(count["pass"], 4);               // the prompt, three tokens
  EXPECT_EQ(count["block"], 4 * 6 + 3 * 4);  // shared entries: the prompt's tokens go one by one
  EXPECT_GT(count["operator"], count["block"]);
  EXPECT_EQ(trace["traceEvents"][2]["name"], "prefill of 6 tokens");
}

// What a viewer draws: on a track, an event lies wholly within the one that is open when it begins,
// or behind it; and siblings' bytes add up to their parent's.
TEST(TraceTest, EventsNestAndDoNotOverlap) {
  for (const KvPolicy policy : {KvPolicy::kShared, KvPolicy::kPerOccurrence}) {
    ModelSpec spec = SharedRepeats();
    spec.kv_policy = policy;
    const Json trace = TraceOf(spec);
    std::vector<double> open;  // ends of events that are open
    double last_begin = 0;
    int64_t pass_bytes = 0;
    int64_t operator_bytes = 0;
    for (const Json& event : trace["traceEvents"]) {
      if (event["ph"] != "X") continue;
      const double begin = event["ts"].get<double>();
      const double end = begin + event["dur"].get<double>();
      EXPECT_GE(begin, last_begin);
      last_begin = begin;
      while (!open.empty() && open.back() <= begin + kNanosecond / 2) open.pop_back();
      const double parent_end = open.empty() ? end : open.back();
      EXPECT_LE(end, parent_end + kNanosecond / 2) << event.dump();
      open.push_back(end);
      if (event["cat"] == "pass") pass_bytes += event["args"]["bytes"].get<int64_t>();
      if (event["cat"] == "operator") operator_bytes += event["args"]["bytes"].get<int64_t>();
    }
    EXPECT_EQ(pass_bytes, operator_bytes);
    EXPECT_GT(pass_bytes, 0);
  }
}

TEST(TraceTest, BlocksSayWhatTheyRepeat) {
  const Json trace = TraceOf(SharedRepeats());
  std::vector<std::string> last_token;
  for (const Json& event : trace["traceEvents"]) {
    if (event["ph"] != "X") continue;
    if (event["cat"] == "pass") last_token.clear();
    if (event["cat"] == "block") {
      last_token.push_back(event["args"]["stored_block"].dump() + "/" +
                           event["args"]["occurrence"].dump());
    }
  }
  EXPECT_EQ(last_token, (std::vector<std::string>{"0/0", "0/1", "1/0", "1/1"}));
}

}  // namespace
}  // namespace deepthin::explorer
