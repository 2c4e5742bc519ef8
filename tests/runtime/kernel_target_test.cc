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

// Highway's are compiled on their own: no two share a function. One that an extension derives has
// an underscore in its name, and others of its own.
TEST_F(ForcedTarget, TargetsRunDifferentCode) {
  for (size_t i = 1; i < SupportedKernels().size(); ++i) {
    const Kernels& a = SupportedKernels()[i - 1];
    const Kernels& b = SupportedKernels()[i];
    int different = 0;
    int all = 0;
#define DEEPTHIN_KERNEL(name)            \
  different += a.name != b.name ? 1 : 0; \
  ++all;
#include "runtime/kernels/kernel_table.inc"
#undef DEEPTHIN_KERNEL
    const bool derived = a.target.find('_') != std::string_view::npos;
    EXPECT_GE(different, derived ? 1 : all) << a.target << " and " << b.target;
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
