// A validation as Markdown: what docs/validation.md is made of.
#pragma once

#include <string>

#include "costmodel/soc_fit.h"
#include "explorer/calibrate/validation.h"

namespace deepthin::explorer {

[[nodiscard]] std::string ValidationPage(const calibrate::Validation& validation,
                                         const calibrate::HostRows& rows,
                                         const costmodel::SocFit& fit);

// The summary alone, for a terminal.
[[nodiscard]] std::string ValidationSummary(const calibrate::Validation& validation);

}  // namespace deepthin::explorer
