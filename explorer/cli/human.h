// Figures as people write them, and back.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "spec/precision.h"
#include "spec/units.h"

namespace deepthin::explorer {

[[nodiscard]] std::string HumanCount(int64_t count);     // 124.6M
[[nodiscard]] std::string HumanBytes(Bytes bytes);       // 249.2 MB (decimal)
[[nodiscard]] std::string HumanTime(Seconds time);       // 15.60 ms
[[nodiscard]] std::string HumanClock(Seconds duration);  // 1:05, for progress
[[nodiscard]] std::string HumanRate(double per_second);  // 0.197, 4.54, 3810
// 15.60; below a tenth of a millisecond, where two decimals say nothing, 0.0045.
[[nodiscard]] std::string HumanMilliseconds(double seconds);
[[nodiscard]] std::string HumanCapacity(Bytes bytes);  // 32 KiB, 256 MiB (binary)
// As overrides left it: by its name, or part by part.
[[nodiscard]] std::string PrecisionText(const Precision& precision);

// "125M", "1.5B", "124600320" -> count; "15ms", "2s", "300us" -> time; "512MiB", "4GB", "64kB" ->
// bytes; "10%", "0.1" -> share, at most 1. Throw InputError that names the option.
[[nodiscard]] int64_t CountFromText(std::string_view text, const std::string& option);
[[nodiscard]] Seconds TimeFromText(std::string_view text, const std::string& option);
[[nodiscard]] Bytes BytesFromText(std::string_view text, const std::string& option);
[[nodiscard]] double ShareFromText(std::string_view text, const std::string& option);

}  // namespace deepthin::explorer
