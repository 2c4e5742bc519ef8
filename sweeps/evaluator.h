// Evaluator: answers one question about a Problem. The driver knows evaluators by this interface
// only.
#pragma once

#include <exception>
#include <string>
#include <string_view>

#include "results/record/trial.h"
#include "spec/json_io.h"
#include "spec/problem.h"

namespace deepthin::sweeps {

// Thrown by Evaluate() where the caller's wish to stop reached it before it had an answer. No
// outcome: the question stays open, and the evaluator goes on where it is asked again.
class Interruption : public std::exception {
 public:
  [[nodiscard]] const char* what() const noexcept override { return "interrupted"; }
};

// Contract:
// - Identity() holds the evaluator's name, version and settings, and just what of the problem the
// outcome depends on
//   (a score does not depend on the SoC). Equal identities are evaluated once.
// - Evaluate() returns Infeasible for a design that cannot be run or does not fit; it throws for
// what broke off, and Interruption where it was told to stop.
class Evaluator {
 public:
  virtual ~Evaluator() = default;

  [[nodiscard]] virtual std::string_view name() const = 0;
  [[nodiscard]] virtual Json Identity(const Problem& problem) const = 0;
  [[nodiscard]] virtual results::Outcome Evaluate(const Problem& problem) = 0;

 protected:
  Evaluator() = default;
  Evaluator(const Evaluator&) = default;
  Evaluator& operator=(const Evaluator&) = default;
};

}  // namespace deepthin::sweeps
