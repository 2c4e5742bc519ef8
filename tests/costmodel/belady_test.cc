#include "costmodel/belady.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <vector>

#include "costmodel/residency.h"
#include "tests/costmodel/random_problem.h"

namespace deepthin::costmodel {
namespace {

// At most 8 bytes in all, so that every content of a level is one of 256.
AccessTrace SmallTrace() {
  AccessTrace trace;
  int64_t left = 8;
  const int64_t objects = Pick(1, 4);
  for (int64_t i = 0; i < objects; ++i) {
    const int64_t size = Pick(1, std::min<int64_t>(3, left - (objects - 1 - i)));
    trace.object_bytes.push_back(Bytes(size));
    left -= size;
  }
  const int64_t accesses = Pick(1, 10);
  for (int64_t i = 0; i < accesses; ++i) {
    if (Pick(0, 5) == 0) {
      trace.accesses.push_back({0, Bytes(Pick(1, 3)), Touch::kFlow});
      continue;
    }
    const int64_t object = Pick(0, objects - 1);
    trace.accesses.push_back({object, trace.object_bytes[static_cast<size_t>(object)]});
  }
  return trace;
}

// The least misses of single bytes over every way to keep or drop each of them.
int64_t LeastMisses(const AccessTrace& trace, int64_t capacity) {
  constexpr int64_t kImpossible = std::numeric_limits<int64_t>::max() / 2;
  std::vector<int> first_byte;
  int bytes = 0;
  for (const Bytes size : trace.object_bytes) {
    first_byte.push_back(bytes);
    bytes += static_cast<int>(size.value());
  }
  std::vector<int64_t> misses(256, kImpossible);  // by content
  misses[0] = 0;
  int64_t flows = 0;
  for (const Access& access : trace.accesses) {
    if (access.touch == Touch::kFlow) {
      flows += access.bytes.value();
      continue;
    }
    for (int64_t b = 0; b < access.bytes.value(); ++b) {
      const unsigned byte = 1u << (first_byte[static_cast<size_t>(access.object)] + b);
      std::vector<int64_t> next(256, kImpossible);
      for (unsigned held = 0; held < 256; ++held) {
        if (misses[held] == kImpossible) continue;
        const int64_t sum = misses[held] + ((held & byte) != 0 ? 0 : 1);
        const unsigned all = held | byte;
        if (std::popcount(all) <= capacity) next[all] = std::min(next[all], sum);
        for (unsigned drop = 1; drop < 256; drop <<= 1) {
          if ((all & drop) != 0) next[all ^ drop] = std::min(next[all ^ drop], sum);
        }
      }
      misses = std::move(next);
    }
  }
  return flows + *std::min_element(misses.begin(), misses.end());
}

RC_GTEST_PROP(BeladyBound, IsTheLeastOverEveryWayToKeepBytes, ()) {
  const AccessTrace trace = SmallTrace();
  const int64_t capacity = Pick(0, 8);
  RC_ASSERT(BeladyBound(trace, Start::kCold, Bytes(capacity)) ==
            Bytes(LeastMisses(trace, capacity)));
}

RC_GTEST_PROP(BeladyBound, NoPolicyGoesBelow, ()) {
  const AccessTrace trace = SmallTrace();
  const Bytes capacity(Pick(0, 9));
  for (const Start start : {Start::kCold, Start::kSteady}) {
    const Bytes bound = BeladyBound(trace, start, capacity);
    for (const Replacement policy : {Replacement::kLru, Replacement::kPinned}) {
      const OnChipLevel level[] = {{capacity, policy}};
      const ServedBytes served = Serve(trace, start, Bytes(0), level);
      Bytes beyond(0);
      for (size_t i = 0; i < trace.accesses.size(); ++i) beyond += served.at(i, 1);
      RC_ASSERT(bound <= beyond);
    }
  }
}

// The steady state is the mean of a long run: apart from what a level of this size holds at the
// start, and from rounding down.
RC_GTEST_PROP(BeladyBound, SteadyIsTheMeanOfManyRuns, ()) {
  const AccessTrace once = SmallTrace();
  const Bytes capacity(Pick(0, 9));
  constexpr int64_t kRuns = 40;
  AccessTrace many = once;
  for (int64_t run = 1; run < kRuns; ++run) {
    many.accesses.insert(many.accesses.end(), once.accesses.begin(), once.accesses.end());
  }
  const Bytes cold = BeladyBound(many, Start::kCold, capacity);
  const Bytes steady = BeladyBound(once, Start::kSteady, capacity);
  RC_ASSERT(steady * kRuns <= cold + capacity);
  RC_ASSERT(cold - 2 * capacity <= (steady + Bytes(1)) * kRuns);
}

TEST(BeladyBound, KeepsAShareOfALoopThatLruLosesWhole) {
  // A(6) B(6) for ever in 8 bytes: 8 of 12 stay; LRU keeps nothing.
  const AccessTrace loop{{Bytes(6), Bytes(6)}, {{0, Bytes(6)}, {1, Bytes(6)}}};
  EXPECT_EQ(BeladyBound(loop, Start::kSteady, Bytes(8)), Bytes(4));
  EXPECT_EQ(BeladyBound(loop, Start::kCold, Bytes(8)), Bytes(12));
}

// A B C A B C in room for one: each reuse spans three accesses, so two fit into a run of six.
TEST(BeladyBound, ReusesThatOverlapShareTheRoom) {
  const AccessTrace trace{
      {Bytes(1), Bytes(1), Bytes(1)},
      {{0, Bytes(1)}, {1, Bytes(1)}, {2, Bytes(1)}, {0, Bytes(1)}, {1, Bytes(1)}, {2, Bytes(1)}}};
  EXPECT_EQ(BeladyBound(trace, Start::kSteady, Bytes(1)), Bytes(4));
}

TEST(BeladyBound, PartsHitWhereTheObjectWasTouchedBefore) {
  AccessTrace trace{{Bytes(10)}, {{0, Bytes(2), Touch::kPart}, {0, Bytes(10)}}};
  EXPECT_EQ(BeladyBound(trace, Start::kCold, Bytes(0)), Bytes(12));
  EXPECT_EQ(BeladyBound(trace, Start::kSteady, Bytes(0)), Bytes(10));
  std::swap(trace.accesses[0], trace.accesses[1]);
  EXPECT_EQ(BeladyBound(trace, Start::kCold, Bytes(0)), Bytes(10));
}

}  // namespace
}  // namespace deepthin::costmodel
