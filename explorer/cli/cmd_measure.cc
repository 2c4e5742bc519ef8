// deepthin measure
#include <fmt/format.h>

#include "explorer/cli/command_line.h"
#include "explorer/cli/commands.h"
#include "explorer/cli/human.h"
#include "explorer/cli/progress.h"
#include "explorer/cli/shared_options.h"
#include "explorer/cli/table.h"
#include "runtime/measuring/host_probe.h"
#include "runtime/measuring/measure.h"
#include "spec/model_argument.h"
#include "spec/robust_stats.h"

namespace deepthin::explorer {
namespace {

struct NamedMeasurement {
  std::string model;
  Measurement measurement;
};

double AchievedGBps(const Measurement& m) {
  return ToGBps(m.bytes_touched_per_token / Seconds(Median(m.decode_s_per_token)));
}

Json ToJson(const NamedMeasurement& named) {
  const Measurement& m = named.measurement;
  return {{"model", named.model},
          {"decode_median_s_per_token", Median(m.decode_s_per_token)},
          {"decode_mad_s_per_token", Mad(m.decode_s_per_token)},
          {"decode_tokens_per_s", 1 / Median(m.decode_s_per_token)},
          {"prefill_median_s", Median(m.prefill_s)},
          {"prefill_mad_s", Mad(m.prefill_s)},
          {"achieved_bytes_per_s", AchievedGBps(m) * 1e9},
          {"is_noisy", runtime::IsNoisy(m)},
          {"measurement", deepthin::ToJson(m)}};
}

void PrintTable(const std::vector<NamedMeasurement>& measurements) {
  Table table({{"model", Align::kLeft},
               {"threads"},
               {"load"},
               {"init"},
               {"TTFT ms"},
               {"+-MAD"},
               {"ms/token"},
               {"+-MAD"},
               {"tokens/s"},
               {"MB/token"},
               {"GB/s"},
               {"", Align::kLeft}});
  for (const auto& [name, m] : measurements) {
    table.Row({name, std::to_string(m.threads), HumanTime(m.load), HumanTime(m.init),
               fmt::format("{:.1f}", 1e3 * Median(m.prefill_s)),
               fmt::format("{:.1f}", 1e3 * Mad(m.prefill_s)),
               fmt::format("{:.2f}", 1e3 * Median(m.decode_s_per_token)),
               fmt::format("{:.2f}", 1e3 * Mad(m.decode_s_per_token)),
               fmt::format("{:.1f}", 1 / Median(m.decode_s_per_token)),
               fmt::format("{:.1f}", ToMegabytes(m.bytes_touched_per_token)),
               fmt::format("{:.1f}", AchievedGBps(m)), runtime::IsNoisy(m) ? "noisy" : ""});
  }
  const Measurement& first = measurements.front().measurement;
  fmt::print("{}", table.ToString());
  fmt::print(
      "f32 random weights, prompt {}, generating {}, {} repeats; {}, {}, {} CPUs, load average "
      "{:.2f}, {} build of {}\n",
      first.prompt_tokens, first.generated_tokens, first.decode_s_per_token.size(),
      first.host.cpu_model, first.host.isa, first.host.logical_cpus, first.host.load_average,
      first.host.build_type, first.host.commit);
}

}  // namespace

int RunMeasure(const Arguments& arguments) {
  CommandLine line(
      {.usage = "deepthin measure MODEL... [options]",
       .text =
           "Executes models on this CPU with random weights and times them: load, init, prefill\n"
           "(TTFT) and decode, with every sample kept. Repeats of different thread counts are\n"
           "taken in turn, so that a drifting machine hits all alike.",
       .examples = {"deepthin measure mobilellm-125m --threads 1,2",
                    "deepthin measure mobilellm-125m mobilellm-ls-125m --repeats 9 --json",
                    "deepthin measure mobilellm-125m:n_blocks=12,d_model=768 --generate 128"}});
  line.Text("threads,t", "worker threads, as 1,2; default: every CPU")
      .Text("prompt", "tokens that are prefilled", "64")
      .Text("generate", "tokens that are decoded", "32")
      .Text("repeats", "samples of each", "5")
      .Text("seed", "of weights and tokens", "1")
      .List("set", "override a key of the models; may be given again")
      .Positional("MODEL", 1, -1);
  if (!line.Parse(arguments)) return 0;
  const std::vector<int64_t> threads = line.Get("threads")
                                           ? line.GetInts("threads", 1, 1024)
                                           : std::vector{runtime::ProbeHost().logical_cpus};
  const runtime::MeasureOptions options{
      .threads = 1,
      .prompt_tokens = line.GetInt("prompt", 1, 1 << 24),
      .generated_tokens = line.GetInt("generate", 1, 1 << 24),
      .repeats = line.GetInt("repeats", 1, 10'000),
      .seed = static_cast<uint64_t>(line.GetInt("seed", 0, INT64_MAX))};
  std::vector<std::pair<std::string, ModelSpec>> models;
  for (const std::string& name : line.positional()) {
    models.emplace_back(name, ModelFromArgument(name, line.GetList("set")));
  }

  std::vector<NamedMeasurement> measurements;
  for (const auto& [name, spec] : models) {
    ProgressLine progress;
    const Stopwatch stopwatch;
    const std::string what = name;
    for (Measurement& m :
         runtime::MeasureThreads(spec, options, threads, [&](int64_t done, int64_t total) {
           progress.Show(done, total, "runs", stopwatch.elapsed(), stopwatch.Eta(done, total),
                         what);
         })) {
      measurements.push_back({name, std::move(m)});
    }
  }
  if (line.json()) {
    Json rows = Json::array();
    for (const NamedMeasurement& named : measurements) rows.push_back(ToJson(named));
    fmt::print("{}\n", rows.dump(2));
  } else {
    PrintTable(measurements);
  }
  return 0;
}

}  // namespace deepthin::explorer
