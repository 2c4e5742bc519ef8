#include "costmodel/lru_memory.h"

#include <algorithm>
#include <limits>

#include "spec/errors.h"

namespace deepthin::costmodel {

LruMemory::LruMemory(int64_t line_bound, Shape shape)
    : ways_(shape.ways > 0 ? std::min(shape.ways, shape.lines) : shape.lines),
      links_(static_cast<size_t>(line_bound)),
      states_(static_cast<size_t>(line_bound), kAbsent) {
  DEEPTHIN_CHECK(line_bound <= std::numeric_limits<int32_t>::max());
  sets_.resize(static_cast<size_t>(ways_ > 0 ? shape.lines / ways_ : 1));
}

void LruMemory::Renew(int64_t line, bool dirty) {
  const auto id = static_cast<int32_t>(line);
  Set& set = SetOf(line);
  if (set.latest != id) {
    Unlink(set, id);
    PutFirst(set, id);
  }
  if (dirty) states_[static_cast<size_t>(line)] = kDirty;
}

std::optional<LruMemory::Victim> LruMemory::Insert(int64_t line, bool dirty) {
  if (ways_ == 0) return Victim{line, dirty};
  Set& set = SetOf(line);
  std::optional<Victim> victim;
  if (set.held == ways_) {
    const int32_t oldest = set.oldest;
    victim = Victim{oldest, State(oldest) == kDirty};
    Unlink(set, oldest);
    states_[static_cast<size_t>(oldest)] = kAbsent;
    --set.held;
  }
  PutFirst(set, static_cast<int32_t>(line));
  states_[static_cast<size_t>(line)] = dirty ? kDirty : kClean;
  ++set.held;
  return victim;
}

void LruMemory::Unlink(Set& set, int32_t line) {
  const Links links = At(line);
  if (links.later == kNone) {
    set.latest = links.earlier;
  } else {
    At(links.later).earlier = links.earlier;
  }
  if (links.earlier == kNone) {
    set.oldest = links.later;
  } else {
    At(links.earlier).later = links.later;
  }
}

void LruMemory::PutFirst(Set& set, int32_t line) {
  At(line) = {.later = kNone, .earlier = set.latest};
  if (set.latest != kNone) At(set.latest).later = line;
  set.latest = line;
  if (set.oldest == kNone) set.oldest = line;
}

}  // namespace deepthin::costmodel
