// Rules of the house that a text search can check.
#pragma once

#include <string>
#include <vector>

#include "tests/house/tree.h"

namespace deepthin::house {

// One sentence for each breach: "runtime/x.cc:12 says -ffast-math; ...".
[[nodiscard]] std::vector<std::string> SourceErrors(const std::vector<TextFile>& files);

}  // namespace deepthin::house
