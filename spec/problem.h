// Workload, and Problem: what an evaluator is given.
#pragma once

#include <string>

#include "spec/errors.h"
#include "spec/fields.h"
#include "spec/model_spec.h"
#include "spec/precision.h"
#include "spec/soc_spec.h"

namespace deepthin {

// One request: a prompt that is prefilled, then tokens that are decoded one by one.
struct Workload {
  int64_t prompt_tokens = 0;
  int64_t generated_tokens = 0;
  int64_t batch = 1;

  friend bool operator==(const Workload&, const Workload&) = default;
};

struct Problem {
  ModelSpec model;
  Precision precision;
  SocSpec soc;
  Workload workload;

  friend bool operator==(const Problem&, const Problem&) = default;
};

// Throw InputError. A problem is valid where its parts are and the workload fits max_seq_len.
void Validate(const Workload& workload, const InputError::Where& root = {});
void Validate(const Problem& problem, const InputError::Where& root = {});
// Of a problem whose SoC does not matter.
void ValidateWithoutSoc(const ModelSpec& model, const Workload& workload,
                        const InputError::Where& root = {});

template <>
struct Fields<Workload> {
  using S = Workload;
  static constexpr auto kList = std::tuple(
      Field("prompt_tokens", &S::prompt_tokens, "tokens that are prefilled, at least 1"),
      Field("generated_tokens", &S::generated_tokens, "tokens that are decoded, at least 1"),
      Field("batch", &S::batch, "requests at once", Presence::kOptional));
};

template <>
struct Fields<Problem> {
  using S = Problem;
  static constexpr auto kList = std::tuple(
      Field("model", &S::model, "ModelSpec"), Field("precision", &S::precision, "Precision"),
      Field("soc", &S::soc, "SocSpec"), Field("workload", &S::workload, "Workload"));
};

}  // namespace deepthin
