// Evaluators by name, so that a sweep definition can ask for them. Whoever runs a sweep hands the
// driver a table; explorer adds the proxies to the two that are known here.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sweeps/evaluator.h"
#include "sweeps/sweep.h"

namespace deepthin::sweeps {

struct EvaluatorEntry {
  std::string_view name;
  std::string_view help;
  // Reads the settings; throws InputError.
  std::function<std::unique_ptr<Evaluator>(const Json& settings, const Where& where)> make;
};

// "estimate" and "measure".
[[nodiscard]] std::vector<EvaluatorEntry> BuiltinEvaluators();

// The evaluators that a sweep asks for, in its order. Throws InputError for an unknown name and for
// one given twice.
[[nodiscard]] std::vector<std::unique_ptr<Evaluator>> MakeEvaluators(
    const Sweep& sweep, std::span<const EvaluatorEntry> table, const std::string& file);

}  // namespace deepthin::sweeps
