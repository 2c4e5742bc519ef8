// The numbers of a SoC as JSON, each with its source.
#pragma once

#include <string>

#include "spec/json_io.h"

namespace deepthin {

// Calls visit(path, number) for each object with a source within `json`, in its order; path: as
// overrides name it ("levels.0.capacity_bytes"). J: Json or const Json.
template <class J, class Visit>
void VisitSourced(J& json, const Visit& visit, const std::string& path = "") {
  if (json.is_object() && json.contains("source")) {
    visit(path, json);
  } else if (json.is_structured()) {
    for (const auto& item : json.items()) {
      VisitSourced(item.value(), visit, path.empty() ? item.key() : path + "." + item.key());
    }
  }
}

}  // namespace deepthin
