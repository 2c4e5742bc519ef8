// The readers of untrusted files, each as one function of bytes: it returns where they are read or
// refused with an InputError, and does anything else only because of a bug.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace deepthin::fuzz {

struct Target {
  std::string_view name;  // also of its folder in tests/fuzz/corpus/
  void (*run)(std::span<const uint8_t> bytes);
};

[[nodiscard]] std::span<const Target> Targets();
// Null where there is none of that name.
[[nodiscard]] const Target* TargetByName(std::string_view name);

}  // namespace deepthin::fuzz
