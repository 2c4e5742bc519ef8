#include "spec/units.h"

#include <gtest/gtest.h>

#include <type_traits>

namespace deepthin {
namespace {

template <class A, class B>
concept Addable = requires(A a, B b) {
  a + b;
};
template <class A, class B>
concept Subtractable = requires(A a, B b) {
  a - b;
};
template <class A, class B>
concept Comparable = requires(A a, B b) {
  a < b;
};
template <class A, class B>
concept Multipliable = requires(A a, B b) {
  a* b;
};
template <class A, class B>
concept Divisible = requires(A a, B b) {
  a / b;
};

TEST(UnitsTest, UnlikeQuantitiesDoNotMix) {
  EXPECT_TRUE((Addable<Bytes, Bytes> && Subtractable<Seconds, Seconds>));
  EXPECT_FALSE((Addable<Bytes, Seconds>));
  EXPECT_FALSE((Subtractable<Bytes, Macs>));
  EXPECT_FALSE((Comparable<Bytes, Macs>));
  EXPECT_FALSE((Comparable<Seconds, Joules>));
  EXPECT_FALSE((Addable<Bytes, int64_t>));
  EXPECT_FALSE((Multipliable<Bytes, Bytes>));
  EXPECT_FALSE((Multipliable<Bytes, JoulesPerMac>));
  EXPECT_FALSE((Divisible<Bytes, MacsPerSecond>));
  EXPECT_FALSE((Divisible<Macs, BytesPerSecond>));
  EXPECT_FALSE((Divisible<Seconds, Bytes>));
}

TEST(UnitsTest, NumbersComeInAndOutByNameOnly) {
  EXPECT_FALSE((std::is_convertible_v<int64_t, Bytes>));
  EXPECT_FALSE((std::is_convertible_v<double, Seconds>));
  EXPECT_FALSE((std::is_convertible_v<Seconds, double>));
  EXPECT_FALSE((std::is_convertible_v<Bytes, int64_t>));
  EXPECT_EQ(sizeof(Bytes), sizeof(int64_t));
}

TEST(UnitsTest, CapacitiesAreBinaryAndBandwidthsDecimal) {
  EXPECT_EQ(KiB(1).value(), 1'024);
  EXPECT_EQ(MiB(3).value(), 3 * 1'048'576);
  EXPECT_EQ(GiB(8).value(), 8'589'934'592);
  EXPECT_EQ(GBps(16.5).value(), 16.5e9);
  EXPECT_EQ(GMacsPerSecond(2).value(), 2e9);
  EXPECT_DOUBLE_EQ(Milliseconds(15.6).value(), 0.0156);
  EXPECT_DOUBLE_EQ(Microseconds(13).value(), 13e-6);
  EXPECT_DOUBLE_EQ(Nanoseconds(90).value(), 90e-9);
  EXPECT_DOUBLE_EQ(PicojoulesPerByte(20).value(), 20e-12);
  EXPECT_DOUBLE_EQ(PicojoulesPerMac(0.2).value(), 0.2e-12);
  EXPECT_DOUBLE_EQ(ToMegabytes(Bytes(2'500'000)), 2.5);
  EXPECT_DOUBLE_EQ(ToMiB(MiB(24)), 24.0);
  EXPECT_DOUBLE_EQ(ToGBps(GBps(34.1)), 34.1);
  EXPECT_DOUBLE_EQ(ToMilliseconds(Milliseconds(29)), 29.0);
  EXPECT_DOUBLE_EQ(ToMicroseconds(Milliseconds(2)), 2000.0);
}

TEST(UnitsTest, ProductsHaveTheRightUnit) {
  static_assert(std::is_same_v<decltype(MiB(1) / GBps(1)), Seconds>);
  static_assert(std::is_same_v<decltype(MiB(1) / Seconds(1)), BytesPerSecond>);
  static_assert(std::is_same_v<decltype(Macs(1) / GMacsPerSecond(1)), Seconds>);
  static_assert(std::is_same_v<decltype(Bytes(1) * PicojoulesPerByte(1)), Joules>);
  static_assert(std::is_same_v<decltype(Macs(1) * PicojoulesPerMac(1)), Joules>);
  static_assert(std::is_same_v<decltype(MiB(1) / MiB(1)), double>);
  EXPECT_DOUBLE_EQ((Bytes(16'400'000'000) / GBps(16.4)).value(), 1.0);
  EXPECT_DOUBLE_EQ((Bytes(50) / Seconds(0.5)).value(), 100.0);
  EXPECT_DOUBLE_EQ((Macs(3'000) / MacsPerSecond(1'500)).value(), 2.0);
  EXPECT_DOUBLE_EQ((Bytes(1'000) * PicojoulesPerByte(20)).value(), 20e-9);
  EXPECT_DOUBLE_EQ(MiB(3) / MiB(2), 1.5);
}

TEST(UnitsTest, CountsAreExact) {
  const Bytes large(9'007'199'254'740'993);  // 2^53 + 1, which no double holds
  EXPECT_EQ((large + Bytes(1) - Bytes(1)).value(), 9'007'199'254'740'993);
  EXPECT_LT(large - Bytes(1), large);
  EXPECT_EQ((3 * large).value(), 27'021'597'764'222'979);
}

}  // namespace
}  // namespace deepthin
