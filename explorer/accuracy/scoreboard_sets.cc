// What proxies are judged by: sets of rows that may be ranked against each other.
#include <algorithm>
#include <cmath>
#include <utility>

#include "explorer/accuracy/paper_runs.h"
#include "explorer/accuracy/scoreboard.h"

namespace deepthin::explorer {
namespace {

constexpr size_t kLeastModels = 3;

std::vector<TrainedRow> Chosen(const std::vector<TrainedRow>& rows, std::string_view table,
                               std::string_view size) {
  std::vector<TrainedRow> out;
  for (const TrainedRow& row : rows) {
    if (row.group == kPaperGroup && row.table == table && row.name.starts_with(size)) {
      out.push_back(row);
    }
  }
  return out;
}

// Each model once.
std::vector<TrainedRow> DistinctModels(const std::vector<TrainedRow>& rows) {
  std::vector<TrainedRow> out;
  for (const TrainedRow& row : rows) {
    const bool is_there = std::any_of(
        out.begin(), out.end(), [&](const TrainedRow& other) { return other.model == row.model; });
    if (row.group == kPaperGroup && !is_there) out.push_back(row);
  }
  return out;
}

struct Sizes {
  std::string_view table;
  std::string_view title;
};
constexpr std::array kTables = {Sizes{"table-11", "Table 11"}, Sizes{"table-13", "Table 13"},
                                Sizes{"table-2/14", "Tables 2 and 14"},
                                Sizes{"table-10", "Table 10"}};
constexpr std::array<std::string_view, 2> kSizes = {"125M", "350M"};

void AddTable(const Sizes& table, const std::string& target, const std::vector<TrainedRow>& rows,
              const std::vector<TrainedRow>& pool, bool pool_has_target,
              std::vector<JudgedSet>& sets) {
  for (const std::string_view size : kSizes) {
    sets.push_back({.title = std::string(table.title) + ", " + std::string(size),
                    .target = target,
                    .rows = Chosen(rows, table.table, size),
                    .pool = pool,
                    .pool_has_target = pool_has_target});
  }
}

// Seeds of one model as one row.
class Seeds {
 public:
  explicit Seeds(TrainedRow first) : row_(std::move(first)) { Add(row_); }

  void Add(const TrainedRow& row) {
    targets_.push_back(row.target);
    if (row.standard_error) errors_.push_back(*row.standard_error);
  }
  [[nodiscard]] const TrainedRow& first() const { return row_; }

  [[nodiscard]] TrainedRow Mean() const {
    TrainedRow out = row_;
    const auto n = static_cast<double>(targets_.size());
    out.target = 0;
    for (const double target : targets_) out.target += target / n;
    if (errors_.size() == targets_.size()) {
      out.standard_error = StandardErrorOfMean(errors_);
    } else if (targets_.size() > 1) {
      double squares = 0;
      for (const double target : targets_) squares += (target - out.target) * (target - out.target);
      out.standard_error = std::sqrt(squares / (n - 1) / n);
    }
    return out;
  }

 private:
  TrainedRow row_;
  std::vector<double> targets_;
  std::vector<double> errors_;
};

}  // namespace

std::vector<JudgedSet> PaperSets() {
  const std::vector<TrainedRow> averages = PaperRuns(PaperTarget::kAverage);
  const std::vector<TrainedRow> hellaswag = PaperRuns(PaperTarget::kHellaSwag);
  std::vector<JudgedSet> sets;
  for (const auto& [target, rows] : {std::pair{std::string("average of eight tasks"), &averages},
                                     std::pair{std::string("HellaSwag"), &hellaswag}}) {
    for (const Sizes& table : kTables) AddTable(table, target, *rows, *rows, true, sets);
    sets.push_back({.title = "All of them, 125M and 350M",
                    .target = target,
                    .rows = DistinctModels(*rows),
                    .pool = *rows,
                    .pool_has_target = true,
                    .is_union = true});
  }
  AddTable(kTables[0], "TQA F1", PaperRuns(PaperTarget::kTqa), averages, false, sets);
  AddTable(kTables[0], "RACE accuracy", PaperRuns(PaperTarget::kRace), averages, false, sets);
  return sets;
}

std::vector<JudgedSet> SetsOf(std::span<const TrainedRow> rows, const std::string& target) {
  std::vector<std::pair<JudgedSet, std::vector<Seeds>>> found;
  for (const TrainedRow& row : rows) {
    const std::string title = row.table + ", " + row.group;
    auto set = std::find_if(found.begin(), found.end(),
                            [&](const auto& each) { return each.first.title == title; });
    if (set == found.end()) {
      JudgedSet fresh{
          .title = title, .target = target, .rows = {}, .pool = {rows.begin(), rows.end()}};
      fresh.kind = "rows of your own";
      set = found.emplace(found.end(), std::move(fresh), std::vector<Seeds>{});
    }
    std::vector<Seeds>& models = set->second;
    const auto model = std::find_if(models.begin(), models.end(), [&](const Seeds& seeds) {
      return seeds.first().model == row.model;
    });
    if (model == models.end()) {
      models.emplace_back(row);
    } else {
      model->Add(row);
    }
  }
  std::vector<JudgedSet> sets;
  for (auto& [set, models] : found) {
    if (models.size() < kLeastModels) continue;
    for (const Seeds& seeds : models) set.rows.push_back(seeds.Mean());
    sets.push_back(std::move(set));
  }
  return sets;
}

}  // namespace deepthin::explorer
