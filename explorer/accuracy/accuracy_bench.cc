// How many models the surrogate scores in a second, and what fitting it to the paper's rows takes.
#include <benchmark/benchmark.h>

#include "explorer/accuracy/paper_runs.h"
#include "explorer/accuracy/proxy_table.h"
#include "explorer/accuracy/shape_surrogate.h"
#include "spec/model_presets.h"

namespace deepthin::explorer {
namespace {

void ScoreWith(benchmark::State& state, const char* name) {
  const auto proxy = MakeProxy(name, Json::object(), {}, {});
  ModelSpec spec = *ModelPresetByName("mobilellm-125m");
  for (auto _ : state) {
    spec.n_blocks = 1 + (spec.n_blocks + 1) % 60;
    benchmark::DoNotOptimize(proxy->Score(spec));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK_CAPTURE(ScoreWith, decoder_params, "decoder_params");
BENCHMARK_CAPTURE(ScoreWith, shape_surrogate, "shape_surrogate");

void FitSurrogate(benchmark::State& state) {
  const std::vector<TrainedRow> rows = PaperRuns(PaperTarget::kAverage);
  for (auto _ : state) benchmark::DoNotOptimize(FitShapeSurrogate(rows));
}
BENCHMARK(FitSurrogate)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace deepthin::explorer
