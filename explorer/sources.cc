#include "explorer/sources.h"

#include "spec/json_io.h"

namespace deepthin::explorer {
namespace {

void Collect(const Json& json, const std::string& path, std::vector<SourcedNumber>& out) {
  if (json.is_object() && json.contains("source")) {
    out.push_back({path, json.at("value").get<double>(), json.at("source").get<std::string>()});
  } else if (json.is_structured()) {
    for (const auto& item : json.items()) {
      Collect(item.value(), path.empty() ? item.key() : path + "." + item.key(), out);
    }
  }
}

}  // namespace

std::vector<SourcedNumber> SourcedNumbers(const SocSpec& soc) {
  std::vector<SourcedNumber> out;
  Collect(ToJson(soc), "", out);
  return out;
}

}  // namespace deepthin::explorer
