// How many principal components hold most of the variance of a layer's outputs.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "runtime/kernels/matrix.h"

namespace deepthin::explorer {

// The least number of components that hold the share `eta` of the variance, 0 where there is none
// (Wang, arXiv 2504.15983). Below 0 is rounding, and 0. REQUIRES: 0 < eta <= 1.
[[nodiscard]] int64_t ComponentsFor(double eta, std::span<const double> variances);

// Variances along the principal components of H = X W^T, times the number of rows of H, in no
// order: the eigenvalues of W S W^T, with S = Xc^T Xc of X with its columns' means taken off.
// s: [inputs, inputs], symmetric; w: [outputs, inputs].
[[nodiscard]] std::vector<double> OutputVariances(runtime::MatrixView<const float> s,
                                                  runtime::MatrixView<const float> w);

// The same but for zeros where there are more outputs than inputs, from matrices of the inputs'
// size: with a = W^T W = F F^T they are the eigenvalues of F^T S F. REQUIRES: W of at least as many
// rows as columns; directions in which it is singular come out with f32's rounding.
[[nodiscard]] std::vector<double> OutputVariancesFromMoments(runtime::MatrixView<const float> s,
                                                             runtime::MatrixView<const float> a);

}  // namespace deepthin::explorer
