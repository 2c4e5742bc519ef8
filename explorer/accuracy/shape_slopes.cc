#include "explorer/accuracy/shape_slopes.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

#include "explorer/accuracy/shape_features.h"
#include "spec/errors.h"

namespace deepthin::explorer {
namespace {

using Index = Eigen::Index;

// Those features in which the models differ.
std::vector<size_t> Varying(std::span<const ShapeFeatures> rows, std::span<const size_t> features) {
  std::vector<size_t> out;
  for (const size_t f : features) {
    const auto differs = [&](const ShapeFeatures& row) { return row[f] != rows.front()[f]; };
    if (std::any_of(rows.begin(), rows.end(), differs)) out.push_back(f);
  }
  return out;
}

// The constant last. Absent where the sample does not tell the columns apart.
std::optional<Eigen::VectorXd> LeastSquares(const Eigen::MatrixXd& columns,
                                            const Eigen::VectorXd& targets,
                                            std::span<const size_t> sample) {
  Eigen::MatrixXd picked(static_cast<Index>(sample.size()), columns.cols());
  Eigen::VectorXd wanted(static_cast<Index>(sample.size()));
  for (size_t i = 0; i < sample.size(); ++i) {
    picked.row(static_cast<Index>(i)) = columns.row(static_cast<Index>(sample[i]));
    wanted[static_cast<Index>(i)] = targets[static_cast<Index>(sample[i])];
  }
  const Eigen::ColPivHouseholderQR<Eigen::MatrixXd> factors(picked);
  if (factors.rank() < columns.cols()) return std::nullopt;
  return factors.solve(wanted);
}

}  // namespace

std::optional<ShapeSlopes> SlopesOf(std::span<const ModelSpec> models,
                                    std::span<const double> targets,
                                    std::span<const size_t> features,
                                    const BootstrapOptions& options) {
  DEEPTHIN_CHECK(models.size() == targets.size());
  if (models.empty()) return std::nullopt;
  std::vector<ShapeFeatures> rows;
  for (const ModelSpec& model : models) rows.push_back(FeaturesOf(model));
  const std::vector<size_t> used = Varying(rows, features);
  if (used.empty() || rows.size() < 2 * (used.size() + 1)) return std::nullopt;

  const auto n = static_cast<Index>(rows.size());
  const auto slopes = static_cast<Index>(used.size());
  Eigen::MatrixXd columns(n, slopes + 1);
  Eigen::VectorXd wanted(n);
  for (Index i = 0; i < n; ++i) {
    const ShapeFeatures& row = rows[static_cast<size_t>(i)];
    for (Index j = 0; j < slopes; ++j) columns(i, j) = row[used[static_cast<size_t>(j)]];
    columns(i, slopes) = 1;
    wanted[i] = targets[static_cast<size_t>(i)];
  }
  std::vector<size_t> all(rows.size());
  for (size_t i = 0; i < all.size(); ++i) all[i] = i;
  const auto fit = LeastSquares(columns, wanted, all);
  if (!fit) return std::nullopt;
  const std::vector<Figure> figures = Bootstrap(
      rows.size(), used.size(),
      [&](std::span<const size_t> sample, std::span<std::optional<double>> out) {
        const auto weights = LeastSquares(columns, wanted, sample);
        if (!weights) return;
        for (size_t j = 0; j < out.size(); ++j) out[j] = (*weights)[static_cast<Index>(j)];
      },
      options);

  ShapeSlopes out;
  for (size_t j = 0; j < used.size(); ++j) {
    out.slopes.push_back({kShapeFeatures[used[j]], figures[j]});
  }
  const double squares = (wanted - columns * *fit).squaredNorm();
  out.left = std::sqrt(squares / static_cast<double>(n - slopes - 1));
  return out;
}

}  // namespace deepthin::explorer
