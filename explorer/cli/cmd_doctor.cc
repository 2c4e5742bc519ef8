// deepthin doctor
#include <fmt/format.h>

#include <algorithm>

#include "explorer/cli/command_line.h"
#include "explorer/cli/commands.h"
#include "explorer/cli/human.h"
#include "explorer/cli/progress.h"
#include "explorer/cli/table.h"
#include "results/sqlite_store.h"
#include "runtime/measuring/host_probe.h"
#include "runtime/measuring/stream_bandwidth.h"
#include "spec/build_info.h"
#include "spec/json_io.h"
#include "spec/robust_stats.h"

namespace deepthin::explorer {
namespace {

enum class Verdict { kGood, kWarning, kBad };

struct Finding {
  std::string check;
  Verdict verdict;
  std::string what;
};

std::string_view Text(Verdict verdict) {
  switch (verdict) {
    case Verdict::kGood:
      return "ok";
    case Verdict::kWarning:
      return "warning";
    case Verdict::kBad:
      return "bad";
  }
  return "?";
}

std::vector<Finding> CheckHost(const HostContext& host) {
  const BuildInfo& build = GetBuildInfo();
  std::vector<Finding> findings;
  findings.push_back(
      {"build", build.build_type == "Release" ? Verdict::kGood : Verdict::kWarning,
       fmt::format("deepthin {} ({}), {} build by {}{}", build.version, build.commit,
                   build.build_type, build.compiler,
                   build.build_type == "Release" ? "" : "; measure with a Release build only")});
  findings.push_back({"CPU", Verdict::kGood,
                      fmt::format("{}, {} CPUs for this process, kernels for {}", host.cpu_model,
                                  host.logical_cpus, host.isa)});
  const bool is_busy = host.load_average > 0.5 * static_cast<double>(host.logical_cpus);
  findings.push_back({"load", is_busy ? Verdict::kWarning : Verdict::kGood,
                      fmt::format("load average {:.2f}{}", host.load_average,
                                  is_busy ? "; other work will disturb measurements" : "")});
  const auto memory = runtime::TotalMemory();
  findings.push_back({"memory", memory ? Verdict::kGood : Verdict::kWarning,
                      memory ? HumanBytes(*memory) : "the operating system does not say"});
  return findings;
}

Finding CheckDatabase(const std::string& path) {
  try {
    const auto store = results::OpenSqliteStore(path, results::OpenMode::kReadExisting);
    const size_t sweeps = store->Sweeps().size();
    return {"database", Verdict::kGood,
            fmt::format("{}: {} sweep{}", path, sweeps, sweeps == 1 ? "" : "s")};
  } catch (const std::exception& error) {
    return {"database", Verdict::kBad, error.what()};
  }
}

std::vector<runtime::BandwidthPoint> Bandwidth(int64_t cpus) {
  runtime::BandwidthOptions options;
  options.threads = {1};
  if (cpus > 1) options.threads.push_back(cpus);
  ProgressLine progress;
  const Stopwatch stopwatch;
  return runtime::MeasureReadBandwidth(options, [&](int64_t done, int64_t total) {
    progress.Show(done, total, "runs", stopwatch.elapsed(), stopwatch.Eta(done, total),
                  "reading memory");
  });
}

Json ToJson(const std::vector<runtime::BandwidthPoint>& points) {
  Json rows = Json::array();
  for (const runtime::BandwidthPoint& point : points) {
    rows.push_back({{"threads", point.threads},
                    {"working_set_bytes", point.working_set.value()},
                    {"read_median_bytes_per_s", MedianBandwidth(point).value()},
                    {"samples_bytes_per_s", point.bytes_per_s}});
  }
  return rows;
}

std::string BandwidthTable(const std::vector<runtime::BandwidthPoint>& points) {
  Table table({{"threads"}, {"working set"}, {"read GB/s"}, {"+-MAD"}});
  for (const runtime::BandwidthPoint& point : points) {
    table.Row({std::to_string(point.threads), HumanCapacity(point.working_set),
               fmt::format("{:.1f}", ToGBps(MedianBandwidth(point))),
               fmt::format("{:.1f}", 1e-9 * Mad(point.bytes_per_s))});
  }
  return table.ToString();
}

}  // namespace

int RunDoctor(const Arguments& arguments) {
  CommandLine line(
      {.usage = "deepthin doctor [options]",
       .text =
           "What this machine and this build are good for: CPU, kernels, load, memory, and the\n"
           "measured reading bandwidth by working set, which bounds decode speed.",
       .examples = {"deepthin doctor", "deepthin doctor --quick --db deepthin.db --json"}});
  line.Flag("quick", "leave out the bandwidth measurement (a few seconds)")
      .Text("db", "also check that this database opens")
      .Positional("", 0, 0);
  if (!line.Parse(arguments)) return 0;

  const HostContext host = runtime::ProbeHost();
  std::vector<Finding> findings = CheckHost(host);
  if (const auto path = line.GetFilled("db")) findings.push_back(CheckDatabase(*path));
  std::vector<runtime::BandwidthPoint> bandwidth;
  if (!line.Has("quick")) bandwidth = Bandwidth(host.logical_cpus);

  if (line.json()) {
    Json checks = Json::array();
    for (const Finding& finding : findings) {
      checks.push_back(
          {{"check", finding.check}, {"verdict", Text(finding.verdict)}, {"what", finding.what}});
    }
    fmt::print("{}\n", Json{{"host", deepthin::ToJson(host)},
                            {"checks", std::move(checks)},
                            {"read_bandwidth", ToJson(bandwidth)}}
                           .dump(2));
  } else {
    Table table({{"check", Align::kLeft}, {"", Align::kLeft}, {"what", Align::kLeft}});
    for (const Finding& finding : findings) {
      table.Row({finding.check, std::string(Text(finding.verdict)), finding.what});
    }
    fmt::print("{}", table.ToString());
    if (!bandwidth.empty()) fmt::print("\n{}", BandwidthTable(bandwidth));
  }
  const bool is_bad = std::any_of(findings.begin(), findings.end(), [](const Finding& finding) {
    return finding.verdict == Verdict::kBad;
  });
  return is_bad ? 1 : 0;
}

}  // namespace deepthin::explorer
