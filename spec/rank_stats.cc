#include "spec/rank_stats.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

#include "spec/errors.h"

namespace deepthin {
namespace {

// Ranks from 1, less their mean. Twice a mean rank is a whole number: all sums are exact.
std::vector<double> CentredRanks(std::span<const double> values) {
  const size_t n = values.size();
  std::vector<size_t> order(n);
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t i, size_t j) { return values[i] < values[j]; });
  std::vector<double> ranks(n);
  const double middle = 0.5 * static_cast<double>(n + 1);
  for (size_t first = 0; first < n;) {
    size_t last = first;
    while (last + 1 < n && values[order[last + 1]] == values[order[first]]) ++last;
    const double rank = 0.5 * static_cast<double>(first + 1 + last + 1);
    for (size_t i = first; i <= last; ++i) ranks[order[i]] = rank - middle;
    first = last + 1;
  }
  return ranks;
}

}  // namespace

double KendallTau(std::span<const double> a, std::span<const double> b) {
  DEEPTHIN_CHECK(a.size() == b.size());
  int64_t agree = 0;
  int64_t untied_a = 0;
  int64_t untied_b = 0;
  const auto sign = [](double x) { return int64_t{x > 0} - int64_t{x < 0}; };
  for (size_t i = 0; i < a.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      const int64_t of_a = sign(a[i] - a[j]);
      const int64_t of_b = sign(b[i] - b[j]);
      agree += of_a * of_b;
      untied_a += of_a * of_a;
      untied_b += of_b * of_b;
    }
  }
  if (untied_a == 0 || untied_b == 0) return 0;
  return static_cast<double>(agree) /
         std::sqrt(static_cast<double>(untied_a) * static_cast<double>(untied_b));
}

double SpearmanRho(std::span<const double> a, std::span<const double> b) {
  DEEPTHIN_CHECK(a.size() == b.size());
  const std::vector<double> x = CentredRanks(a);
  const std::vector<double> y = CentredRanks(b);
  const double xy = std::inner_product(x.begin(), x.end(), y.begin(), 0.0);
  const double xx = std::inner_product(x.begin(), x.end(), x.begin(), 0.0);
  const double yy = std::inner_product(y.begin(), y.end(), y.begin(), 0.0);
  if (xx == 0 || yy == 0) return 0;
  return xy / std::sqrt(xx * yy);
}

}  // namespace deepthin
