// The subcommands of `deepthin calibrate`.
#pragma once

#include "costmodel/soc_fit.h"
#include "explorer/cli/commands.h"

namespace deepthin::explorer {

int CalibrateHost(const Arguments& arguments);
int CalibrateLlamaBench(const Arguments& arguments);

// What a fit found, for people: numbers, those that the passes do not determine, errors.
void PrintFit(const costmodel::SocFit& fit);

}  // namespace deepthin::explorer
