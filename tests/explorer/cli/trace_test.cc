#include "explorer/cli/trace.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
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

Json TraceOf(const ModelSpec& spec, int64_t threads = 1) {
  const runtime::MeasureOptions options = {
      .threads = threads, .prompt_tokens = 6, .generated_tokens = 3, .repeats = 1};
  const auto weights = runtime::LoadRandomWeights(spec, options);
  const auto measured = runtime::MeasureAll(
      {&weights, 1}, {.options = options, .threads = {threads}, .profile = true});
  return TraceJson(measured.front().profile, spec, "sample");
}

// What "Trace Event Format" (Chromium's document, of which Perfetto and chrome://tracing read the
// JSON) asks of an object with complete events and metadata.
void ExpectTraceEventFormat(const Json& trace) {
  ASSERT_TRUE(trace.is_object());
  EXPECT_TRUE(trace["displayTimeUnit"] == "ms" || trace["displayTimeUnit"] == "ns");
  ASSERT_TRUE(trace["traceEvents"].is_array());
  std::set<int64_t> named_tracks;
  for (const Json& event : trace["traceEvents"]) {
    SCOPED_TRACE(event.dump());
    ASSERT_TRUE(event.is_object());
    EXPECT_TRUE(event.at("name").is_string());
    EXPECT_TRUE(event.at("pid").is_number_integer());
    ASSERT_TRUE(event.at("tid").is_number_integer());
    EXPECT_TRUE(event.at("args").is_object());
    if (event.at("ph") == "M") {
      EXPECT_TRUE(event["name"] == "process_name" || event["name"] == "thread_name");
      EXPECT_TRUE(event["args"].at("name").is_string());
      named_tracks.insert(event["tid"].get<int64_t>());
      continue;
    }
    EXPECT_EQ(event.at("ph"), "X");
    EXPECT_TRUE(event.at("cat").is_string());
    for (const char* key : {"ts", "dur"}) {  // microseconds
      ASSERT_TRUE(event.at(key).is_number());
      EXPECT_TRUE(std::isfinite(event[key].get<double>()));
      EXPECT_GE(event[key].get<double>(), 0);
    }
    EXPECT_TRUE(named_tracks.contains(event["tid"].get<int64_t>()));
  }
}

TEST(TraceTest, IsInChromesFormat) {
  for (const int64_t threads : {1, 3}) {
    // As a viewer gets it: through text.
    ExpectTraceEventFormat(Json::parse(TraceOf(SharedRepeats(), threads).dump()));
  }
}

TEST(TraceTest, EveryOperatorOfEveryBlockIsThere) {
  const Json trace = TraceOf(SharedRepeats());
  std::map<std::string, int> count;
  std::string first_pass;
  for (const Json& event : trace["traceEvents"]) {
    if (event["ph"] == "M") continue;
    if (event["cat"] == "pass" && first_pass.empty()) first_pass = event["name"];
    EXPECT_GE(event["args"].value("bytes", int64_t{0}), 0);
    ++count[event["cat"].get<std::string>()];
  }
  EXPECT_EQ(count["pass"], 4);               // the prompt, three tokens
  EXPECT_EQ(count["block"], 4 * 6 + 3 * 4);  // shared entries: the prompt's tokens go one by one
  EXPECT_GT(count["operator"], count["block"]);
  EXPECT_EQ(first_pass, "prefill of 6 tokens");
}

// A thread's work is told by the operator that it lies in, and is no longer than that.
TEST(TraceTest, EachThreadHasItsTrack) {
  const Json trace = TraceOf(SharedRepeats(), 2);
  std::map<int64_t, std::string> tracks;
  std::vector<Json> operators;
  int works = 0;
  for (const Json& event : trace["traceEvents"]) {
    const auto track = event["tid"].get<int64_t>();
    if (event["name"] == "thread_name") tracks[track] = event["args"]["name"];
    if (event["ph"] != "X") continue;
    if (event["cat"] == "operator") operators.push_back(event);
    if (event["cat"] != "work") continue;
    ++works;
    EXPECT_GE(track, 2);
    EXPECT_GE(event["args"]["ranges"].get<int64_t>(), 1);
    const double begin = event["ts"].get<double>();
    const double end = begin + event["dur"].get<double>();
    EXPECT_LE(event["args"]["working_us"].get<double>(), end - begin + kNanosecond / 2);
    const bool within = std::any_of(operators.begin(), operators.end(), [&](const Json& op) {
      const double op_begin = op["ts"].get<double>();
      return op["name"] == event["name"] && op_begin <= begin + kNanosecond / 2 &&
             end <= op_begin + op["dur"].get<double>() + kNanosecond / 2;
    });
    EXPECT_TRUE(within) << event.dump();
  }
  EXPECT_EQ(tracks, (std::map<int64_t, std::string>{
                        {1, "operators"}, {2, "thread 0 (the caller)"}, {3, "thread 1"}}));
  EXPECT_GT(works, 0);
}

// What a viewer draws: on a track, an event lies wholly within the one that is open when it begins,
// or behind it; and siblings' bytes add up to their parent's.
TEST(TraceTest, EventsNestAndDoNotOverlap) {
  for (const KvPolicy policy : {KvPolicy::kShared, KvPolicy::kPerOccurrence}) {
    ModelSpec spec = SharedRepeats();
    spec.kv_policy = policy;
    const Json trace = TraceOf(spec, 2);
    std::vector<double> open;  // ends of events that are open
    double last_begin = 0;
    int64_t track = 0;
    int64_t pass_bytes = 0;
    int64_t operator_bytes = 0;
    for (const Json& event : trace["traceEvents"]) {
      if (event["ph"] != "X") continue;
      const double begin = event["ts"].get<double>();
      const double end = begin + event["dur"].get<double>();
      if (event["tid"] != track) {
        track = event["tid"].get<int64_t>();
        last_begin = 0;
        open.clear();
      }
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
