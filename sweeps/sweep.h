// Sweep: which problems are asked, and which evaluators answer. Read from one JSON file
// (sweep.schema.json).
//
//   {"name": "depth", "base": {"model": "mobilellm-125m", "soc": "iphone-13", "precision": "f16",
//                              "workload": {"prompt_tokens": 64, "generated_tokens": 32}},
//    "axes": [{"key": "model.n_blocks", "values": [12, 30]}],
//    "evaluators": [{"name": "score"}, {"name": "estimate"}, {"name": "measure", "threads": 2}]}
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "results/record/sweep_record.h"
#include "spec/embedded_file.h"
#include "spec/json_io.h"

namespace deepthin::sweeps {

struct AxisValue {
  std::string label;
  Json value;  // what stands at the axis' key in the problem, names resolved
};

struct Axis {
  std::string
      key;  // dotted path into a Problem: "model", "model.n_heads", "workload.prompt_tokens"
  std::vector<AxisValue> values;
};

struct EvaluatorRequest {
  std::string name;
  Json settings;  // the evaluator's own keys
};

struct Sweep {
  std::string name;
  std::string description;
  Json base;  // a Problem, names resolved
  std::vector<Axis> axes;
  std::string sampler = "grid";
  std::vector<EvaluatorRequest> evaluators;
};

// Checks against the schema, resolves names of models, SoCs and precisions. Throws InputError with
// file and JSON path.
[[nodiscard]] Sweep SweepFromJson(const Json& json, const std::string& file);

// A shipped definition by name ("demo"), or a file that ends in .json.
[[nodiscard]] Sweep SweepFromArgument(const std::string& argument);
[[nodiscard]] std::span<const EmbeddedFile> ShippedSweeps();

// All that decides which trials there are: same hash, same trials.
[[nodiscard]] Json ResolvedDefinition(const Sweep& sweep);

// The points that the sampler proposes. A combination that is no valid problem becomes an
// infeasible point with the reason; one of a wrong type is the definition's fault and throws
// InputError.
[[nodiscard]] std::vector<results::Point> PointsOf(const Sweep& sweep, const std::string& file);

}  // namespace deepthin::sweeps
