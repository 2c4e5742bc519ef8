#include "tests/peer/torch/training_task.h"

#include <chrono>
#include <cstdio>
#include <exception>

#include "runtime/kernels/kernels.h"
#include "runtime/memory.h"
#include "runtime/trainer/training_macs.h"
#include "spec/errors.h"
#include "spec/json_io.h"

namespace deepthin::peer {
namespace {

constexpr size_t kTextTokens = 100'000;
constexpr int64_t kEvery = 25;  // timed steps whose loss is printed

int64_t Number(const std::string& text) {
  try {
    const int64_t number = std::stoll(text);
    if (number >= 1 && number <= 1'000'000) return number;
  } catch (const std::exception&) {  // said below
  }
  throw InputError({"command line", ""}, "has '" + text + "'", "a number from 1 to 1000000");
}

}  // namespace

std::vector<int32_t> TrainingTask::BatchAt(int64_t step) const {
  return runtime::BatchSampler(text, options.shape, 1).At(step);
}

TrainingTask TaskFrom(int argc, char** argv) {
  if (argc != 7) {
    throw InputError({"command line", ""}, "has " + std::to_string(argc - 1) + " arguments",
                     "SPEC.json SEQUENCES LENGTH STEPS THREADS f32|bf16");
  }
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  TrainingTask task;
  task.spec = FromJson<ModelSpec>(ReadJsonFile(arguments[0]), {arguments[0], ""});
  Validate(task.spec, {arguments[0], ""});
  task.steps = Number(arguments[3]);
  task.threads = Number(arguments[4]);
  const auto precision = FromText<runtime::ProductPrecision>(arguments[5]);
  if (!precision)
    throw InputError({"command line", ""}, "has '" + arguments[5] + "'", "f32 or bf16");
  task.options = {.shape = {.sequences = Number(arguments[1]), .length = Number(arguments[2])},
                  .rate = {.steps = kWarmupSteps + task.steps, .peak = 1e-3},
                  .parametrisation = runtime::Parametrisation::kStandard,
                  .precision = *precision};
  for (size_t i = 0; i < kTextTokens; ++i) {
    task.text.push_back(static_cast<int32_t>(i * i % static_cast<size_t>(task.spec.vocab_size)));
  }
  return task;
}

void RunAndPrint(const TrainingTask& task, const std::string& engine,
                 const std::function<double(int64_t)>& step) {
  using Clock = std::chrono::steady_clock;
  Json json;
  Clock::time_point begin;
  for (int64_t i = 0; i < kWarmupSteps + task.steps; ++i) {
    if (i == kWarmupSteps) begin = Clock::now();
    const double loss = step(i);
    json[i == 0 ? "first_loss" : "last_loss"] = loss;
    if (i >= kWarmupSteps && (i - kWarmupSteps) % kEvery == 0) json["losses"].push_back(loss);
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  const double rate = static_cast<double>(task.steps * task.options.shape.predicted()) / seconds;
  json["engine"] = engine;
  json["isa"] = runtime::ActiveTarget();
  json["tokens_per_s"] = rate;
  json["flop_per_token"] = 2 * runtime::TrainingMacsPerToken(task.spec, task.options.shape.length);
  json["params"] = CountParams(task.spec).total();
  if (const auto peak = runtime::PeakMemory()) json["peak_memory_bytes"] = peak->value();
  std::printf("%s\n", json.dump().c_str());
}

int Main(int argc, char** argv, const std::function<void(const TrainingTask&)>& run) {
  try {
    run(TaskFrom(argc, argv));
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
  }
}

}  // namespace deepthin::peer
