#include "explorer/accuracy/paper_runs.h"

#include <algorithm>
#include <span>
#include <string>
#include <utility>

#include "explorer/accuracy/noise_ceiling.h"
#include "results/paper_tables.h"
#include "spec/errors.h"

namespace deepthin::explorer {
namespace {

using results::PaperTable;

struct Task {
  std::string_view column;
  int64_t questions;
};
// The sets that zero-shot evaluations of these tasks use (validation or test, as published).
constexpr std::array kZeroShot = {Task{"ARC-e", 2'376}, Task{"ARC-c", 1'172},
                                  Task{"BoolQ", 3'270}, Task{"PIQA", 1'838},
                                  Task{"SIQA", 1'954},  Task{"HellaSwag", 10'042},
                                  Task{"OBQA", 500},    Task{"WinoGrande", 1'267}};
constexpr std::array kHellaSwagAlone = {Task{"HellaSwag", 10'042}};
// Test sets of RACE (Lai et al., EMNLP 2017, table 3).
constexpr std::array kRaceTasks = {Task{"RACE_middle_acc", 1'436}, Task{"RACE_high_acc", 3'498}};
// F1 is averaged over questions, but no share of right answers.
constexpr std::array kTqaTasks = {Task{"TQA_F1_1shot", 0}, Task{"TQA_F1_5shot", 0},
                                  Task{"TQA_F1_64shot", 0}};

std::span<const Task> TasksOf(PaperTarget target) {
  switch (target) {
    case PaperTarget::kAverage:
      return kZeroShot;
    case PaperTarget::kHellaSwag:
      return kHellaSwagAlone;
    case PaperTarget::kTqa:
      return kTqaTasks;
    case PaperTarget::kRace:
      return kRaceTasks;
  }
  return {};
}

double NumberOf(const PaperTable& table, size_t row, std::string_view column) {
  return std::stod(results::CellOf(table, row, column));
}

// The spec of a row that states a parameter count.
const ModelSpec& Architecture(std::string_view table, const std::string& row) {
  const auto& all = results::PaperArchitectures();
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto& each) {
    return each.table == table && each.row == row;
  });
  DEEPTHIN_CHECK(found != all.end());
  return found->spec;
}

class Rows {
 public:
  explicit Rows(PaperTarget target)
      : tasks_(TasksOf(target)), has_printed_mean_(target == PaperTarget::kAverage) {}

  void Add(const PaperTable& table, size_t row, TrainedRow out) {
    std::vector<double> errors;
    double sum = 0;
    for (const Task& task : tasks_) {
      const double points = NumberOf(table, row, task.column);
      sum += points;
      if (task.questions > 0) errors.push_back(BinomialStandardError(points, task.questions));
    }
    out.target =
        has_printed_mean_ ? NumberOf(table, row, "Avg") : sum / static_cast<double>(tasks_.size());
    if (!errors.empty()) out.standard_error = StandardErrorOfMean(errors);
    rows_.push_back(std::move(out));
  }

  [[nodiscard]] std::vector<TrainedRow> Take() { return std::move(rows_); }

 private:
  std::span<const Task> tasks_;
  bool has_printed_mean_;
  std::vector<TrainedRow> rows_;
};

TrainedRow Named(std::string name, std::string_view table, ModelSpec model,
                 std::string_view group = kPaperGroup) {
  TrainedRow row;
  row.name = std::move(name);
  row.group = group;
  row.table = table;
  row.model = std::move(model);
  return row;
}

// Of tables 11 and 12.
void AddDepths(const PaperTable& table, Rows& rows) {
  for (size_t i = 0; i < table.rows.size(); ++i) {
    const std::string name =
        results::CellOf(table, i, "size") + " " + results::CellOf(table, i, "layers") + "L";
    rows.Add(table, i, Named(name, "table-11", Architecture("table-11", name)));
  }
}

void AddHeads(Rows& rows) {
  const PaperTable& table = results::PaperTableByName("table-13");
  for (size_t i = 0; i < table.rows.size(); ++i) {
    const std::string name = results::CellOf(table, i, "size") + " " +
                             results::CellOf(table, i, "heads") + "/" +
                             results::CellOf(table, i, "kv_heads");
    rows.Add(table, i, Named(name, "table-13", Architecture("table-13", name)));
  }
}

// The models that tables 2 and 14 repeat: Table 13's with 16 heads, whose scores they print too.
ModelSpec Repeated(const std::string& size, RepeatKind kind, int64_t times) {
  ModelSpec spec = Architecture("table-13", size + " 16/16");
  if (times > 1) spec.repeat = {.kind = kind, .times = times, .order = {}};
  return spec;
}

void AddRepeats(Rows& rows) {
  constexpr std::string_view kTable = "table-2/14";
  constexpr std::array kMethods = {std::pair{"baseline", RepeatKind::kNone},
                                   std::pair{"Immediate block-wise share", RepeatKind::kImmediate},
                                   std::pair{"Repeat-all-over share", RepeatKind::kRepeatAll},
                                   std::pair{"Reverse share", RepeatKind::kReverse}};
  const PaperTable& sharing = results::PaperTableByName("table-2");
  for (size_t i = 0; i < sharing.rows.size(); ++i) {
    const std::string& size = results::CellOf(sharing, i, "model");
    const std::string& method = results::CellOf(sharing, i, "sharing_method");
    const auto* const known = std::find_if(kMethods.begin(), kMethods.end(),
                                           [&](const auto& each) { return each.first == method; });
    DEEPTHIN_CHECK(known != kMethods.end());
    const RepeatKind kind = known->second;
    ModelSpec spec = Repeated(size, kind, kind == RepeatKind::kNone ? 1 : 2);
    rows.Add(sharing, i, Named(size + " " + ToText(spec.repeat), kTable, spec));
  }
  const PaperTable& times = results::PaperTableByName("table-14");
  for (size_t i = 0; i < times.rows.size(); ++i) {
    const std::string& size = results::CellOf(times, i, "size");
    const auto n = static_cast<int64_t>(NumberOf(times, i, "repeat_times"));
    if (n <= 2) continue;  // Table 2 has them
    const ModelSpec spec = Repeated(size, RepeatKind::kImmediate, n);
    rows.Add(times, i, Named(size + " " + ToText(spec.repeat), kTable, spec));
  }
}

void AddRoadmap(Rows& rows) {
  const PaperTable& table = results::PaperTableByName("table-10");
  for (size_t i = 0; i < table.rows.size(); ++i) {
    const std::string name =
        results::CellOf(table, i, "size") + " " + results::CellOf(table, i, "technique_cumulative");
    if (name == "125M Baseline model") continue;  // OPT-125M's scores
    rows.Add(table, i,
             Named(name, "table-10", Architecture("table-10", name),
                   results::CellOf(table, i, "train_tokens")));
  }
}

void AddSharing(Rows& rows) {
  const PaperTable& table = results::PaperTableByName("table-1");
  for (size_t i = 0; i < table.rows.size(); ++i) {
    const std::string& name = results::CellOf(table, i, "model");
    rows.Add(table, i, Named("125M " + name, "table-1", Architecture("table-1", name)));
  }
}

// Of Table 8 the paper's own models; those below 600M are in Table 10. That they were trained with
// 1T tokens is assumed: the table does not say it.
void AddLarger(Rows& rows) {
  const PaperTable& table = results::PaperTableByName("table-8");
  const std::string prefix = "MobileLLM-";
  for (size_t i = 0; i < table.rows.size(); ++i) {
    const std::string& name = results::CellOf(table, i, "model");
    if (!name.starts_with(prefix)) continue;
    rows.Add(table, i,
             Named(name.substr(prefix.size()), "table-8", Architecture("table-9", name), "1T"));
  }
}

}  // namespace

std::vector<TrainedRow> PaperRuns(PaperTarget target) {
  Rows rows(target);
  if (target == PaperTarget::kTqa || target == PaperTarget::kRace) {
    AddDepths(results::PaperTableByName("table-12"), rows);
    return rows.Take();
  }
  AddDepths(results::PaperTableByName("table-11"), rows);
  AddHeads(rows);
  AddRepeats(rows);
  AddRoadmap(rows);
  AddSharing(rows);
  AddLarger(rows);
  return rows.Take();
}

}  // namespace deepthin::explorer
