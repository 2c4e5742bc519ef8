#include "explorer/calibrate/fit_sources.h"

#include <algorithm>
#include <string_view>

namespace deepthin::calibrate {

bool IsUndetermined(const costmodel::SocFit& fit, std::string path) {
  constexpr std::string_view kWrite = ".write_bandwidth";
  if (const size_t at = path.find(kWrite); at != std::string::npos) {
    path.replace(at, kWrite.size(), ".read_bandwidth");
  }
  return std::find(fit.undetermined.begin(), fit.undetermined.end(), path) !=
         fit.undetermined.end();
}

std::string UndeterminedSource(const std::string& source) {
  return "assumed: determined together with other numbers only, " + source;
}

}  // namespace deepthin::calibrate
