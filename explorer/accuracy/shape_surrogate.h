// shape_surrogate: how well models of like shape did, once trained. A Bayesian ridge on logarithms
// of the shape, fitted to trained rows; it says how sure it is, and whether the rows know such
// shapes.
//
//   const ShapeSurrogate surrogate = FitShapeSurrogate(PaperRuns(PaperTarget::kAverage));
//   Prediction p = surrogate.Predict(spec, kPaperGroup);   // p.value +- 1.64 p.standard_error: 90
//   %
//
// docs/accuracy.md has the features and the equations.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "explorer/accuracy/proxy.h"
#include "explorer/accuracy/trained_row.h"

namespace deepthin::explorer {

struct Prediction {
  double value = 0;           // of the target
  double standard_error = 0;  // of a new row's target about it: what is not known of the value,
                              // what the shape does not explain, and the evaluation's error
  bool in_domain = true;
  std::string out_of_domain;  // in what it is beyond the rows; else empty
};

class ShapeSurrogate {
 public:
  struct Fitted;
  explicit ShapeSurrogate(std::shared_ptr<const Fitted> fitted) : fitted_(std::move(fitted)) {}

  // For a model trained as the rows of that group were. Throws InputError that lists the groups.
  // REQUIRES: a valid spec.
  [[nodiscard]] Prediction Predict(const ModelSpec& spec, std::string_view group) const;

  [[nodiscard]] size_t rows() const;               // that it was fitted to
  [[nodiscard]] std::string LargestGroup() const;  // the first of the largest
  [[nodiscard]] double noise() const;              // standard deviation that the shape leaves open

 private:
  std::shared_ptr<const Fitted> fitted_;
};

// Rows that are equal but for name and table count once: they are one run, printed twice. Throws
// InputError for fewer than five distinct rows, and for one that is not valid.
[[nodiscard]] ShapeSurrogate FitShapeSurrogate(std::span<const TrainedRow> rows);

// The rows that may be fitted to when `table` is judged: those of other tables, less the runs whose
// model the table has too.
[[nodiscard]] std::vector<TrainedRow> WithoutTable(std::span<const TrainedRow> rows,
                                                   std::string_view table);

// The rows of other models. They may be of the same table.
[[nodiscard]] std::vector<TrainedRow> WithoutModel(std::span<const TrainedRow> rows,
                                                   const ModelSpec& model);

// Settings: rows (file of trained rows), target (average or hellaswag: of the paper's rows), group.
[[nodiscard]] ProxyEntry ShapeSurrogateEntry();

}  // namespace deepthin::explorer
