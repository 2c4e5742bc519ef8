#include "results/in_memory_store.h"

#include <algorithm>

#include "results/storable.h"

namespace deepthin::results {

void InMemoryStore::PutSweep(const SweepRecord& sweep, std::span<const Point> points) {
  for (const StoredSweep& stored : sweeps_) {
    if (stored.record.hash == sweep.hash) return;
  }
  StoredSweep added{.record = sweep, .points = {}};
  for (const Point& point : points) {
    RequireStorable(point);
    if (!added.points.try_emplace(point.index, StoredPoint{point, {}}).second) {
      ThrowPointTwice(point.index);
    }
  }
  sweeps_.push_back(std::move(added));
}

InMemoryStore::StoredPoint& InMemoryStore::PointAt(const std::string& sweep_hash,
                                                   int64_t point_index) {
  for (StoredSweep& stored : sweeps_) {
    if (stored.record.hash != sweep_hash) continue;
    const auto found = stored.points.find(point_index);
    if (found != stored.points.end()) return found->second;
  }
  ThrowNoSuchPoint(sweep_hash, point_index);
}

void InMemoryStore::PutTrials(const std::string& sweep_hash, std::span<const PointTrial> trials) {
  for (const PointTrial& entry : trials) {  // all checks first: all of them or none
    RequireStorable(entry.trial);
    static_cast<void>(PointAt(sweep_hash, entry.point_index));
  }
  for (const auto& [point_index, trial] : trials) {
    attempts_[trial.key].push_back(trials_.size());
    trials_.push_back(trial);
    PointAt(sweep_hash, point_index).trial_keys.insert(trial.key);
  }
}

void InMemoryStore::LinkTrial(const std::string& sweep_hash, int64_t point_index,
                              const std::string& trial_key) {
  StoredPoint& point = PointAt(sweep_hash, point_index);
  if (!attempts_.contains(trial_key)) ThrowNoSuchTrial(trial_key);
  point.trial_keys.insert(trial_key);
}

std::optional<Trial> InMemoryStore::FindTrial(const std::string& key) {
  const auto found = attempts_.find(key);
  if (found == attempts_.end()) return std::nullopt;
  return trials_[found->second.back()];
}

std::vector<SweepRecord> InMemoryStore::Sweeps() {
  std::vector<SweepRecord> out;
  for (const StoredSweep& stored : sweeps_) out.push_back(stored.record);
  std::stable_sort(out.begin(), out.end(), [](const SweepRecord& a, const SweepRecord& b) {
    return a.created_at < b.created_at;
  });
  return out;
}

std::vector<PointResult> InMemoryStore::Results(const std::string& sweep_hash) {
  std::vector<PointResult> out;
  for (const StoredSweep& stored : sweeps_) {
    if (stored.record.hash != sweep_hash) continue;
    for (const auto& [index, stored_point] : stored.points) {
      std::map<std::string, size_t> newest;  // place in trials_ by evaluator
      for (const std::string& key : stored_point.trial_keys) {
        for (const size_t place : attempts_.at(key)) {
          size_t& known = newest[trials_[place].evaluator];
          known = std::max(known, place);
        }
      }
      PointResult result{.point = stored_point.point, .trials = {}};
      for (const auto& [evaluator, place] : newest) result.trials[evaluator] = trials_[place];
      out.push_back(std::move(result));
    }
  }
  return out;
}

}  // namespace deepthin::results
