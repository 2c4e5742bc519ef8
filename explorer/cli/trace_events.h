// A timeline in Chrome's trace event format, as ui.perfetto.dev and chrome://tracing open it:
// complete events ("X") on named tracks, times in microseconds.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "spec/json_io.h"

namespace deepthin::explorer {

class TraceEvents {
 public:
  // Events of one track must not overlap unless one lies within the other.
  struct Event {
    std::string name;
    std::string_view category;
    int64_t track = 1;
    double begin_us = 0;
    double duration_us = 0;
  };

  void NameProcess(const std::string& name) { AddName("process_name", 1, name); }
  void NameTrack(int64_t track, const std::string& name) { AddName("thread_name", track, name); }
  void Add(const Event& event, Json arguments);

  // The whole file; nothing is left.
  [[nodiscard]] Json Take();

 private:
  void AddName(const char* kind, int64_t track, const std::string& name);

  Json events_ = Json::array();
};

}  // namespace deepthin::explorer
