// The direction of dependency between folders, and the one place that knows each third party,
// checked on #include lines. The tables in layering.cc are the rule; docs/architecture.md draws it.
#pragma once

#include <string>
#include <vector>

#include "tests/house/tree.h"

namespace deepthin::house {

// One sentence for each include that breaks a rule: "costmodel/x.cc includes runtime/y.h; ...".
[[nodiscard]] std::vector<std::string> LayeringErrors(const std::vector<TextFile>& files);

}  // namespace deepthin::house
