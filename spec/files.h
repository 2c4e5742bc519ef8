// Whole files in and out.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace deepthin {

// Throws InputError where the file cannot be opened or read.
[[nodiscard]] std::string ReadFile(const std::string& path);

// Writes beside the target, then renames: the target is either untouched or whole. Throws
// EnvironmentError.
void WriteFileAtomically(const std::string& path, std::string_view content);
// The same for content that lies in pieces, written one behind the other without a copy.
void WriteFileAtomically(const std::string& path, std::span<const std::string_view> pieces);

}  // namespace deepthin
