// Sampler: proposes points of a search space. Holds no state and never sees the store, so that
// resuming a sweep is re-reading its trials.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace deepthin::sweeps {

// The number of values on each axis; a choice is one index on each.
using AxisSizes = std::vector<size_t>;
using Choice = std::vector<size_t>;

// Contract: the same (sizes, index) gives the same choice, each index in range; nothing once the
// sampler has proposed all that it wants to.
class Sampler {
 public:
  virtual ~Sampler() = default;
  [[nodiscard]] virtual std::optional<Choice> Propose(const AxisSizes& sizes,
                                                      int64_t index) const = 0;

 protected:
  Sampler() = default;
  Sampler(const Sampler&) = default;
  Sampler& operator=(const Sampler&) = default;
};

struct SamplerEntry {
  std::string_view name;
  std::string_view help;
  std::unique_ptr<Sampler> (*make)();
};

[[nodiscard]] std::span<const SamplerEntry> SamplerTable();

}  // namespace deepthin::sweeps
