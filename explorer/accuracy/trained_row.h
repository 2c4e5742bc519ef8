// TrainedRow: a model that somebody trained, and how well it did. What fitted proxies learn from
// and all proxies are judged by, wherever it comes from.
#pragma once

#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "spec/fields.h"
#include "spec/model_spec.h"

namespace deepthin::explorer {

struct TrainedRow {
  std::string name;  // "125M 30L"
  // Rows trained alike (data, tokens, recipe): only within a group do targets compare.
  std::string group;
  // Rows that are left out together, when what was fitted to the others is judged.
  std::string table;
  ModelSpec model;
  double target = 0;                       // higher is better: accuracy in points, or minus a loss
  std::optional<double> standard_error{};  // of the target, where it is known

  friend bool operator==(const TrainedRow&, const TrainedRow&) = default;
};

}  // namespace deepthin::explorer

template <>
struct deepthin::Fields<deepthin::explorer::TrainedRow> {
  using S = explorer::TrainedRow;
  static constexpr auto kList = std::tuple(
      Field("name", &S::name, "of the row"), Field("group", &S::group, "rows trained alike"),
      Field("table", &S::table, "rows that are left out together"),
      Field("model", &S::model, "ModelSpec"),
      Field("target", &S::target, "higher is better: points, or minus a loss"),
      Field("standard_error", &S::standard_error, "of the target", Presence::kOptional));
};
