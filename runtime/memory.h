// Large arrays of floats, and how much memory there is for them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "spec/units.h"

namespace deepthin::runtime {

// Bytes that this process can still take without being killed for it: what the kernel calls
// available, or less where a control group allows less. Absent where the system does not say.
[[nodiscard]] std::optional<Bytes> AvailableMemory();

// Bytes of the largest cache that the first core reads through; 0 where the system does not say.
[[nodiscard]] Bytes LastLevelCache();

// The most memory of this process that was resident at a time since it began or RestartPeakMemory()
// was last called. Absent where the system does not say.
[[nodiscard]] std::optional<Bytes> PeakMemory();

// Counts PeakMemory() anew from what is resident now, where the system can.
void RestartPeakMemory();

// Throws EnvironmentError, naming what they are for, where so many bytes are not available.
void RequireMemory(Bytes needed, std::string_view what);

// Whether AllocateFloats would put so many bytes on huge pages, and should where it need not: they
// are large, at most half of what is available, and the system has such pages.
[[nodiscard]] bool HasHugePagesFor(Bytes bytes);

// Zeros, aligned to 64 bytes, on huge pages where they are large. Throws EnvironmentError where
// memory does not suffice.
[[nodiscard]] std::shared_ptr<float> AllocateFloats(int64_t count, std::string_view what);

}  // namespace deepthin::runtime
