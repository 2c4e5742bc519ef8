#include "tests/runtime/attention_checks.h"

#include <cstring>
#include <functional>

#include "tests/runtime/kernel_buffers.h"

namespace deepthin::runtime {
namespace {

constexpr Dtype kKvDtypes[] = {Dtype::kF32, Dtype::kF16, Dtype::kInt8};

// Keys or values of random numbers, and the f32 numbers that their elements stand for.
class TestKv {
 public:
  // place(p, c): number of the element in memory, of `elements`.
  TestKv(Dtype dtype, int64_t positions, int64_t head_dim, int64_t elements, uint32_t seed,
         const std::function<int64_t(int64_t p, int64_t c)>& place)
      : numbers_(positions * head_dim, 0, seed),
        bytes_(static_cast<size_t>(elements * KvElementBytes(dtype))),
        scales_(static_cast<size_t>((positions + kKeyBlock - 1) / kKeyBlock * kKeyBlock)),
        view_{dtype, head_dim, bytes_.data(), scales_.data()} {
    for (int64_t p = 0; p < positions; ++p) {
      float* row = numbers_.data() + p * head_dim;
      std::vector<std::byte> stored(static_cast<size_t>(head_dim * KvElementBytes(dtype)));
      float* scale = &scales_[static_cast<size_t>(p)];
      QuantizeRow(dtype, row, head_dim, stored.data(), scale);
      Dequantize({dtype, 1, head_dim, stored.data(), scale}, 0, 1, row);
      for (int64_t c = 0; c < head_dim; ++c) {
        std::memcpy(bytes_.data() + place(p, c) * KvElementBytes(dtype),
                    stored.data() + c * KvElementBytes(dtype),
                    static_cast<size_t>(KvElementBytes(dtype)));
      }
    }
    if (dtype != Dtype::kInt8) view_.scales = nullptr;
  }

  [[nodiscard]] const KvView& view() const { return view_; }
  [[nodiscard]] float Number(int64_t p, int64_t c) const {
    return numbers_[p * view_.head_dim + c];
  }

 private:
  Buffer numbers_;
  std::vector<std::byte> bytes_;
  std::vector<float> scales_;
  KvView view_;
};

void CheckScoresOfSize(const Kernels& kernels, Dtype dtype, int64_t head_dim, int64_t positions,
                       int64_t rows) {
  SCOPED_TRACE(std::string(ToText(dtype)) + ", head_dim " + std::to_string(head_dim) + ", " +
               std::to_string(positions) + " positions, " + std::to_string(rows) + " queries");
  const int64_t room = (positions + kKeyBlock - 1) / kKeyBlock * kKeyBlock;
  const TestKv keys(dtype, positions, head_dim, room * head_dim, 1, [&](int64_t p, int64_t c) {
    return (p / kKeyBlock * head_dim + c) * kKeyBlock + p % kKeyBlock;
  });
  const Buffer q(rows * (head_dim + 1) - 1, 1, 2);
  const ConstMatrix queries = {q.data(), rows, head_dim, head_dim + 1};
  Buffer actual(rows * room, 3, 3);
  Buffer expected(rows * room, 3, 3);
  const float scale = 0.3F;
  kernels.AttentionScores(scale, queries, keys.view(), positions, Dense(actual.data(), rows, room));
  reference::AttentionScores(scale, queries, keys.view(), positions,
                             Dense(expected.data(), rows, room));
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t p = 0; p < positions; ++p) {
      double magnitude = 0;
      for (int64_t c = 0; c < head_dim; ++c) {
        magnitude += Abs(scale) * Abs(queries.Row(i)[c]) * Abs(keys.Number(p, c));
      }
      ExpectWithin(actual[i * room + p], expected[i * room + p],
                   static_cast<double>(head_dim + 6) * kUnitRoundoff * magnitude,
                   "query " + std::to_string(i) + ", position " + std::to_string(p));
    }
  }
}

void CheckValuesOfSize(const Kernels& kernels, Dtype dtype, int64_t head_dim, int64_t positions,
                       int64_t rows) {
  SCOPED_TRACE(std::string(ToText(dtype)) + ", head_dim " + std::to_string(head_dim) + ", " +
               std::to_string(positions) + " positions, " + std::to_string(rows) + " rows");
  const TestKv values(dtype, positions, head_dim, positions * head_dim, 4,
                      [&](int64_t p, int64_t c) { return p * head_dim + c; });
  const Buffer probs(rows * (positions + 1), 1, 8);
  const Buffer scales(rows, 0, 10);
  Buffer actual(rows * head_dim, 3, 11);
  Buffer expected = actual;
  const Buffer before = actual;
  const ConstMatrix p = {probs.data(), rows, positions, positions + 1};
  kernels.AttentionValues(p, values.view(), scales.data(), Dense(actual.data(), rows, head_dim));
  reference::AttentionValues(p, values.view(), scales.data(),
                             Dense(expected.data(), rows, head_dim));
  for (int64_t i = 0; i < actual.size(); ++i) {
    double magnitude = Abs(scales[i / head_dim]) * Abs(before[i]);
    for (int64_t j = 0; j < positions; ++j) {
      magnitude += Abs(p.Row(i / head_dim)[j]) * Abs(values.Number(j, i % head_dim));
    }
    ExpectWithin(actual[i], expected[i],
                 static_cast<double>(positions + 6) * kUnitRoundoff * magnitude,
                 "row " + std::to_string(i / head_dim));
  }
}

}  // namespace

void CheckAttentionScores(const Kernels& kernels) {
  for (const Dtype dtype : kKvDtypes) {
    for (const int64_t head_dim : {2, 6, 16, 18, 64, 128}) {
      for (const int64_t positions : {1, 15, 16, 17, 70, 128, 129}) {
        for (const int64_t rows : {1, 2, 3, 4, 9}) {
          CheckScoresOfSize(kernels, dtype, head_dim, positions, rows);
        }
      }
    }
  }
}

void CheckAttentionValues(const Kernels& kernels) {
  for (const Dtype dtype : kKvDtypes) {
    for (const int64_t head_dim : {2, 6, 8, 16, 18, 64, 66, 128, 150}) {
      for (const int64_t positions : {1, 3, 128}) {
        for (const int64_t rows : {1, 2, 3, 4, 5, 7, 9}) {
          CheckValuesOfSize(kernels, dtype, head_dim, positions, rows);
        }
      }
    }
  }
}

void CheckToF16(const Kernels& kernels) {
  std::vector<float> x;
  for (uint32_t bits = 0; bits < 0x7bff; ++bits) {  // every finite f16 and what lies between
    const float low = FloatFromF16(static_cast<uint16_t>(bits));
    const float high = FloatFromF16(static_cast<uint16_t>(bits + 1));
    for (const float part : {0.0F, 0.25F, 0.5F, 0.75F}) {  // exact in f32, ties among them
      x.push_back(low + (high - low) * part);
      x.push_back(-x.back());
    }
  }
  std::vector<uint16_t> actual(x.size());
  std::vector<uint16_t> expected(x.size());
  kernels.ToF16(x.data(), static_cast<int64_t>(x.size()), actual.data());
  reference::ToF16(x.data(), static_cast<int64_t>(x.size()), expected.data());
  for (size_t i = 0; i < x.size(); ++i) {
    ASSERT_EQ(actual[i], expected[i]) << "f16 of " << x[i];
  }
}

}  // namespace deepthin::runtime
