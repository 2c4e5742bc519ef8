#include "explorer/whatif/low_discrepancy.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "spec/random.h"

namespace deepthin::explorer {
namespace {

constexpr double kSmallestStep = 0x1p-53;

int64_t NextPrime(int64_t after) {
  for (int64_t n = after + 1;; ++n) {
    bool prime = true;
    for (int64_t d = 2; d * d <= n; ++d) prime = prime && n % d != 0;
    if (prime) return n;
  }
}

}  // namespace

ScrambledHalton::ScrambledHalton(size_t dimensions, uint64_t seed) {
  SplitMix64 random(seed);
  int64_t base = 1;
  for (size_t i = 0; i < dimensions; ++i) {
    base = NextPrime(base);
    Digits dimension = {.base = base, .permutations = {}};
    double step = 1;
    while (step > kSmallestStep) {
      step /= static_cast<double>(base);
      std::vector<int64_t> digits(static_cast<size_t>(base));
      std::iota(digits.begin(), digits.end(), 0);
      for (size_t d = digits.size(); d > 1; --d) {
        std::swap(digits[d - 1],
                  digits[static_cast<size_t>(random.NextBelow(static_cast<int64_t>(d)))]);
      }
      dimension.permutations.push_back(std::move(digits));
    }
    dimensions_.push_back(std::move(dimension));
  }
}

double ScrambledHalton::At(int64_t index, size_t dimension) const {
  const auto& [base, permutations] = dimensions_[dimension];
  double value = 0;
  double step = 1;
  for (const std::vector<int64_t>& digits : permutations) {
    step /= static_cast<double>(base);
    value += step * static_cast<double>(digits[static_cast<size_t>(index % base)]);
    index /= base;
  }
  return std::min(value, 1 - kSmallestStep);
}

}  // namespace deepthin::explorer
