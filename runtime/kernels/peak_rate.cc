#include "runtime/kernels/peak_rate.h"

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "runtime/kernels/highway_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/kernels/peak_rate.cc"
// clang-format off: foreach_target.h comes before highway.h.
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace deepthin::runtime {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Multiply-adds of `rounds` rounds times lanes; *sink keeps the compiler from leaving them out.
int64_t RunMultiplyAdds(int64_t rounds, float* sink) {
  const hn::ScalableTag<float> d;
  // Independent: an x86 core has 8 in flight, two pipes of four cycles. A core with more of them
  // reaches more than this says; more chains than 12 GCC 12 does not keep in registers.
  constexpr int kChains = 12;
  hn::Vec<decltype(d)> sums[kChains];
  for (auto& sum : sums) sum = hn::Set(d, *sink);
  const auto factor = hn::Set(d, 0.5F + *sink);
  for (int64_t i = 0; i < rounds; ++i) {
    for (auto& sum : sums) sum = hn::MulAdd(sum, factor, factor);
  }
  auto all = sums[0];
  for (int i = 1; i < kChains; ++i) all = hn::Add(all, sums[i]);
  *sink = 1e-30F * hn::GetLane(all);
  return rounds * kChains * static_cast<int64_t>(hn::Lanes(d));
}

}  // namespace HWY_NAMESPACE
}  // namespace deepthin::runtime
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace deepthin::runtime {
namespace {

HWY_EXPORT(RunMultiplyAdds);

double MeasureRate(decltype(&HWY_STATIC_DISPATCH(RunMultiplyAdds)) run) {
  using Clock = std::chrono::steady_clock;
  float sink = 0;
  double best = 0;
  for (int i = 0; i < 10; ++i) {
    const auto begin = Clock::now();
    const int64_t multiply_adds = run(2'000'000, &sink);
    const std::chrono::duration<double> elapsed = Clock::now() - begin;
    best = std::max(best, 2.0 * static_cast<double>(multiply_adds) / elapsed.count());
  }
  return best;
}

}  // namespace

double PeakMultiplyAddRate(std::string_view target) {
  for (const int64_t set : hwy::SupportedAndGeneratedTargets()) {
    if (!target.starts_with(hwy::TargetName(set))) continue;
    hwy::ChosenTarget chosen;
    chosen.Update(set);
    return MeasureRate(HWY_DISPATCH_TABLE(RunMultiplyAdds)[chosen.GetIndex()]);
  }
  return 0;
}

}  // namespace deepthin::runtime
#endif  // HWY_ONCE
