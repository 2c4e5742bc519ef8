// deepthin whatif
#include <fmt/format.h>

#include <algorithm>

#include "costmodel/soc_presets.h"
#include "explorer/cli/command_line.h"
#include "explorer/cli/commands.h"
#include "explorer/cli/whatif_report.h"
#include "spec/argument.h"
#include "spec/model_argument.h"

namespace deepthin::explorer {
namespace {

constexpr size_t kMostModels = 26;  // letters

InputError::Where Option(const char* name) { return {"command line", name}; }

void Declare(CommandLine& line) {
  line.Text("soc", "SoC preset or JSON file", "iphone-13")
      .List("vary", "NAME=LOW..HIGH, NAME=LOW..HIGH:POINTS or NAME=A,B,C; may be given again")
      .Text("precision", "f32, f16, bf16, q8_0, q4_0 or w8a8", "f16")
      .Text("prompt", "tokens of the prompt", "64")
      .Text("generate", "tokens that are generated", "32")
      .Text("batch", "requests at once", "1")
      .List("set", "override a key of the problem, as model.n_blocks=12; may be given again")
      .Text("metric",
            "what is drawn and compared: decode or prefill; default: decode, or prefill "
            "where the prompt varies")
      .List("box",
            "NAME=LOW..HIGH: a side of the box of the robust choice, in place of the SoC's "
            "stated range; may be given again")
      .Text("samples", "samples of the box", "1024")
      .Text("seed", "of the samples", "1")
      .Flag("all", "list every hardware number and every cliff, however small")
      .Positional("MODEL", 1, -1);
}

Question QuestionOf(const CommandLine& line, const std::string& name, const SocSpec& soc) {
  Json json = ToJson(Problem{.model = ModelFromArgument(name),
                             .precision = PrecisionFromArgument(*line.Get("precision")),
                             .soc = soc,
                             .workload = {.prompt_tokens = line.GetInt("prompt", 1, 1 << 24),
                                          .generated_tokens = line.GetInt("generate", 1, 1 << 24),
                                          .batch = line.GetInt("batch", 1, 1 << 16)}});
  ApplyOverrides(json, "--set", line.GetList("set"));
  Question question = {.problem = FromJson<Problem>(json, {name, ""}), .context = {}};
  Validate(question.problem, {name, ""});
  return question;
}

Metric MetricOf(const CommandLine& line, const std::vector<Axis>& axes) {
  if (const auto text = line.Get("metric")) {
    const auto metric = FromText<Metric>(*text);
    if (!metric) throw InputError(Option("--metric"), "is '" + *text + "'", TextChoices<Metric>());
    return *metric;
  }
  const bool prompt = std::any_of(axes.begin(), axes.end(), [](const Axis& axis) {
    return axis.parameter.knob == Knob::kPrompt;
  });
  return prompt ? Metric::kPrefill : Metric::kDecode;
}

// Contexts that a model was not made for are a what-if of their own.
void TellLongContexts(const WhatIfReport& report) {
  int64_t longest = 0;
  for (const Axis& axis : report.asked.axes) {
    const Knob knob = axis.parameter.knob;
    if (knob != Knob::kContext && knob != Knob::kPrompt && knob != Knob::kGenerate) continue;
    for (const Setting& setting : axis.values) {
      longest = std::max(longest, static_cast<int64_t>(setting.number));
    }
  }
  for (size_t m = 0; m < report.names.size(); ++m) {
    const int64_t made_for = report.asked.models[m].problem.model.max_seq_len;
    if (longest <= made_for) continue;
    fmt::print(stderr, "{}: is made for {} tokens; longer ones are costed all the same\n",
               report.names[m], made_for);
  }
}

}  // namespace

int RunWhatIf(const Arguments& arguments) {
  CommandLine line(
      {.usage = "deepthin whatif MODEL... [options]",
       .text =
           "What a token and a prompt would cost with other hardware, formats or contexts, by the\n"
           "analytical cost model: a table and a curve over what is varied, the cliffs to the "
           "byte\n"
           "or token, where one model becomes faster than another, what each hardware number\n"
           "answers for, and which model stays the best within the ranges of the SoC's numbers.\n"
           "\n"
           "NAME is a hardware number as 'deepthin soc diff' names it, with or without its unit\n"
           "(sram.capacity, dram.bandwidth, compute.f16.peak, fixed.per_executed_block), or by\n"
           "the level's own name (slc.capacity); or precision, weights, embedding, activations,\n"
           "kv, context, prompt, generate, batch. Ranges are geometric, from 0 linear.",
       .examples = {
           "deepthin whatif mobilellm-125m mobilellm-ls-125m --soc iphone-13 --vary "
           "sram.capacity=1MiB..64MiB",
           "deepthin whatif mobilellm-ls-125m --vary weights=f16,q8_0,q4_0 --vary "
           "context=128..2048",
           "deepthin whatif mobilellm-125m mobilellm-350m --vary dram.bandwidth=10..60GB/s "
           "--box compute.f16.peak=100GMAC/s..2TMAC/s",
           "deepthin whatif mobilellm-125m --vary prompt=16..1024:7 --json"}});
  Declare(line);
  if (!line.Parse(arguments)) return 0;
  if (line.positional().size() > kMostModels) {
    throw InputError({"command line", ""}, fmt::format("has {} models", line.positional().size()),
                     fmt::format("at most {}", kMostModels));
  }

  const SocSpec named_soc = costmodel::SocFromArgument(*line.Get("soc"));
  WhatIfReport report;
  report.all = line.Has("all");
  report.names = line.positional();
  for (const std::string& name : report.names) {
    report.asked.models.push_back(QuestionOf(line, name, named_soc));
  }
  report.base = report.asked.models.front();
  const SocSpec& soc = report.base.problem.soc;  // as --set left it
  for (const std::string& text : line.GetList("vary")) {
    report.asked.axes.push_back(ParseAxis(soc, text, Option("--vary")));
  }
  RequireGrid(report.asked.axes, report.names.size(), Option("--vary"));
  report.asked.metric = MetricOf(line, report.asked.axes);
  report.asked.box = StatedBox(soc);
  for (const std::string& text : line.GetList("box")) {
    ReplaceSide(report.asked.box, ParseSide(soc, text, Option("--box")));
  }
  report.asked.samples = line.GetInt("samples", 1, 1'000'000);
  report.asked.seed = static_cast<uint64_t>(line.GetInt("seed", 0, INT64_MAX));
  report.result = Investigate(report.asked);
  if (line.json()) {
    fmt::print("{}\n", JsonOf(report).dump(2));
  } else {
    fmt::print("{}", TextOf(report));
    TellLongContexts(report);
  }
  return 0;
}

}  // namespace deepthin::explorer
