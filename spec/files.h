// Whole files in and out.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace deepthin {

// Throws InputError where the file cannot be opened or read, or goes on for more than 1 GiB (a
// device that never ends).
[[nodiscard]] std::string ReadFile(const std::string& path);

// Writes beside the target, then renames: the target is either untouched or whole. A link stays and
// what it leads to is replaced; a device or pipe is written to as it is. Throws EnvironmentError.
void WriteFileAtomically(const std::string& path, std::string_view content);
// The same for content that lies in pieces, written one behind the other without a copy.
void WriteFileAtomically(const std::string& path, std::span<const std::string_view> pieces);

// Before long work whose result goes to this path: throws EnvironmentError where the path is a
// folder or its folder is missing or closed to this user.
void RequireWritable(const std::string& path);

}  // namespace deepthin
