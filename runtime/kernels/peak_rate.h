// The rate of fused multiply-adds in f32 of one core: what the rates of products are compared with.
#pragma once

#include <string_view>

namespace deepthin::runtime {

// FLOP/s, an instruction set at a time: two for each lane of a multiply-add, from registers alone.
// The fastest of several runs of about 10 ms. 0 for "SCALAR". A set that an extension derives
// ("AVX3_VNNI") has the rate of the set that it extends, which its own instructions may exceed.
[[nodiscard]] double PeakMultiplyAddRate(std::string_view target);

}  // namespace deepthin::runtime
