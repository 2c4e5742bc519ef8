#include "explorer/experiment/work.h"

#include <set>

#include "runtime/trainer/training_macs.h"
#include "sweeps/driver.h"

namespace deepthin::explorer {
namespace {

void Add(const ExperimentSweep& sweep, const results::Point& point, ExperimentWork& work) {
  const auto settings =
      FromJson<TrainingSettings>(sweep.sweep.evaluators.front().settings, {sweep.sweep.name, ""});
  const runtime::BatchShape shape{.sequences = settings.batch, .length = settings.length};
  ++work.runs;
  work.tokens += settings.steps * shape.predicted();
  work.macs += MacsOf(std::get<Problem>(point.problem).model, shape, settings.steps);
}

}  // namespace

double MacsOf(const ModelSpec& model, const runtime::BatchShape& shape, int64_t steps) {
  return runtime::TrainingMacsPerToken(model, shape.length) *
         static_cast<double>(shape.predicted() * steps);
}

ExperimentWork WorkOf(std::span<const ExperimentSweep> sweeps) {
  ExperimentWork work;
  for (const ExperimentSweep& sweep : sweeps) {
    for (const results::Point& point : sweep.points) Add(sweep, point, work);
  }
  return work;
}

ExperimentWork WorkOf(std::span<const ExperimentSweep> sweeps, results::Store& store) {
  ExperimentWork work;
  for (const ExperimentSweep& sweep : sweeps) {
    std::set<int64_t> answered;
    for (const results::PointResult& known : store.Results(RecordOf(sweep.sweep).hash)) {
      const auto trial = known.trials.find("train");
      if (trial != known.trials.end() &&
          !std::holds_alternative<results::Failure>(trial->second.outcome)) {
        answered.insert(known.point.index);
      }
    }
    for (const results::Point& point : sweep.points) {
      if (!answered.contains(point.index)) Add(sweep, point, work);
    }
  }
  return work;
}

}  // namespace deepthin::explorer
