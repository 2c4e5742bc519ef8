#include "runtime/measuring/read_sum.h"

namespace deepthin::runtime {
namespace {

// Four sums of 64 bytes hide the latency of an addition. GCC's vectors become registers of the
// function's own target, which a template or an inlined function would not have: hence a macro.
// Not Highway: what the kernels are compared with must not be made of them.
using Lanes = float __attribute__((vector_size(64)));

// NOLINTBEGIN(bugprone-macro-parentheses): the argument is a function's name.
#define DEEPTHIN_READ_SUM(name)                                       \
  float name(const float* data, size_t n) {                           \
    const auto* blocks = reinterpret_cast<const Lanes*>(data);        \
    const auto* const end = reinterpret_cast<const Lanes*>(data + n); \
    Lanes a = {};                                                     \
    Lanes b = {};                                                     \
    Lanes c = {};                                                     \
    Lanes d = {};                                                     \
    for (; blocks != end; blocks += 4) {                              \
      a += blocks[0];                                                 \
      b += blocks[1];                                                 \
      c += blocks[2];                                                 \
      d += blocks[3];                                                 \
    }                                                                 \
    const Lanes sums = (a + b) + (c + d);                             \
    float total = 0;                                                  \
    for (size_t i = 0; i < sizeof(Lanes) / sizeof(float); ++i) {      \
      total += sums[i];                                               \
    }                                                                 \
    return total;                                                     \
  }
// NOLINTEND(bugprone-macro-parentheses)

DEEPTHIN_READ_SUM(SumBaseline)

#if defined(__x86_64__)
__attribute__((target("avx2"))) DEEPTHIN_READ_SUM(SumAvx2) __attribute__((target("avx512f")))
DEEPTHIN_READ_SUM(SumAvx512)
#endif

    using Sum = float(*)(const float*, size_t);

Sum BestSum() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return SumAvx512;
  if (__builtin_cpu_supports("avx2")) return SumAvx2;
#endif
  return SumBaseline;
}

}  // namespace

float ReadSum(const float* data, size_t n) {
  static const Sum best = BestSum();
  return best(data, n);
}

}  // namespace deepthin::runtime
