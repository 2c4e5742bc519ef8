// What hardware numbers can be: wide closed bounds, which a number in a wrong unit leaves, and the
// orders between levels. Validate() accepts more, so that a what-if may try anything; this is for
// files that claim to describe a device.
#pragma once

#include "spec/soc_spec.h"

namespace deepthin::costmodel {

// Throws InputError whose place is the JSON path below root. REQUIRES: the SoC is valid.
void RequirePlausible(const SocSpec& soc, const InputError::Where& root = {});

}  // namespace deepthin::costmodel
