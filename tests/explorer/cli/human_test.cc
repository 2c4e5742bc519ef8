#include "explorer/cli/human.h"

#include <gtest/gtest.h>

#include "spec/errors.h"

namespace deepthin::explorer {
namespace {

TEST(Human, WritesFiguresAsPeopleDo) {
  EXPECT_EQ(HumanCount(124'600'320), "124.6M");
  EXPECT_EQ(HumanCount(1'005'322'240), "1.01B");
  EXPECT_EQ(HumanCount(35'136), "35.1K");
  EXPECT_EQ(HumanCount(999), "999");
  EXPECT_EQ(HumanBytes(Bytes(249'200'640)), "249.2 MB");
  EXPECT_EQ(HumanTime(Seconds(0.0156)), "15.60 ms");
  EXPECT_EQ(HumanTime(Seconds(1.3617)), "1.36 s");
  EXPECT_EQ(HumanTime(Seconds(13e-6)), "13.0 us");
  EXPECT_EQ(HumanClock(Seconds(65.4)), "1:05");
  EXPECT_EQ(HumanClock(Seconds(3725)), "1:02:05");
  EXPECT_EQ(HumanRate(0.1971), "0.197");
  EXPECT_EQ(HumanRate(3806.4), "3806");
  EXPECT_EQ(HumanMilliseconds(0.0156), "15.60");
  EXPECT_EQ(HumanMilliseconds(4.53e-6), "0.0045");
  EXPECT_EQ(HumanMilliseconds(0), "0.00");
  EXPECT_EQ(HumanCapacity(KiB(32)), "32 KiB");
  EXPECT_EQ(HumanCapacity(MiB(256)), "256 MiB");
}

TEST(Human, ReadsThemBack) {
  EXPECT_EQ(CountFromText("125M", "params"), 125'000'000);
  EXPECT_EQ(CountFromText("1.5B", "params"), 1'500'000'000);
  EXPECT_EQ(CountFromText("124600320", "params"), 124'600'320);
  EXPECT_EQ(TimeFromText("15ms", "decode"), Seconds(0.015));
  EXPECT_EQ(BytesFromText("512MiB", "memory"), MiB(512));
  EXPECT_EQ(BytesFromText("4 GB", "memory"), Bytes(4'000'000'000));
  EXPECT_DOUBLE_EQ(ShareFromText("10%", "within"), 0.1);
  EXPECT_DOUBLE_EQ(ShareFromText("0.1", "within"), 0.1);
}

TEST(Human, RefusesEverythingElse) {
  for (const char* text : {"", "M", "125 m", "-1M", "0", "nan", "inf", "1e300", "125MB", "12,5M"}) {
    SCOPED_TRACE(text);
    EXPECT_THROW(static_cast<void>(CountFromText(text, "params")), InputError);
  }
  EXPECT_THROW(static_cast<void>(TimeFromText("15", "decode").value()), InputError);
  EXPECT_THROW(static_cast<void>(BytesFromText("512Mb", "memory")), InputError);
  EXPECT_THROW(static_cast<void>(BytesFromText("512", "memory")), InputError);
  EXPECT_THROW(static_cast<void>(ShareFromText("5", "within")), InputError);  // 5 %, surely
}

}  // namespace
}  // namespace deepthin::explorer
