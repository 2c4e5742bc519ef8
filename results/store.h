// Store: where sweeps, points and trials are kept. The contract below holds for every
// implementation (tests/results/store_contract_test.cc).
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "results/record/sweep_record.h"
#include "results/record/trial.h"

namespace deepthin::results {

// A finished trial and the point that asked for it.
struct PointTrial {
  int64_t point_index = 0;
  Trial trial;
};

// Contract:
// - Every call is atomic: it happens whole or not at all, also when the process is killed in it.
// - Trials are append-only: a second trial with the same key is a further attempt, the newest one
// counts.
// - What was put comes back equal (==), raw samples included. A NaN or an infinity in an outcome is
// refused with InputError.
// - One Store object belongs to one thread; several processes may have the same database open.
// - EnvironmentError: the disk is full, the path read-only, the file locked for long. InputError:
// the file is no
//   database of ours, is damaged, or is from a newer version.
class Store {
 public:
  virtual ~Store() = default;

  // Adds the sweep and its points; does nothing where the hash is there already.
  virtual void PutSweep(const SweepRecord& sweep, std::span<const Point> points) = 0;

  // Adds finished trials of a sweep's points in one transaction. REQUIRES: the sweep and the points
  // are there.
  virtual void PutTrials(const std::string& sweep_hash, std::span<const PointTrial> trials) = 0;

  // Says that a point's question was answered by a trial that is there already. REQUIRES: all three
  // are there.
  virtual void LinkTrial(const std::string& sweep_hash, int64_t point_index,
                         const std::string& trial_key) = 0;

  // The newest trial with that key.
  [[nodiscard]] virtual std::optional<Trial> FindTrial(const std::string& key) = 0;

  // All sweeps, oldest first.
  [[nodiscard]] virtual std::vector<SweepRecord> Sweeps() = 0;

  // Points of one sweep in order, each with the trials that answer it. Empty where the hash is
  // unknown.
  [[nodiscard]] virtual std::vector<PointResult> Results(const std::string& sweep_hash) = 0;

 protected:
  Store() = default;
  Store(const Store&) = default;
  Store& operator=(const Store&) = default;
};

}  // namespace deepthin::results
