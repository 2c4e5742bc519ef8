#include "explorer/accuracy/decoder_params.h"

namespace deepthin::explorer {
namespace {

constexpr std::string_view kProxy = "decoder_params";
constexpr std::string_view kVersion = "1";

class Scoring : public sweeps::Evaluator {
 public:
  [[nodiscard]] std::string_view name() const override { return "score"; }

  [[nodiscard]] Json Identity(const Problem& problem) const override {
    return {{"evaluator", "score"},
            {"proxy", kProxy},
            {"version", kVersion},
            {"model", ToJson(problem.model)}};
  }

  [[nodiscard]] results::Outcome Evaluate(const Problem& problem) override {
    return DecoderParams(problem.model);
  }
};

}  // namespace

ProxyScore DecoderParams(const ModelSpec& spec) {
  return {.proxy = std::string(kProxy),
          .version = std::string(kVersion),
          .value = static_cast<double>(CountParams(spec).blocks),
          .standard_error = std::nullopt,
          .method = "counted from the shapes of the stored blocks' matrices",
          .in_domain = true};
}

sweeps::EvaluatorEntry ScoringEvaluator() {
  return {"score", "an accuracy proxy (settings: proxy = decoder_params)",
          [](const Json& settings, const Where& where) -> std::unique_ptr<sweeps::Evaluator> {
            for (const auto& item : settings.items()) {
              const Where place{where.file, where.place + "/" + item.key()};
              if (item.key() != "proxy") throw InputError(place, "is unknown", "only proxy");
              if (item.value() != Json(std::string(kProxy)))
                throw InputError(place, "is " + item.value().dump(), "decoder_params");
            }
            return std::make_unique<Scoring>();
          }};
}

std::vector<sweeps::EvaluatorEntry> AllEvaluators() {
  std::vector<sweeps::EvaluatorEntry> all = sweeps::BuiltinEvaluators();
  all.push_back(ScoringEvaluator());
  return all;
}

}  // namespace deepthin::explorer
