// deepthin calibrate paper table-7
#include "explorer/cli/cmd_calibrate.h"

#include <fmt/format.h>

#include "costmodel/soc_presets.h"
#include "explorer/calibrate/paper_table7.h"
#include "explorer/cli/command_line.h"
#include "explorer/cli/commands.h"
#include "explorer/cli/table.h"
#include "results/paper_tables.h"
#include "spec/json_io.h"
#include "spec/model_presets.h"

namespace deepthin::explorer {
namespace {

// The three models of Table 7: MobileLLM-125M, its layer-shared twin, and 60 distinct blocks of the
// same shape.
std::vector<ModelSpec> Table7Models() {
  const ModelSpec base = *ModelPresetByName("mobilellm-125m");
  ModelSpec distinct = base;
  distinct.n_blocks *= 2;
  return {base, *ModelPresetByName("mobilellm-ls-125m"), distinct};
}

std::vector<calibrate::Table7Row> Table7Rows() {
  const results::PaperTable& paper = results::PaperTableByName("table-7");
  const std::vector<ModelSpec> models = Table7Models();
  DEEPTHIN_CHECK(paper.rows.size() == models.size() && paper.columns.back() == "execute_ms");
  std::vector<calibrate::Table7Row> rows;
  for (size_t i = 0; i < models.size(); ++i) {
    rows.push_back({paper.rows[i][0], models[i], std::stod(paper.rows[i].back())});
  }
  return rows;
}

std::string Percent(double value) { return fmt::format("{:+.2f} %", value); }

std::string Percent(const calibrate::Range& range) {
  return fmt::format("{:+.2f} % ({:+.1f} .. {:+.1f})", range.value, range.low, range.high);
}

void Print(const calibrate::Table7Fit& fit, std::string_view title) {
  const auto& bandwidth = fit.dram_bandwidth_bytes_per_s;
  const auto& block = fit.per_executed_block_s;
  fmt::print(
      "{}\n  DRAM bandwidth {:.2f} GB/s ({:.2f} .. {:.2f}), {:.1f} us per executed block "
      "({:.1f} .. {:.1f})\n",
      title, 1e-9 * bandwidth.value, 1e-9 * bandwidth.low, 1e-9 * bandwidth.high, 1e6 * block.value,
      1e6 * block.low, 1e6 * block.high);
  Table table({{"model", Align::kLeft},
               {"DRAM MB/token"},
               {"blocks"},
               {"printed ms"},
               {"fitted ms"},
               {"error"},
               {"held out ms"},
               {"error (rounding allows)"}});
  for (const calibrate::Table7RowFit& row : fit.rows) {
    table.Row({row.label, fmt::format("{:.1f}", 1e-6 * static_cast<double>(row.dram_bytes)),
               std::to_string(row.executed_blocks), fmt::format("{:.1f}", row.execute_ms),
               fmt::format("{:.2f}", row.fitted_ms), Percent(row.residual_percent.value),
               fmt::format("{:.2f}", row.held_out_ms), Percent(row.held_out_error_percent)});
  }
  fmt::print("{}\n", table.ToString());
}

int PaperTable7(const CommandLine& line) {
  const SocSpec soc = costmodel::SocFromArgument("iphone-13");
  const auto rows = Table7Rows();
  const auto linear = FitTable7Linear(rows, soc);
  const auto full = FitTable7Full(rows, soc);
  if (line.json()) {
    fmt::print("{}\n", Json{{"table", "table-7"},
                            {"column", "execute_ms"},
                            {"linear", ToJson(linear)},
                            {"full", ToJson(full)}}
                           .dump(2));
    return 0;
  }
  fmt::print(
      "MobileLLM Table 7, execute column (iPhone 13, FP16), two numbers fitted to three rows.\n"
      "'held out': predicted by a fit on the other two rows. In brackets: what the rounding\n"
      "of the printed tenths (+-0.05 ms) allows.\n\n");
  Print(linear, "time = DRAM bytes / bandwidth + executed blocks x constant");
  Print(full, "the full cost model on iphone-13 (on-chip time and compute counted apart)");
  for (const std::string& note : results::PaperTableByName("table-7").notes) {
    fmt::print("Beware: {}\n", note);
  }
  return 0;
}

int Paper(const Arguments& arguments) {
  CommandLine line(
      {.usage = "deepthin calibrate paper TABLE [options]",
       .text =
           "Fits hardware numbers to a latency table of the paper, with the error on every row\n"
           "and the error of predicting each row from the others. TABLE: table-7.",
       .examples = {"deepthin calibrate paper table-7",
                    "deepthin calibrate paper table-7 --json"}});
  line.Positional("TABLE", 1, 1);
  if (!line.Parse(arguments)) return 0;
  const results::PaperTable& paper = results::PaperTableByName(line.positional()[0]);
  if (paper.name == "table-7") return PaperTable7(line);
  throw InputError({"command line", ""}, paper.name + " holds no latencies",
                   "table-7, the only table of the paper that does");
}

}  // namespace

int RunCalibrate(const Arguments& arguments) {
  return RunSubcommand("calibrate", arguments,
                       {{"host", "measure this machine, and fit a SoC to it", CalibrateHost},
                        {"paper", "fit to a latency table of the paper", Paper}});
}

}  // namespace deepthin::explorer
