#include "costmodel/lru_memory.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <vector>

#include "tests/costmodel/random_problem.h"

namespace deepthin::costmodel {
namespace {

struct Entry {
  int64_t line;
  bool dirty;
};

// Sets as plain lists, the latest first.
RC_GTEST_PROP(LruMemory, DoesAsListsOfSetsDo, ()) {
  const int64_t bound = Pick(1, 40);
  const LruMemory::Shape shape{.lines = Pick(0, 24), .ways = Pick(0, 6)};
  LruMemory memory(bound, shape);
  const int64_t ways = shape.ways == 0 ? shape.lines : std::min(shape.ways, shape.lines);
  const int64_t sets = ways == 0 ? 1 : shape.lines / ways;
  RC_ASSERT(memory.sets() == sets);
  std::vector<std::vector<Entry>> lists(static_cast<size_t>(sets));
  const int64_t touches = Pick(1, 200);
  for (int64_t i = 0; i < touches; ++i) {
    const int64_t line = Pick(0, bound - 1);
    const bool dirty = Pick(0, 2) == 0;
    auto& list = lists[static_cast<size_t>(line % sets)];
    const auto at =
        std::find_if(list.begin(), list.end(), [&](const Entry& e) { return e.line == line; });
    RC_ASSERT(memory.Holds(line) == (at != list.end()));
    if (at != list.end()) {
      const Entry renewed{line, at->dirty || dirty};
      list.erase(at);
      list.insert(list.begin(), renewed);
      memory.Renew(line, dirty);
      continue;
    }
    list.insert(list.begin(), {line, dirty});
    const auto victim = memory.Insert(line, dirty);
    const bool full = static_cast<int64_t>(list.size()) > ways;
    RC_ASSERT(victim.has_value() == full);
    if (!full) continue;
    RC_ASSERT(victim->line == list.back().line);
    RC_ASSERT(victim->dirty == list.back().dirty);
    list.pop_back();
  }
}

}  // namespace
}  // namespace deepthin::costmodel
