#include "tests/results/asset_content.h"

#include "spec/json_io.h"

namespace deepthin::results {
namespace {

template <class T>
Sourced<T> Assumed(T value) {
  return {.value = value, .source = "assumed: sample", .low = {}, .high = {}};
}

SocSpec AssetSoc() {
  SocSpec soc;
  soc.name = "sample-phone";
  soc.description = "two levels";
  MemoryLevel& slc = soc.levels.emplace_back();
  slc.name = "slc";
  slc.kind = LevelKind::kSram;
  slc.capacity = Assumed(MiB(8));
  slc.read_bandwidth = Assumed(GBps(100));
  slc.write_bandwidth = Assumed(GBps(90.5));
  slc.replacement = Replacement::kPinned;
  slc.read_energy = Assumed(PicojoulesPerByte(5));
  MemoryLevel& dram = soc.levels.emplace_back();
  dram.name = "dram";
  dram.capacity = {
      .value = GiB(4), .source = "sample sheet, table 2", .low = GiB(3), .high = GiB(6)};
  dram.read_bandwidth = Assumed(GBps(16.4));
  dram.write_bandwidth = Assumed(GBps(16.4));
  soc.compute.push_back({.dtype = Dtype::kF16, .peak = Assumed(GMacsPerSecond(500)), .energy = {}});
  soc.fixed = {.per_operator = Assumed(Seconds(0)),
               .per_executed_block = Assumed(Microseconds(13)),
               .per_token = Assumed(Microseconds(100))};
  return soc;
}

PhaseCost AssetPhase(double time_s, int64_t context_tokens) {
  PhaseCost phase{.context_tokens = context_tokens,
                  .time = Seconds(time_s),
                  .dram_bytes = Bytes(249'270'912),
                  .macs = Macs(124'600'320),
                  .energy = Joules(0.0125),
                  .limited_by = "dram",
                  .operators = {}};
  phase.operators.push_back({.name = "qkv",
                             .executions = 30,
                             .macs = Macs(16'588'800),
                             .compute_time = Microseconds(33.1776),
                             .traffic = {{.level = "slc",
                                          .read = Bytes(0),
                                          .written = Bytes(0),
                                          .time = Seconds(0),
                                          .energy = Joules(0)},
                                         {.level = "dram",
                                          .read = Bytes(33'177'600),
                                          .written = Bytes(11'520),
                                          .time = Seconds(0.1 / 3),
                                          .energy = {}}},
                             .fixed_time = Seconds(0),
                             .time = Seconds(0.1 / 3),
                             .limited_by = "dram"});
  phase.operators.push_back({.name = "norm",
                             .executions = 61,
                             .macs = Macs(0),
                             .compute_time = Seconds(0),
                             .traffic = {},
                             .fixed_time = Microseconds(13),
                             .time = Microseconds(13),
                             .limited_by = "fixed"});
  return phase;
}

}  // namespace

Problem AssetProblem() {
  Problem problem;
  problem.model.d_model = 576;
  problem.model.n_blocks = 30;
  problem.model.n_heads = 9;
  problem.model.n_kv_heads = 3;
  problem.model.head_dim = 64;
  problem.model.d_ff = 1536;
  problem.soc = AssetSoc();
  problem.workload = {.prompt_tokens = 64, .generated_tokens = 128, .batch = 1};
  return problem;
}

SweepRecord AssetSweep() {
  return {.hash = "5eed5eed5eed5eed5eed5eed5eed5eed",
          .name = "sample",
          .definition = R"({"name":"sample"})",
          .evaluators = {"estimate", "measure", "score"},
          .created_at = "2026-01-31T12:00:00.000Z"};
}

std::vector<Point> AssetPoints() {
  Problem shared = AssetProblem();
  shared.model.repeat = {.kind = RepeatKind::kImmediate, .times = 2, .order = {}};
  shared.precision = {Dtype::kInt8, Dtype::kInt8, Dtype::kInt8, Dtype::kF16};
  return {
      {.index = 0, .label = "30 blocks", .problem = AssetProblem()},
      {.index = 1, .label = "2 x 30 blocks", .problem = shared},
      {.index = 2,
       .label = "9 heads, 2 KV heads",
       .problem = Infeasible{
           .reason = "n_heads 9 is not divisible by n_kv_heads 2", .needed = {}, .available = {}}}};
}

CostEstimate AssetEstimate() {
  return {.model_name = "level",
          .model_version = "1",
          .prefill = AssetPhase(0.25, 0),
          .decode = AssetPhase(0.0156, 128),
          .weight_bytes = Bytes(249'342'336),
          .peak_memory = Bytes(260'000'000),
          .fits_memory = true};
}

Measurement AssetMeasurement() {
  return {.host = {.cpu_model = "Sample CPU @ 2.00GHz",
                   .logical_cpus = 2,
                   .isa = "AVX2",
                   .kernel = "Linux 6.1.0",
                   .load_average = 0.25,
                   .build_type = "Release",
                   .commit = "0123456789+"},
          .precision = {Dtype::kQ8_0, Dtype::kQ4_0, Dtype::kInt8, Dtype::kF16},
          .threads = 2,
          .prompt_tokens = 64,
          .generated_tokens = 128,
          .load = Seconds(0.5),
          .init = Seconds(0.0625),
          .prefill_s = {0.30, 0.28, 0.29},
          .decode_s_per_token = {0.0170, 0.0150, 0.0250, 0.0160},
          .token_s = {0.0171, 0.0169, 0.1 / 7},
          .bytes_touched_per_token = Bytes(249'500'000),
          .weight_bytes = Bytes(249'342'336),
          .file_bytes = Bytes(132'000'001),
          .peak_memory = Bytes(300'000'000)};
}

TrainingRecord AssetTraining() {
  ModelSpec twin = AssetProblem().model;
  twin.vocab_size = 4096;
  twin.d_model = 72;
  twin.head_dim = 8;
  twin.d_ff = 192;
  twin.repeat = {.kind = RepeatKind::kImmediate, .times = 2, .order = {}};
  return {.host = AssetMeasurement().host,
          .model = twin,
          .seed = 3,
          .learning_rate = 0.004,
          .threads = 1,
          .steps = 20,
          .tokens = 40'960,
          .diverged = false,
          .loss = 5.25,
          .validation_loss = 0.1 + 0.2,
          .tokens_per_s = 12'345.5,
          .model_flop_per_s = 1e11,
          .share_of_peak = {},
          .peak_memory = Bytes(123'456'789),
          .curve = {{.step = 0, .loss = {}, .validation_loss = 8.31},
                    {.step = 20, .loss = 5.5, .validation_loss = 0.1 + 0.2}}};
}

Trial MakeTrial(const std::string& evaluator, const std::string& name, Outcome outcome) {
  const Json identity = {{"evaluator", evaluator}, {"question", name}};
  return {.key = ContentHash(identity),
          .evaluator = evaluator,
          .identity = identity.dump(),
          .started_at = "2026-01-31T12:00:01.000Z",
          .duration = Milliseconds(12.5),
          .outcome = std::move(outcome)};
}

std::vector<PointTrial> AssetTrials() {
  const Infeasible too_large{
      .reason = "the weights do not fit into dram", .needed = GiB(5), .available = GiB(4)};
  const ProxyScore score{.proxy = "decoder_params",
                         .version = "1",
                         .value = 106.168,
                         .standard_error = 0.45,
                         .method = "closed form",
                         .in_domain = false};
  return {
      {.point_index = 0, .trial = MakeTrial("estimate", "0", AssetEstimate())},
      {.point_index = 0, .trial = MakeTrial("measure", "0", Failure{.message = "out of luck"})},
      {.point_index = 0, .trial = MakeTrial("measure", "0", AssetMeasurement())},
      {.point_index = 0, .trial = MakeTrial("score", "0", score)},
      {.point_index = 1, .trial = MakeTrial("estimate", "1", too_large)},
      {.point_index = 1, .trial = MakeTrial("train", "1", AssetTraining())},
  };
}

std::vector<PointTrial> AssetTrialsOfVersion(int64_t version) {
  std::vector<PointTrial> trials = AssetTrials();
  if (version < 3) trials.pop_back();  // the training
  for (PointTrial& each : trials) {
    auto* measurement = std::get_if<Measurement>(&each.trial.outcome);
    if (measurement == nullptr || version >= 2) continue;
    measurement->precision = kF32;
    measurement->token_s.clear();
    measurement->file_bytes.reset();
    measurement->peak_memory.reset();
  }
  return trials;
}

}  // namespace deepthin::results
