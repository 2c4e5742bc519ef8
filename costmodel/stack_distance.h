// LRU stack distances of a sequence of accesses to objects of different sizes.
//
// The distance of an access is the number of unique bytes touched since the object was last touched
// whole, the object itself included. An LRU level of capacity C holds the object just where the
// distance is at most C; for objects that are always streamed whole in the same order this is exact
// for each of their bytes (Mattson et al., "Evaluation techniques for storage hierarchies", IBM
// Systems Journal 9(2), 1970).
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "spec/units.h"

namespace deepthin::costmodel {

enum class Touch {
  kWhole,  // streams the object from its first byte to its last
  kPart,   // some bytes of it, which ones varies: takes no room of its own and renews nothing
  kFlow,   // bytes that are not seen again (object unused): takes room, never hits
};

struct Access {
  int64_t object = 0;  // index into AccessTrace::object_bytes
  Bytes bytes;         // transferred; at most the object's size
  Touch touch = Touch::kWhole;
};

struct AccessTrace {
  std::vector<Bytes> object_bytes;
  std::vector<Access> accesses;
};

enum class Start {
  kCold,    // nothing has been touched before
  kSteady,  // the sequence has been running for long: token after token
};

inline constexpr Bytes kNeverTouched{std::numeric_limits<int64_t>::max()};

// One distance for each access; kNeverTouched where the object had not been touched whole before,
// and for flows. O(n log n). REQUIRES: the sum of all objects and flows fits 62 bits.
[[nodiscard]] std::vector<Bytes> StackDistances(const AccessTrace& trace, Start start);

}  // namespace deepthin::costmodel
