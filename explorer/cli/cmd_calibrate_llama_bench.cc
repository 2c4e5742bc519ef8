// deepthin calibrate llama-bench
#include <fmt/format.h>

#include <filesystem>
#include <map>

#include "costmodel/soc_presets.h"
#include "explorer/calibrate/llama_bench.h"
#include "explorer/cli/cmd_calibrate.h"
#include "explorer/cli/command_line.h"
#include "explorer/model_source.h"
#include "spec/errors.h"
#include "spec/files.h"
#include "spec/json_io.h"
#include "spec/model_argument.h"

namespace deepthin::explorer {
namespace {

using calibrate::LlamaBenchRow;

// What --model says: a model for the rows whose file or type holds a text, or for all.
struct ModelRule {
  std::string text;
  ModelSpec model;
};

std::vector<ModelRule> RulesFrom(const CommandLine& line) {
  std::vector<ModelRule> rules;
  for (const std::string& rule : line.GetList("model")) {
    // "TEXT=MODEL"; a preset with overrides has a '=' too, but behind a ':'.
    const size_t equal = rule.find('=');
    const bool has_text = equal != std::string::npos && equal < rule.find(':');
    rules.push_back({has_text ? rule.substr(0, equal) : "",
                     SpecFromArgument(has_text ? rule.substr(equal + 1) : rule, {})});
  }
  return rules;
}

ModelSpec ModelOf(const LlamaBenchRow& row, const std::vector<ModelRule>& rules,
                  const std::string& file) {
  for (const ModelRule& rule : rules) {
    if (row.model_filename.find(rule.text) != std::string::npos ||
        row.model_type.find(rule.text) != std::string::npos) {
      return rule.model;
    }
  }
  std::error_code ignored;
  if (std::filesystem::exists(row.model_filename, ignored)) {
    return SpecFromArgument(row.model_filename, {});
  }
  throw InputError({file, row.place + "/model_filename"},
                   "is '" + row.model_filename + "', which is not here",
                   "--model TEXT=MODEL that says the architecture of files whose name holds TEXT");
}

}  // namespace

int CalibrateLlamaBench(const Arguments& arguments) {
  CommandLine line(
      {.usage = "deepthin calibrate llama-bench FILE [options]",
       .text =
           "Fits a SoC to what llama-bench (llama.cpp) measured on any device: FILE is the output\n"
           "of 'llama-bench -o json' or '-o jsonl'. Four rows do, two prompts and two generations\n"
           "say; numbers that they do not determine alone are listed. The model\n"
           "of a row is its GGUF file where that is here, else --model says it.",
       .examples = {"deepthin calibrate llama-bench phone.jsonl --model mobilellm-125m "
                    "--soc snapdragon-8-gen-3 --out phone.json",
                    "deepthin calibrate llama-bench two.json --model 125m=mobilellm-125m "
                    "--model 350m=mobilellm-350m"}});
  line.Text("out", "where the SoC is written", "device.json")
      .Text("name", "of the SoC", "device")
      .Text("soc", "SoC that says what the rows do not: capacities, energies", "generic-npu-phone")
      .List("model",
            "MODEL, or TEXT=MODEL for rows whose file or type holds TEXT; again for others")
      .Positional("FILE", 1, 1);
  if (!line.Parse(arguments)) return 0;
  const std::string out = *line.GetFilled("out");
  RequireWritable(out);
  const std::string& file = line.positional()[0];
  const auto rows = calibrate::ReadLlamaBench(ReadFile(file), file);
  const auto rules = RulesFrom(line);
  std::map<std::string, ModelSpec> models;  // by file: a GGUF file is read once
  std::vector<costmodel::MeasuredPass> passes;
  for (const LlamaBenchRow& row : rows) {
    auto known = models.find(row.model_filename);
    if (known == models.end()) {
      known = models.emplace(row.model_filename, ModelOf(row, rules, file)).first;
    }
    if (auto pass = calibrate::PassOf(row, known->second, file)) passes.push_back(std::move(*pass));
  }
  if (passes.empty()) {
    throw InputError({file, ""}, "holds no test of a prompt alone or of generation alone",
                     "some (llama-bench -p 512 -n 128 makes both)");
  }
  if (passes.size() < rows.size()) {
    fmt::print(stderr, "{} of {} tests mix a prompt with generation and are passed over\n",
               rows.size() - passes.size(), rows.size());
  }
  const std::string source = fmt::format(
      "measured: fitted to {} tests of llama-bench ({}) on {}", passes.size(),
      rows.front().commit.empty() ? "version unknown" : rows.front().commit, rows.front().device);
  SocSpec base = costmodel::SocFromArgument(*line.Get("soc"));
  base.name = *line.GetFilled("name");
  base.description = rows.front().device;
  const costmodel::SocFit fit = calibrate::FitLlamaBench(base, passes, source);
  WriteFileAtomically(out, ToJson(fit.soc).dump(2) + "\n");
  if (line.json()) {
    Json errors = Json::array();
    for (const costmodel::FitError& error : fit.errors) {
      errors.push_back({{"fitted", error.fitted}, {"held_out", error.held_out}});
    }
    fmt::print("{}\n", Json{{"soc", ToJson(fit.soc)},
                            {"undetermined", fit.undetermined},
                            {"errors", std::move(errors)}}
                           .dump(2));
  } else {
    PrintFit(fit);
    if (!fit.undetermined.empty()) {
      fmt::print(
          "{} numbers are not determined one by one by these {} tests: they stay as {} states\n"
          "them, or share what was measured, and say so in their source. More\n"
          "tests help that differ in depth, width, format, prompt length and -d (context).\n",
          fit.undetermined.size(), passes.size(), *line.Get("soc"));
    }
  }
  fmt::print(stderr, "{} written\n", out);
  return 0;
}

}  // namespace deepthin::explorer
