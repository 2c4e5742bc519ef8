// What this program was built from, for the records of measurements.
#pragma once

#include <string_view>

namespace deepthin {

struct BuildInfo {
  std::string_view version;
  std::string_view
      commit;  // abbreviated, "+" behind it where the tree had changes; "unknown" without git
  std::string_view build_type;
  std::string_view compiler;
};

[[nodiscard]] const BuildInfo& GetBuildInfo();

}  // namespace deepthin
