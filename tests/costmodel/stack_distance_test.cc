#include "costmodel/stack_distance.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <list>
#include <utility>

#include "costmodel/residency.h"
#include "tests/costmodel/random_problem.h"

namespace deepthin::costmodel {
namespace {

// An LRU memory of single bytes: moves each touched byte to the front of a list, drops the last.
class ByteLru {
 public:
  explicit ByteLru(int64_t capacity) : capacity_(static_cast<size_t>(capacity)) {}

  bool Touch(std::pair<int64_t, int64_t> byte) {
    const auto found = std::find(order_.begin(), order_.end(), byte);
    const bool hit = found != order_.end();
    if (hit) order_.erase(found);
    order_.push_front(byte);
    if (order_.size() > capacity_) order_.pop_back();
    return hit;
  }

 private:
  size_t capacity_;
  std::list<std::pair<int64_t, int64_t>> order_;
};

// Bytes that hit at each access, after `warm_up` runs over the sequence.
std::vector<Bytes> SimulatedHits(const AccessTrace& trace, int64_t capacity, int warm_up) {
  ByteLru memory(capacity);
  std::vector<Bytes> hits;
  int64_t fresh = -1;  // names bytes of flows, which never come again
  for (int run = 0; run <= warm_up; ++run) {
    hits.assign(trace.accesses.size(), Bytes(0));
    for (size_t i = 0; i < trace.accesses.size(); ++i) {
      const Access& access = trace.accesses[i];
      const bool flow = access.touch == Touch::kFlow;
      for (int64_t b = 0; b < access.bytes.value(); ++b) {
        const std::pair<int64_t, int64_t> byte =
            flow ? std::pair{fresh--, b} : std::pair{access.object, b};
        if (memory.Touch(byte)) hits[i] += Bytes(1);
      }
    }
  }
  return hits;
}

AccessTrace AnyTrace() {
  AccessTrace trace;
  const int64_t objects = Pick(1, 6);
  for (int64_t i = 0; i < objects; ++i) trace.object_bytes.push_back(Bytes(Pick(1, 9)));
  const int64_t accesses = Pick(1, 20);
  for (int64_t i = 0; i < accesses; ++i) {
    if (Pick(0, 4) == 0) {
      trace.accesses.push_back({0, Bytes(Pick(1, 5)), Touch::kFlow});
      continue;
    }
    const int64_t object = Pick(0, objects - 1);
    trace.accesses.push_back({object, trace.object_bytes[static_cast<size_t>(object)]});
  }
  return trace;
}

// The oracle knows nothing of objects: distances have to be exact for every byte.
RC_GTEST_PROP(StackDistance, HitsAsAByteLevelLruDoes, ()) {
  const AccessTrace trace = AnyTrace();
  const int64_t capacity = Pick(1, 60);
  for (const Start start : {Start::kCold, Start::kSteady}) {
    const std::vector<Bytes> distances = StackDistances(trace, start);
    const std::vector<Bytes> hits = SimulatedHits(trace, capacity, start == Start::kSteady ? 3 : 0);
    for (size_t i = 0; i < hits.size(); ++i) {
      const bool hit = distances[i] <= Bytes(capacity);
      RC_ASSERT(hits[i] == (hit ? trace.accesses[i].bytes : Bytes(0)));
    }
  }
}

RC_GTEST_PROP(Serve, LruServesWhatAByteLevelLruHits, ()) {
  const AccessTrace trace = AnyTrace();
  const Bytes near(Pick(1, 30));
  const Bytes far(Pick(1, 60));
  const OnChipLevel levels[] = {{near, Replacement::kLru}, {far, Replacement::kLru}};
  const ServedBytes served = Serve(trace, Start::kSteady, Bytes(0), levels);
  const std::vector<Bytes> near_hits = SimulatedHits(trace, near.value(), 3);
  const std::vector<Bytes> any_hits = SimulatedHits(trace, std::max(near, far).value(), 3);
  for (size_t i = 0; i < trace.accesses.size(); ++i) {
    RC_ASSERT(served.at(i, 0) == near_hits[i]);
    RC_ASSERT(served.at(i, 0) + served.at(i, 1) == any_hits[i]);
    RC_ASSERT(served.at(i, 0) + served.at(i, 1) + served.at(i, 2) == trace.accesses[i].bytes);
  }
}

TEST(StackDistance, CountsUniqueBytesAndTheObjectItself) {
  // A(3) B(5) B A, then again.
  const AccessTrace trace{{Bytes(3), Bytes(5)},
                          {{0, Bytes(3)}, {1, Bytes(5)}, {1, Bytes(5)}, {0, Bytes(3)}}};
  const std::vector<Bytes> cold = {kNeverTouched, kNeverTouched, Bytes(5), Bytes(8)};
  const std::vector<Bytes> steady = {Bytes(3), Bytes(8), Bytes(5), Bytes(8)};
  EXPECT_EQ(StackDistances(trace, Start::kCold), cold);
  EXPECT_EQ(StackDistances(trace, Start::kSteady), steady);
}

TEST(StackDistance, PartialTouchesTakeNoRoomAndRenewNothing) {
  // Table(100), A(10), one row of the table, A: the row is found within 100 + 10; A within 10.
  const AccessTrace trace{
      {Bytes(100), Bytes(10)},
      {{0, Bytes(100)}, {1, Bytes(10)}, {0, Bytes(2), Touch::kPart}, {1, Bytes(10)}}};
  const std::vector<Bytes> steady = {Bytes(110), Bytes(110), Bytes(110), Bytes(10)};
  EXPECT_EQ(StackDistances(trace, Start::kSteady), steady);
}

}  // namespace
}  // namespace deepthin::costmodel
