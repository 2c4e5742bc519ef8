#include "runtime/executed_blocks.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>

namespace deepthin::runtime {
namespace {

// Of the distinct blocks that were executed since order[executed] was, which is one of them; absent
// where it is executed for the first time.
std::optional<Bytes> BytesSince(const Weights& weights, const std::vector<int64_t>& order,
                                size_t executed) {
  std::set<int64_t> distinct;
  Bytes sum(0);
  for (size_t i = executed; i-- > 0;) {
    if (distinct.insert(order[i]).second) {
      sum += MatrixBytesOf(weights.blocks[static_cast<size_t>(order[i])]);
    }
    if (order[i] == order[executed]) return sum;
  }
  return std::nullopt;
}

}  // namespace

std::vector<BlockWeights> ExecutedBlocks(const Weights& weights, Bytes cache) {
  const std::vector<int64_t> order = ExecutionOrder(weights.spec);
  const bool all_fit = WeightBytesOf(weights) <= cache;
  std::vector<BlockWeights> executed;
  for (size_t i = 0; i < order.size(); ++i) {
    executed.push_back(weights.blocks[static_cast<size_t>(order[i])]);
    const auto since = BytesSince(weights, order, i);
    const bool is_cached = all_fit || (since && *since <= cache);
    for (const auto matrix : kBlockMatrices) (executed.back().*matrix).is_cached = is_cached;
  }
  return executed;
}

}  // namespace deepthin::runtime
