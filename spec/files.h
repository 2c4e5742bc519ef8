// Whole files in and out.
#pragma once

#include <string>
#include <string_view>

namespace deepthin {

// Throws InputError where the file cannot be opened or read.
[[nodiscard]] std::string ReadFile(const std::string& path);

// Writes beside the target, then renames: the target is either untouched or whole. Throws
// EnvironmentError.
void WriteFileAtomically(const std::string& path, std::string_view content);

}  // namespace deepthin
