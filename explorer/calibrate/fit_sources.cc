#include "explorer/calibrate/fit_sources.h"

#include <algorithm>
#include <string_view>

namespace deepthin::calibrate {

namespace {

// Whether this is the bandwidth of an SRAM level.
bool IsOnChip(const SocSpec& soc, const std::string& path) {
  for (size_t i = 0; i < soc.levels.size(); ++i) {
    const std::string level = "levels." + std::to_string(i) + ".read_bandwidth";
    if (path.starts_with(level)) return soc.levels[i].kind == LevelKind::kSram;
  }
  return false;
}

}  // namespace

bool IsUndetermined(const costmodel::SocFit& fit, std::string path) {
  constexpr std::string_view kWrite = ".write_bandwidth";
  if (const size_t at = path.find(kWrite); at != std::string::npos) {
    path.replace(at, kWrite.size(), ".read_bandwidth");
  }
  if (IsOnChip(fit.soc, path)) path = "levels.0.read_bandwidth_bytes_per_s";
  return std::find(fit.undetermined.begin(), fit.undetermined.end(), path) !=
         fit.undetermined.end();
}

std::string UndeterminedSource(const std::string& source) {
  return "assumed: determined together with other numbers only, " + source;
}

}  // namespace deepthin::calibrate
