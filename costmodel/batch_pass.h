// BatchPass: time and DRAM bytes of one pass of a design, from its shape alone: what
// pass_estimator.h finds operator by operator, with equal blocks counted instead of repeated. Part
// of batch_estimate.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "costmodel/batch_residency.h"
#include "costmodel/op_list.h"
#include "spec/dtype.h"
#include "spec/precision.h"
#include "spec/soc_spec.h"
#include "spec/units.h"

namespace deepthin::costmodel {

// What an estimate needs of a SoC, found once.
class BatchSoc {
 public:
  // REQUIRES: the SoC is valid.
  explicit BatchSoc(const SocSpec& soc);

  // Whether the closed form covers the SoC: few on-chip levels, all LRU or a single pinned one, and
  // none of the rates that a calibration adds. The rest is for those that are covered.
  [[nodiscard]] bool covered() const { return covered_; }
  [[nodiscard]] size_t dram() const { return dram_; }
  [[nodiscard]] bool pinned() const { return pinned_; }
  [[nodiscard]] Bytes capacity(size_t level) const { return capacity_[level]; }
  [[nodiscard]] Bytes largest_on_chip() const { return largest_on_chip_; }
  // Throws InputError where the SoC states no rate that serves it.
  [[nodiscard]] MacsPerSecond rate(Dtype dtype) const;
  [[nodiscard]] const FixedCosts& fixed() const { return soc_->fixed; }
  [[nodiscard]] Seconds Transfer(size_t level, Bytes read, Bytes written) const {
    return read / read_[level] + written / write_[level];
  }

 private:
  const SocSpec* soc_;
  size_t dram_ = 0;
  bool covered_ = true;
  bool pinned_ = false;
  Bytes largest_on_chip_;
  std::array<Bytes, kMaxTiers> capacity_{};
  std::array<BytesPerSecond, kMaxTiers> read_{};
  std::array<BytesPerSecond, kMaxTiers> write_{};
  std::array<MacsPerSecond, EnumTexts<Dtype>::kList.size()> rates_{};  // 0: none
};

// One row of the columns of Designs.
struct BatchDesign {
  int64_t vocab_size = 0;
  int64_t d_model = 0;
  int64_t n_blocks = 0;
  int64_t query_dim = 0;
  int64_t kv_dim = 0;
  int64_t up_dim = 0;  // d_ff x (2 for SwiGLU, else 1)
  int64_t d_ff = 0;
  bool tied = true;
  RepeatKind kind = RepeatKind::kNone;
  int64_t times = 1;
  bool shared_kv = false;
  Precision precision;
};

// Bytes of a design that both passes share.
struct BatchSizes {
  explicit BatchSizes(const BatchDesign& design);

  BatchDesign design;
  int64_t executed = 0;  // blocks
  int64_t kv_entries = 0;
  std::array<Bytes, kTensorsOfABlock> tensors{};
  Bytes block;
  Bytes norm;
  Bytes table;
  Bytes table_row;
  Bytes kv_token;  // of one entry: key and value
  // Of one token's activations, by width.
  Bytes act_model;
  Bytes act_query;
  Bytes act_qkv;
  Bytes act_up;
  Bytes act_ffn;
  Bytes block_workspace;  // of one token

  [[nodiscard]] Bytes weights() const {
    return design.n_blocks * block + norm + (design.tied ? 1 : 2) * table;
  }
  // The most that any operator of the pass holds.
  [[nodiscard]] Bytes LargestActivations(const Pass& pass) const;
};

struct BatchPassCost {
  Seconds time;
  Bytes dram_bytes;
};

// REQUIRES: soc.covered(), and what EstimatePass() requires.
[[nodiscard]] BatchPassCost EstimateBatchPass(const BatchSizes& sizes, const BatchSoc& soc,
                                              const Pass& pass);

}  // namespace deepthin::costmodel
