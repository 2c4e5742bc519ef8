#include "sweeps/evaluators/measure.h"

#include "runtime/measuring/host_probe.h"
#include "runtime/measuring/measure.h"

namespace deepthin::sweeps {
namespace {

// Part of every measurement's identity: a change of what is timed must change it.
constexpr std::string_view kProtocol = "2";

class Measuring : public Evaluator {
 public:
  explicit Measuring(const MeasureSettings& settings)
      : settings_(settings), host_(runtime::ProbeHost()) {
    if (settings_.threads == 0) settings_.threads = host_.logical_cpus;
  }

  [[nodiscard]] std::string_view name() const override { return "measure"; }

  [[nodiscard]] Json Identity(const Problem& problem) const override {
    return {{"evaluator", "measure"},
            {"protocol", kProtocol},
            {"settings", ToJson(settings_)},
            {"precision", ToJson(runtime::ExecutedPrecision(problem.precision))},
            {"host",
             {{"cpu_model", host_.cpu_model},
              {"logical_cpus", host_.logical_cpus},
              {"isa", host_.isa}}},
            {"model", ToJson(problem.model)},
            {"workload", ToJson(problem.workload)}};
  }

  [[nodiscard]] results::Outcome Evaluate(const Problem& problem) override {
    if (problem.workload.batch != 1) {
      return results::Infeasible{
          .reason = "the runtime executes one request at a time, not a batch of " +
                    std::to_string(problem.workload.batch),
          .needed = {},
          .available = {}};
    }
    if (const Dtype kv = runtime::ExecutedPrecision(problem.precision).kv;
        kv != Dtype::kF32 && kv != Dtype::kF16 && kv != Dtype::kInt8) {
      return results::Infeasible{
          .reason = "the runtime has no KV cache of " + std::string(ToText(kv)),
          .needed = {},
          .available = {}};
    }
    return runtime::Measure(problem.model, {.threads = settings_.threads,
                                            .prompt_tokens = problem.workload.prompt_tokens,
                                            .generated_tokens = problem.workload.generated_tokens,
                                            .repeats = settings_.repeats,
                                            .seed = static_cast<uint64_t>(settings_.seed),
                                            .precision = problem.precision});
  }

 private:
  MeasureSettings settings_;
  HostContext host_;
};

void RequireRange(int64_t value, int64_t low, int64_t high, std::string_view key,
                  const Where& where) {
  if (value >= low && value <= high) return;
  throw InputError({where.file, where.place + "/" + std::string(key)},
                   "is " + std::to_string(value),
                   "a whole number from " + std::to_string(low) + " to " + std::to_string(high));
}

}  // namespace

std::unique_ptr<Evaluator> MakeMeasuring(const Json& settings, const Where& where) {
  const auto read = FromJson<MeasureSettings>(settings, where);
  RequireRange(read.threads, 0, 1024, "threads", where);
  RequireRange(read.repeats, 1, 10'000, "repeats", where);
  RequireRange(read.seed, 0, INT64_MAX, "seed", where);
  return std::make_unique<Measuring>(read);
}

}  // namespace deepthin::sweeps
