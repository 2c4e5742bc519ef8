// What the numbers of a fitted SoC say of where they are from.
#pragma once

#include <string>

#include "costmodel/soc_fit.h"

namespace deepthin::calibrate {

// Whether the passes of the fit do not determine the number at this path by itself. Writing at a
// level is fitted as one with reading, under the name of reading; all levels of SRAM under the name
// of the first.
[[nodiscard]] bool IsUndetermined(const costmodel::SocFit& fit, std::string path);

// The source of such a number where the fit moved it: it is needed for the sum of several.
[[nodiscard]] std::string UndeterminedSource(const std::string& source);

}  // namespace deepthin::calibrate
