#include "explorer/experiment/summary.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <tuple>

#include "explorer/accuracy/ranking.h"
#include "spec/errors.h"

namespace deepthin::explorer {
namespace {

double MeanOf(std::span<const double> values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

double SquaresAroundMean(std::span<const double> values) {
  const double mean = MeanOf(values);
  double sum = 0;
  for (const double value : values) sum += (value - mean) * (value - mean);
  return sum;
}

// Over groups of values, each around its own mean.
std::optional<Deviation> Pooled(const std::vector<std::vector<double>>& groups) {
  double squares = 0;
  int64_t degrees = 0;
  for (const std::vector<double>& values : groups) {
    if (values.size() < 2) continue;
    squares += SquaresAroundMean(values);
    degrees += static_cast<int64_t>(values.size()) - 1;
  }
  if (degrees == 0) return std::nullopt;
  return Deviation{.value = std::sqrt(squares / static_cast<double>(degrees)), .degrees = degrees};
}

std::vector<double> Losses(const ExperimentCell& cell) {
  std::vector<double> out;
  for (const auto& [seed, loss] : cell.losses) out.push_back(loss);
  return out;
}

std::vector<double> PairedDifferences(const ExperimentCell& reference, const ExperimentCell& cell) {
  std::vector<double> out;
  for (const auto& [seed, loss] : cell.losses) {
    const auto found = reference.losses.find(seed);
    if (found != reference.losses.end()) out.push_back(loss - found->second);
  }
  return out;
}

// Losses by cell with runs and by seed that all of these have; no rows where there is no such seed.
using Table = std::vector<std::vector<double>>;
Table CompleteTable(std::span<const ExperimentCell> cells) {
  std::vector<const ExperimentCell*> rows;
  for (const ExperimentCell& cell : cells) {
    if (cell.has_runs()) rows.push_back(&cell);
  }
  Table table(rows.size());
  if (rows.empty()) return table;
  for (const auto& [seed, unused] : rows.front()->losses) {
    const auto has_seed = [s = seed](const ExperimentCell* cell) {
      return cell->losses.contains(s);
    };
    if (!std::all_of(rows.begin(), rows.end(), has_seed)) continue;
    for (size_t i = 0; i < rows.size(); ++i) table[i].push_back(rows[i]->losses.at(seed));
  }
  if (table.front().empty()) table.clear();
  return table;
}

std::vector<double> RowMeans(const Table& table) {
  std::vector<double> means;
  for (const std::vector<double>& row : table) means.push_back(MeanOf(row));
  return means;
}

bool IsSame(const ExperimentCell& a, const ExperimentCell& b) {
  return std::tie(a.group, a.learning_rate, a.label) == std::tie(b.group, b.learning_rate, b.label);
}

}  // namespace

double ExperimentCell::mean() const { return MeanOf(Losses(*this)); }

std::vector<ExperimentCell> CellsOf(const ExperimentResults& results) {
  std::vector<ExperimentCell> cells;
  // The cell of a sweep's point: where its group and learning rate begin, plus the point.
  std::map<std::pair<size_t, double>, size_t> begins;
  std::vector<size_t> begin_of_sweep;
  for (const ExperimentSweep& sweep : results.sweeps) {
    const auto [known, is_new] =
        begins.emplace(std::pair(sweep.group, sweep.learning_rate), cells.size());
    begin_of_sweep.push_back(known->second);
    for (size_t i = 0; i < sweep.points.size(); ++i) {
      if (is_new) {
        const results::Point& point = sweep.points[i];
        ExperimentCell cell{.group = sweep.group,
                            .learning_rate = sweep.learning_rate,
                            .label = point.label,
                            .model = std::get<Problem>(point.problem).model};
        cells.push_back(std::move(cell));
      }
      ++cells[known->second + i].planned;
    }
  }
  for (const ExperimentRow& row : results.rows) {
    const auto* training = std::get_if<TrainingRecord>(&row.trial.outcome);
    if (training == nullptr) continue;
    ExperimentCell& cell = cells[begin_of_sweep[row.sweep] + row.point];
    if (training->diverged) {
      ++cell.diverged;
    } else if (training->validation_loss) {
      cell.losses[results.sweeps[row.sweep].seed] = *training->validation_loss;
    }
  }
  std::stable_sort(cells.begin(), cells.end(),
                   [](const auto& a, const auto& b) { return a.group < b.group; });
  return cells;
}

std::vector<ExperimentCell> CellsOfGroup(std::span<const ExperimentCell> cells, size_t group) {
  std::vector<ExperimentCell> out;
  for (const ExperimentCell& cell : cells) {
    if (cell.group == group) out.push_back(cell);
  }
  return out;
}

std::vector<ExperimentCell> OverCommonSeeds(std::span<const ExperimentCell> cells) {
  std::vector<ExperimentCell> out(cells.begin(), cells.end());
  std::set<int64_t> seeds;
  for (const ExperimentCell& cell : cells) {
    for (const auto& [seed, loss] : cell.losses) seeds.insert(seed);
  }
  std::erase_if(seeds, [&](int64_t seed) {
    return std::any_of(cells.begin(), cells.end(), [&](const ExperimentCell& cell) {
      return cell.has_runs() && !cell.losses.contains(seed);
    });
  });
  if (seeds.empty()) return out;
  for (ExperimentCell& cell : out) {
    std::erase_if(cell.losses, [&](const auto& run) { return !seeds.contains(run.first); });
  }
  return out;
}

double Deviation::HalfInterval(int64_t n) const {
  DEEPTHIN_CHECK(n >= 1);
  return StudentT95(degrees) * value / std::sqrt(static_cast<double>(n));
}

std::optional<Deviation> SeedDeviation(std::span<const ExperimentCell> cells) {
  std::vector<std::vector<double>> losses;
  for (const ExperimentCell& cell : cells) losses.push_back(Losses(cell));
  return Pooled(losses);
}

std::optional<Deviation> ResidualDeviation(std::span<const ExperimentCell> cells) {
  const Table table = CompleteTable(cells);
  if (table.size() < 2 || table.front().size() < 2) return std::nullopt;
  const std::vector<double> row_means = RowMeans(table);
  const double mean = MeanOf(row_means);
  double squares = 0;
  for (size_t seed = 0; seed < table.front().size(); ++seed) {
    double seed_mean = 0;
    for (const auto& row : table) seed_mean += row[seed] / static_cast<double>(table.size());
    for (size_t i = 0; i < table.size(); ++i) {
      const double residual = table[i][seed] - row_means[i] - seed_mean + mean;
      squares += residual * residual;
    }
  }
  const auto degrees = static_cast<int64_t>((table.size() - 1) * (table.front().size() - 1));
  return Deviation{.value = std::sqrt(squares / static_cast<double>(degrees)), .degrees = degrees};
}

std::optional<ShapeSpread> SpreadOf(std::span<const ExperimentCell> cells) {
  const Table table = CompleteTable(cells);
  if (table.size() < 3) return std::nullopt;
  const double variance =
      SquaresAroundMean(RowMeans(table)) / (static_cast<double>(table.size()) - 1);
  ShapeSpread spread{.of_means = std::sqrt(variance)};
  if (const auto residual = ResidualDeviation(cells)) {
    const auto seeds = static_cast<double>(table.front().size());
    spread.beyond_seeds =
        std::sqrt(std::max(0.0, variance - residual->value * residual->value / seeds));
  }
  return spread;
}

std::vector<std::optional<Contrast>> ContrastsTo(const ExperimentCell& reference,
                                                 std::span<const ExperimentCell> cells) {
  std::vector<std::vector<double>> differences;
  for (const ExperimentCell& cell : cells) {
    differences.push_back(IsSame(cell, reference) ? std::vector<double>()
                                                  : PairedDifferences(reference, cell));
  }
  const auto deviation = Pooled(differences);
  std::vector<std::optional<Contrast>> out;
  for (const std::vector<double>& each : differences) {
    auto& contrast = out.emplace_back();
    if (each.empty()) continue;
    contrast = Contrast{.difference = MeanOf(each), .pairs = static_cast<int64_t>(each.size())};
    if (deviation) contrast->half_interval = deviation->HalfInterval(contrast->pairs);
  }
  return out;
}

double StudentT95(int64_t degrees) {
  DEEPTHIN_CHECK(degrees >= 1);
  // Abramowitz & Stegun, Handbook of Mathematical Functions, table 26.10.
  constexpr std::array kTable = {6.314, 2.920, 2.353, 2.132, 2.015, 1.943, 1.895, 1.860,
                                 1.833, 1.812, 1.796, 1.782, 1.771, 1.761, 1.753, 1.746,
                                 1.740, 1.734, 1.729, 1.725, 1.721, 1.717, 1.714, 1.711,
                                 1.708, 1.706, 1.703, 1.701, 1.699, 1.697};
  if (degrees <= static_cast<int64_t>(kTable.size())) {
    return kTable[static_cast<size_t>(degrees - 1)];
  }
  // The same handbook's 26.7.5, to the second term.
  const double z = kNinetyPercent;
  const auto n = static_cast<double>(degrees);
  return z + (z * z * z + z) / (4 * n) +
         (5 * std::pow(z, 5) + 16 * z * z * z + 3 * z) / (96 * n * n);
}

}  // namespace deepthin::explorer
