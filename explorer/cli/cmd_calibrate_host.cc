// deepthin calibrate host
#include <fmt/format.h>

#include <algorithm>

#include "explorer/calibrate/fit_sources.h"
#include "explorer/calibrate/host_fit.h"
#include "explorer/calibrate/host_rows.h"
#include "explorer/calibrate/validation.h"
#include "explorer/cli/cmd_calibrate.h"
#include "explorer/cli/command_line.h"
#include "explorer/cli/progress.h"
#include "explorer/cli/shared_options.h"
#include "explorer/cli/soc_units.h"
#include "explorer/cli/table.h"
#include "explorer/cli/validation_report.h"
#include "explorer/sources.h"
#include "runtime/measuring/host_probe.h"
#include "spec/files.h"
#include "spec/json_io.h"
#include "sweeps/utc_time.h"

namespace deepthin::explorer {
namespace {

using calibrate::HostRows;
using calibrate::SweepPoint;
using calibrate::SweepSize;

// The sweep that is fitted, and behind it, where a validation is asked for, the other one: all are
// executed in turn, in one sitting.
HostRows MeasureHost(int64_t threads, SweepSize size, bool validates) {
  HostRows out;
  out.host = runtime::ProbeHost();
  out.threads = threads;
  out.memory = runtime::TotalMemory().value_or(GiB(4));
  out.date = sweeps::UtcNow().substr(0, 10);
  std::vector<SweepPoint> points = calibrate::TrainingSweep(size);
  std::vector<std::string> fitted;
  fitted.reserve(points.size());
  for (const SweepPoint& point : points) fitted.push_back(point.name);
  if (validates) {
    for (SweepPoint& point : calibrate::HeldOutSweep(size)) points.push_back(std::move(point));
  }
  constexpr int64_t kRounds = 10;
  const int64_t rounds = size == SweepSize::kQuick ? 1 : kRounds;
  const int64_t total = rounds * static_cast<int64_t>(points.size());
  ProgressLine progress;
  const Stopwatch stopwatch;
  calibrate::SweepMeasurement sweep(std::move(points), threads);
  std::vector<calibrate::HostRates> rates;
  int64_t done = 0;
  const auto show = [&](const std::string& name) {
    progress.Show(done, total, "models", stopwatch.elapsed(), stopwatch.Eta(done, total), name);
  };
  for (int64_t round = 0; round < rounds; ++round) {
    show("memory and products");
    rates.push_back(calibrate::MeasureHostRates(threads));
    sweep.MeasureRound([&](const std::string& name) {
      show(name);
      ++done;
    });
  }
  progress.Finish();
  out.rates = calibrate::MedianOf(rates);
  out.rows = sweep.Rows();
  for (calibrate::HostRow& row : out.rows) {
    row.is_held_out = std::find(fitted.begin(), fitted.end(), row.architecture) == fitted.end();
  }
  return out;
}

}  // namespace

void PrintFit(const costmodel::SocFit& fit) {
  Table table({{"number", Align::kLeft}, {"value"}, {"", Align::kLeft}});
  for (const SourcedNumber& number : SourcedNumbers(fit.soc)) {
    const bool is_open = calibrate::IsUndetermined(fit, number.path);
    table.Row({number.path, WithUnit(number.path, number.value),
               is_open ? "not determined by these passes" : ""});
  }
  fmt::print("{}", table.ToString());
  const auto print = [](const char* phase, const std::optional<PhaseResiduals>& residuals) {
    if (!residuals) return;
    fmt::print("{}: {} passes, held out in turn: median error {:.1f} %, 90 % within {:.1f} %\n",
               phase, residuals->measurements, 100 * residuals->median_relative_error,
               100 * residuals->p90_relative_error);
  };
  if (!fit.soc.residuals) return;
  print("decode", fit.soc.residuals->decode);
  print("prefill", fit.soc.residuals->prefill);
}

int CalibrateHost(const Arguments& arguments) {
  CommandLine line(
      {.usage = "deepthin calibrate host [options]",
       .text =
           "Describes this machine as a SoC: measures memory, products and about 20 small models\n"
           "with the decoder, and fits bandwidths, rates and fixed costs to them. Takes ten\n"
           "minutes or more; close other programs. The file serves as --soc; estimates made with "
           "it carry\n"
           "an error bar from what the fit missed. --validate predicts 40 further models, too.",
       .examples = {"deepthin calibrate host --out host.json",
                    "deepthin calibrate host --threads 1 --quick --out host.json",
                    "deepthin calibrate host --out host.json --rows rows.json --validate page.md",
                    "deepthin calibrate host --fit rows.json --out host.json --validate page.md"}});
  line.Text("out", "where the SoC is written", "host.json")
      .Text("name", "of the SoC", "host")
      .Text("rows", "also write what was measured to this file")
      .Text("fit", "fit what was measured before, from such a file")
      .Text("validate", "predict models that are not fitted; write the page to this file")
      .Flag("quick", "a few small models only: to see that it works")
      .Positional("", 0, 0);
  AddThreadsOption(line);
  if (!line.Parse(arguments)) return 0;
  const std::string out = *line.GetFilled("out");
  const auto page = line.GetFilled("validate");
  const auto rows_file = line.GetFilled("rows");
  for (const auto& path : {std::optional(out), page, rows_file}) {
    if (path) RequireWritable(*path);
  }
  HostRows rows;
  if (const auto from = line.GetFilled("fit")) {
    rows = FromJson<HostRows>(ReadJsonFile(*from), {*from, ""});
  } else {
    rows = MeasureHost(ThreadsFrom(line), line.Has("quick") ? SweepSize::kQuick : SweepSize::kFull,
                       page.has_value());
  }
  if (rows_file) WriteFileAtomically(*rows_file, ToJson(rows).dump(1) + "\n");
  const costmodel::SocFit fit = calibrate::FitHost(rows, *line.GetFilled("name"));
  WriteFileAtomically(out, ToJson(fit.soc).dump(2) + "\n");
  Json json = {{"soc", ToJson(fit.soc)}, {"undetermined", fit.undetermined}};
  if (!line.json()) PrintFit(fit);
  if (page) {
    const calibrate::Validation validation = calibrate::Validate(rows, fit.soc);
    WriteFileAtomically(*page, ValidationPage(validation, rows, fit));
    json["validation"] = ToJson(validation);
    if (!line.json()) fmt::print("\n{}", ValidationSummary(validation));
  }
  if (line.json()) fmt::print("{}\n", json.dump(2));
  fmt::print(stderr, "{} written\n", out);
  return 0;
}

}  // namespace deepthin::explorer
