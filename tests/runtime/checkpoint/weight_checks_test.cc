#include "runtime/checkpoint/weight_checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tests/runtime/error_text.h"

namespace deepthin::runtime {
namespace {

using ::testing::HasSubstr;

TEST(FirstNotFinite, FindsEachPlace) {
  std::vector<float> floats(10'000, -std::numeric_limits<float>::max());
  EXPECT_EQ(FirstNotFinite(floats), std::nullopt);
  EXPECT_EQ(FirstNotFinite({}), std::nullopt);
  for (const size_t at : {size_t{0}, size_t{4'095}, size_t{4'096}, size_t{9'999}}) {
    for (const float bad : {std::nanf(""), -std::nanf(""), INFINITY, -INFINITY}) {
      floats[at] = bad;
      EXPECT_EQ(FirstNotFinite(floats), static_cast<int64_t>(at));
    }
    floats[at] = 0;
  }
}

// In every format: the largest finite number passes, the bits above it do not.
TEST(RequireFinite, NamesTheRow) {
  struct Case {
    Dtype dtype;
    uint32_t largest, smallest_bad;  // bits of an element or a scale
    int64_t bytes;                   // of these
  };
  constexpr Case kCases[] = {
      {Dtype::kF32, 0x7f7fffff, 0x7f800000, 4}, {Dtype::kF16, 0xfbff, 0xfc00, 2},
      {Dtype::kBf16, 0x7f7f, 0xff80, 2},        {Dtype::kQ8_0, 0x7bff, 0x7c00, 2},
      {Dtype::kQ4_0, 0xfbff, 0x7e00, 2},        {Dtype::kInt8, 0xff7fffff, 0xff800001, 4}};
  for (const Case& c : kCases) {
    SCOPED_TRACE(ToText(c.dtype));
    std::vector<float> storage(3 * 64, 0.0F);
    std::vector<float> scales(3, 0.0F);
    WeightMatrix w = {c.dtype, 3, 64, std::as_bytes(std::span(storage)).data(),
                      c.dtype == Dtype::kInt8 ? scales.data() : nullptr};
    auto* target = c.dtype == Dtype::kInt8
                       ? reinterpret_cast<std::byte*>(&scales[1])
                       : reinterpret_cast<std::byte*>(storage.data()) + w.row_bytes();
    const auto error_with = [&](uint32_t bits) {
      std::memcpy(target, &bits, static_cast<size_t>(c.bytes));
      return ErrorText<InputError>([&] { RequireFinite(w, {"m.gguf", "tensor t"}); });
    };
    EXPECT_EQ(error_with(c.largest), "");
    EXPECT_THAT(error_with(c.smallest_bad), HasSubstr("m.gguf: tensor t, row 1: has "));
  }
}

}  // namespace
}  // namespace deepthin::runtime
