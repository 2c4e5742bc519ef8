// ScrambledHalton: points that fill a unit cube evenly.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace deepthin::explorer {

// The Halton sequence (Numerische Mathematik 2, 1960), one prime for each dimension, each of its
// digits sent through a permutation of its own, drawn from the seed: without that, dimensions with
// large primes move in step (Matousek, Journal of Complexity 14, 1998). In base b every run of b^k
// points that starts at a multiple of b^k has one in each interval of length b^-k.
class ScrambledHalton {
 public:
  // REQUIRES: at most 256 dimensions.
  ScrambledHalton(size_t dimensions, uint64_t seed);

  // In [0, 1). REQUIRES: index >= 0, dimension < dimensions.
  [[nodiscard]] double At(int64_t index, size_t dimension) const;

 private:
  struct Digits {
    int64_t base = 2;
    std::vector<std::vector<int64_t>> permutations;  // [digits, base], the first digit first
  };
  std::vector<Digits> dimensions_;
};

}  // namespace deepthin::explorer
