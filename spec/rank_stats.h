// How alike two orders of the same things are.
#pragma once

#include <span>

namespace deepthin {

// Kendall's tau-b (ties count half on either side; Kendall, Biometrika 33(3), 1945); 0 where a side
// is constant. REQUIRES: as many of the one as of the other.
[[nodiscard]] double KendallTau(std::span<const double> a, std::span<const double> b);

// Spearman's rho: the correlation of the ranks, tied ones having the mean of theirs (Spearman, The
// American Journal of Psychology 15(1), 1904); 0 where a side is constant. REQUIRES: as many of the
// one as of the other.
[[nodiscard]] double SpearmanRho(std::span<const double> a, std::span<const double> b);

}  // namespace deepthin
