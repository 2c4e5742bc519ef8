// deepthin shapes
#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "costmodel/soc_presets.h"
#include "explorer/cli/command_line.h"
#include "explorer/cli/commands.h"
#include "explorer/cli/human.h"
#include "explorer/cli/table.h"
#include "explorer/shapes.h"
#include "spec/argument.h"
#include "spec/errors.h"
#include "spec/model_argument.h"

namespace deepthin::explorer {
namespace {

// Far above what fits a phone.
constexpr int64_t kMostParams = 20'000'000'000;

void PrintTable(const std::vector<Shape>& front) {
  Table table({{"executed blocks"},
               {"stored"},
               {"repeat", Align::kLeft},
               {"d_model"},
               {"d_ff"},
               {"heads"},
               {"KV heads"},
               {"head", Align::kLeft},
               {"params"},
               {"ms/token"},
               {"TTFT ms"},
               {"DRAM/token"},
               {"peak memory"}});
  for (const Shape& shape : front) {
    const ModelSpec& m = shape.model;
    table.Row({std::to_string(ExecutedBlocks(m)), std::to_string(m.n_blocks), ToText(m.repeat),
               std::to_string(m.d_model), std::to_string(m.d_ff), std::to_string(m.n_heads),
               std::to_string(m.n_kv_heads), m.tie_embeddings ? "tied" : "untied",
               HumanCount(CountParams(m).matrices()), HumanMilliseconds(shape.decode.value()),
               HumanMilliseconds(shape.prefill.value()), HumanBytes(shape.dram_per_token),
               HumanBytes(shape.peak_memory)});
  }
  fmt::print("{}", table.ToString());
}

void PrintJson(const ShapeFront& shapes, size_t considered) {
  Json rows = Json::array();
  for (const Shape& shape : shapes.front) {
    rows.push_back({{"model", ToJson(shape.model)},
                    {"executed_blocks", ExecutedBlocks(shape.model)},
                    {"params_matrices", CountParams(shape.model).matrices()},
                    {"decode_time_s", shape.decode.value()},
                    {"prefill_time_s", shape.prefill.value()},
                    {"dram_bytes_per_token", shape.dram_per_token.value()},
                    {"peak_memory_bytes", shape.peak_memory.value()}});
  }
  fmt::print(
      "{}\n",
      Json{{"considered", considered}, {"within_limits", shapes.within}, {"front", std::move(rows)}}
          .dump(2));
}

}  // namespace

int RunShapes(const Arguments& arguments) {
  CommandLine line(
      {.usage = "deepthin shapes --params N [options]",
       .text =
           "Every regular architecture of a parameter budget, estimated: depths, widths, KV\n"
           "heads, tied or not, executed once or twice in each order. Shown are those that no\n"
           "other one beats in both executed blocks and estimated decode time. Nothing here knows\n"
           "how accurate they would be: MobileLLM finds that at these sizes deeper models tend to\n"
           "be, and 'deepthin choose' ranks what a sweep has scored.",
       .examples = {"deepthin shapes --params 125M --soc iphone-13",
                    "deepthin shapes --params 350M --precision q4_0 --decode 20ms",
                    "deepthin shapes --params 125M --within 0.2% --memory 300MB --json"}});
  line.Text("params", "parameter budget, as 125M (matrices, as the paper counts)")
      .Text("within", "how far params may be off", "1%")
      .Text("soc", "SoC preset or JSON file", "iphone-13")
      .Text("precision", "f32, f16, bf16, q8_0, q4_0 or w8a8", "f16")
      .Text("prompt", "tokens of the prompt", "64")
      .Text("generate", "tokens that are generated", "32")
      .Text("vocab", "tokens in the vocabulary", "32000")
      .Text("head-dim", "width of a head; d_model is a multiple of it", "64")
      .Text("decode", "longest estimated time per token, as 15ms")
      .Text("prefill", "longest estimated time to first token (TTFT)")
      .Text("memory", "largest estimated peak memory; default: the SoC's DRAM");
  if (!line.Parse(arguments)) return 0;
  const auto params = line.GetFilled("params");
  if (!params) throw InputError({"command line", "--params"}, "is missing", "a budget, as 125M");
  ShapeSpace space;
  space.params = CountFromText(*params, "params");
  if (space.params > kMostParams) {
    throw InputError({"command line", "--params"}, "is '" + *params + "'", "at most 20B");
  }
  space.tolerance = ShareFromText(*line.Get("within"), "within");
  space.vocab_size = line.GetInt("vocab", 1, 1 << 22);
  space.head_dim = line.GetInt("head-dim", 16, 512);
  if (space.head_dim % 2 != 0)
    throw InputError({"command line", "--head-dim"}, "is " + *line.Get("head-dim"),
                     "an even number, since RoPE rotates pairs");
  const Workload workload{.prompt_tokens = line.GetInt("prompt", 1, 1 << 20),
                          .generated_tokens = line.GetInt("generate", 1, 1 << 20),
                          .batch = 1};
  space.max_seq_len =
      std::max(space.max_seq_len, workload.prompt_tokens + workload.generated_tokens);
  ShapeLimits limits;
  if (const auto text = line.Get("decode")) limits.decode = TimeFromText(*text, "decode");
  if (const auto text = line.Get("prefill")) limits.prefill = TimeFromText(*text, "prefill");
  if (const auto text = line.Get("memory")) limits.memory = BytesFromText(*text, "memory");
  const SocSpec soc = costmodel::SocFromArgument(*line.Get("soc"));
  const Precision precision = PrecisionFromArgument(*line.Get("precision"));

  const auto begin = std::chrono::steady_clock::now();
  const std::vector<ModelSpec> models = ShapesWithin(space);
  const ShapeFront shapes = DeepestForTheirTime(models, precision, soc, workload, limits);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  if (line.json()) {
    PrintJson(shapes, models.size());
    return 0;
  }
  if (!shapes.front.empty()) PrintTable(shapes.front);
  fmt::print(stderr,
             "{} of {} shapes within the limits are the deepest for their time on {}; {} have {} "
             "parameters within {}, all estimated in {:.2f} s\n",
             shapes.front.size(), shapes.within, soc.name, models.size(), HumanCount(space.params),
             *line.Get("within"), took.count());
  return 0;
}

}  // namespace deepthin::explorer
