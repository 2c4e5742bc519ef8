#include "runtime/trainer/adamw.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <vector>

#include "runtime/kernels/training_kernels.h"
#include "spec/errors.h"

namespace deepthin::runtime {
namespace {

// Elements that a thread takes at a time, and whose squares are one partial sum.
constexpr int64_t kPiece = 1 << 14;

// In f64, as several chains of additions that do not wait for each other.
double SumOfSquares(const float* x, int64_t n) {
  constexpr int64_t kChains = 8;
  double sums[kChains] = {};
  const int64_t whole = n - n % kChains;
  for (int64_t i = 0; i < whole; i += kChains) {
    for (int64_t j = 0; j < kChains; ++j) {
      sums[j] += static_cast<double>(x[i + j]) * static_cast<double>(x[i + j]);
    }
  }
  double total = 0;
  for (int64_t i = whole; i < n; ++i) {
    total += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  }
  for (const double sum : sums) total += sum;
  return total;
}

}  // namespace

double LearningRate(const LearningRateSchedule& schedule, int64_t step) {
  const auto done = static_cast<double>(step + 1);
  const auto warmup = static_cast<double>(schedule.warmup_steps);
  if (done <= warmup) return schedule.peak * done / warmup;
  const double progress = (done - warmup) / (static_cast<double>(schedule.steps) - warmup);
  const double share = (1 + std::cos(std::numbers::pi * std::min(progress, 1.0))) / 2;
  return schedule.peak * (schedule.final_share + (1 - schedule.final_share) * share);
}

double GlobalNorm(std::span<const float> gradient, ThreadPool& pool) {
  const auto n = static_cast<int64_t>(gradient.size());
  std::vector<double> sums(static_cast<size_t>((n + kPiece - 1) / kPiece));
  const auto square = [&](int64_t begin, int64_t end) {
    for (int64_t piece = begin; piece < end; ++piece) {
      sums[static_cast<size_t>(piece)] =
          SumOfSquares(gradient.data() + piece * kPiece, std::min(kPiece, n - piece * kPiece));
    }
  };
  pool.ForRanges(static_cast<int64_t>(sums.size()), 1, std::cref(square));
  double total = 0;
  for (const double sum : sums) total += sum;
  return std::sqrt(total);
}

AdamW::AdamW(const ParameterLayout& layout, std::span<const TensorScales> scales,
             const AdamWOptions& options, ThreadPool& pool)
    : options_(options),
      pool_(pool),
      mean_(1, layout.count, "the optimiser's moments"),
      variance_(1, layout.count, "the optimiser's moments") {
  DEEPTHIN_CHECK(scales.size() == layout.tensors.size());
  for (size_t t = 0; t < scales.size(); ++t) {
    const NamedPlace& tensor = layout.tensors[t];
    for (int64_t i = tensor.place.offset; i < tensor.place.end(); i += kPiece) {
      pieces_.push_back({i, std::min(i + kPiece, tensor.place.end()), tensor.decays, scales[t].rate,
                         options.epsilon * scales[t].epsilon});
    }
  }
}

void AdamW::Restore(std::span<const float> mean, std::span<const float> variance, int64_t steps) {
  DEEPTHIN_CHECK(mean.size() == mean_.values().size() && variance.size() == mean.size());
  std::copy(mean.begin(), mean.end(), mean_.data());
  std::copy(variance.begin(), variance.end(), variance_.data());
  steps_ = steps;
}

void AdamW::Step(std::span<float> parameters, std::span<const float> gradient, double learning_rate,
                 double gradient_scale) {
  DEEPTHIN_CHECK(parameters.size() == mean_.values().size());
  DEEPTHIN_CHECK(gradient.size() == parameters.size());
  ++steps_;
  const auto steps = static_cast<double>(steps_);
  // Both moments begin at zero, and are too small by these factors.
  const double bias1 = 1 - std::pow(options_.beta1, steps);
  const double bias2 = 1 - std::pow(options_.beta2, steps);
  const auto& kernels = ActiveTrainingKernels<float>();
  const auto update = [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      const Piece& piece = pieces_[static_cast<size_t>(i)];
      const AdamWFactors<float> factors = {
          .gradient_scale = static_cast<float>(gradient_scale),
          .beta1 = static_cast<float>(options_.beta1),
          .fresh1 = static_cast<float>(1 - options_.beta1),
          .beta2 = static_cast<float>(options_.beta2),
          .fresh2 = static_cast<float>(1 - options_.beta2),
          .rate = static_cast<float>(piece.rate_scale * learning_rate / bias1),
          .keep = static_cast<float>(piece.decays ? 1 - learning_rate * options_.decay : 1),
          .root_bias2 = static_cast<float>(std::sqrt(bias2)),
          .epsilon = static_cast<float>(piece.epsilon)};
      const int64_t at = piece.begin;
      kernels.AdamWStep(factors, gradient.data() + at, piece.end - at, parameters.data() + at,
                        mean_.data() + at, variance_.data() + at);
    }
  };
  pool_.ForRanges(static_cast<int64_t>(pieces_.size()), 1, std::cref(update));
}

}  // namespace deepthin::runtime
