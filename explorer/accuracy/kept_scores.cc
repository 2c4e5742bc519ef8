#include "explorer/accuracy/kept_scores.h"

#include <cmath>
#include <filesystem>
#include <fstream>
#include <utility>

#include "spec/errors.h"
#include "spec/files.h"

namespace deepthin::explorer {

namespace {

Json QuestionOf(const std::string& proxy, const std::string& version, const Json& settings) {
  return {{"proxy", proxy}, {"version", version}, {"settings", settings}};
}

std::string KeyOf(const std::string& proxy, const std::string& version, const Json& settings,
                  const ModelSpec& model) {
  Json question = QuestionOf(proxy, version, settings);
  question["model"] = ToJson(model);
  return ContentHash(question);
}

const Json& Member(const Json& json, const char* key, const Where& where) {
  const auto found = json.find(key);
  if (found == json.end()) throw InputError(where, std::string("has no '") + key + "'", "one");
  return *found;
}

}  // namespace

KeptScores::KeptScores(const std::string& path) : path_(path) {
  if (!std::filesystem::exists(path)) return;
  const std::string text = ReadFile(path);
  int64_t line_number = 0;
  size_t end = 0;
  for (size_t begin = 0; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
    const std::string line = text.substr(begin, end - begin);
    ++line_number;
    if (line.empty()) continue;
    const Where where{path, "line " + std::to_string(line_number)};
    const Json json = ParseJson(line, path + ": line " + std::to_string(line_number));
    if (!json.is_object()) throw InputError(where, "is no object", "a kept score");
    const Json& settings = Member(json, "settings", where);
    const auto model = FromJson<ModelSpec>(Member(json, "model", where), where);
    const auto score = FromJson<ProxyScore>(Member(json, "score", where), where);
    if (!std::isfinite(score.value))
      throw InputError(where, "has a score that is no number", "one");
    scores_[KeyOf(score.proxy, score.version, settings, model)] = score;
    ++counts_[ContentHash(QuestionOf(score.proxy, score.version, settings))];
  }
  const size_t whole_lines = text.rfind('\n') == std::string::npos ? 0 : text.rfind('\n') + 1;
  if (whole_lines < text.size()) cut_to_ = whole_lines;
}

std::optional<ProxyScore> KeptScores::Find(const std::string& proxy, const std::string& version,
                                           const Json& settings, const ModelSpec& model) const {
  const auto found = scores_.find(KeyOf(proxy, version, settings, model));
  if (found == scores_.end()) return std::nullopt;
  return found->second;
}

bool KeptScores::HasAny(const std::string& proxy, const std::string& version,
                        const Json& settings) const {
  return counts_.contains(ContentHash(QuestionOf(proxy, version, settings)));
}

void KeptScores::Keep(const Json& settings, const ModelSpec& model, const ProxyScore& score) {
  scores_[KeyOf(score.proxy, score.version, settings, model)] = score;
  ++counts_[ContentHash(QuestionOf(score.proxy, score.version, settings))];
  if (path_.empty()) return;
  const Json line = {{"settings", settings}, {"model", ToJson(model)}, {"score", ToJson(score)}};
  if (cut_to_) std::filesystem::resize_file(path_, *std::exchange(cut_to_, std::nullopt));
  std::ofstream out(path_, std::ios::app | std::ios::binary);
  out << line.dump() << '\n';
  out.flush();
  if (!out) throw EnvironmentError(path_ + ": cannot be written");
}

}  // namespace deepthin::explorer
