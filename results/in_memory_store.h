// InMemoryStore: the Store contract in its simplest form. For tests, and for runs whose results
// nobody keeps.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "results/store.h"

namespace deepthin::results {

class InMemoryStore final : public Store {
 public:
  void PutSweep(const SweepRecord& sweep, std::span<const Point> points) override;
  void PutTrials(const std::string& sweep_hash, std::span<const PointTrial> trials) override;
  void LinkTrial(const std::string& sweep_hash, int64_t point_index,
                 const std::string& trial_key) override;
  [[nodiscard]] std::optional<Trial> FindTrial(const std::string& key) override;
  [[nodiscard]] std::vector<SweepRecord> Sweeps() override;
  [[nodiscard]] std::vector<PointResult> Results(const std::string& sweep_hash) override;

 private:
  struct StoredPoint {
    Point point;
    std::set<std::string> trial_keys;
  };
  struct StoredSweep {
    SweepRecord record;
    std::map<int64_t, StoredPoint> points;
  };

  StoredPoint& PointAt(const std::string& sweep_hash, int64_t point_index);

  std::vector<StoredSweep> sweeps_;                      // in order of arrival
  std::vector<Trial> trials_;                            // in order of arrival
  std::map<std::string, std::vector<size_t>> attempts_;  // places in trials_ by key
};

}  // namespace deepthin::results
