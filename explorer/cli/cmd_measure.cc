// deepthin measure
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "explorer/cli/command_line.h"
#include "explorer/cli/commands.h"
#include "explorer/cli/measure_report.h"
#include "explorer/cli/model_options.h"
#include "explorer/cli/progress.h"
#include "explorer/cli/trace.h"
#include "explorer/model_source.h"
#include "runtime/measuring/host_probe.h"
#include "runtime/measuring/measure.h"
#include "runtime/measuring/stream_bandwidth.h"
#include "runtime/memory.h"
#include "spec/files.h"
#include "spec/model_argument.h"

namespace deepthin::explorer {
namespace {

using runtime::MeasuredWeights;
using runtime::MeasurePlan;

struct Request {
  std::vector<std::string> models;
  std::vector<std::string> settings;
  std::optional<Precision> precision;  // absent: f32, or what a file holds
  std::optional<Dtype> kv;             // absent: the precision's
  runtime::FileAccess access = runtime::FileAccess::kMap;
  MeasurePlan plan;
};

Dtype KvFrom(const std::string& text) {
  const auto dtype = FromText<Dtype>(text);
  if (dtype == Dtype::kF32 || dtype == Dtype::kF16 || dtype == Dtype::kInt8) return *dtype;
  throw InputError({"command line", "--kv"}, "is '" + text + "'", "f32, f16 or int8");
}

Request RequestFrom(const CommandLine& line) {
  Request request;
  request.models = line.positional();
  request.settings = line.GetList("set");
  if (const auto name = line.Get("precision")) request.precision = PrecisionFromArgument(*name);
  if (const auto name = line.Get("kv")) request.kv = KvFrom(*name);
  request.access = FileAccessFrom(line);
  request.plan.threads =
      line.Get("threads") ? line.GetInts("threads", 1, 1024) : std::vector{runtime::UsableCpus()};
  if (line.Get("positions")) request.plan.positions = line.GetInts("positions", 0, 1 << 24);
  request.plan.profile = line.Has("by-operator") || line.GetFilled("perfetto").has_value();
  request.plan.options = {
      .threads = *std::max_element(request.plan.threads.begin(), request.plan.threads.end()),
      .prompt_tokens = line.GetInt("prompt", 1, 1 << 24),
      .generated_tokens = line.GetInt("generate", 1, 1 << 24),
      .repeats = line.GetInt("repeats", 1, 10'000),
      .seed = static_cast<uint64_t>(line.GetInt("seed", 0, INT64_MAX)),
      .precision = request.precision.value_or(kF32)};
  return request;
}

// A file is executed as it lies, unless another precision is asked for.
MeasuredWeights LoadFile(const std::string& path, const Request& request) {
  runtime::ThreadPool pool(request.plan.options.threads);
  const auto start = std::chrono::steady_clock::now();
  const ModelOptions options = {.settings = request.settings, .access = request.access};
  MeasuredWeights loaded = {.weights = WeightsFromArgument(path, options, pool)};
  if (request.precision) {
    loaded.weights = ConvertWeights(loaded.weights, *request.precision, pool);
    loaded.kv = runtime::ExecutedPrecision(*request.precision).kv;
  }
  loaded.load =
      Seconds(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  std::error_code error;
  const auto bytes = std::filesystem::file_size(path, error);
  if (!error) loaded.file_bytes = Bytes(static_cast<int64_t>(bytes));
  return loaded;
}

MeasuredWeights Load(const std::string& model, const Request& request) {
  MeasuredWeights loaded =
      KindOfModel(model) != ModelKind::kSpec
          ? LoadFile(model, request)
          : runtime::LoadRandomWeights(SpecFromArgument(model, {.settings = request.settings}),
                                       request.plan.options);
  if (request.kv) loaded.kv = *request.kv;
  return loaded;
}

// Models of one run: their repeats are taken in turn.
std::vector<MeasuredModel> MeasureTogether(std::span<const std::string> names,
                                           const Request& request) {
  runtime::RestartPeakMemory();
  std::vector<MeasuredWeights> models;
  for (const std::string& name : names) models.push_back(Load(name, request));
  ProgressLine progress;
  const Stopwatch stopwatch;
  const std::string what = names.size() == 1 ? names.front() : "";
  auto all = runtime::MeasureAll(models, request.plan, [&](int64_t done, int64_t total) {
    progress.Show(done, total, "runs", stopwatch.elapsed(), stopwatch.Eta(done, total), what);
  });
  progress.Finish();
  std::vector<MeasuredModel> out;
  const size_t per_model = all.size() / names.size();
  for (size_t i = 0; i < all.size(); ++i) {
    const size_t model = i / per_model;
    out.push_back({names[model], models[model].weights.spec, std::move(all[i])});
  }
  return out;
}

// After the measurements, whose peak of memory it would raise.
void AddStreamPeaks(std::vector<MeasuredModel>& models) {
  runtime::StreamPeaks peaks;
  for (MeasuredModel& model : models) {
    const Measurement& m = model.measured.measurement;
    try {
      model.stream_peak = peaks.Peak(m.threads, m.bytes_touched_per_token);
    } catch (const EnvironmentError&) {  // no memory for it: said as unknown
    }
  }
}

}  // namespace

int RunMeasure(const Arguments& arguments) {
  CommandLine line(
      {.usage = "deepthin measure MODEL... [options]",
       .text =
           "Executes models on this CPU and times them: load, init, prefill (TTFT) and decode, "
           "with\n"
           "every sample kept. MODEL is a preset or JSON spec, which then has random weights, or "
           "a\n"
           "model file. Repeats of different thread counts and positions are taken in turn, so "
           "that\n"
           "a drifting machine hits all alike. Achieved bandwidth is compared with what this host\n"
           "streams, measured in the same run.",
       .examples = {"deepthin measure mobilellm-125m --threads 1,2",
                    "deepthin measure mobilellm-125m --precision q8_0 --by-operator",
                    "deepthin measure mobilellm-125m --positions 0,256,1024,2000 --kv f16",
                    "deepthin measure mobilellm-125m mobilellm-ls-125m --together --json",
                    "deepthin measure mobilellm-ls-125m --perfetto trace.json"}});
  line.Text("threads,t", "worker threads, as 1,2; default: every CPU")
      .Text("precision", "f32, f16, bf16, q8_0, q4_0 or w8a8; default: f32, or as a file has it")
      .Text("kv", "format of the KV cache: f32, f16 or int8; default: the precision's")
      .Text("prompt", "tokens that are prefilled", "64")
      .Text("positions", "decode from these contexts on instead, as 0,256,1024")
      .Text("generate", "tokens that are decoded", "32")
      .Text("repeats", "samples of each", "5")
      .Text("seed", "of weights and tokens", "1")
      .Flag("by-operator", "one more repeat, in which each operator is timed")
      .Text("perfetto",
            "write a timeline of the first one of these to this file, for ui.perfetto.dev")
      .Flag("together", "all models in memory at once, and their repeats in turn")
      .List("set", "override a key of the models; may be given again");
  AddMmapOption(line);
  line.Positional("MODEL", 1, -1);
  if (!line.Parse(arguments)) return 0;
  const Request request = RequestFrom(line);
  const auto trace = line.GetFilled("perfetto");
  if (trace) RequireWritable(*trace);

  std::vector<MeasuredModel> models;
  const std::span<const std::string> names(request.models);
  const size_t at_once = line.Has("together") ? names.size() : 1;
  for (size_t i = 0; i < names.size(); i += at_once) {
    for (MeasuredModel& each : MeasureTogether(names.subspan(i, at_once), request)) {
      models.push_back(std::move(each));
    }
  }
  AddStreamPeaks(models);

  if (line.json()) {
    Json rows = Json::array();
    for (const MeasuredModel& model : models) rows.push_back(ReportJson(model));
    fmt::print("{}\n", rows.dump(2));
  } else {
    fmt::print("{}", MeasureTable(models));
    if (line.Has("by-operator")) {
      for (const MeasuredModel& model : models) fmt::print("{}", OperatorTable(model));
    }
  }
  // Last: what was measured is not lost where the disk fills up.
  if (trace) {
    const MeasuredModel& first = models.front();
    WriteFileAtomically(*trace,
                        TraceJson(first.measured.profile, first.spec, first.name).dump() + "\n");
    fmt::print(stderr, "timeline of {} written to {}\n", first.name, *trace);
  }
  return 0;
}

}  // namespace deepthin::explorer
