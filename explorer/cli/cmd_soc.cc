// deepthin soc list|show|check|diff|schema
#include <fmt/format.h>

#include <algorithm>

#include "costmodel/soc_bounds.h"
#include "costmodel/soc_presets.h"
#include "explorer/cli/command_line.h"
#include "explorer/cli/commands.h"
#include "explorer/cli/human.h"
#include "explorer/cli/soc_units.h"
#include "explorer/cli/table.h"
#include "explorer/soc_diff.h"
#include "explorer/sources.h"
#include "spec/json_schema.h"

namespace deepthin::explorer {
namespace {

constexpr double kOperationsPerMac = 2;

const MemoryLevel* Outermost(const SocSpec& soc, LevelKind kind) {
  const MemoryLevel* found = nullptr;
  for (const MemoryLevel& level : soc.levels) {
    if (level.kind == kind) found = &level;
  }
  return found;
}

std::optional<MacsPerSecond> PeakOf(const SocSpec& soc, Dtype dtype) {
  for (const ComputeRate& rate : soc.compute) {
    if (rate.dtype == dtype) return rate.peak.value;
  }
  return std::nullopt;
}

// The formats that any of the presets states a rate for.
std::vector<Dtype> StatedDtypes() {
  std::vector<Dtype> out;
  for (const auto& [dtype, text] : EnumTexts<Dtype>::kList) {
    for (const costmodel::SocPreset& preset : costmodel::SocPresets()) {
      if (!PeakOf(preset.spec, dtype)) continue;
      out.push_back(dtype);
      break;
    }
  }
  return out;
}

Json ToJson(const SourcedNumber& number) {
  Json out = {{"path", number.path}, {"value", number.value}};
  if (number.low) out["low"] = *number.low;
  if (number.high) out["high"] = *number.high;
  out["source"] = number.source;
  return out;
}

Json SummaryOf(const SocSpec& soc) {
  const auto numbers = SourcedNumbers(soc);
  const MemoryLevel* const dram = Outermost(soc, LevelKind::kDram);
  const MemoryLevel* const sram = Outermost(soc, LevelKind::kSram);
  Json peaks = Json::object();
  for (const ComputeRate& rate : soc.compute) {
    peaks[std::string(ToText(rate.dtype))] = rate.peak.value.value();
  }
  return {{"name", soc.name},
          {"description", soc.description},
          {"dram_read_bandwidth_bytes_per_s", dram->read_bandwidth.value.value()},
          {"sram_capacity_bytes", sram == nullptr ? 0 : sram->capacity.value.value()},
          {"peak_macs_per_s", peaks},
          {"battery_j", soc.battery ? Json(soc.battery->value.value()) : Json()},
          {"numbers", numbers.size()},
          {"assumed", CountAssumed(numbers)}};
}

int List(const Arguments& arguments) {
  CommandLine line(
      {.usage = "deepthin soc list [options]",
       .text =
           "The SoCs that are known by name. SRAM: the last level before DRAM, and what it keeps\n"
           "(lru: the bytes used last; pinned: a best choice). TOP/s: a MAC is two operations. "
           "Assumed:\n"
           "how many of the hardware numbers have no document behind them.",
       .examples = {"deepthin soc list", "deepthin soc list --json"}});
  if (!line.Parse(arguments)) return 0;
  if (line.json()) {
    Json rows = Json::array();
    for (const auto& preset : costmodel::SocPresets()) rows.push_back(SummaryOf(preset.spec));
    fmt::print("{}\n", rows.dump(2));
    return 0;
  }
  const std::vector<Dtype> dtypes = StatedDtypes();
  std::vector<TableColumn> columns = {{"SoC", Align::kLeft}, {"DRAM GB/s"}, {"SRAM", Align::kLeft}};
  for (const Dtype dtype : dtypes) {
    columns.push_back({fmt::format("{} TOP/s", ToText(dtype))});
  }
  columns.push_back({"battery Wh"});
  columns.push_back({"assumed"});
  Table table(std::move(columns));
  for (const auto& [name, soc] : costmodel::SocPresets()) {
    const auto numbers = SourcedNumbers(soc);
    const MemoryLevel* const sram = Outermost(soc, LevelKind::kSram);
    std::vector<std::string> cells = {
        name, fmt::format("{:.1f}", ToGBps(Outermost(soc, LevelKind::kDram)->read_bandwidth.value)),
        sram == nullptr
            ? "-"
            : fmt::format("{} {}", HumanCapacity(sram->capacity.value), ToText(sram->replacement))};
    for (const Dtype dtype : dtypes) {
      const auto peak = PeakOf(soc, dtype);
      cells.push_back(peak ? fmt::format("{:.3g}", kOperationsPerMac * peak->value() * 1e-12)
                           : "-");
    }
    cells.push_back(soc.battery ? fmt::format("{:.1f}", soc.battery->value.value() / 3600) : "-");
    cells.push_back(fmt::format("{} of {}", CountAssumed(numbers), numbers.size()));
    table.Row(std::move(cells));
  }
  fmt::print("{}", table.ToString());
  fmt::print(stderr, "'deepthin soc show NAME' has every number with its range and source\n");
  return 0;
}

void PrintNumbers(const std::vector<SourcedNumber>& numbers) {
  Table table({{"number", Align::kLeft},
               {"value"},
               {"unit", Align::kLeft},
               {"low"},
               {"high"},
               {"source", Align::kLeft}});
  for (const SourcedNumber& number : numbers) {
    const HumanUnit unit = UnitOf(number.path, number.value);
    table.Row({number.path, InUnit(number.value, unit), std::string(unit.name),
               number.low ? InUnit(*number.low, unit) : "-",
               number.high ? InUnit(*number.high, unit) : "-", number.source});
  }
  fmt::print("{}", table.ToString());
}

int Show(const Arguments& arguments) {
  CommandLine line(
      {.usage = "deepthin soc show SOC [options]",
       .text =
           "Every number of an SoC with its unit, its range where one is stated, and its source.\n"
           "The first column is what --set takes behind 'soc.' (in base units). --json prints\n"
           "the SoC as a file: a form to edit.",
       .examples = {"deepthin soc show iphone-13",
                    "deepthin soc show iphone-15 --json > my-soc.json",
                    "deepthin soc show pixel-8:levels.0.capacity_bytes=16777216"}});
  line.Positional("SOC", 1, 1);
  if (!line.Parse(arguments)) return 0;
  const SocSpec soc = costmodel::SocFromArgument(line.positional()[0]);
  if (line.json()) {
    fmt::print("{}\n", deepthin::ToJson(soc).dump(2));
    return 0;
  }
  fmt::print("{}: {}\n\n", soc.name, soc.description);
  for (const MemoryLevel& level : soc.levels) {
    if (level.kind == LevelKind::kSram)
      fmt::print("{} ({}) keeps: {}\n", level.name, ToText(level.kind), ToText(level.replacement));
  }
  const auto numbers = SourcedNumbers(soc);
  PrintNumbers(numbers);
  fmt::print("\n{} of {} numbers are assumed\n", CountAssumed(numbers), numbers.size());
  return 0;
}

int Check(const Arguments& arguments) {
  CommandLine line(
      {.usage = "deepthin soc check FILE [options]",
       .text = "Whether a file describes an SoC: keys, types, a source for every number, ranges "
               "around\n"
               "their values, levels in order, and no number that looks as if it were in another\n"
               "unit. Says which numbers are assumed. Bad files: one sentence, exit code 2.",
       .examples = {"deepthin soc check my-soc.json", "deepthin soc check my-soc.json --json"}});
  line.Positional("FILE", 1, 1);
  if (!line.Parse(arguments)) return 0;
  const std::string& file = line.positional()[0];
  const SocSpec soc = costmodel::SocFromArgument(file);
  costmodel::RequirePlausible(soc, {file, ""});
  const auto numbers = SourcedNumbers(soc);
  std::vector<SourcedNumber> assumed;
  std::copy_if(numbers.begin(), numbers.end(), std::back_inserter(assumed),
               [](const SourcedNumber& n) { return n.is_assumed(); });
  if (line.json()) {
    Json rows = Json::array();
    for (const SourcedNumber& number : assumed) rows.push_back(ToJson(number));
    const Json out = {
        {"file", file}, {"name", soc.name}, {"numbers", numbers.size()}, {"assumed", rows}};
    fmt::print("{}\n", out.dump(2));
    return 0;
  }
  fmt::print("{}: valid; {} of its {} numbers are assumed\n", file, assumed.size(), numbers.size());
  if (!assumed.empty()) {
    fmt::print("\n");
    PrintNumbers(assumed);
  }
  return 0;
}

void PrintDiff(const SocSpec& a, const SocSpec& b, const SocDiff& diff) {
  if (diff.empty()) {
    fmt::print("{} and {} do not differ\n", a.name, b.name);
    return;
  }
  Table table({{"number", Align::kLeft}, {a.name}, {b.name}, {"ratio"}});
  for (const SocDifference& number : diff.values) {
    const auto ratio = number.ratio();
    table.Row({number.name, number.a ? WithUnit(number.a->path, number.a->value) : "-",
               number.b ? WithUnit(number.b->path, number.b->value) : "-",
               ratio ? fmt::format("{:.3g}", *ratio) : "-"});
  }
  if (!diff.values.empty()) fmt::print("{}", table.ToString());
  for (const std::string& line : diff.replacements) fmt::print("keeps: {}\n", line);
  if (diff.only_source_or_range > 0)
    fmt::print("{} equal numbers differ in their source or range\n", diff.only_source_or_range);
}

int DiffCommand(const Arguments& arguments) {
  CommandLine line(
      {.usage = "deepthin soc diff A B [options]",
       .text =
           "The numbers in which two SoCs differ, and B's over A's. Levels are compared by kind\n"
           "(sram is the last one before DRAM, sram-1 the one before it), rates by format.",
       .examples = {"deepthin soc diff iphone-13 iphone-15",
                    "deepthin soc diff snapdragon-8-gen-3 my-soc.json --json"}});
  line.Positional("SOC", 2, 2);
  if (!line.Parse(arguments)) return 0;
  const SocSpec a = costmodel::SocFromArgument(line.positional()[0]);
  const SocSpec b = costmodel::SocFromArgument(line.positional()[1]);
  const SocDiff diff = Diff(a, b);
  if (!line.json()) {
    PrintDiff(a, b, diff);
    return 0;
  }
  Json values = Json::array();
  for (const SocDifference& number : diff.values) {
    Json row = {{"name", number.name}};
    row["a"] = number.a ? ToJson(*number.a) : Json();
    row["b"] = number.b ? ToJson(*number.b) : Json();
    row["ratio"] = number.ratio() ? Json(*number.ratio()) : Json();
    values.push_back(row);
  }
  const Json out = {{"a", a.name},
                    {"b", b.name},
                    {"values", values},
                    {"replacements", diff.replacements},
                    {"only_source_or_range", diff.only_source_or_range}};
  fmt::print("{}\n", out.dump(2));
  return 0;
}

int Schema(const Arguments& arguments) {
  CommandLine line({.usage = "deepthin soc schema [options]",
                    .text = "JSON Schema (draft 7) of SoC files, for editors and other tools.",
                    .examples = {"deepthin soc schema > soc.schema.json"}});
  if (!line.Parse(arguments)) return 0;
  fmt::print("{}\n", JsonSchemaOf<SocSpec>("deepthin SoC").dump(2));
  return 0;
}

}  // namespace

int RunSoc(const Arguments& arguments) {
  return RunSubcommand("soc", arguments,
                       {{"list", "the SoCs known by name", List},
                        {"show", "every number of one, with range and source", Show},
                        {"check", "whether a file is valid, and what it assumes", Check},
                        {"diff", "the numbers in which two differ", DiffCommand},
                        {"schema", "JSON Schema of SoC files", Schema}});
}

}  // namespace deepthin::explorer
