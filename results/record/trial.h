// Trial: one evaluation of one Problem, with its outcome. What the store keeps.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <variant>

#include "spec/cost_estimate.h"
#include "spec/fields.h"
#include "spec/measurement.h"
#include "spec/problem.h"
#include "spec/proxy_score.h"
#include "spec/training_record.h"

namespace deepthin::results {

// The design cannot be, or does not fit: a result, which samplers learn from.
struct Infeasible {
  std::string reason;  // one sentence
  std::optional<Bytes> needed;
  std::optional<Bytes> available;

  friend bool operator==(const Infeasible&, const Infeasible&) = default;
};

// The evaluation broke off; it may succeed another time.
struct Failure {
  std::string message;  // one sentence

  friend bool operator==(const Failure&, const Failure&) = default;
};

using Outcome =
    std::variant<CostEstimate, Measurement, ProxyScore, TrainingRecord, Infeasible, Failure>;

// "estimate", "measurement", "score", "training", "infeasible" or "failure": as the store writes
// it.
[[nodiscard]] std::string_view OutcomeKind(const Outcome& outcome);

struct Trial {
  std::string key;        // content hash of `identity`: equal keys, equal question
  std::string evaluator;  // "estimate", "measure", "score", "train"
  std::string identity;   // JSON text: evaluator, its version and settings, and what of the problem
                          // the outcome depends on
  std::string started_at;  // UTC, 2026-01-31T12:00:00.000Z
  Seconds duration;
  Outcome outcome;

  friend bool operator==(const Trial&, const Trial&) = default;
};

}  // namespace deepthin::results

namespace deepthin {

template <>
struct Fields<results::Infeasible> {
  using S = results::Infeasible;
  static constexpr auto kList =
      std::tuple(Field("reason", &S::reason, "one sentence"),
                 Field("needed_bytes", &S::needed, "what the design needs", Presence::kOptional),
                 Field("available_bytes", &S::available, "what there is", Presence::kOptional));
};

template <>
struct Fields<results::Failure> {
  using S = results::Failure;
  static constexpr auto kList = std::tuple(Field("message", &S::message, "one sentence"));
};

}  // namespace deepthin
