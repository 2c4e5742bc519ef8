#include "tests/runtime/product_checks.h"

#include <algorithm>
#include <cstring>

#include "tests/runtime/kernel_buffers.h"

namespace deepthin::runtime {
namespace {

// A random matrix in the format, its bytes and scales ending where their allocations do.
struct TestWeights {
  TestWeights(Dtype dtype, int64_t rows, int64_t cols, uint32_t seed)
      : view{dtype, rows, cols, nullptr, nullptr},
        bytes(static_cast<size_t>(rows * view.row_bytes())),
        scales(dtype == Dtype::kInt8 ? static_cast<size_t>(rows) : 0) {
    const Buffer values(rows * cols, 0, seed);
    for (int64_t r = 0; r < rows; ++r) {
      QuantizeRow(dtype, values.data() + r * cols, cols, bytes.data() + r * view.row_bytes(),
                  scales.empty() ? nullptr : &scales[static_cast<size_t>(r)]);
    }
    view.data = bytes.data();
    if (!scales.empty()) view.row_scales = scales.data();
  }

  WeightMatrix view;
  std::vector<std::byte> bytes;
  std::vector<float> scales;
};

// Tokens with gaps between their f32 rows; int8 rows aligned as ActivationView says.
struct TestActivations {
  TestActivations(Dtype weights, int64_t tokens, int64_t cols, uint32_t seed)
      : values(tokens * (cols + 2) - 2, 1, seed),
        quantized(static_cast<size_t>(tokens * PaddedCols(cols) + 64)),
        scales(static_cast<size_t>(tokens * Groups(cols))) {
    const auto address = reinterpret_cast<uintptr_t>(quantized.data());
    int8_t* aligned = quantized.data() + (64 - address % 64) % 64;
    view = {.rows = tokens,
            .cols = cols,
            .values = values.data(),
            .stride = cols + 2,
            .quantized = aligned,
            .scales = scales.data(),
            .scale_stride = Groups(cols)};
    const auto quantize = FormFor(weights) == ActivationForm::kRows ? reference::QuantizeRow
                                                                    : reference::QuantizeGroups;
    for (int64_t t = 0; t < tokens; ++t) {
      quantize(view.Values(t), cols, aligned + t * PaddedCols(cols),
               scales.data() + t * Groups(cols));
    }
  }

  static int64_t Groups(int64_t cols) { return (cols + kGroup - 1) / kGroup; }

  [[nodiscard]] ActivationView Tokens(int64_t begin, int64_t end) const {
    ActivationView part = view;
    part.rows = end - begin;
    part.values = view.Values(begin);
    part.quantized = view.Quantized(begin);
    part.scales = view.Scales(begin);
    return part;
  }

  Buffer values;
  std::vector<int8_t> quantized;
  std::vector<float> scales;
  ActivationView view;
};

// The twin for the format.
decltype(&reference::MatMulF32) Twin(Dtype dtype) {
  switch (dtype) {
    case Dtype::kF32:
      return reference::MatMulF32;
    case Dtype::kF16:
      return reference::MatMulF16;
    case Dtype::kBf16:
      return reference::MatMulBf16;
    case Dtype::kQ8_0:
      return reference::MatMulQ8_0;
    case Dtype::kQ4_0:
      return reference::MatMulQ4_0;
    case Dtype::kInt8:
      return reference::MatMulInt8;
  }
  return nullptr;
}

// Of the products that output r of token t sums up, as the kernel sees its activations.
double Magnitude(const WeightMatrix& w, const ActivationView& x, int64_t r, int64_t t) {
  std::vector<float> row(static_cast<size_t>(w.cols));
  Dequantize(w, r, r + 1, row.data());
  const ActivationForm form = FormFor(w.dtype);
  double sum = 0;
  for (int64_t c = 0; c < w.cols; ++c) {
    const double scale = form == ActivationForm::kFloats
                             ? 1
                             : Abs(x.Scales(t)[form == ActivationForm::kRows ? 0 : c / kGroup]);
    const double value = form == ActivationForm::kFloats
                             ? Abs(x.Values(t)[c])
                             : std::abs(static_cast<double>(x.Quantized(t)[c])) * scale;
    sum += Abs(row[static_cast<size_t>(c)]) * value;
  }
  return sum;
}

// Sums of n f32 products are off by (n + 2) u; integer sums are exact, and it is the groups that
// are summed up in f32, each after two products of scales. Kernels for bf16 weights may round the
// activations to bf16 too: half of its epsilon, 2^-7.
double RelativeTolerance(Dtype dtype, int64_t cols) {
  switch (FormFor(dtype)) {
    case ActivationForm::kFloats:
      return static_cast<double>(cols + 3) * kUnitRoundoff + (dtype == Dtype::kBf16 ? 0x1p-8 : 0);
    case ActivationForm::kGroups:
      return static_cast<double>(TestActivations::Groups(cols) + 6) * kUnitRoundoff;
    case ActivationForm::kRows:
      return 4 * kUnitRoundoff;
  }
  return 0;
}

void CheckSize(const Kernels& kernels, Dtype dtype, int64_t rows, int64_t tokens, int64_t cols) {
  SCOPED_TRACE(std::to_string(rows) + " rows, " + std::to_string(tokens) + " tokens, " +
               std::to_string(cols) + " columns");
  const int64_t stride = rows + 3;
  const TestWeights w(dtype, rows, cols, 4);
  const TestActivations x(dtype, tokens, cols, 5);
  Buffer actual(tokens * stride - 3, 1, 6);
  Buffer expected = actual;
  kernels.MatMul(dtype)(w.view, x.view, {actual.data(), tokens, rows, stride});
  Twin(dtype)(w.view, x.view, {expected.data(), tokens, rows, stride});
  for (int64_t i = 0; i < actual.size(); ++i) {
    const int64_t t = i / stride;
    const int64_t r = i % stride;
    const double magnitude = r < rows ? Magnitude(w.view, x.view, r, t) : 0;
    ExpectWithin(actual[i], expected[i], RelativeTolerance(dtype, cols) * magnitude,
                 "row " + std::to_string(r) + ", token " + std::to_string(t));
  }
}

}  // namespace

void CheckMatMul(const Kernels& kernels, Dtype dtype) {
  for (const int64_t cols : {1, 4, 16, 17, 31, 32, 33, 64, 65, 96, 130, 259, 576}) {
    for (const int64_t rows : {1, 2, 7, 8, 17, 33}) {
      CheckSize(kernels, dtype, rows, 1, cols);
    }
  }
  for (const int64_t cols : {1, 17, 32, 33, 64, 130, 192}) {
    for (const int64_t rows : {1, 3, 4, 5, 9, 15, 16, 17, 33, 50}) {
      for (const int64_t tokens : {2, 3, 5, 6, 8, 13, 25}) {
        CheckSize(kernels, dtype, rows, tokens, cols);
      }
    }
  }
}

void CheckProductsDoNotDependOnTheRange(const Kernels& kernels, Dtype dtype) {
  const auto mat_mul = kernels.MatMul(dtype);
  for (const int64_t cols : {5, 16, 100}) {
    const int64_t rows = 39;
    const int64_t tokens = 10;
    const TestWeights w(dtype, rows, cols, 22);
    const TestActivations x(dtype, tokens, cols, 23);
    Buffer all(tokens * rows, 0, 24);
    Buffer one(rows, 0, 24);
    mat_mul(w.view, x.view, Dense(all.data(), tokens, rows));
    mat_mul(w.view, x.Tokens(0, 1), Dense(one.data(), 1, rows));
    for (int64_t begin = 0; begin < rows; ++begin) {
      const int64_t token = begin % (tokens - 1);  // two tokens or more are left
      const int64_t part_rows = rows - begin;
      Buffer part((tokens - token) * part_rows, 0, 25);
      mat_mul(w.view.Rows(begin, rows), x.Tokens(token, tokens),
              Dense(part.data(), tokens - token, part_rows));
      for (int64_t i = 0; i < part.size(); ++i) {
        const int64_t t = token + i / part_rows;
        ASSERT_EQ(part[i], all[t * rows + begin + i % part_rows]) << "row " << begin << ", " << t;
      }
      for (const bool is_cached : {false, true}) {
        WeightMatrix last = w.view.Rows(begin, rows);
        last.is_cached = is_cached;
        mat_mul(last, x.Tokens(0, 1), Dense(part.data(), 1, part_rows));
        for (int64_t r = begin; r < rows; ++r) ASSERT_EQ(part[r - begin], one[r]) << "row " << r;
      }
    }
  }
}

void CheckQuantize(decltype(&reference::QuantizeRow) run, decltype(&reference::QuantizeRow) twin) {
  for (const int64_t n : {1, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 576}) {
    for (const float magnitude : {0.0F, 1e-30F, 1.0F, 1e30F}) {
      const Buffer x(n, n % 4, 30, magnitude);
      const auto padded = static_cast<size_t>(PaddedCols(n));
      const auto groups = static_cast<size_t>(TestActivations::Groups(n));
      alignas(64) int8_t actual[640];
      alignas(64) int8_t expected[640];
      std::fill(std::begin(actual), std::end(actual), int8_t{99});
      std::fill(std::begin(expected), std::end(expected), int8_t{99});
      std::vector<float> actual_scales(groups);
      std::vector<float> expected_scales(groups);
      run(x.data(), n, actual, actual_scales.data());
      twin(x.data(), n, expected, expected_scales.data());
      EXPECT_EQ(actual_scales, expected_scales) << n;
      EXPECT_EQ(std::memcmp(actual, expected, padded), 0) << n << " numbers of " << magnitude;
      for (size_t i = padded; i < std::size(actual); ++i) ASSERT_EQ(actual[i], 99);
    }
  }
}

}  // namespace deepthin::runtime
