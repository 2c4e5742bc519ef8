// deepthin calibrate paper table-7
#include "explorer/cli/cmd_calibrate.h"

#include <fmt/format.h>

#include <algorithm>

#include "costmodel/soc_presets.h"
#include "explorer/calibrate/paper_table7.h"
#include "explorer/calibrate/table7_columns.h"
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

// The load or init column.
std::vector<calibrate::Table7Time> Table7Times(size_t column) {
  const results::PaperTable& paper = results::PaperTableByName("table-7");
  const std::vector<ModelSpec> models = Table7Models();
  std::vector<calibrate::Table7Time> rows;
  for (size_t i = 0; i < models.size(); ++i) {
    rows.push_back({paper.rows[i][0], models[i], std::stod(paper.rows[i][column])});
  }
  return rows;
}

calibrate::Table7ColumnFit FitColumn(calibrate::Table7Column column) {
  const auto& names = results::PaperTableByName("table-7").columns;
  const char* const name = column == calibrate::Table7Column::kLoad ? "load_ms" : "init_ms";
  const auto found = std::find(names.begin(), names.end(), name);
  DEEPTHIN_CHECK(found != names.end());
  return FitTable7Column(Table7Times(static_cast<size_t>(found - names.begin())), column);
}

void Print(const calibrate::Table7ColumnFit& fit, std::string_view title) {
  fmt::print("{}\n", title);
  Table table({{"model", Align::kLeft}, {"printed ms"}, {"fitted ms"}, {"error"}});
  for (const calibrate::Table7ColumnRow& row : fit.rows) {
    table.Row({row.label, fmt::format("{:.1f}", row.printed_ms),
               fmt::format("{:.1f}", row.fitted_ms), fmt::format("{:+.1f} %", row.error_percent)});
  }
  fmt::print("{}", table.ToString());
  if (fit.least_error_percent > 0) {
    fmt::print("no costs per byte, block or model miss the worst row by less than {:.1f} %\n",
               fit.least_error_percent);
  }
  fmt::print("\n");
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
  const auto load = FitColumn(calibrate::Table7Column::kLoad);
  const auto init = FitColumn(calibrate::Table7Column::kInit);
  if (line.json()) {
    fmt::print("{}\n", Json{{"table", "table-7"},
                            {"column", "execute_ms"},
                            {"linear", ToJson(linear)},
                            {"full", ToJson(full)},
                            {"load", ToJson(load)},
                            {"init", ToJson(init)}}
                           .dump(2));
    return 0;
  }
  fmt::print(
      "MobileLLM Table 7, execute column (iPhone 13, FP16), two numbers fitted to three rows.\n"
      "'held out': predicted by a fit on the other two rows. In brackets: what the rounding\n"
      "of the printed tenths (+-0.05 ms) allows.\n\n");
  Print(linear, "time = DRAM bytes / bandwidth + executed blocks x constant");
  Print(full, "the full cost model on iphone-13 (on-chip time and compute counted apart)");
  Print(load, fmt::format("load column: {:.2f} GB/s of weights, {:.0f} us per executed block",
                          1e-9 / load.per_stored, 1e6 * load.per_executed_block));
  Print(init, fmt::format("init column: {:.1f} ms per stored block, {:.1f} ms per executed block",
                          1e3 * init.per_stored, 1e3 * init.per_executed_block));
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
  return RunSubcommand(
      "calibrate", arguments,
      {{"host", "measure this machine, and fit a SoC to it", CalibrateHost},
       {"llama-bench", "fit a SoC to llama-bench's output of any device", CalibrateLlamaBench},
       {"paper", "fit to a latency table of the paper", Paper}});
}

}  // namespace deepthin::explorer
