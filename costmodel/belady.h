// BeladyBound: the fewest bytes that an on-chip level has to let through, whatever it keeps.
//
// The optimal replacement keeps the bytes that are needed soonest (Belady, "A study of replacement
// algorithms for a virtual-storage computer", IBM Systems Journal 5(2), 1966), and may let bytes
// pass without keeping them. It knows the future, so it is a bound and not a policy that a SocSpec
// can name; a compiler that places every tile by hand can come near it.
#pragma once

#include "costmodel/stack_distance.h"
#include "spec/units.h"

namespace deepthin::costmodel {

// Bytes of one run over the trace that come from beyond a level of this capacity: at least this
// many under every policy. Cold: of one run that finds nothing. Steady: the mean over runs for
// ever, rounded down. Exact for objects that are streamed whole; accesses to parts of an object are
// taken to hit wherever it was touched before. REQUIRES: sums of the trace fit 62 bits.
[[nodiscard]] Bytes BeladyBound(const AccessTrace& trace, Start start, Bytes capacity);

}  // namespace deepthin::costmodel
