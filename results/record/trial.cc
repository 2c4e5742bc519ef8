#include "results/record/trial.h"

namespace deepthin::results {
namespace {

std::string_view KindOf(const CostEstimate&) { return "estimate"; }
std::string_view KindOf(const Measurement&) { return "measurement"; }
std::string_view KindOf(const ProxyScore&) { return "score"; }
std::string_view KindOf(const TrainingRecord&) { return "training"; }
std::string_view KindOf(const Infeasible&) { return "infeasible"; }
std::string_view KindOf(const Failure&) { return "failure"; }

}  // namespace

std::string_view OutcomeKind(const Outcome& outcome) {
  return std::visit([](const auto& value) { return KindOf(value); }, outcome);
}

}  // namespace deepthin::results
