// How fast the SQLite store takes and gives back a sweep of 5,000 points, each estimated (two
// phases, ten operators, three levels), measured (20 samples) and scored.
#include <benchmark/benchmark.h>

#include <filesystem>

#include "results/sqlite_store.h"

namespace deepthin::results {
namespace {

constexpr int64_t kPoints = 5'000;
constexpr const char* kSweep = "bench";

std::string Path() {
  return (std::filesystem::temp_directory_path() / "deepthin-store-bench.db").string();
}

std::vector<Point> MakePoints() {
  std::vector<Point> points;
  for (int64_t i = 0; i < kPoints; ++i) {
    Problem problem;
    problem.model.d_model = 64 * (1 + i % 20);
    problem.model.n_blocks = 1 + i / 20;
    problem.soc.name = "phone";
    for (const char* name : {"l2", "slc", "dram"}) {
      MemoryLevel& level = problem.soc.levels.emplace_back();
      level.name = name;
      level.capacity.source = "a document of some length, table 3, row 7";
      level.read_bandwidth.source = level.capacity.source;
      level.write_bandwidth.source = level.capacity.source;
    }
    points.push_back({.index = i, .label = "point " + std::to_string(i), .problem = problem});
  }
  return points;
}

PhaseCost MakePhase() {
  PhaseCost phase;
  phase.limited_by = "dram";
  for (int i = 0; i < 10; ++i) {
    OperatorCost& op = phase.operators.emplace_back();
    op.name = "operator " + std::to_string(i);
    op.time = Seconds(1e-3 * i / 7);
    op.limited_by = "dram";
    for (const char* name : {"l2", "slc", "dram"}) {
      LevelTraffic& traffic = op.traffic.emplace_back();
      traffic.level = name;
      traffic.read = Bytes(123'456'789);
      traffic.time = Seconds(1e-3 / 3);
    }
  }
  return phase;
}

std::vector<PointTrial> MakeTrials() {
  CostEstimate estimate;
  estimate.model_name = "level";
  estimate.prefill = MakePhase();
  estimate.decode = MakePhase();
  Measurement measurement;
  measurement.prefill_s.assign(10, 0.1 / 3);
  measurement.decode_s_per_token.assign(10, 0.01 / 3);
  ProxyScore score;
  score.proxy = "decoder_params";
  const std::string identity(1'500, 'x');
  std::vector<PointTrial> trials;
  for (int64_t i = 0; i < kPoints; ++i) {
    for (const Outcome& outcome : {Outcome(estimate), Outcome(measurement), Outcome(score)}) {
      const std::string kind(OutcomeKind(outcome));
      trials.push_back({i,
                        {.key = kind + std::to_string(i),
                         .evaluator = kind,
                         .identity = identity,
                         .started_at = "2026-01-31T12:00:00.000Z",
                         .duration = Seconds(0.1),
                         .outcome = outcome}});
    }
  }
  return trials;
}

std::unique_ptr<Store> Fresh() {
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(Path() + suffix);
  return OpenSqliteStore(Path(), OpenMode::kCreateOrExtend);
}

void PutAll(Store& store, std::span<const PointTrial> trials, size_t batch) {
  for (size_t i = 0; i < trials.size(); i += batch) {
    store.PutTrials(kSweep, trials.subspan(i, std::min(batch, trials.size() - i)));
  }
}

void PutSweep(benchmark::State& state) {
  const std::vector<Point> points = MakePoints();
  for (auto _ : state) {
    state.PauseTiming();
    const auto store = Fresh();
    state.ResumeTiming();
    store->PutSweep(
        {.hash = kSweep, .name = {}, .definition = {}, .evaluators = {}, .created_at = {}}, points);
  }
  state.SetItemsProcessed(state.iterations() * kPoints);
}
BENCHMARK(PutSweep)->Unit(benchmark::kMillisecond);

void PutTrials(benchmark::State& state) {
  const std::vector<Point> points = MakePoints();
  const std::vector<PointTrial> trials = MakeTrials();
  for (auto _ : state) {
    state.PauseTiming();
    const auto store = Fresh();
    store->PutSweep(
        {.hash = kSweep, .name = {}, .definition = {}, .evaluators = {}, .created_at = {}}, points);
    state.ResumeTiming();
    PutAll(*store, trials, static_cast<size_t>(state.range(0)));
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(trials.size()));
}
BENCHMARK(PutTrials)->ArgName("batch")->Arg(1)->Arg(100)->Arg(1'000)->Unit(benchmark::kMillisecond);

void Results(benchmark::State& state) {
  const auto store = Fresh();
  store->PutSweep(
      {.hash = kSweep, .name = {}, .definition = {}, .evaluators = {}, .created_at = {}},
      MakePoints());
  PutAll(*store, MakeTrials(), 1'000);
  for (auto _ : state) benchmark::DoNotOptimize(store->Results(kSweep));
  state.SetItemsProcessed(state.iterations() * kPoints);
}
BENCHMARK(Results)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace deepthin::results
