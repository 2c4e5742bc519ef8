// The choice of the instruction set.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <set>

#include "runtime/kernels/kernels.h"
#include "spec/errors.h"
#include "tests/runtime/error_text.h"

namespace deepthin::runtime {
namespace {

using ::testing::HasSubstr;

class ForcedTarget : public ::testing::Test {
 protected:
  void TearDown() override { ::unsetenv("DEEPTHIN_FORCE_TARGET"); }
};

TEST_F(ForcedTarget, BestIsActiveWhereNoneIsForced) {
  ASSERT_FALSE(SupportedKernels().empty());
  EXPECT_EQ(ActiveTarget(), SupportedKernels().front().target);
}

TEST_F(ForcedTarget, NamesAreDistinct) {
  std::set<std::string_view> names;
  for (const Kernels& kernels : SupportedKernels()) names.insert(kernels.target);
  EXPECT_EQ(names.size(), SupportedKernels().size());
}

TEST_F(ForcedTarget, EachSupportedOneCanBeForced) {
  for (const Kernels& kernels : SupportedKernels()) {
    ::setenv("DEEPTHIN_FORCE_TARGET", std::string(kernels.target).c_str(), 1);
    EXPECT_EQ(ActiveTarget(), kernels.target);
    EXPECT_EQ(&ActiveKernels(), &kernels);
  }
}

// Each is compiled on its own: no two share a function.
TEST_F(ForcedTarget, TargetsRunDifferentCode) {
  for (size_t i = 1; i < SupportedKernels().size(); ++i) {
    const Kernels& a = SupportedKernels()[i - 1];
    const Kernels& b = SupportedKernels()[i];
#define DEEPTHIN_KERNEL(name) EXPECT_NE(a.name, b.name) << #name;
#include "runtime/kernels/kernel_table.inc"
#undef DEEPTHIN_KERNEL
  }
}

TEST_F(ForcedTarget, UnknownNamesAreRefusedWithTheNamesThereAre) {
  for (const char* name : {"AVX9", "", "avx2", "AVX2 ", "SVE"}) {
    ::setenv("DEEPTHIN_FORCE_TARGET", name, 1);
    const std::string text = ErrorText<InputError>([] { static_cast<void>(ActiveKernels()); });
    EXPECT_THAT(text, HasSubstr("DEEPTHIN_FORCE_TARGET: is '" + std::string(name) + "'"));
    for (const Kernels& kernels : SupportedKernels()) {
      EXPECT_THAT(text, HasSubstr(std::string(kernels.target)));
    }
  }
}

}  // namespace
}  // namespace deepthin::runtime
