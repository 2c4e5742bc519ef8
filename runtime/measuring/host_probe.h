// What is known of this machine and program, for the records of measurements and for `doctor`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "spec/measurement.h"
#include "spec/units.h"

namespace deepthin::runtime {

// As of now. Throws InputError where the environment forces an instruction set that is none.
[[nodiscard]] HostContext ProbeHost();

// Memory of the machine, whatever of it this process may take (runtime/memory.h says that). Absent
// where the operating system does not say.
[[nodiscard]] std::optional<Bytes> TotalMemory();

// CPUs that this process may run on, 1 or more.
[[nodiscard]] int64_t UsableCpus();

// From the text of /proc/cpuinfo. On Arm, which names no model, the board and the cores by
// implementer and part: "Raspberry Pi 4 (Arm 4x 0x41:0xd08)". "unknown" where there is neither.
[[nodiscard]] std::string CpuModelFromCpuinfo(std::string_view text);

// From the text of /proc/meminfo.
[[nodiscard]] std::optional<Bytes> TotalFromMeminfo(std::string_view text);

}  // namespace deepthin::runtime
