#include "costmodel/op_list.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>

#include "spec/model_presets.h"
#include "tests/costmodel/random_problem.h"

namespace deepthin::costmodel {
namespace {

const Precision kF16 = *PrecisionByName("f16");

ModelSpec Model(std::string_view name) { return *ModelPresetByName(name); }

// The first operator of a kind.
Op Find(const OpList& list, OpKind kind) {
  for (const Op& op : list.ops) {
    if (op.kind == kind) return op;
  }
  ADD_FAILURE() << "no " << ToText(kind);
  return {};
}

// MobileLLM-125M, decode at context 1,024, FP16. Expected numbers are hand arithmetic from the
// shapes: d 576, 9 heads, 3 KV heads, head_dim 64, d_ff 1,536, vocab 32,000.
TEST(OpList, DecodeOperandsOfMobileLlm125m) {
  const OpList list = BuildOpList(Model("mobilellm-125m"), kF16, {1, 1'024, 1});
  ASSERT_EQ(list.ops.size(), 30u * 9 + 3);
  struct Row {
    OpKind kind;
    int64_t macs, weights, kv_read, kv_new, kv_written, in, out, live;
  };
  const Row rows[] = {
      {OpKind::kEmbed, 0, 1'152, 0, 0, 0, 0, 1'152, 1'152},
      {OpKind::kAttnNorm, 0, 2'304, 0, 0, 0, 1'152, 1'152, 2'304},
      {OpKind::kQkv, 576 * 960, 2 * 576 * 960, 0, 0, 0, 1'152, 1'920, 4'224},
      {OpKind::kRopeKvWrite, 0, 0, 0, 0, 768, 1'920, 1'152, 1'920 + 1'152 + 1'152 + 768},
      {OpKind::kAttention, 2 * 576 * 1'025, 0, 2 * 1'024 * 192 * 2, 768, 0, 1'152, 1'152,
       3 * 1'152 + 768},
      {OpKind::kAttnOut, 576 * 576, 2 * 576 * 576, 0, 0, 0, 2 * 1'152, 1'152, 3 * 1'152},
      {OpKind::kFfnNorm, 0, 2'304, 0, 0, 0, 1'152, 1'152, 2'304},
      {OpKind::kFfnUp, 576 * 3'072, 2 * 576 * 3'072, 0, 0, 0, 1'152, 6'144, 8'448},
      {OpKind::kFfnAct, 0, 0, 0, 0, 0, 6'144, 3'072, 10'368},
      {OpKind::kFfnDown, 576 * 1'536, 2 * 576 * 1'536, 0, 0, 0, 3'072 + 1'152, 1'152, 5'376},
      {OpKind::kFinalNorm, 0, 2'304, 0, 0, 0, 1'152, 1'152, 2'304},
      {OpKind::kHead, 576 * 32'000, 2 * 576 * 32'000, 0, 0, 0, 1'152, 128'000, 129'152},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(ToText(row.kind));
    const Op op = Find(list, row.kind);
    EXPECT_EQ(op.macs.value(), row.macs);
    EXPECT_EQ(op.weights.value(), row.weights);
    EXPECT_EQ(op.kv_read.value(), row.kv_read);
    EXPECT_EQ(op.kv_new.value(), row.kv_new);
    EXPECT_EQ(op.kv_written.value(), row.kv_written);
    EXPECT_EQ(op.activations_in.value(), row.in);
    EXPECT_EQ(op.activations_out.value(), row.out);
    EXPECT_EQ(op.live_activations.value(), row.live);
  }
  EXPECT_EQ(list.block_workspace.value(), 10'368);
}

// A peer costs fused attention as if every query head had its own keys and values.
TEST(OpList, KvTrafficFollowsKvHeadsNotQueryHeads) {
  ModelSpec model = Model("mobilellm-125m");
  const Op gqa = Find(BuildOpList(model, kF16, {1, 1'000, 1}), OpKind::kAttention);
  model.n_kv_heads = model.n_heads;
  const Op mha = Find(BuildOpList(model, kF16, {1, 1'000, 1}), OpKind::kAttention);
  EXPECT_EQ(mha.kv_read, 3 * gqa.kv_read);
  EXPECT_EQ(mha.kv_new, 3 * gqa.kv_new);
  EXPECT_EQ(mha.macs, gqa.macs);
}

// Peers stream the whole table for a lookup, or leave the head's bytes out.
TEST(OpList, LookupTouchesRowsAndHeadStreamsTheTable) {
  for (const bool tied : {true, false}) {
    SCOPED_TRACE(tied);
    ModelSpec model = Model("mobilellm-125m");
    model.tie_embeddings = tied;
    const OpList list = BuildOpList(model, kF16, {7, 0, 2});
    const Op embed = list.ops.front();
    const Op head = list.ops.back();
    EXPECT_EQ(embed.weights, Bytes(14 * 576 * 2));
    EXPECT_EQ(embed.macs, Macs(0));
    EXPECT_EQ(head.weights, Bytes(32'000 * 576 * 2));
    EXPECT_EQ(embed.tensor == head.tensor, tied);
  }
}

TEST(OpList, PrefillComputesLogitsOfTheLastTokenOnly) {
  const OpList list = BuildOpList(Model("mobilellm-125m"), kF16, {100, 0, 3});
  EXPECT_EQ(list.ops.back().macs, Macs(3 * 576 * 32'000));
  EXPECT_EQ(list.ops.back().activations_out, Bytes(3 * 32'000 * 4));
  EXPECT_EQ(Find(list, OpKind::kQkv).macs, Macs(300 * 576 * 960));
  // Causal: 1 + 2 + ... + 100 keys, for QK and for PV.
  EXPECT_EQ(Find(list, OpKind::kAttention).macs, Macs(3 * 2 * 576 * 5'050));
  EXPECT_EQ(Find(list, OpKind::kAttention).kv_read, Bytes(0));
}

TEST(OpList, RepeatsNameTheSameTensorsAndTheirOwnKvEntries) {
  const OpList list = BuildOpList(Model("mobilellm-ls-125m"), kF16, {1, 10, 1});
  ASSERT_EQ(list.ops.size(), 60u * 9 + 3);
  EXPECT_EQ(list.kv_entry_bytes.size(), 60u);
  for (size_t op = 0; op < 9; ++op) {
    const Op& first = list.ops[1 + op];
    const Op& again = list.ops[1 + 9 + op];
    const Op& next = list.ops[1 + 18 + op];
    EXPECT_EQ(first.tensor, again.tensor);
    if (first.tensor) {
      EXPECT_NE(first.tensor, next.tensor);
    }
    if (first.kv_entry) {
      EXPECT_NE(first.kv_entry, again.kv_entry);
    }
  }
  ModelSpec shared = Model("mobilellm-ls-125m");
  shared.kv_policy = KvPolicy::kShared;
  const OpList shared_list = BuildOpList(shared, kF16, {1, 10, 1});
  EXPECT_EQ(shared_list.kv_entry_bytes.size(), 30u);
  EXPECT_EQ(shared_list.ops[1 + 3].kv_entry, shared_list.ops[1 + 9 + 3].kv_entry);
}

RC_GTEST_PROP(OpListProperty, SumsAgreeWithTheSpec, ()) {
  const ModelSpec model = AnyModel();
  const Precision precision = AnyPrecision();
  const Pass pass{Pick(1, 50), Pick(0, 50), Pick(1, 4)};
  const OpList list = BuildOpList(model, precision, pass);

  Bytes stored(0);
  for (const Bytes tensor : list.tensor_bytes) stored += tensor;
  RC_ASSERT(stored == CountWeightBytes(model, precision).total());

  Macs products(0);
  Bytes kv_written(0);
  Bytes kv_before(0);
  std::set<int64_t> read_entries;
  for (const Op& op : list.ops) {
    if (op.kind != OpKind::kAttention && op.kind != OpKind::kHead) products += op.macs;
    kv_written += op.kv_written;
    if (op.kind == OpKind::kAttention && read_entries.insert(*op.kv_entry).second) {
      kv_before += op.kv_read;
    }
    if (op.tensor && op.kind != OpKind::kEmbed) {
      RC_ASSERT(op.weights == list.tensor_bytes[static_cast<size_t>(*op.tensor)]);
    }
    RC_ASSERT(op.live_activations >= op.activations_out);
  }
  const int64_t rows = pass.new_tokens * pass.batch;
  const int64_t executed = ExecutedBlocks(model);
  RC_ASSERT(products == Macs(rows * executed * (CountParams(model).blocks / model.n_blocks)));
  const Bytes token_entry = StorageBytes(precision.kv, 2, KvDim(model));
  RC_ASSERT(kv_written == executed * rows * token_entry);
  RC_ASSERT(kv_before == static_cast<int64_t>(read_entries.size()) *
                             (pass.batch * pass.context_tokens) * token_entry);
}

}  // namespace
}  // namespace deepthin::costmodel
