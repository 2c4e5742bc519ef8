// shape_surrogate as a proxy: its settings, and where its rows are from.
#include <utility>

#include "explorer/accuracy/paper_runs.h"
#include "explorer/accuracy/shape_surrogate.h"
#include "explorer/accuracy/trained_rows_file.h"
#include "spec/errors.h"

namespace deepthin::explorer {

struct SurrogateSettings {
  std::string rows;    // file; "": the context's, or the paper's
  std::string target;  // of the paper's rows; "": average
  std::string group;   // whose training is predicted; "": the largest
};

}  // namespace deepthin::explorer

template <>
struct deepthin::Fields<deepthin::explorer::SurrogateSettings> {
  using S = explorer::SurrogateSettings;
  static constexpr auto kList =
      std::tuple(Field("rows", &S::rows, "file of trained rows", Presence::kOptional),
                 Field("target", &S::target, "average or hellaswag", Presence::kOptional),
                 Field("group", &S::group, "whose training is predicted", Presence::kOptional));
};

namespace deepthin::explorer {
namespace {

constexpr std::string_view kName = "shape_surrogate";
constexpr std::string_view kVersion = "1";

struct SourcedRows {
  std::vector<TrainedRow> rows;
  std::string source;  // for people: "rows of my.json", "of the paper's rows"
};

PaperTarget TargetOf(const SurrogateSettings& settings, const Where& where) {
  if (settings.target.empty()) return PaperTarget::kAverage;
  const auto target = FromText<PaperTarget>(settings.target);
  if (target == PaperTarget::kAverage || target == PaperTarget::kHellaSwag) return *target;
  throw InputError({where.file, where.place + "/target"}, "is '" + settings.target + "'",
                   "average or hellaswag");
}

SourcedRows RowsFor(const SurrogateSettings& settings, const Where& where,
                    const ProxyContext& context) {
  const bool has_own_rows = !settings.rows.empty() || !context.rows.empty();
  if (has_own_rows && !settings.target.empty()) {
    throw InputError({where.file, where.place + "/target"},
                     "is given for other rows than the paper's",
                     "no target: their own is predicted");
  }
  if (!settings.rows.empty() && !context.rows.empty()) {
    throw InputError({where.file, where.place + "/rows"}, "is given beside other trained rows",
                     "one of the two");
  }
  if (!settings.rows.empty()) return {ReadTrainedRows(settings.rows), "rows of " + settings.rows};
  if (!context.rows.empty()) return {context.rows, "trained rows"};
  const PaperTarget target = TargetOf(settings, where);
  return {PaperRuns(target), "MobileLLM runs (" + std::string(ToText(target)) + ", points)"};
}

class SurrogateProxy : public Proxy {
 public:
  // group: whose training is predicted; empty: the largest.
  SurrogateProxy(const SourcedRows& rows, const std::string& group)
      : rows_hash_(ContentHash(ToJson(rows.rows))),
        surrogate_(FitShapeSurrogate(rows.rows)),
        group_(group.empty() ? surrogate_.LargestGroup() : group),
        method_("Bayesian ridge on the shapes of " + std::to_string(surrogate_.rows()) + " " +
                rows.source + ", as trained in the group " + group_) {}

  [[nodiscard]] Json Identity() const override { return {{"rows", rows_hash_}, {"group", group_}}; }

  [[nodiscard]] ProxyScore Score(const ModelSpec& spec) override {
    const Prediction prediction = surrogate_.Predict(spec, group_);
    ProxyScore score;
    score.value = prediction.value;
    score.standard_error = prediction.standard_error;
    score.method = method_;
    score.in_domain = prediction.in_domain;
    if (!score.in_domain) score.method += "; beyond these rows in " + prediction.out_of_domain;
    return score;
  }

 private:
  std::string rows_hash_;
  ShapeSurrogate surrogate_;
  std::string group_;
  std::string method_;
};

}  // namespace

ProxyEntry ShapeSurrogateEntry() {
  return {.name = kName,
          .version = kVersion,
          .help = "what models of like shape reached once trained, with an interval",
          .unit = "",
          .cost = ProxyCost::kInstant,
          .is_fitted = true,
          .settings_help =
              "rows (file of trained rows; default: the paper's), target (of the "
              "paper's: average or hellaswag), group (default: the largest)",
          .make = [](const Json& settings, const Where& where,
                     const ProxyContext& context) -> std::unique_ptr<Proxy> {
            const auto read = FromJson<SurrogateSettings>(settings, where);
            const SourcedRows rows = RowsFor(read, where, context);
            return std::make_unique<SurrogateProxy>(
                rows, read.group.empty() ? context.group : read.group);
          }};
}

}  // namespace deepthin::explorer
