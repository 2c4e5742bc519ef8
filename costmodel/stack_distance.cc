#include "costmodel/stack_distance.h"

#include <cstddef>

namespace deepthin::costmodel {
namespace {

// Sums over a prefix of positions, each change and each sum in O(log n) (Fenwick, "A new data
// structure for cumulative frequency tables", 1994).
class PrefixSums {
 public:
  explicit PrefixSums(size_t n) : tree_(n + 1, 0) {}

  void Add(size_t position, int64_t value) {
    for (size_t i = position + 1; i < tree_.size(); i += i & (~i + 1)) tree_[i] += value;
  }
  // Sum of the positions below `end`.
  [[nodiscard]] int64_t Below(size_t end) const {
    int64_t sum = 0;
    for (size_t i = end; i > 0; i -= i & (~i + 1)) sum += tree_[i];
    return sum;
  }

 private:
  std::vector<int64_t> tree_;
};

}  // namespace

std::vector<Bytes> StackDistances(const AccessTrace& trace, Start start) {
  constexpr size_t kNone = std::numeric_limits<size_t>::max();
  const size_t n = trace.accesses.size();
  // A second run over the sequence sees the steady state: no reuse reaches back beyond one run.
  const size_t runs = start == Start::kSteady ? 2 : 1;
  std::vector<size_t> last(trace.object_bytes.size(), kNone);
  std::vector<Bytes> distances(n, kNeverTouched);
  PrefixSums recent(runs * n);  // at each position the bytes whose last touch it was
  for (size_t now = 0; now < runs * n; ++now) {
    const Access& access = trace.accesses[now % n];
    if (access.touch == Touch::kFlow) {
      recent.Add(now, access.bytes.value());
      continue;
    }
    const auto object = static_cast<size_t>(access.object);
    const int64_t size = trace.object_bytes[object].value();
    if (last[object] != kNone) {
      const int64_t between = recent.Below(now) - recent.Below(last[object] + 1);
      distances[now % n] = Bytes(size + between);
    }
    if (access.touch == Touch::kPart) continue;
    if (last[object] != kNone) recent.Add(last[object], -size);
    recent.Add(now, size);
    last[object] = now;
  }
  return distances;
}

}  // namespace deepthin::costmodel
