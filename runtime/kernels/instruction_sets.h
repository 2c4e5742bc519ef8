// Instruction sets beyond those that Highway knows: extensions that make some kernels faster.
#pragma once

#include <vector>

#include "runtime/kernels/kernels.h"

namespace deepthin::runtime {

// Puts before `sets`, which are best first and not empty, one for each extension that this CPU has:
// a copy of the best one so far, with the kernels replaced that the extension is for. Its name is
// that set's and the extension's: "AVX3_VNNI".
void AddDerivedSets(std::vector<Kernels>& sets);

}  // namespace deepthin::runtime
