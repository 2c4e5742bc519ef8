// Bytes of formats with groups and scales where no width is a multiple of the group: what the cost
// model counts is what the runtime stores, and what its decoder streams. The two share no code but
// spec/dtype.h, so the sizes are spelled out here as well.
#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "costmodel/op_list.h"
#include "runtime/decoder.h"
#include "runtime/thread_pool.h"
#include "runtime/weights.h"

namespace deepthin::costmodel {
namespace {

// Widths 40, 30, 10 and 70: groups of 32 end within each row.
ModelSpec RaggedModel(bool tied) {
  ModelSpec model;
  model.vocab_size = 90;
  model.d_model = 40;
  model.n_blocks = 2;
  model.n_heads = 3;
  model.n_kv_heads = 1;
  model.head_dim = 10;
  model.d_ff = 70;
  model.tie_embeddings = tied;
  model.repeat = {.kind = RepeatKind::kImmediate, .times = 2, .order = {}};
  model.max_seq_len = 16;
  return model;
}

// One row of `cols` numbers, by hand: whole groups of 34 or 18 bytes; for int8 a float beside it.
int64_t RowByHand(Dtype dtype, int64_t cols) {
  switch (dtype) {
    case Dtype::kQ8_0:
      return 34 * (cols <= 32 ? 1 : cols <= 64 ? 2 : 3);
    case Dtype::kQ4_0:
      return 18 * (cols <= 32 ? 1 : cols <= 64 ? 2 : 3);
    default:
      return cols + 4;
  }
}

class RaggedFormats : public ::testing::TestWithParam<Dtype> {
 protected:
  [[nodiscard]] static Precision precision() {
    return {.weights = GetParam(),
            .embedding = GetParam(),
            .activations = GetParam() == Dtype::kInt8 ? Dtype::kInt8 : Dtype::kF32,
            .kv = Dtype::kF16};
  }
};

TEST_P(RaggedFormats, AreCountedAsTheyAreStored) {
  runtime::ThreadPool pool(1);
  for (const bool tied : {true, false}) {
    const ModelSpec model = RaggedModel(tied);
    const runtime::Weights weights = runtime::RandomWeights(model, 1, pool, precision());
    const OpList list = BuildOpList(model, precision(), {1, 3, 1});
    Bytes counted(0);
    for (const Bytes tensor : list.tensor_bytes) counted += tensor;
    EXPECT_EQ(runtime::WeightBytesOf(weights), counted);

    const Dtype dtype = GetParam();
    const int64_t block = (30 + 2 * 10 + 2 * 70) * RowByHand(dtype, 40) +
                          40 * (RowByHand(dtype, 30) + RowByHand(dtype, 70)) + 2 * 4 * 40;
    EXPECT_EQ(counted.value(), 2 * block + 4 * 40 + (tied ? 1 : 2) * 90 * RowByHand(dtype, 40));
  }
}

// A row ends where the count says: the last group is written whole, and nothing behind it.
TEST_P(RaggedFormats, RowsEndWhereTheyAreSaidTo) {
  for (const int64_t cols : {1, 31, 32, 33, 40, 63, 70}) {
    SCOPED_TRACE(cols);
    const runtime::WeightMatrix row{.dtype = GetParam(), .rows = 1, .cols = cols};
    const auto size = static_cast<size_t>(row.row_bytes());
    const std::vector<float> values(static_cast<size_t>(cols), 0.75F);
    const auto quantise = [&](std::byte before) {
      std::vector<std::byte> bytes(size + 64, before);
      float scale = 0;
      runtime::QuantizeRow(GetParam(), values.data(), cols, bytes.data(), &scale);
      return bytes;
    };
    const auto zeros = quantise(std::byte{0});
    const auto ones = quantise(std::byte{0xFF});
    for (size_t i = 0; i < zeros.size(); ++i) {
      if (i < size) {
        EXPECT_EQ(zeros[i], ones[i]) << "byte " << i << " is not written";
      } else {
        EXPECT_EQ(ones[i], std::byte{0xFF}) << "byte " << i << " lies behind the row";
      }
    }
  }
}

TEST_P(RaggedFormats, AreStreamedAsTheyAreCounted) {
  runtime::ThreadPool pool(1);
  for (const bool tied : {true, false}) {
    const ModelSpec model = RaggedModel(tied);
    const runtime::Weights weights = runtime::RandomWeights(model, 1, pool, precision());
    runtime::Decoder decoder(weights, pool, model.max_seq_len, precision().kv);
    for (int64_t position = 0; position < 4; ++position) {
      const Bytes before = decoder.bytes_touched();
      const std::array token = {static_cast<int32_t>(7 * position)};
      static_cast<void>(decoder.Forward(token, runtime::Logits::kLast));
      Bytes counted(0);
      for (const Op& op : BuildOpList(model, precision(), {1, position, 1}).ops) {
        counted += op.weights + op.kv_read + op.kv_new + op.kv_written;
      }
      EXPECT_EQ(decoder.bytes_touched() - before, counted) << "position " << position;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, RaggedFormats,
                         ::testing::Values(Dtype::kQ8_0, Dtype::kQ4_0, Dtype::kInt8),
                         [](const auto& param) { return std::string(ToText(param.param)); });

}  // namespace
}  // namespace deepthin::costmodel
