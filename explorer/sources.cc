#include "explorer/sources.h"

#include <algorithm>
#include <cmath>

#include "costmodel/estimator.h"
#include "spec/sourced_json.h"

namespace deepthin::explorer {
namespace {

std::optional<double> NumberAt(const Json& json, const char* key) {
  if (!json.contains(key)) return std::nullopt;
  return json.at(key).get<double>();
}

double DecodeTimeWith(const Problem& problem, const Json& soc, const std::string& path,
                      double value) {
  Json changed = soc;
  SetAtPath(changed, path, value, "range", "range");
  Problem other = problem;
  other.soc = FromJson<SocSpec>(changed, {"range", ""});
  return costmodel::Estimate(other).decode.time.value();
}

void SortBySwing(std::vector<Leaning>& leanings) {
  std::stable_sort(leanings.begin(), leanings.end(),
                   [](const Leaning& a, const Leaning& b) { return a.swing() > b.swing(); });
}

}  // namespace

std::vector<SourcedNumber> SourcedNumbers(const SocSpec& soc) {
  std::vector<SourcedNumber> out;
  const Json json = ToJson(soc);
  VisitSourced(json, [&](const std::string& path, const Json& number) {
    out.push_back({.path = path,
                   .value = number.at("value").get<double>(),
                   .source = number.at("source").get<std::string>(),
                   .low = NumberAt(number, "low"),
                   .high = NumberAt(number, "high")});
  });
  return out;
}

size_t CountAssumed(const std::vector<SourcedNumber>& numbers) {
  return static_cast<size_t>(
      std::count_if(numbers.begin(), numbers.end(), [](const auto& n) { return n.is_assumed(); }));
}

double Leaning::swing() const { return std::max(std::abs(at_low), std::abs(at_high)); }

std::vector<Leaning> LeansOn(const Problem& problem, const CostEstimate& estimate, double least) {
  const Json soc = ToJson(problem.soc);
  const double time = estimate.decode.time.value();
  std::vector<Leaning> out;
  for (const SourcedNumber& number : SourcedNumbers(problem.soc)) {
    if (!number.is_assumed() || !number.has_range()) continue;
    const Leaning leaning = {
        .number = number,
        .at_low = DecodeTimeWith(problem, soc, number.path, *number.low) / time - 1,
        .at_high = DecodeTimeWith(problem, soc, number.path, *number.high) / time - 1};
    if (leaning.swing() >= least) out.push_back(leaning);
  }
  SortBySwing(out);
  return out;
}

void MergeLeanings(std::vector<Leaning>& all, const std::vector<Leaning>& others) {
  for (const Leaning& leaning : others) {
    const auto known = std::find_if(all.begin(), all.end(), [&](const Leaning& l) {
      return l.number.path == leaning.number.path;
    });
    if (known == all.end()) {
      all.push_back(leaning);
    } else if (leaning.swing() > known->swing()) {
      *known = leaning;
    }
  }
  SortBySwing(all);
}

}  // namespace deepthin::explorer
