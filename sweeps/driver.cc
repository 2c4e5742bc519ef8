#include "sweeps/driver.h"

#include <chrono>
#include <map>

#include "sweeps/utc_time.h"

namespace deepthin::sweeps {
namespace {

using Clock = std::chrono::steady_clock;

Seconds Since(Clock::time_point start) {
  return Seconds(std::chrono::duration<double>(Clock::now() - start).count());
}

bool IsFailure(const results::Trial& trial) {
  return std::holds_alternative<results::Failure>(trial.outcome);
}

// Remaining time by evaluator: what each still has to do, times its own mean so far.
class EtaEstimate {
 public:
  void Expect(std::string_view evaluator) { ++by_evaluator_[evaluator].open; }
  void Skip(std::string_view evaluator) { --by_evaluator_[evaluator].open; }
  void Finish(std::string_view evaluator, Seconds duration) {
    Pace& pace = by_evaluator_[evaluator];
    --pace.open;
    ++pace.finished;
    pace.time += duration;
  }
  [[nodiscard]] std::optional<Seconds> Remaining() const {
    Seconds sum;
    for (const auto& [name, pace] : by_evaluator_) {
      if (pace.open == 0) continue;
      if (pace.finished == 0) return std::nullopt;
      sum += pace.time * (static_cast<double>(pace.open) / static_cast<double>(pace.finished));
    }
    return sum;
  }

 private:
  struct Pace {
    int64_t open = 0;
    int64_t finished = 0;
    Seconds time;
  };
  std::map<std::string_view, Pace> by_evaluator_;
};

results::Trial RunTrial(Evaluator& evaluator, const results::Point& point, const Json& identity) {
  results::Trial trial{.key = ContentHash(identity),
                       .evaluator = std::string(evaluator.name()),
                       .identity = identity.dump(),
                       .started_at = UtcNow(),
                       .duration = Seconds(0),
                       .outcome = results::Failure{}};
  const auto start = Clock::now();
  if (const auto* infeasible = std::get_if<results::Infeasible>(&point.problem)) {
    trial.outcome = *infeasible;
  } else {
    try {
      trial.outcome = evaluator.Evaluate(std::get<Problem>(point.problem));
    } catch (const Interruption&) {
      throw;
    } catch (const std::exception& error) {
      trial.outcome = results::Failure{.message = error.what()};
    }
  }
  trial.duration = Since(start);
  return trial;
}

// A point without a problem is asked once for each evaluator, whatever the evaluator's version.
Json IdentityOf(const Evaluator& evaluator, const results::Point& point) {
  if (const auto* problem = std::get_if<Problem>(&point.problem))
    return evaluator.Identity(*problem);
  return {{"evaluator", evaluator.name()},
          {"no_problem", std::get<results::Infeasible>(point.problem).reason}};
}

}  // namespace

results::SweepRecord RecordOf(const Sweep& sweep) {
  const Json definition = ResolvedDefinition(sweep);
  results::SweepRecord record{.hash = ContentHash(definition),
                              .name = sweep.name,
                              .definition = definition.dump(),
                              .evaluators = {},
                              .created_at = UtcNow()};
  for (const EvaluatorRequest& request : sweep.evaluators) {
    record.evaluators.push_back(request.name);
  }
  return record;
}

Summary RunSweep(const Sweep& sweep, std::span<const results::Point> points,
                 std::span<const std::unique_ptr<Evaluator>> evaluators, results::Store& store,
                 const DriverOptions& options) {
  const results::SweepRecord record = RecordOf(sweep);
  store.PutSweep(record, points);
  const std::vector<results::PointResult> earlier = store.Results(record.hash);

  Summary summary{.sweep_hash = record.hash};
  summary.total = static_cast<int64_t>(points.size() * evaluators.size());
  const auto is_answered = [&](size_t point, std::string_view evaluator) {
    const auto found = earlier[point].trials.find(std::string(evaluator));
    if (found == earlier[point].trials.end()) return false;
    return !(options.retry_failures && IsFailure(found->second));
  };
  EtaEstimate eta;
  for (const auto& evaluator : evaluators) {
    for (size_t i = 0; i < points.size(); ++i) {
      if (is_answered(i, evaluator->name())) {
        ++summary.already;
      } else {
        eta.Expect(evaluator->name());
      }
    }
  }

  const auto start = Clock::now();
  const auto report = [&](std::string_view evaluator, std::string_view label) {
    if (!options.on_progress) return;
    options.on_progress({.done = summary.already + summary.reused + summary.evaluated,
                         .total = summary.total,
                         .evaluator = evaluator,
                         .label = label,
                         .elapsed = Since(start),
                         .eta = eta.Remaining()});
  };
  for (const auto& evaluator : evaluators) {
    const std::string_view name = evaluator->name();
    for (size_t i = 0; i < points.size(); ++i) {
      if (is_answered(i, name)) continue;
      if (options.should_stop && options.should_stop()) {
        summary.interrupted = true;
        return summary;
      }
      report(name, points[i].label);
      const Json identity = IdentityOf(*evaluator, points[i]);
      const auto known = store.FindTrial(ContentHash(identity));
      if (known && !IsFailure(*known)) {
        store.LinkTrial(record.hash, points[i].index, known->key);
        eta.Skip(name);
        ++summary.reused;
        continue;
      }
      results::PointTrial trial{.point_index = points[i].index, .trial = {}};
      try {
        trial.trial = RunTrial(*evaluator, points[i], identity);
      } catch (const Interruption&) {
        summary.interrupted = true;
        return summary;
      }
      store.PutTrials(record.hash, {&trial, 1});
      eta.Finish(name, trial.trial.duration);
      ++summary.evaluated;
      if (IsFailure(trial.trial)) ++summary.failed;
      if (std::holds_alternative<results::Infeasible>(trial.trial.outcome)) ++summary.infeasible;
    }
  }
  report({}, {});
  return summary;
}

}  // namespace deepthin::sweeps
