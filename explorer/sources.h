// Which hardware numbers a result leans on, and where each comes from.
#pragma once

#include <string>
#include <vector>

#include "spec/soc_spec.h"

namespace deepthin::explorer {

struct SourcedNumber {
  std::string path;  // "levels.0.capacity_bytes"
  double value = 0;
  std::string source;

  [[nodiscard]] bool is_assumed() const { return source.starts_with("assumed"); }
};

// Every number of the SocSpec, in the order of its JSON form.
[[nodiscard]] std::vector<SourcedNumber> SourcedNumbers(const SocSpec& soc);

}  // namespace deepthin::explorer
