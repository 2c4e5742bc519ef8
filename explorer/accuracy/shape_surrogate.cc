#include "explorer/accuracy/shape_surrogate.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "explorer/accuracy/bayesian_ridge.h"
#include "explorer/accuracy/shape_features.h"
#include "spec/errors.h"
#include "spec/robust_stats.h"

namespace deepthin::explorer {
namespace {

constexpr size_t kLeastRows = 5;
// Feature values that a parabola needs at least.
constexpr size_t kParabola = 3;
// Beyond the fitted range by this share of it is still within.
constexpr double kRangeMargin = 0.05;

// Which prior a weight has. That of the intercept and of size is wide and fixed: how much size is
// worth, the rows say. Shape comes second (Kaplan et al., Scaling Laws for Neural Language Models,
// arXiv 2001.08361, section 3.1): its weights are near 0 unless the rows say otherwise.
enum Prior : size_t { kWide, kGroupOffset, kShape, kQuadratic };
constexpr double kWideVariance = 1e3;  // of the scale of the targets

constexpr size_t kDecoderFeature = 0;
constexpr size_t kBlocksFeature = 1;

// One column of the regression: a feature, or a product of two, of the centred values. They are not
// scaled: a weight is what a factor of e is worth, and what the rows hardly vary must not get large
// weights.
struct Term {
  size_t first = 0;
  std::optional<size_t> second{};
  double mean = 0;  // of the product over the rows: taken off, so that the intercept stays the mean
};

struct FeatureScale {
  double mean = 0;
  double low = 0;
  double high = 0;

  // 0 where the rows do not vary it: there is no column for it.
  [[nodiscard]] double Centred(double x) const { return low < high ? x - mean : 0; }
  [[nodiscard]] bool Holds(double x) const {
    const double margin = std::max(kRangeMargin * (high - low), 1e-9);
    return x >= low - margin && x <= high + margin;
  }
};

bool IsSameRun(const TrainedRow& a, const TrainedRow& b) {
  return a.group == b.group && a.model == b.model && a.target == b.target &&
         a.standard_error == b.standard_error;
}

std::vector<TrainedRow> DistinctRuns(std::span<const TrainedRow> rows) {
  std::vector<TrainedRow> out;
  for (const TrainedRow& row : rows) {
    if (std::none_of(out.begin(), out.end(), [&](const auto& o) { return IsSameRun(o, row); })) {
      out.push_back(row);
    }
  }
  return out;
}

double MeanOf(std::span<const double> values) {
  double sum = 0;
  for (const double x : values) sum += x;
  return sum / static_cast<double>(values.size());
}

FeatureScale ScaleOf(const std::vector<ShapeFeatures>& features, size_t f) {
  std::vector<double> values;
  for (const ShapeFeatures& row : features) values.push_back(row[f]);
  FeatureScale scale;
  scale.mean = MeanOf(values);
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  scale.low = *low;
  scale.high = *high;
  return scale;
}

}  // namespace

struct ShapeSurrogate::Fitted {
  size_t rows = 0;
  std::vector<std::string> groups;  // in the order of the columns
  std::vector<size_t> rows_of_group;
  std::array<FeatureScale, kShapeFeatures.size()> scales;
  std::vector<Term> terms;
  double mean_target = 0;
  double evaluation_variance = 0;        // of a new row's target, as far as it is known
  std::vector<double> largest_leverage;  // of a fitted row, by group
  RidgePosterior posterior;

  [[nodiscard]] ShapeFeatures Centred(const ShapeFeatures& features) const {
    ShapeFeatures out{};
    for (size_t f = 0; f < out.size(); ++f) out[f] = scales[f].Centred(features[f]);
    return out;
  }

  // 1, the group's flag, the terms.
  [[nodiscard]] Eigen::VectorXd Row(const ShapeFeatures& centred, size_t group) const {
    Eigen::VectorXd row =
        Eigen::VectorXd::Zero(static_cast<Eigen::Index>(1 + groups.size() + terms.size()));
    Eigen::Index j = 0;
    row[j++] = 1;
    if (groups.size() > 1) row[j + static_cast<Eigen::Index>(group)] = 1;
    j += static_cast<Eigen::Index>(groups.size());
    for (const Term& term : terms) {
      const double product = centred[term.first] * (term.second ? centred[*term.second] : 1);
      row[j++] = product - term.mean;
    }
    return row;
  }

  [[nodiscard]] size_t GroupIndex(std::string_view name) const {
    const auto found = std::find(groups.begin(), groups.end(), name);
    if (found != groups.end()) return static_cast<size_t>(found - groups.begin());
    std::string names;
    for (const std::string& group : groups) names += (names.empty() ? "" : ", ") + group;
    throw InputError({"", "the group"}, "is '" + std::string(name) + "'", "one of " + names);
  }
};

namespace {

// Linear terms of what the rows vary; squares of what has values enough, and whether the worth of
// depth changes with size.
std::vector<Term> TermsFor(const std::vector<ShapeFeatures>& centred) {
  std::vector<Term> terms;
  std::array<size_t, kShapeFeatures.size()> distinct{};
  for (size_t f = 0; f < distinct.size(); ++f) {
    std::set<double> values;
    for (const ShapeFeatures& row : centred) values.insert(row[f]);
    distinct[f] = values.size();
    if (distinct[f] > 1) terms.push_back({.first = f});
  }
  const auto add_product = [&](size_t a, size_t b) {
    std::vector<double> products;
    for (const ShapeFeatures& row : centred) products.push_back(row[a] * row[b]);
    terms.push_back({.first = a, .second = b, .mean = MeanOf(products)});
  };
  for (size_t f = 0; f < distinct.size(); ++f) {
    if (distinct[f] >= kParabola) add_product(f, f);
  }
  if (distinct[kDecoderFeature] >= kParabola && distinct[kBlocksFeature] >= kParabola) {
    add_product(kDecoderFeature, kBlocksFeature);
  }
  return terms;
}

void RequireRows(std::span<const TrainedRow> rows) {
  for (size_t i = 0; i < rows.size(); ++i) {
    const TrainedRow& row = rows[i];
    const std::string place = "/" + std::to_string(i);
    Validate(row.model, {"", place + "/model"});
    if (!std::isfinite(row.target))
      throw InputError({"", place + "/target"}, "is not finite", "a number");
    if (row.standard_error && !(std::isfinite(*row.standard_error) && *row.standard_error >= 0))
      throw InputError({"", place + "/standard_error"}, "is no size of an error", "0 or more");
  }
}

RidgeData DataOf(const ShapeSurrogate::Fitted& fitted, std::span<const TrainedRow> rows,
                 const std::vector<ShapeFeatures>& centred) {
  const auto n = static_cast<Eigen::Index>(rows.size());
  RidgeData data;
  data.targets.resize(n);
  data.known.resize(n);
  for (Eigen::Index i = 0; i < n; ++i) {
    const TrainedRow& row = rows[static_cast<size_t>(i)];
    const Eigen::VectorXd features =
        fitted.Row(centred[static_cast<size_t>(i)], fitted.GroupIndex(row.group));
    if (i == 0) data.features.resize(n, features.size());
    data.features.row(i) = features.transpose();
    data.targets[i] = row.target - fitted.mean_target;
    const double error = row.standard_error.value_or(0);
    data.known[i] = error * error;
  }
  data.group.push_back(kWide);
  data.group.insert(data.group.end(), fitted.groups.size(), kGroupOffset);
  for (const Term& term : fitted.terms) {
    const Prior of_feature = term.first == kDecoderFeature ? kWide : kShape;
    data.group.push_back(term.second ? kQuadratic : of_feature);
  }
  return data;
}

}  // namespace

ShapeSurrogate FitShapeSurrogate(std::span<const TrainedRow> all) {
  RequireRows(all);
  const std::vector<TrainedRow> rows = DistinctRuns(all);
  if (rows.size() < kLeastRows) {
    throw InputError({"", "the trained rows"}, "are " + std::to_string(rows.size()),
                     "at least " + std::to_string(kLeastRows) + " distinct ones");
  }
  auto fitted = std::make_shared<ShapeSurrogate::Fitted>();
  fitted->rows = rows.size();
  std::vector<ShapeFeatures> features;
  std::vector<double> targets;
  std::vector<double> known;
  for (const TrainedRow& row : rows) {
    features.push_back(FeaturesOf(row.model));
    targets.push_back(row.target);
    known.push_back(row.standard_error.value_or(0) * row.standard_error.value_or(0));
    const auto group = std::find(fitted->groups.begin(), fitted->groups.end(), row.group);
    if (group == fitted->groups.end()) {
      fitted->groups.push_back(row.group);
      fitted->rows_of_group.push_back(1);
    } else {
      ++fitted->rows_of_group[static_cast<size_t>(group - fitted->groups.begin())];
    }
  }
  for (size_t f = 0; f < fitted->scales.size(); ++f) fitted->scales[f] = ScaleOf(features, f);
  for (ShapeFeatures& row : features) row = fitted->Centred(row);
  fitted->terms = TermsFor(features);
  fitted->mean_target = MeanOf(targets);
  fitted->evaluation_variance = Median(known);

  for (double& x : targets) x = (x - fitted->mean_target) * (x - fitted->mean_target);
  const double scale = std::max(MeanOf(targets), 1e-12);
  const RidgeData data = DataOf(*fitted, rows, features);
  const RidgeVariances start{.noise = scale, .prior = {kWideVariance * scale, scale, scale, scale}};
  fitted->posterior = FitRidge(data, start, kWide, scale);
  fitted->largest_leverage.assign(fitted->groups.size(), 0);
  for (size_t i = 0; i < rows.size(); ++i) {
    double& largest = fitted->largest_leverage[fitted->GroupIndex(rows[i].group)];
    const auto row = data.features.row(static_cast<Eigen::Index>(i)).transpose();
    largest = std::max(largest, fitted->posterior.PredictedVariance(row));
  }
  return ShapeSurrogate(fitted);
}

Prediction ShapeSurrogate::Predict(const ModelSpec& spec, std::string_view group) const {
  const ShapeFeatures features = FeaturesOf(spec);
  const size_t index = fitted_->GroupIndex(group);
  const Eigen::VectorXd row = fitted_->Row(fitted_->Centred(features), index);
  const double variance = fitted_->posterior.PredictedVariance(row);
  Prediction out;
  out.value = fitted_->mean_target + fitted_->posterior.Predict(row);
  out.standard_error = std::sqrt(std::max(variance, 0.0) + fitted_->posterior.variances.noise +
                                 fitted_->evaluation_variance);
  for (size_t f = 0; f < features.size() && out.out_of_domain.empty(); ++f) {
    if (!fitted_->scales[f].Holds(features[f])) out.out_of_domain = kShapeFeatures[f];
  }
  // Less sure than of any fitted row: outside of the ellipsoid that holds them (Montgomery, Peck
  // and Vining, Introduction to Linear Regression Analysis, 2012, section 3.8).
  if (out.out_of_domain.empty() && variance > fitted_->largest_leverage[index] * (1 + 1e-9)) {
    out.out_of_domain = "the combination of its features";
  }
  out.in_domain = out.out_of_domain.empty();
  return out;
}

size_t ShapeSurrogate::rows() const { return fitted_->rows; }

std::string ShapeSurrogate::LargestGroup() const {
  const auto& counts = fitted_->rows_of_group;
  const auto largest = std::max_element(counts.begin(), counts.end());
  return fitted_->groups[static_cast<size_t>(largest - counts.begin())];
}

double ShapeSurrogate::noise() const { return std::sqrt(fitted_->posterior.variances.noise); }

std::vector<TrainedRow> WithoutTable(std::span<const TrainedRow> rows, std::string_view table) {
  std::vector<TrainedRow> out;
  for (const TrainedRow& row : rows) {
    const bool is_of_table = std::any_of(rows.begin(), rows.end(), [&](const TrainedRow& other) {
      return other.table == table && other.model == row.model;
    });
    if (!is_of_table) out.push_back(row);
  }
  return out;
}

std::vector<TrainedRow> WithoutModel(std::span<const TrainedRow> rows, const ModelSpec& model) {
  std::vector<TrainedRow> out;
  for (const TrainedRow& row : rows) {
    if (!(row.model == model)) out.push_back(row);
  }
  return out;
}

}  // namespace deepthin::explorer
