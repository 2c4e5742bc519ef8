#include "runtime/measuring/host_probe.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "runtime/kernels/kernels.h"
#include "spec/build_info.h"

namespace deepthin::runtime {
namespace {

TEST(CpuModelTest, IsWhatTheSystemNames) {
  EXPECT_EQ(CpuModelFromCpuinfo("processor\t: 0\nvendor_id\t: AuthenticAMD\n"
                                "model\t\t: 17\nmodel name\t: AMD EPYC  \n\nprocessor\t: 1\n"),
            "AMD EPYC");
}

TEST(CpuModelTest, OnArmIsTheBoardAndItsCores) {
  const char* const little = "CPU implementer\t: 0x41\nCPU part\t: 0xd05\n\n";
  const char* const big = "CPU implementer\t: 0x51\nCPU part\t: 0x804\n\n";
  const std::string cores = std::string(little) + little + little + big;
  EXPECT_EQ(CpuModelFromCpuinfo(cores), "Arm 3x 0x41:0xd05, 1x 0x51:0x804");
  EXPECT_EQ(CpuModelFromCpuinfo(cores + "Hardware\t: Qualcomm Technologies, Inc SM8150\n"),
            "Qualcomm Technologies, Inc SM8150 (Arm 3x 0x41:0xd05, 1x 0x51:0x804)");
  EXPECT_EQ(CpuModelFromCpuinfo(cores + "Hardware\t: BCM2835\nModel\t\t: Raspberry Pi 4\n"),
            "Raspberry Pi 4 (Arm 3x 0x41:0xd05, 1x 0x51:0x804)");
}

TEST(CpuModelTest, IsUnknownWhereNothingIsSaid) {
  EXPECT_EQ(CpuModelFromCpuinfo(""), "unknown");
  EXPECT_EQ(CpuModelFromCpuinfo("model name :\nno colon\n:\n"), "unknown");
}

TEST(TotalMemoryTest, ReadsKibibytes) {
  EXPECT_EQ(TotalFromMeminfo("MemFree: 1 kB\nMemTotal:       24684092 kB\n"), KiB(24684092));
  for (const char* text : {"", "MemTotal: 12\n", "MemTotal: 12 MB", "MemTotal: -1 kB",
                           "MemTotal: x kB", "MemTotal: 99999999999999999 kB"}) {
    EXPECT_EQ(TotalFromMeminfo(text), std::nullopt) << text;
  }
}

RC_GTEST_PROP(HostTextProperty, AnyTextIsRead, (const std::string& text)) {
  RC_ASSERT(!CpuModelFromCpuinfo(text).empty());
  (void)TotalFromMeminfo("MemTotal:" + text);
}

TEST(ProbeHostTest, FillsEveryField) {
  const HostContext host = ProbeHost();
  EXPECT_FALSE(host.cpu_model.empty());
  EXPECT_GE(host.logical_cpus, 1);
  EXPECT_EQ(host.isa, ActiveTarget());
  EXPECT_NE(host.kernel.find(' '), std::string::npos);
  EXPECT_GE(host.load_average, 0);
  EXPECT_EQ(host.build_type, GetBuildInfo().build_type);
  EXPECT_EQ(host.commit, GetBuildInfo().commit);
  ASSERT_TRUE(TotalMemory().has_value());
  EXPECT_GT(*TotalMemory(), MiB(64));
}

}  // namespace
}  // namespace deepthin::runtime
