// Scores that took long, kept in a file, so that a scoreboard can be made again without the hours.
//
// One JSON object a line: settings (as asked for), model, score. A line is written when its score
// is there; what is killed loses only the score it was at: a last line without an end is taken for
// such, and cut off before the next is written. Lines of older versions stay, and are not found.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "spec/json_io.h"
#include "spec/model_spec.h"
#include "spec/proxy_score.h"

namespace deepthin::explorer {

class KeptScores {
 public:
  KeptScores() = default;  // keeps in memory only
  // Reads the file, which need not be there. Throws InputError that names the line.
  explicit KeptScores(const std::string& path);

  // settings: as the proxy was asked for. The last of several.
  [[nodiscard]] std::optional<ProxyScore> Find(const std::string& proxy, const std::string& version,
                                               const Json& settings, const ModelSpec& model) const;
  // Throws EnvironmentError where the file cannot be written.
  void Keep(const Json& settings, const ModelSpec& model, const ProxyScore& score);
  // Whether there is any of this proxy, version and settings.
  [[nodiscard]] bool HasAny(const std::string& proxy, const std::string& version,
                            const Json& settings) const;

 private:
  std::string path_;
  std::optional<size_t> cut_to_;              // bytes, before the first line is written
  std::map<std::string, ProxyScore> scores_;  // by hash of the question
  std::map<std::string, int64_t> counts_;     // by hash of proxy, version and settings
};

}  // namespace deepthin::explorer
