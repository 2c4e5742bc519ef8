#include "costmodel/batch_estimate.h"

#include <algorithm>
#include <utility>

#include "costmodel/batch_pass.h"
#include "costmodel/estimator.h"

namespace deepthin::costmodel {
namespace {

// A pinned level ranks objects by quotients of sums of bytes in double, which are whole numbers as
// the closed form takes them only where the sums are exact.
bool RanksExactly(const BatchSizes& sizes, const Workload& work) {
  const int64_t tokens = work.prompt_tokens + work.generated_tokens;
  const double largest =
      std::max({static_cast<double>(sizes.block.value()),
                static_cast<double>((sizes.table + work.batch * sizes.table_row).value()),
                static_cast<double>(work.batch) * static_cast<double>(tokens) *
                    static_cast<double>(sizes.kv_token.value())});
  return largest * static_cast<double>(sizes.design.times) < 0x1p53;
}

class BatchRunner {
 public:
  BatchRunner(const SocSpec& soc, const Designs& designs)
      : spec_(soc), soc_(soc), designs_(designs) {
    const size_t n = designs.size();
    costs_.prefill_time.resize(n);
    costs_.decode_time.resize(n);
    costs_.prefill_dram_bytes.resize(n);
    costs_.decode_dram_bytes.resize(n);
    costs_.peak_memory.resize(n);
  }

  BatchCosts Run() {
    for (size_t i = 0; i < designs_.size(); ++i) {
      if (designs_.is_explicit(i) || !soc_.covered()) {
        RunOneByOne(i);
      } else {
        RunClosedForm(i);
      }
    }
    return std::move(costs_);
  }

 private:
  void RunClosedForm(size_t i) {
    const BatchSizes sizes(designs_.row(i));
    const Workload work = designs_.workload(i);
    if (soc_.pinned() && !RanksExactly(sizes, work)) {
      RunOneByOne(i);
      return;
    }
    const Pass prefill = PrefillPass(work);
    const Pass decode = DecodePass(work);
    const BatchPassCost prompt = EstimateBatchPass(sizes, soc_, prefill);
    const BatchPassCost token = EstimateBatchPass(sizes, soc_, decode);
    costs_.prefill_time[i] = prompt.time;
    costs_.decode_time[i] = token.time;
    costs_.prefill_dram_bytes[i] = prompt.dram_bytes;
    costs_.decode_dram_bytes[i] = token.dram_bytes;
    const int64_t tokens = (work.prompt_tokens + work.generated_tokens) * work.batch;
    costs_.peak_memory[i] =
        sizes.weights() + (sizes.kv_entries * tokens) * sizes.kv_token +
        std::max(sizes.LargestActivations(prefill), sizes.LargestActivations(decode));
  }

  void RunOneByOne(size_t i) {
    const CostEstimate cost = Estimate({.model = designs_.model(i),
                                        .precision = designs_.precision(i),
                                        .soc = spec_,
                                        .workload = designs_.workload(i)});
    costs_.prefill_time[i] = cost.prefill.time;
    costs_.decode_time[i] = cost.decode.time;
    costs_.prefill_dram_bytes[i] = cost.prefill.dram_bytes;
    costs_.decode_dram_bytes[i] = cost.decode.dram_bytes;
    costs_.peak_memory[i] = cost.peak_memory;
    ++costs_.one_by_one;
  }

  const SocSpec& spec_;
  BatchSoc soc_;
  const Designs& designs_;
  BatchCosts costs_;
};

}  // namespace

void Designs::Add(const ModelSpec& model, const Precision& precision, const Workload& workload) {
  ValidateWithoutSoc(model, workload);
  RequireCountable(model, workload);
  const bool listed = model.repeat.kind == RepeatKind::kExplicit;
  const std::array<int64_t, kColumns> row = {model.vocab_size,
                                             model.d_model,
                                             model.n_blocks,
                                             model.n_heads,
                                             model.n_kv_heads,
                                             model.head_dim,
                                             model.d_ff,
                                             listed ? ExecutedBlocks(model) : model.repeat.times,
                                             workload.prompt_tokens,
                                             workload.generated_tokens,
                                             workload.batch,
                                             static_cast<int64_t>(orders_.size())};
  for (size_t i = 0; i < kColumns; ++i) columns_[i].push_back(row[i]);
  orders_.insert(orders_.end(), model.repeat.order.begin(), model.repeat.order.end());
  forms_.push_back({.ffn = model.ffn,
                    .kind = model.repeat.kind,
                    .kv_policy = model.kv_policy,
                    .tied = model.tie_embeddings,
                    .precision = precision});
}

void Designs::Reserve(size_t designs) {
  for (std::vector<int64_t>& column : columns_) column.reserve(designs);
  forms_.reserve(designs);
}

ModelSpec Designs::model(size_t i) const {
  ModelSpec model;
  model.vocab_size = at(kVocab, i);
  model.d_model = at(kModelDim, i);
  model.n_blocks = at(kBlocks, i);
  model.n_heads = at(kHeads, i);
  model.n_kv_heads = at(kKvHeads, i);
  model.head_dim = at(kHeadDim, i);
  model.d_ff = at(kFfnDim, i);
  model.ffn = forms_[i].ffn;
  model.tie_embeddings = forms_[i].tied;
  model.kv_policy = forms_[i].kv_policy;
  model.repeat.kind = forms_[i].kind;
  if (is_explicit(i)) {
    const auto begin = orders_.begin() + at(kOrderBegin, i);
    model.repeat.order.assign(begin, begin + at(kTimes, i));
  } else {
    model.repeat.times = at(kTimes, i);
  }
  model.max_seq_len = std::max(model.max_seq_len, at(kPrompt, i) + at(kGenerated, i));
  return model;
}

Workload Designs::workload(size_t i) const {
  return {.prompt_tokens = at(kPrompt, i),
          .generated_tokens = at(kGenerated, i),
          .batch = at(kBatch, i)};
}

BatchDesign Designs::row(size_t i) const {
  const Form& form = forms_[i];
  return {.vocab_size = at(kVocab, i),
          .d_model = at(kModelDim, i),
          .n_blocks = at(kBlocks, i),
          .query_dim = at(kHeads, i) * at(kHeadDim, i),
          .kv_dim = at(kKvHeads, i) * at(kHeadDim, i),
          .up_dim = (FfnMatrices(form.ffn) - 1) * at(kFfnDim, i),
          .d_ff = at(kFfnDim, i),
          .tied = form.tied,
          .kind = form.kind,
          .times = at(kTimes, i),
          .shared_kv = form.kv_policy == KvPolicy::kShared,
          .precision = form.precision};
}

BatchCosts EstimateBatch(const SocSpec& soc, const Designs& designs) {
  Validate(soc, {"", "/soc"});
  return BatchRunner(soc, designs).Run();
}

}  // namespace deepthin::costmodel
