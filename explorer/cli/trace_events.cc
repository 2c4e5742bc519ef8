#include "explorer/cli/trace_events.h"

#include <utility>

namespace deepthin::explorer {

void TraceEvents::Add(const Event& event, Json arguments) {
  events_.push_back({{"name", event.name},
                     {"cat", event.category},
                     {"ph", "X"},
                     {"ts", event.begin_us},
                     {"dur", event.duration_us},
                     {"pid", 1},
                     {"tid", event.track},
                     {"args", std::move(arguments)}});
}

void TraceEvents::AddName(const char* kind, int64_t track, const std::string& name) {
  events_.push_back({{"name", kind},
                     {"ph", "M"},
                     {"ts", 0.0},
                     {"dur", 0.0},
                     {"pid", 1},
                     {"tid", track},
                     {"args", {{"name", name}}}});
}

Json TraceEvents::Take() {
  Json all = std::exchange(events_, Json::array());
  return {{"traceEvents", std::move(all)}, {"displayTimeUnit", "ms"}};
}

}  // namespace deepthin::explorer
