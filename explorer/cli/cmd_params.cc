// deepthin params
#include <fmt/format.h>

#include "explorer/cli/command_line.h"
#include "explorer/cli/commands.h"
#include "explorer/cli/human.h"
#include "explorer/cli/table.h"
#include "results/paper_tables.h"
#include "spec/errors.h"
#include "spec/model_argument.h"
#include "spec/model_presets.h"

namespace deepthin::explorer {
namespace {

// Every architecture that the paper states, counted again. Exit code 1 where one differs.
int CheckPaper(bool as_json) {
  Table differences({{"table", Align::kLeft},
                     {"row", Align::kLeft},
                     {"printed"},
                     {"matrices, expected"},
                     {"counted"},
                     {"with norms, expected"},
                     {"counted"}});
  Json rows = Json::array();
  int64_t equal = 0;
  const auto& architectures = results::PaperArchitectures();
  for (const results::PaperArchitecture& row : architectures) {
    const ParamCounts counted = CountParams(row.spec);
    const bool is_equal =
        counted.matrices() == row.matrices_only && counted.total() == row.with_norms;
    if (is_equal) ++equal;
    rows.push_back({{"table", row.table},
                    {"row", row.row},
                    {"params_printed", row.params_printed},
                    {"params_matrices", counted.matrices()},
                    {"params_with_norms", counted.total()},
                    {"equal", is_equal}});
    if (is_equal) continue;
    differences.Row({row.table, row.row, row.params_printed, std::to_string(row.matrices_only),
                     std::to_string(counted.matrices()), std::to_string(row.with_norms),
                     std::to_string(counted.total())});
  }
  const auto total = static_cast<int64_t>(architectures.size());
  if (as_json) {
    fmt::print("{}\n", Json{{"equal", equal}, {"rows", total}, {"architectures", rows}}.dump(2));
  } else {
    if (equal != total) fmt::print("{}\n", differences.ToString());
    fmt::print("{} of {} architectures of the paper have the parameter count it prints\n", equal,
               total);
  }
  return equal == total ? 0 : 1;
}

struct NamedModel {
  std::string name;
  ModelSpec spec;
};

void PrintCounts(const std::vector<NamedModel>& models, const Precision& precision, bool as_json) {
  Table table({{"model", Align::kLeft},
               {"blocks"},
               {"executed"},
               {"embedding"},
               {"head"},
               {"decoder"},
               {"norms"},
               {"matrices"},
               {"with norms"},
               {"weights"},
               {"KV/token"}});
  Json rows = Json::array();
  for (const auto& [name, spec] : models) {
    const ParamCounts params = CountParams(spec);
    const WeightBytes bytes = CountWeightBytes(spec, precision);
    const Bytes kv = KvBytesPerToken(spec, precision);
    table.Row({name, std::to_string(spec.n_blocks), std::to_string(ExecutedBlocks(spec)),
               HumanCount(params.embedding), spec.tie_embeddings ? "tied" : HumanCount(params.head),
               HumanCount(params.blocks), HumanCount(params.norms),
               std::to_string(params.matrices()), std::to_string(params.total()),
               HumanBytes(bytes.total()), HumanBytes(kv)});
    rows.push_back({{"model", name},
                    {"spec", ToJson(spec)},
                    {"executed_blocks", ExecutedBlocks(spec)},
                    {"params_embedding", params.embedding},
                    {"params_head", params.head},
                    {"params_decoder", params.blocks},
                    {"params_norms", params.norms},
                    {"params_matrices", params.matrices()},
                    {"params_with_norms", params.total()},
                    {"precision", ToJson(precision)},
                    {"weight_bytes", bytes.total().value()},
                    {"kv_bytes_per_token", kv.value()}});
  }
  fmt::print("{}", as_json ? rows.dump(2) + "\n" : table.ToString());
}

}  // namespace

int RunParams(const Arguments& arguments) {
  CommandLine line(
      {.usage = "deepthin params [MODEL...] [options]",
       .text =
           "Parameters by part. 'matrices' is what the paper prints (norm weights not counted),\n"
           "'decoder' the stored blocks. MODEL is a preset with overrides, or a JSON file;\n"
           "without one: all presets.",
       .examples = {"deepthin params", "deepthin params mobilellm-125m:n_blocks=12,d_model=768",
                    "deepthin params my.json --set tie_embeddings=false --precision q4_0",
                    "deepthin params --check-paper"}});
  line.Flag("check-paper", "count every architecture of the paper again and compare")
      .Text("precision", "for weights and KV cache: f32, f16, bf16, q8_0, q4_0 or w8a8", "f16")
      .List("set", "override a key of the models, as n_blocks=12; may be given again")
      .Positional("MODEL", 0, -1);
  if (!line.Parse(arguments)) return 0;
  if (line.Has("check-paper")) {
    if (!line.positional().empty() || !line.GetList("set").empty())
      throw InputError({"command line", "--check-paper"}, "is given beside a model or --set",
                       "it alone: it counts the paper's own architectures");
    return CheckPaper(line.json());
  }

  std::vector<std::string> names = line.positional();
  if (names.empty()) {
    for (const ModelPreset& preset : ModelPresets()) names.emplace_back(preset.name);
  }
  std::vector<NamedModel> models;
  models.reserve(names.size());
  for (const std::string& name : names) {
    models.push_back({name, ModelFromArgument(name, line.GetList("set"))});
  }
  PrintCounts(models, PrecisionFromArgument(*line.Get("precision")), line.json());
  return 0;
}

}  // namespace deepthin::explorer
