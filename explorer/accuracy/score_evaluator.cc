#include "explorer/accuracy/score_evaluator.h"

#include <utility>

#include "explorer/accuracy/proxy_table.h"

namespace deepthin::explorer {
namespace {

constexpr std::string_view kBaseline = "decoder_params";

class Scoring : public sweeps::Evaluator {
 public:
  explicit Scoring(std::unique_ptr<Proxy> proxy) : proxy_(std::move(proxy)) {}

  [[nodiscard]] std::string_view name() const override { return "score"; }

  [[nodiscard]] Json Identity(const Problem& problem) const override {
    Json identity = {{"evaluator", "score"}};
    identity.update(proxy_->Identity());
    identity["model"] = ToJson(problem.model);
    return identity;
  }

  [[nodiscard]] results::Outcome Evaluate(const Problem& problem) override {
    try {
      return proxy_->Score(problem.model);
    } catch (const ProxyContext::Stopped&) {
      throw sweeps::Interruption();
    }
  }

 private:
  std::unique_ptr<Proxy> proxy_;
};

std::unique_ptr<sweeps::Evaluator> MakeScoring(Json settings, const Where& where,
                                               const ProxyContext& context) {
  std::string name(kBaseline);
  const Where place{where.file, where.place + "/proxy"};
  if (const auto named = settings.find("proxy"); named != settings.end()) {
    name = FromJson<std::string>(*named, place);
    settings.erase("proxy");
  }
  const ProxyEntry& entry = ProxyByName(name, place);
  return std::make_unique<Scoring>(MakeProxy(entry, settings, where, context));
}

}  // namespace

sweeps::EvaluatorEntry ScoringEvaluator(const ProxyContext& context) {
  return {"score", "an accuracy proxy ('deepthin proxies list'; settings: proxy = decoder_params)",
          [context](const Json& settings, const Where& where) {
            return MakeScoring(settings, where, context);
          }};
}

std::vector<sweeps::EvaluatorEntry> AllEvaluators(const ProxyContext& context) {
  std::vector<sweeps::EvaluatorEntry> all = sweeps::BuiltinEvaluators();
  all.push_back(ScoringEvaluator(context));
  return all;
}

}  // namespace deepthin::explorer
