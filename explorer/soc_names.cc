#include "explorer/soc_names.h"

#include <map>

namespace deepthin::explorer {
namespace {

// The path with its level or rate under another name than its index.
std::string Named(const SocSpec& soc, std::string_view path,
                  const std::vector<std::string>& levels) {
  for (size_t i = 0; i < levels.size(); ++i) {
    const std::string prefix = "levels." + std::to_string(i) + ".";
    if (path.starts_with(prefix)) return levels[i] + "." + std::string(path.substr(prefix.size()));
  }
  for (size_t i = 0; i < soc.compute.size(); ++i) {
    const std::string prefix = "compute." + std::to_string(i) + ".";
    if (!path.starts_with(prefix)) continue;
    return "compute." + std::string(ToText(soc.compute[i].dtype)) + "." +
           std::string(path.substr(prefix.size()));
  }
  return std::string(path);
}

}  // namespace

std::vector<std::string> LevelKindNames(const SocSpec& soc) {
  std::vector<std::string> names(soc.levels.size());
  std::map<LevelKind, int> seen;
  for (size_t i = soc.levels.size(); i-- > 0;) {
    const int before = seen[soc.levels[i].kind]++;
    names[i] = ToText(soc.levels[i].kind);
    if (before > 0) names[i] += "-" + std::to_string(before);
  }
  return names;
}

std::string KindName(const SocSpec& soc, std::string_view path) {
  return Named(soc, path, LevelKindNames(soc));
}

std::string OwnName(const SocSpec& soc, std::string_view path) {
  std::vector<std::string> names;
  names.reserve(soc.levels.size());
  for (const MemoryLevel& level : soc.levels) names.push_back(level.name);
  return Named(soc, path, names);
}

std::string WithoutUnit(std::string_view name) {
  // The longest ending that fits comes first (docs/units.md).
  constexpr std::string_view kEndings[] = {
      "_bytes_per_s", "_macs_per_s", "_j_per_byte", "_j_per_mac", "_bytes", "_s", "_j"};
  for (const std::string_view ending : kEndings) {
    if (name.ends_with(ending)) return std::string(name.substr(0, name.size() - ending.size()));
  }
  return std::string(name);
}

}  // namespace deepthin::explorer
