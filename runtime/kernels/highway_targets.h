// What every file that is compiled once for each Highway target agrees on. Before foreach_target.h.
#pragma once

// Tiles are arrays of vectors, which the sizeless vectors of SVE cannot be; NEON serves those CPUs.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)

// The target at hand has 32 vector registers; others have 16.
#define DEEPTHIN_32_REGISTERS (HWY_TARGET == HWY_AVX3 || HWY_ARCH_ARM_A64)
