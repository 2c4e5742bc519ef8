// A Profile as a timeline that ui.perfetto.dev and chrome://tracing open.
#pragma once

#include <string>

#include "runtime/profile.h"
#include "spec/json_io.h"
#include "spec/model_spec.h"

namespace deepthin::explorer {

// Chrome's trace event format: complete events ("X"), times in microseconds from the first pass on.
// Three layers on the first track: passes, executed blocks, operators with their bytes. Then a
// track for each thread of the pool, with its share of each operator's parallel loops; where it has
// none, it waits, or the caller does by itself what is not worth a loop. `spec` is the model of the
// profile.
[[nodiscard]] Json TraceJson(const runtime::Profile& profile, const ModelSpec& spec,
                             const std::string& title);

}  // namespace deepthin::explorer
