// Driver: runs a sweep against a store. Resuming is running it again: what the store has is not
// done twice.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "results/store.h"
#include "sweeps/evaluator.h"
#include "sweeps/sweep.h"

namespace deepthin::sweeps {

struct Progress {
  int64_t done = 0;            // trials answered, those of earlier runs included
  int64_t total = 0;           // points x evaluators
  std::string_view evaluator;  // of the trial that comes next; empty at the end
  std::string_view label;
  Seconds elapsed;  // in this run
  std::optional<Seconds>
      eta;  // from the mean time of each evaluator's trials; absent before the first
};

struct DriverOptions {
  std::function<void(const Progress&)> on_progress;  // before each trial and at the end
  std::function<bool()> should_stop;                 // asked before each trial
  bool retry_failures = false;  // ask again what failed; infeasible outcomes stay
};

struct Summary {
  std::string sweep_hash;
  int64_t total = 0;
  int64_t evaluated = 0;   // in this run
  int64_t reused = 0;      // answered by a trial of another sweep or of an equal point
  int64_t already = 0;     // answered in an earlier run
  int64_t infeasible = 0;  // of the evaluated
  int64_t failed = 0;      // of the evaluated
  bool interrupted = false;
};

// The record under which a sweep is stored.
[[nodiscard]] results::SweepRecord RecordOf(const Sweep& sweep);

// Evaluator by evaluator, so that the cheap ones that stand first give a whole table early. Each
// trial is committed on its own: a kill loses at most the one in flight. What an evaluator throws
// becomes a Failure, but an Interruption ends the run as should_stop does; what the store throws
// ends it.
Summary RunSweep(const Sweep& sweep, std::span<const results::Point> points,
                 std::span<const std::unique_ptr<Evaluator>> evaluators, results::Store& store,
                 const DriverOptions& options);

}  // namespace deepthin::sweeps
