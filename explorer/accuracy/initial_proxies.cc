#include "explorer/accuracy/initial_proxies.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "explorer/accuracy/initial_model.h"
#include "explorer/accuracy/seed_mean.h"
#include "explorer/accuracy/synaptic_flow.h"
#include "runtime/memory.h"
#include "runtime/trainer/backpropagation.h"
#include "runtime/trainer/parametrisation.h"
#include "runtime/trainer/tensor.h"
#include "spec/errors.h"

namespace deepthin::explorer {

// Every setting of these proxies; those that an entry has no default for are not its own.
struct InitialSettings {
  std::optional<int64_t> seeds{};
  std::optional<int64_t> seed{};  // the first
  std::optional<runtime::Parametrisation> parametrisation{};
  std::optional<int64_t> sequences{};
  std::optional<int64_t> length{};
  std::optional<double> eta{};
};

}  // namespace deepthin::explorer

template <>
struct deepthin::Fields<deepthin::explorer::InitialSettings> {
  using S = explorer::InitialSettings;
  static constexpr auto kList = std::tuple(
      Field("seeds", &S::seeds, "how many", Presence::kOptional),
      Field("seed", &S::seed, "the first", Presence::kOptional),
      Field("parametrisation", &S::parametrisation, "of first weights", Presence::kOptional),
      Field("sequences", &S::sequences, "of a batch", Presence::kOptional),
      Field("length", &S::length, "tokens of a sequence", Presence::kOptional),
      Field("eta", &S::eta, "share of the variance", Presence::kOptional));
};

namespace deepthin::explorer {
namespace {

constexpr int64_t kMostSeeds = 1000;
constexpr int64_t kMostSequences = 4096;
constexpr int64_t kMostLength = 65'536;

struct InitialScore {
  std::string_view name, help, unit, method;
  Json defaults;
  int64_t arrays = 0;  // of the size of the parameters that the score needs beside them
  std::function<double(const InitialModel&, const InitialSettings&)> score;
};

void RequireFrom(const Where& where, const char* key, int64_t value, int64_t least, int64_t most) {
  if (value >= least && value <= most) return;
  throw InputError({where.file, where.place + "/" + key}, fmt::format("is {}", value),
                   fmt::format("from {} to {}", least, most));
}

// The defaults with the given settings in their place.
Json Merged(const Json& defaults, const Json& given, const Where& where) {
  Json merged = defaults;
  for (const auto& item : given.items()) {
    if (!defaults.contains(item.key())) {
      std::string known;
      for (const auto& own : defaults.items()) known += (known.empty() ? "" : ", ") + own.key();
      throw InputError({where.file, where.place + "/" + item.key()}, "is unknown",
                       "one of " + known);
    }
    merged[item.key()] = item.value();
  }
  return merged;
}

InitialSettings SettingsFrom(const Json& merged, const Where& where) {
  const auto settings = FromJson<InitialSettings>(merged, where);
  RequireFrom(where, "seeds", *settings.seeds, 1, kMostSeeds);
  RequireFrom(where, "seed", *settings.seed, 0, INT64_MAX - kMostSeeds);
  RequireFrom(where, "sequences", settings.sequences.value_or(1), 1, kMostSequences);
  RequireFrom(where, "length", settings.length.value_or(1), 1, kMostLength);
  const double eta = settings.eta.value_or(1);
  if (!(eta > 0 && eta <= 1)) {
    throw InputError({where.file, where.place + "/eta"}, fmt::format("is {}", eta),
                     "a share above 0, at most 1");
  }
  return settings;
}

// "seeds = 3, seed = 1"
std::string TextOf(const Json& defaults) {
  std::string text;
  for (const auto& item : defaults.items()) {
    const Json& value = item.value();
    text += fmt::format("{}{} = {}", text.empty() ? "" : ", ", item.key(),
                        value.is_string() ? value.get<std::string>() : value.dump());
  }
  return text;
}

// Floats that Backpropagation keeps of a batch (docs/training.md, "Memory").
double ActivationFloats(const ModelSpec& spec, const runtime::BatchShape& shape) {
  const int64_t gate_up = (FfnMatrices(spec.ffn) - 1) * spec.d_ff;
  const int64_t of_block =
      2 * spec.d_model + 2 * QueryDim(spec) + 2 * KvDim(spec) + spec.n_heads + gate_up;
  return static_cast<double>(shape.predicted()) *
         static_cast<double>(of_block * ExecutedBlocks(spec));
}

class InitialProxy : public Proxy {
 public:
  InitialProxy(const InitialScore& score, const Json& settings, const Where& where,
               const ProxyContext& context)
      : score_(score),
        settings_(SettingsFrom(settings, where)),
        pool_(context.threads),
        should_stop_(context.should_stop) {}

  [[nodiscard]] Json Identity() const override { return ToJson(settings_); }

  [[nodiscard]] ProxyScore Score(const ModelSpec& spec) override {
    ModelSpec model = spec;
    model.kv_policy = KvPolicy::kPerOccurrence;  // as it would be trained
    const bool has_batch = settings_.length.has_value();
    const runtime::BatchShape shape = {
        .sequences = settings_.sequences.value_or(0),
        .length = std::min(settings_.length.value_or(0), model.max_seq_len)};
    RequireRoom(model, shape);
    std::vector<double> values;
    for (int64_t i = 0; i < *settings_.seeds; ++i) {
      if (should_stop_ && should_stop_()) throw ProxyContext::Stopped{};
      values.push_back(ScoreOf(model, shape, static_cast<uint64_t>(*settings_.seed + i)));
    }
    const SeedMean mean = MeanOverSeeds(values);
    ProxyScore score;
    score.value = mean.mean;
    score.standard_error = mean.standard_error;
    score.method =
        fmt::format("{}; {} seed{}", score_.method, values.size(), values.size() == 1 ? "" : "s");
    if (has_batch) {
      score.method += fmt::format(", {} x {} random tokens", shape.sequences, shape.length);
    }
    return score;
  }

 private:
  void RequireRoom(const ModelSpec& spec, const runtime::BatchShape& shape) const {
    const auto available = runtime::AvailableMemory();
    if (!available) return;
    // Where the first weights are scaled they are there three times for a moment, else twice.
    const int64_t first = *settings_.parametrisation == runtime::Parametrisation::kStandard ? 2 : 3;
    const auto arrays = static_cast<double>(std::max(first, 1 + score_.arrays));
    const double bytes =
        sizeof(float) * (arrays * static_cast<double>(CountParams(spec).total()) +
                         (shape.sequences > 0 ? ActivationFloats(spec, shape) : 0));
    if (bytes <= static_cast<double>(available->value())) return;
    throw InputError({"", "the model"}, fmt::format("takes {:.1f} GB to be executed", bytes * 1e-9),
                     fmt::format("at most the {:.1f} GB that are free",
                                 static_cast<double>(available->value()) * 1e-9));
  }

  [[nodiscard]] double ScoreOf(const ModelSpec& spec, const runtime::BatchShape& shape,
                               uint64_t seed) {
    const runtime::ParameterLayout layout = runtime::LayOutParameters(spec);
    runtime::Tensor<float> parameters(1, layout.count, "a model's first weights");
    ReadWeights(InitialWeights(spec, *settings_.parametrisation, seed, pool_), layout,
                parameters.values());
    std::vector<int32_t> batch;
    if (shape.sequences > 0) batch = RandomTokens(spec.vocab_size, shape, seed);
    return score_.score({.spec = spec,
                         .parameters = parameters.values(),
                         .shape = shape,
                         .batch = batch,
                         .pool = pool_},
                        settings_);
  }

  const InitialScore& score_;
  InitialSettings settings_;
  runtime::ThreadPool pool_;
  std::function<bool()> should_stop_;
};

// score, settings_help: of static storage.
ProxyEntry EntryOf(const InitialScore& score, std::string_view settings_help) {
  return {.name = score.name,
          .version = "1",
          .help = score.help,
          .unit = score.unit,
          .cost = ProxyCost::kSeconds,
          .is_fitted = false,
          .settings_help = settings_help,
          .make = [&score](const Json& settings, const Where& where,
                           const ProxyContext& context) -> std::unique_ptr<Proxy> {
            return std::make_unique<InitialProxy>(score, Merged(score.defaults, settings, where),
                                                  where, context);
          }};
}

constexpr const char* kStandard = "standard";

}  // namespace

ProxyEntry SynflowEntry() {
  static const InitialScore score = {
      .name = "synflow",
      .help = "how much of an input of ones flows through the weights' magnitudes before training",
      .unit = "ln",
      .method = "logarithm of the synaptic flow (arXiv 2006.05467) of the network without norms",
      .defaults = {{"seeds", 3}, {"seed", 1}, {"parametrisation", kStandard}},
      .arrays = 0,
      .score = [](const InitialModel& model, const InitialSettings&) {
        return SynapticFlowOf(model.spec, model.parameters).log_flow();
      }};
  static const std::string help = TextOf(score.defaults);
  return EntryOf(score, help);
}

ProxyEntry GradientNormEntry() {
  static const InitialScore score = {
      .name = "gradient_norm",
      .help = "how large the gradient of the loss is before training",
      .unit = "",
      .method = "norms of the loss' gradients of all matrices, summed (arXiv 2101.08134)",
      .defaults = {{"seeds", 3},
                   {"seed", 1},
                   {"parametrisation", kStandard},
                   {"sequences", 1},
                   {"length", 256}},
      .arrays = 1,
      .score = [](const InitialModel& model, const InitialSettings&) {
        return GradientNorm(model);
      }};
  static const std::string help = TextOf(score.defaults);
  return EntryOf(score, help);
}

ProxyEntry WeightedPcaEntry() {
  static const InitialScore score = {
      .name = "w_pca",
      .help = "parameters times principal components of the hidden layers before training",
      .unit = "",
      .method = "parameters x principal components of the hidden layers (arXiv 2504.15983)",
      .defaults = {{"seeds", 1},
                   {"seed", 1},
                   {"parametrisation", kStandard},
                   {"sequences", 8},
                   {"length", 256},
                   {"eta", 0.99}},
      .arrays = 0,
      .score = [](const InitialModel& model, const InitialSettings& settings) {
        return WeightedComponents(model, *settings.eta);
      }};
  static const std::string help = TextOf(score.defaults);
  return EntryOf(score, help);
}

ProxyEntry HeadConfidenceEntry() {
  static const InitialScore score = {
      .name = "head_confidence",
      .help = "how sharply attention's heads look at one token before training",
      .unit = "",
      .method = "mean greatest attention weight of all heads (arXiv 2306.00288)",
      .defaults = {{"seeds", 3},
                   {"seed", 1},
                   {"parametrisation", kStandard},
                   {"sequences", 2},
                   {"length", 256}},
      .arrays = 0,
      .score = [](const InitialModel& model, const InitialSettings&) {
        return HeadConfidence(model);
      }};
  static const std::string help = TextOf(score.defaults);
  return EntryOf(score, help);
}

}  // namespace deepthin::explorer
