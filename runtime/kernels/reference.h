// The kernels, as scalar code written for reading: what each one computes is said here once. The
// SIMD kernels have the same signatures (kernels.h) and are tested against these. Outputs never
// overlap inputs unless a kernel says that it works in place. Sums are kept in double.
#pragma once

#include <cstdint>
#include <limits>

#include "runtime/kernels/activations.h"
#include "runtime/kernels/kv_view.h"
#include "runtime/kernels/matrix.h"
#include "runtime/kernels/weight_matrix.h"

namespace deepthin::runtime {

// What a softmax over a row of scores that comes in pieces has to remember between them.
struct SoftmaxState {
  float max = -std::numeric_limits<float>::infinity();
  float sum = 0;  // of exp(score - max)
};

namespace reference {

// y[t][r] = sum_c w[r][c] x[t][c], one kernel for each format of w. x: [tokens, w.cols], y:
// [tokens, w.rows]. A row of w is read from memory once, however many tokens there are.
//
// F32, F16, Bf16 take x.values, the others what QuantizeGroups (Q8_0, Q4_0) or QuantizeRows (Int8)
// made of them: products of integers are exact, sum_c over a group (a row) is one integer, times
// the scales of both sides.
void MatMulF32(const WeightMatrix& w, const ActivationView& x, MutableMatrix y);
void MatMulF16(const WeightMatrix& w, const ActivationView& x, MutableMatrix y);
void MatMulBf16(const WeightMatrix& w, const ActivationView& x, MutableMatrix y);
void MatMulQ8_0(const WeightMatrix& w, const ActivationView& x, MutableMatrix y);
void MatMulQ4_0(const WeightMatrix& w, const ActivationView& x, MutableMatrix y);
void MatMulInt8(const WeightMatrix& w, const ActivationView& x, MutableMatrix y);

// n numbers to int8 in groups of 32: scale = amax / 127, q = x / scale rounded to nearest, ties to
// even, in [-127, 127]; a group of zeros has scale 0. quantized: [PaddedCols(n)], zero behind n;
// scales: [ceil(n / 32)].
void QuantizeGroups(const float* x, int64_t n, int8_t* quantized, float* scales);

// The same with one scale for all of x: per-token dynamic activations of W8A8 (MobileLLM, section
// 3.6). scales: [1].
void QuantizeRow(const float* x, int64_t n, int8_t* quantized, float* scales);

// scores[i][p] = scale sum_c q[i][c] k[p][c] for positions [0, n). q: [rows, head_dim]: all queries
// that share this key head, so that a key is read once for the whole group. Rows of scores have
// room for whole blocks of keys; what is behind n there is unspecified.
void AttentionScores(float scale, ConstMatrix q, const KvView& keys, int64_t n,
                     MutableMatrix scores);

// One step of a softmax in pieces (online softmax: Milakov & Gimelshein, arXiv 1805.02867,
// algorithm 3). Replaces scores[i] by exp(scores[i] - m), m the largest score up to now, and
// updates the state. Returns exp(old m - m): what earlier weights and sums have to be multiplied
// with. REQUIRES: n >= 1, finite scores.
float SoftmaxStep(float* scores, int64_t n, SoftmaxState* state);

// out[i][c] = scales[i] out[i][c] + sum_p probs[i][p] v[p][c]. probs: [rows, positions], out:
// [rows, head_dim]. A value is read once for the whole group of rows.
void AttentionValues(ConstMatrix probs, const KvView& values, const float* scales,
                     MutableMatrix out);

// f32 to f16, to nearest, ties to even.
void ToF16(const float* x, int64_t n, uint16_t* out);

// out[i] = weight[i] x[i] / sqrt(mean(x^2) + eps) (Zhang & Sennrich, arXiv 1910.07467, equation 4).
// out may be x.
void RmsNorm(const float* x, const float* weight, int64_t n, float eps, float* out);

// In each row of heads, rotates the pair (2i, 2i + 1) by its angle (Su et al., arXiv 2104.09864,
// equation 15), in place. cos, sin: [cols], each angle's twice: (c0, c0, c1, c1, ...) and
// (-s0, s0, -s1, s1, ...). REQUIRES: cols even.
void Rope(MutableMatrix heads, const float* cos, const float* sin);

// gate[i] = silu(gate[i]) up[i], silu(x) = x / (1 + exp(-x)) (Shazeer, arXiv 2002.05202, equation
// 6).
void SwiGlu(float* gate, const float* up, int64_t n);

// x[i] = gelu(x[i]) in the tanh form (Hendrycks & Gimpel, arXiv 1606.08415, section 2).
void Gelu(float* x, int64_t n);

// x[i] = max(x[i], 0).
void Relu(float* x, int64_t n);

// y[i] += a x[i].
void Axpy(float a, const float* x, int64_t n, float* y);

}  // namespace reference
}  // namespace deepthin::runtime
