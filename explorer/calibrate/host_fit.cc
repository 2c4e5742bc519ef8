#include "explorer/calibrate/host_fit.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "explorer/calibrate/fit_sources.h"
#include "spec/errors.h"
#include "spec/sourced_json.h"

namespace deepthin::calibrate {
namespace {

template <class T>
Sourced<T> Fitted(T value, const std::string& source) {
  return {.value = value, .source = source, .low = {}, .high = {}};
}

MemoryLevel LevelOf(const std::string& name, LevelKind kind, Sourced<Bytes> capacity,
                    BytesPerSecond bandwidth, const std::string& source) {
  MemoryLevel level;
  level.name = name;
  level.kind = kind;
  level.capacity = std::move(capacity);
  level.read_bandwidth = Fitted(bandwidth, source);
  level.write_bandwidth = level.read_bandwidth;
  return level;
}

BytesPerSecond ReadRateOf(const HostRates& rates, Bytes working_set) {
  const ReadRate* best = &rates.reads.front();
  for (const ReadRate& read : rates.reads) {
    if (read.working_set <= working_set) best = &read;
  }
  return best->rate;
}

std::optional<MacsPerSecond> ProductRateOf(const HostRates& rates, Dtype dtype, bool one_token) {
  for (const ProductRate& product : rates.products) {
    if (product.dtype == dtype && (product.tokens == 1) == one_token) return product.rate;
  }
  return std::nullopt;
}

// The micro-measurements as a SoC with a cache of this capacity.
SocSpec StartOf(const HostRows& rows, const std::string& name, Bytes cache, Replacement replacement,
                const std::string& source) {
  const HostRates& rates = rows.rates;
  SocSpec soc;
  soc.name = name;
  soc.description =
      rows.host.cpu_model + ", " + rows.host.isa + ", " + std::to_string(rows.threads) + " threads";
  soc.levels = {LevelOf("cache", LevelKind::kSram, Fitted(cache, source),
                        ReadRateOf(rates, cache / 2), source),
                LevelOf("dram", LevelKind::kDram,
                        Fitted(rows.memory, "measured: memory that the operating system states"),
                        ReadRateOf(rates, MiB(1 << 20)), source)};
  soc.levels[0].replacement = replacement;
  for (const auto& [dtype, text] : EnumTexts<Dtype>::kList) {
    const auto one = ProductRateOf(rates, dtype, true);
    const auto many = ProductRateOf(rates, dtype, false);
    if (!one || !many) continue;
    ComputeRate rate;
    rate.dtype = dtype;
    rate.peak = Fitted(std::max(*one, *many), source);
    rate.one_token = Fitted(*one, source);
    soc.compute.push_back(rate);
  }
  if (soc.compute.empty()) {
    throw InputError({"", "/rates/products"}, "holds no format with one token and with many",
                     "both for each format");
  }
  const ComputeRate& like = soc.compute.front();  // f32, in which attention is computed
  soc.attention = AttentionRate{.peak = like.peak, .one_token = like.one_token};
  soc.elementwise = Fitted(soc.levels[0].read_bandwidth.value / 4.0, source);
  soc.fixed.per_operator = Fitted(rates.fork_join, source);
  soc.fixed.per_executed_block = Fitted(Seconds(0), source);
  soc.fixed.per_token = Fitted(Seconds(0), source);
  return soc;
}

// Numbers that the passes do not determine by themselves say so; rates of products keep to what was
// measured of products alone.
void NameUndetermined(costmodel::SocFit& fit, const std::string& source,
                      const std::string& products) {
  Json json = ToJson(fit.soc);
  VisitSourced(json, [&](const std::string& path, Json& number) {
    if (!IsUndetermined(fit, path)) return;
    number["source"] = path.starts_with("compute.") ? products : UndeterminedSource(source);
  });
  fit.soc = FromJson<SocSpec>(json, {"fit", ""});
}

}  // namespace

std::string FittedSource(size_t passes, const HostRows& rows) {
  return "measured: fitted to " + std::to_string(passes) + " passes on " + rows.host.cpu_model +
         ", " + std::to_string(rows.threads) + " threads, " + rows.date;
}

Residuals ResidualsOfFit(const costmodel::SocFit& fit,
                         std::span<const costmodel::MeasuredPass> passes,
                         const std::string& measured_on) {
  std::vector<double> decode;
  std::vector<double> prefill;
  std::set<int64_t> architectures;
  for (size_t i = 0; i < passes.size(); ++i) {
    (IsDecode(passes[i].pass) ? decode : prefill).push_back(fit.errors[i].held_out);
    architectures.insert(passes[i].architecture);
  }
  Residuals residuals;
  residuals.measured_on = measured_on;
  residuals.architectures = static_cast<int64_t>(architectures.size());
  if (!decode.empty()) residuals.decode = costmodel::ResidualsOf(decode);
  if (!prefill.empty()) residuals.prefill = costmodel::ResidualsOf(prefill);
  return residuals;
}

costmodel::SocFit FitHost(const HostRows& rows, const std::string& name) {
  const auto passes = PassesOf(rows, false);
  if (passes.empty() || rows.rates.reads.empty()) {
    throw InputError({"", "/rows"}, "holds nothing to fit", "measured passes and rates");
  }
  const std::string source = FittedSource(passes.size(), rows);
  std::vector<SocSpec> starts;
  for (const int64_t mib : {1, 2, 4, 6, 8, 12, 16, 20, 24, 28, 32, 40, 48, 64}) {
    for (const Replacement replacement : {Replacement::kLru, Replacement::kPinned}) {
      starts.push_back(StartOf(rows, name, MiB(mib), replacement, source));
    }
  }
  costmodel::SocFit fit = costmodel::FitBestSoc(starts, passes, {});
  NameUndetermined(fit, source,
                   "measured: products alone on " + rows.host.cpu_model + ", " +
                       std::to_string(rows.threads) + " threads, " + rows.date);
  fit.soc.residuals = ResidualsOfFit(
      fit, passes,
      rows.host.cpu_model + ", " + std::to_string(rows.threads) + " threads, " + rows.date);
  return fit;
}

}  // namespace deepthin::calibrate
