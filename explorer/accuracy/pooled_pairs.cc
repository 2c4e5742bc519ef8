#include "explorer/accuracy/pooled_pairs.h"

#include <array>

#include "spec/errors.h"

namespace deepthin::explorer {
namespace {

// What becomes of a pair of rows.
struct PairAnswer {
  int64_t pairs = 0;    // 1, or 0 where it is none of one budget, or its targets tie
  double proxy = 0;     // 1 right, 0 wrong, 0.5 tied
  double baseline = 0;  // the same
};

// Answers of all pairs of one set, found once: resamples only add them up.
class AnsweredSet {
 public:
  AnsweredSet(const ScoredSet& set, Budget budget)
      : size_(set.rows.size()), answers_(size_ * size_) {
    DEEPTHIN_CHECK(set.scores.size() == size_ && set.baseline.size() == size_);
    const std::vector<double>& params =
        budget == Budget::kDecoder ? set.rows.decoder_params : set.rows.total_params;
    const std::vector<double>& targets = set.rows.targets;
    for (size_t i = 0; i < size_; ++i) {
      for (size_t j = 0; j < i; ++j) {
        const auto count = [&](const std::vector<double>& scores) {
          return CountPairs(std::array{scores[i], scores[j]}, std::array{targets[i], targets[j]},
                            std::array{params[i], params[j]});
        };
        const PairCount proxy = count(set.scores);
        answers_[i * size_ + j] = {proxy.pairs, proxy.right, count(set.baseline).right};
        answers_[j * size_ + i] = answers_[i * size_ + j];
      }
    }
  }

  [[nodiscard]] size_t size() const { return size_; }
  [[nodiscard]] const PairAnswer& Of(size_t i, size_t j) const { return answers_[i * size_ + j]; }

 private:
  size_t size_;
  std::vector<PairAnswer> answers_;
};

// Over the pairs of a sample, whose sets stand one behind the other.
PairAnswer SumOf(std::span<const AnsweredSet> sets, std::span<const size_t> sample) {
  PairAnswer sum;
  size_t begin = 0;
  for (const AnsweredSet& set : sets) {
    for (size_t i = begin; i < begin + set.size(); ++i) {
      for (size_t j = begin; j < i; ++j) {
        const PairAnswer& answer = set.Of(sample[i] - begin, sample[j] - begin);
        sum.pairs += answer.pairs;
        sum.proxy += answer.proxy;
        sum.baseline += answer.baseline;
      }
    }
    begin += set.size();
  }
  return sum;
}

}  // namespace

PooledPairs PoolPairs(std::span<const ScoredSet> sets, Budget budget,
                      const BootstrapOptions& options) {
  std::vector<AnsweredSet> answered;
  std::vector<size_t> sizes;
  std::vector<size_t> all;
  for (const ScoredSet& set : sets) {
    answered.emplace_back(set, budget);
    sizes.push_back(set.rows.size());
    for (size_t i = 0; i < set.rows.size(); ++i) all.push_back(all.size());
  }
  const std::vector<Figure> figures = Bootstrap(
      sizes, 3,
      [&](std::span<const size_t> sample, std::span<std::optional<double>> out) {
        const PairAnswer sum = SumOf(answered, sample);
        if (sum.pairs == 0) return;
        const auto pairs = static_cast<double>(sum.pairs);
        out[0] = sum.proxy / pairs;
        out[1] = sum.baseline / pairs;
        out[2] = (sum.proxy - sum.baseline) / pairs;
      },
      options);
  return {.pairs = SumOf(answered, all).pairs,
          .accuracy = figures[0],
          .baseline = figures[1],
          .gain = figures[2]};
}

}  // namespace deepthin::explorer
