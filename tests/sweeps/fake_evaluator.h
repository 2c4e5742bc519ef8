// An evaluator for tests: counts its calls, answers with n_blocks, and does what a test tells it
// to.
#pragma once

#include <functional>
#include <string>

#include "sweeps/evaluator.h"

namespace deepthin::sweeps {

class FakeEvaluator : public Evaluator {
 public:
  explicit FakeEvaluator(std::string name = "fake") : name_(std::move(name)) {}

  [[nodiscard]] std::string_view name() const override { return name_; }
  [[nodiscard]] Json Identity(const Problem& problem) const override {
    return {{"evaluator", name_}, {"model", ToJson(problem.model)}};
  }
  [[nodiscard]] results::Outcome Evaluate(const Problem& problem) override {
    ++calls;
    if (before) before(problem);
    return ProxyScore{.proxy = name_,
                      .version = "1",
                      .value = static_cast<double>(problem.model.n_blocks),
                      .standard_error = std::nullopt,
                      .method = "counted",
                      .in_domain = true};
  }

  int calls = 0;
  std::function<void(const Problem&)> before;  // may throw

 private:
  std::string name_;
};

}  // namespace deepthin::sweeps
