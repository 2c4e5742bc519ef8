#include "explorer/accuracy/scoreboard.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <utility>

#include "explorer/accuracy/paper_runs.h"
#include "explorer/accuracy/proxy_table.h"
#include "explorer/accuracy/shape_surrogate.h"
#include "spec/errors.h"

namespace deepthin::explorer {
namespace {

constexpr std::string_view kBaseline = "decoder_params";

// Scores of one proxy on a set: one a row, or none and the reason.
struct Scores {
  std::vector<std::optional<ProxyScore>> of_row;
  std::string why_not;

  [[nodiscard]] int64_t count() const {
    return std::count_if(of_row.begin(), of_row.end(),
                         [](const auto& score) { return score.has_value(); });
  }
  [[nodiscard]] std::vector<double> values() const {
    std::vector<double> out;
    for (const auto& score : of_row) out.push_back(score->value);
    return out;
  }
};

// Made once for each proxy, since its model may be costly.
class Scorer {
 public:
  Scorer(KeptScores& kept, const BoardOptions& options) : kept_(kept), options_(options) {}

  [[nodiscard]] Scores Of(const AskedProxy& asked, const JudgedSet& set) {
    return asked.entry->is_fitted ? Fitted(asked, set) : Unfitted(asked, set);
  }

 private:
  // One fit for each table, or for each row.
  Scores Fitted(const AskedProxy& asked, const JudgedSet& set) {
    Scores scores;
    const bool by_model = asked.hold_out == HoldOut::kModel;
    std::map<std::string, std::unique_ptr<Proxy>> by_table;
    for (const TrainedRow& row : set.rows) {
      auto& proxy = by_table[row.table];
      try {
        if (!proxy || by_model) {
          ProxyContext context = options_.context;
          context.rows =
              by_model ? WithoutModel(set.pool, row.model) : WithoutTable(set.pool, row.table);
          context.group = row.group;
          if (context.rows.empty()) throw InputError({}, "there are no other rows to fit", "");
          proxy = MakeProxy(*asked.entry, asked.settings, {}, context);
        }
        scores.of_row.emplace_back(proxy->Score(row.model));
      } catch (const InputError& error) {  // too few rows, or none of the group
        scores.of_row.emplace_back();
        scores.why_not = error.what();
      }
    }
    return scores;
  }

  Scores Unfitted(const AskedProxy& asked, const JudgedSet& set) {
    Scores scores;
    for (const TrainedRow& row : set.rows) {
      scores.of_row.push_back(Unfitted(asked, row, set.is_small));
    }
    if (scores.count() < static_cast<int64_t>(set.rows.size())) scores.why_not = kNotScored;
    return scores;
  }

  std::optional<ProxyScore> Unfitted(const AskedProxy& asked, const TrainedRow& row,
                                     bool is_small) {
    const auto find = [&](const KeptScores& kept) {
      return kept.Find(std::string(asked.entry->name), std::string(asked.entry->version),
                       asked.settings, row.model);
    };
    if (asked.known != nullptr) return find(*asked.known);
    const bool is_costly = asked.entry->cost != ProxyCost::kInstant;
    if (is_costly) {
      auto known = find(kept_);
      const bool may_execute =
          options_.may_execute || (is_small && asked.entry->cost == ProxyCost::kSeconds);
      if (known || !may_execute) return known;
      if (options_.on_score) options_.on_score(asked.argument, row.name);
    }
    auto& proxy = made_[asked.argument];
    if (!proxy) proxy = MakeProxy(*asked.entry, asked.settings, {}, options_.context);
    const ProxyScore score = proxy->Score(row.model);
    if (is_costly) kept_.Keep(asked.settings, row.model, score);
    return score;
  }

  KeptScores& kept_;
  const BoardOptions& options_;
  std::map<std::string, std::unique_ptr<Proxy>> made_;
};

double StandardDeviation(std::span<const double> values) {
  double mean = 0;
  for (const double x : values) mean += x / static_cast<double>(values.size());
  double squares = 0;
  for (const double x : values) squares += (x - mean) * (x - mean);
  return values.size() < 2 ? 0 : std::sqrt(squares / static_cast<double>(values.size() - 1));
}

Coverage CoverageOf(const Scores& scores, const JudgedSet& set) {
  Coverage out;
  std::vector<double> targets;
  double squares = 0;
  for (size_t i = 0; i < set.rows.size(); ++i) {
    const ProxyScore& score = *scores.of_row[i];
    const double miss = score.value - set.rows[i].target;
    const double half_width = kNinetyPercent * score.standard_error.value_or(0);
    ++out.rows;
    out.covered += std::abs(miss) <= half_width ? 1 : 0;
    out.in_domain += score.in_domain ? 1 : 0;
    out.half_width += half_width;
    squares += miss * miss;
    targets.push_back(set.rows[i].target);
  }
  const auto n = static_cast<double>(out.rows);
  out.half_width /= n;
  out.root_mean_square = std::sqrt(squares / n);
  out.spread = StandardDeviation(targets);
  return out;
}

BoardLine LineOf(const AskedProxy& asked, const Scores& scores, const JudgedSet& set,
                 const RankedRows& rows, std::span<const double> baseline,
                 const BootstrapOptions& options) {
  BoardLine line{.proxy = asked.argument, .scored = scores.count(), .why_not = scores.why_not};
  if (line.scored < static_cast<int64_t>(rows.size())) return line;
  line.ranking = Rank(rows, scores.values(), baseline, options);
  const bool predicts = std::all_of(scores.of_row.begin(), scores.of_row.end(),
                                    [](const auto& s) { return s->standard_error.has_value(); });
  if (predicts && asked.entry->is_fitted && set.pool_has_target) {
    line.coverage = CoverageOf(scores, set);
  }
  return line;
}

// A set as it was judged, and what pooling its pairs takes.
struct Judged {
  BoardSet set;
  RankedRows rows;
  std::vector<std::vector<double>> scores;  // by line; empty where some rows have none
};

bool IsPassedOver(const AskedProxy& asked, const JudgedSet& set) {
  return asked.hold_out == HoldOut::kModel && (set.is_union || set.is_apart);
}

Judged Judge(const JudgedSet& set, std::span<const AskedProxy> proxies, Scorer& scorer,
             const BootstrapOptions& options) {
  Judged judged;
  RankedRows& rows = judged.rows;
  std::vector<double> errors;
  for (const TrainedRow& row : set.rows) {
    rows.Add(row.target, row.model);
    if (row.standard_error) errors.push_back(*row.standard_error);
  }
  judged.set = {.title = set.title,
                .target = set.target,
                .is_union = set.is_union,
                .rows = static_cast<int64_t>(set.rows.size()),
                .decoder_pairs = CountPairs(rows.targets, rows.targets, rows.decoder_params).pairs,
                .total_pairs = CountPairs(rows.targets, rows.targets, rows.total_params).pairs};
  BoardSet& out = judged.set;
  out.kind = set.kind;
  if (!errors.empty() && errors.size() == rows.size()) {
    double sum = 0;
    for (const double error : errors) sum += error;
    out.standard_error = sum / static_cast<double>(errors.size());
    out.ceiling = CeilingOf(rows, errors, options);
  }
  for (const AskedProxy& asked : proxies) {
    if (IsPassedOver(asked, set)) continue;
    const Scores scores = scorer.Of(asked, set);
    const bool is_whole = scores.count() == out.rows;
    if (asked.known != nullptr && !is_whole) continue;
    judged.scores.push_back(is_whole ? scores.values() : std::vector<double>());
    out.lines.push_back(LineOf(asked, scores, set, rows, judged.scores.front(), options));
  }
  return judged;
}

// Mean of the perfect proxy's accuracies, weighted by pairs.
class PooledCeiling {
 public:
  void Add(int64_t pairs, const std::optional<double>& ceiling) {
    if (pairs == 0) return;
    is_known_ = is_known_ && ceiling.has_value();
    pairs_ += pairs;
    right_ += static_cast<double>(pairs) * ceiling.value_or(0);
  }
  [[nodiscard]] std::optional<double> accuracy() const {
    if (!is_known_ || pairs_ == 0) return std::nullopt;
    return right_ / static_cast<double>(pairs_);
  }

 private:
  bool is_known_ = true;
  int64_t pairs_ = 0;
  double right_ = 0;
};

// One proxy on what was judged of one kind and target.
std::optional<PooledLine> Pool(std::span<const Judged* const> sets, const std::string& proxy,
                               const BootstrapOptions& options) {
  PooledLine out{
      .kind = sets.front()->set.kind, .target = sets.front()->set.target, .proxy = proxy};
  std::vector<ScoredSet> scored;
  PooledCeiling decoder;
  PooledCeiling total;
  for (const Judged* const judged : sets) {
    const BoardSet& set = judged->set;
    for (size_t i = 0; i < set.lines.size(); ++i) {
      if (set.lines[i].proxy != proxy || !set.lines[i].ranking) continue;
      scored.push_back({judged->rows, judged->scores[i], judged->scores.front()});
      const auto ceiling = [&](const Figure NoiseCeiling::*figure) {
        return set.ceiling ? ((*set.ceiling).*figure).value : std::nullopt;
      };
      decoder.Add(set.decoder_pairs, ceiling(&NoiseCeiling::iso_decoder));
      total.Add(set.total_pairs, ceiling(&NoiseCeiling::iso_total));
      if (!set.lines[i].coverage) continue;
      out.predicted += set.lines[i].coverage->rows;
      out.covered += set.lines[i].coverage->covered;
    }
  }
  if (scored.empty()) return std::nullopt;
  out.sets = static_cast<int64_t>(scored.size());
  out.decoder = PoolPairs(scored, Budget::kDecoder, options);
  out.total = PoolPairs(scored, Budget::kTotal, options);
  out.decoder_ceiling = decoder.accuracy();
  out.total_ceiling = total.accuracy();
  return out;
}

std::vector<PooledLine> PoolAll(std::span<const Judged> judged,
                                std::span<const std::string> proxies,
                                const BootstrapOptions& options) {
  std::vector<std::vector<const Judged*>> kinds;
  for (const Judged& each : judged) {
    if (each.set.is_union) continue;
    const auto kind = std::find_if(kinds.begin(), kinds.end(), [&](const auto& known) {
      return known.front()->set.kind == each.set.kind &&
             known.front()->set.target == each.set.target;
    });
    if (kind == kinds.end()) {
      kinds.push_back({&each});
    } else {
      kind->push_back(&each);
    }
  }
  std::vector<PooledLine> lines;
  for (const std::vector<const Judged*>& kind : kinds) {
    for (const std::string& proxy : proxies) {
      auto line = Pool(kind, proxy, options);
      if (line) lines.push_back(std::move(*line));
    }
  }
  return lines;
}

}  // namespace

AskedProxy ParseProxy(const std::string& argument, const Where& where) {
  AskedProxy asked{.argument = argument};
  size_t begin = std::min(argument.find(':'), argument.size());
  asked.entry = &ProxyByName(argument.substr(0, begin), where);
  while (begin < argument.size()) {
    const size_t end = std::min(argument.find(':', begin + 1), argument.size());
    const std::string setting = argument.substr(begin + 1, end - begin - 1);
    const size_t equals = setting.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw InputError(where, fmt::format("'{}' has the setting '{}'", argument, setting),
                       "key=value");
    }
    asked.settings[setting.substr(0, equals)] = ScalarFromText(setting.substr(equals + 1));
    begin = end;
  }
  return asked;
}

namespace {

// What is wrong with settings is the user's to hear, and no lack of rows.
void RequireSettings(const AskedProxy& asked, ProxyContext context) {
  if (!asked.entry->is_fitted) return;
  context.rows = PaperRuns(PaperTarget::kAverage);
  static_cast<void>(MakeProxy(*asked.entry, asked.settings,
                              {std::string("--proxy ").append(asked.argument), ""}, context));
}

}  // namespace

std::vector<AskedProxy> FreeProxies(const KeptScores& kept, bool with_seconds) {
  std::vector<AskedProxy> proxies;
  for (const ProxyEntry& entry : Proxies()) {
    AskedProxy asked = ParseProxy(std::string(entry.name), {});
    const bool is_kept =
        kept.HasAny(std::string(entry.name), std::string(entry.version), asked.settings);
    const bool is_cheap =
        entry.cost == ProxyCost::kInstant || (with_seconds && entry.cost == ProxyCost::kSeconds);
    if (is_cheap || is_kept) proxies.push_back(std::move(asked));
  }
  return proxies;
}

Scoreboard MakeScoreboard(std::span<const JudgedSet> sets, std::vector<AskedProxy> proxies,
                          KeptScores& kept, const BoardOptions& options) {
  const auto is_baseline = [](const AskedProxy& asked) { return asked.entry->name == kBaseline; };
  proxies.erase(std::remove_if(proxies.begin(), proxies.end(), is_baseline), proxies.end());
  proxies.insert(proxies.begin(), ParseProxy(std::string(kBaseline), {}));
  Scoreboard board;
  std::vector<AskedProxy> judged;
  for (const AskedProxy& asked : proxies) {
    RequireSettings(asked, options.context);
    judged.push_back(asked);
    if (!asked.entry->is_fitted) continue;
    judged.push_back(asked);
    judged.back().argument += " (one model left out)";
    judged.back().hold_out = HoldOut::kModel;
  }
  for (const AskedProxy& asked : judged) board.proxies.push_back(asked.argument);
  Scorer scorer(kept, options);
  std::vector<Judged> of_sets;
  for (const JudgedSet& set : sets) {
    if (!set.rows.empty()) of_sets.push_back(Judge(set, judged, scorer, options.bootstrap));
  }
  board.pooled = PoolAll(of_sets, board.proxies, options.bootstrap);
  for (Judged& each : of_sets) board.sets.push_back(std::move(each.set));
  return board;
}

}  // namespace deepthin::explorer
