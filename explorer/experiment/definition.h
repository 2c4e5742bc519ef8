// An experiment: groups of small models that are trained alike, so that their losses answer
// questions about architecture. One JSON file, which becomes ordinary sweeps.
//
//   const Experiment experiment = ExperimentFromArgument("twins");
//   for (const ExperimentSweep& each : SweepsOf(experiment)) RunSweep(each.sweep, each.points,
//   ...);
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "explorer/accuracy/training_evaluator.h"
#include "explorer/experiment/random_shapes.h"
#include "results/record/sweep_record.h"
#include "spec/embedded_file.h"
#include "spec/fields.h"
#include "spec/json_io.h"
#include "sweeps/sweep.h"

namespace deepthin::explorer {

// The rows of a table of the paper, in the order of the group's models.
struct PaperRows {
  std::string table;    // "table-11"
  std::string first{};  // rows whose first cell is this; empty: all rows
  friend bool operator==(const PaperRows&, const PaperRows&) = default;
};

// Models that one question is asked of. They are the twins of a shipped sweep's models, or random.
struct ExperimentGroup {
  std::string name;
  std::string title{};                 // the heading of its section
  std::string models_of{};             // a shipped sweep
  std::vector<std::string> only{};     // labels in it; empty: all
  std::optional<double> twin_share{};  // of the parents' decoder parameters; with models_of
  std::optional<RandomShapes> random{};
  int64_t seeds = 1;  // 1, 2, ... to this
  // Groups with seed 1 in this round, seed 2 in the next and so on: what comes first is run first.
  int64_t round = 1;
  std::vector<double> learning_rates{};                       // empty: the experiment's
  std::optional<runtime::Parametrisation> parametrisation{};  // absent: the experiment's
  std::optional<PaperRows> paper{};
  std::string reference{};  // the label that the others are compared with; empty: none

  friend bool operator==(const ExperimentGroup&, const ExperimentGroup&) = default;
};

struct Experiment {
  std::string name;
  std::string description;
  int64_t vocab_size = 0;     // of the tokenizer
  TrainingSettings training;  // of every run, but for what groups say and the seed
  std::vector<ExperimentGroup> groups;

  friend bool operator==(const Experiment&, const Experiment&) = default;
};

// Throws InputError that names file and place.
[[nodiscard]] Experiment ExperimentFromJson(const Json& json, const std::string& file);
// A shipped one by its name, or a file that ends in .json.
[[nodiscard]] Experiment ExperimentFromArgument(const std::string& argument);
[[nodiscard]] std::span<const EmbeddedFile> ShippedExperiments();

// The models of one group, one learning rate and one seed.
struct ExperimentSweep {
  size_t group = 0;  // in Experiment::groups
  double learning_rate = 0;
  int64_t seed = 0;
  sweeps::Sweep sweep{};  // the names of the experiment, the group and the two above are its name
  std::vector<results::Point> points{};
};

// In the order in which they are run. Throws InputError.
[[nodiscard]] std::vector<ExperimentSweep> SweepsOf(const Experiment& experiment);

[[nodiscard]] runtime::Parametrisation ParametrisationOf(const Experiment& experiment,
                                                         const ExperimentGroup& group);

}  // namespace deepthin::explorer

namespace deepthin {

template <>
struct Fields<explorer::PaperRows> {
  using S = explorer::PaperRows;
  static constexpr auto kList =
      std::tuple(Field("table", &S::table, "of the paper"),
                 Field("first", &S::first, "first cell of its rows", Presence::kOptional));
};

template <>
struct Fields<explorer::ExperimentGroup> {
  using S = explorer::ExperimentGroup;
  static constexpr auto kList = std::tuple(
      Field("name", &S::name, "of the group"),
      Field("title", &S::title, "heading of its section", Presence::kOptional),
      Field("models_of", &S::models_of, "a shipped sweep", Presence::kOptional),
      Field("only", &S::only, "labels in it", Presence::kOptional),
      Field("twin_share", &S::twin_share, "of decoder parameters", Presence::kOptional),
      Field("random", &S::random, "or random shapes", Presence::kOptional),
      Field("seeds", &S::seeds, "runs of each model", Presence::kOptional),
      Field("round", &S::round, "of the first of them", Presence::kOptional),
      Field("learning_rates", &S::learning_rates, "each is tried", Presence::kOptional),
      Field("parametrisation", &S::parametrisation, "in the place of the experiment's",
            Presence::kOptional),
      Field("paper", &S::paper, "rows of the same models", Presence::kOptional),
      Field("reference", &S::reference, "label of the model compared with", Presence::kOptional));
};

template <>
struct Fields<explorer::Experiment> {
  using S = explorer::Experiment;
  static constexpr auto kList =
      std::tuple(Field("name", &S::name, "of the experiment"),
                 Field("description", &S::description, "what it asks"),
                 Field("vocab_size", &S::vocab_size, "tokens of the tokenizer"),
                 Field("training", &S::training, "of every run"),
                 Field("groups", &S::groups, "in the order in which they are run"));
};

}  // namespace deepthin
