// EstimateBatch: the figures that a search compares, of very many designs at once.
//
// The same model as Estimate() (docs/cost-model.md): bytes are equal to the byte, times within the
// rounding of the sums (kBatchRounding). It keeps no operators, names and energies, counts equal
// blocks instead of repeating them, and takes residency in closed form. Explicit schedules, and
// SoCs of several on-chip levels one of which is pinned or with the rates that only a calibration
// gives (SocSpec: one_token, attention, elementwise), are not covered: Estimate() does them one by
// one, some hundred times slower, and BatchCosts counts them.
//
//   Designs designs;
//   for (...) designs.Add(model, precision, workload);
//   const BatchCosts costs = EstimateBatch(soc, designs);  // costs.decode_time[i] ...
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "spec/model_spec.h"
#include "spec/precision.h"
#include "spec/problem.h"
#include "spec/soc_spec.h"
#include "spec/units.h"

namespace deepthin::costmodel {

struct BatchDesign;  // batch_pass.h

// |batch - Estimate()| <= (executed blocks + kBatchRounding) x 2^-53 x time: one rounding for each
// term that one of the two adds and the other multiplies.
inline constexpr int64_t kBatchRounding = 100;

// Designs of any mixture of shapes, precisions and workloads, in columns.
class Designs {
 public:
  // Throws InputError where Estimate() would, whatever the SoC; nothing is added then.
  void Add(const ModelSpec& model, const Precision& precision, const Workload& workload);

  [[nodiscard]] size_t size() const { return forms_.size(); }
  void Reserve(size_t designs);

  // As they were added, but for max_seq_len, rope_theta and norm_eps, on which no cost depends.
  [[nodiscard]] ModelSpec model(size_t i) const;
  [[nodiscard]] Precision precision(size_t i) const { return forms_[i].precision; }
  [[nodiscard]] Workload workload(size_t i) const;

  // What the closed form needs. REQUIRES: the schedule is not explicit.
  [[nodiscard]] BatchDesign row(size_t i) const;
  [[nodiscard]] bool is_explicit(size_t i) const { return forms_[i].kind == RepeatKind::kExplicit; }

 private:
  enum Column : size_t {
    kVocab,
    kModelDim,
    kBlocks,
    kHeads,
    kKvHeads,
    kHeadDim,
    kFfnDim,
    kTimes,  // of an explicit schedule: executed blocks
    kPrompt,
    kGenerated,
    kBatch,
    kOrderBegin,  // of an explicit schedule, in orders_
    kColumns
  };
  struct Form {
    Ffn ffn = Ffn::kSwiglu;
    RepeatKind kind = RepeatKind::kNone;
    KvPolicy kv_policy = KvPolicy::kPerOccurrence;
    bool tied = true;
    Precision precision;
  };

  [[nodiscard]] int64_t at(Column column, size_t i) const { return columns_[column][i]; }

  std::array<std::vector<int64_t>, kColumns> columns_;
  std::vector<Form> forms_;
  std::vector<int64_t> orders_;  // of explicit schedules, one after the other
};

// One entry for each design.
struct BatchCosts {
  std::vector<Seconds> prefill_time;  // time to first token
  std::vector<Seconds> decode_time;   // at the mean context
  std::vector<Bytes> prefill_dram_bytes;
  std::vector<Bytes> decode_dram_bytes;
  std::vector<Bytes> peak_memory;
  int64_t one_by_one = 0;  // designs that the closed form does not cover
};

// Throws InputError where the SoC is not valid or states no rate that serves a design.
[[nodiscard]] BatchCosts EstimateBatch(const SocSpec& soc, const Designs& designs);

}  // namespace deepthin::costmodel
