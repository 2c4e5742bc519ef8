#include "explorer/calibrate/host_fit.h"

#include <algorithm>
#include <cmath>
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

// Of products with one token, or with the most tokens that were multiplied at once. Absent where
// the format was not measured.
std::optional<ProductRate> ProductOf(const HostRates& rates, Dtype dtype, bool one_token) {
  std::optional<ProductRate> found;
  for (const ProductRate& product : rates.products) {
    if (product.dtype != dtype || (product.tokens == 1) != one_token) continue;
    if (!found || product.tokens > found->tokens) found = product;
  }
  return found;
}

BytesPerSecond BytesRate(Dtype dtype, MacsPerSecond weights) {
  constexpr int64_t kSome = 1024;
  const auto bytes = static_cast<double>(StorageBytes(dtype, 1, kSome).value());
  return BytesPerSecond(weights.value() * bytes / kSome);
}

// At which a pass of several tokens unpacks weights: what the time of few tokens at once has more
// than their share of the time of many. Absent where few were not measured.
std::optional<BytesPerSecond> UnpackRate(const HostRates& rates, const ProductRate& many) {
  for (const ProductRate& few : rates.products) {
    if (few.dtype != many.dtype || few.tokens == 1 || few.tokens >= many.tokens) continue;
    const double per_weight =
        (1 / few.rate.value() - 1 / many.rate.value()) /
        (1 / static_cast<double>(few.tokens) - 1 / static_cast<double>(many.tokens));
    if (per_weight > 0) return BytesRate(few.dtype, MacsPerSecond(1 / per_weight));
  }
  return std::nullopt;
}

ComputeRate RateOf(const HostRates& rates, const ProductRate& one, const ProductRate& many,
                   const std::string& source) {
  constexpr double kFewerWeights = 10;  // than one token reads, where nothing was measured
  constexpr double kExposed = 0.2;      // where the fit begins
  ComputeRate rate;
  rate.dtype = one.dtype;
  rate.peak = Fitted(std::max(one.rate, many.rate), source);
  rate.one_token = Fitted(one.rate, source);
  rate.unpack = Fitted(
      UnpackRate(rates, many).value_or(BytesRate(one.dtype, one.rate / kFewerWeights)), source);
  rate.exposed = Fitted(Share(kExposed), source);
  return rate;
}

// What reads sets of up to `capacity` takes so long for a byte.
struct Cache {
  double capacity = 0;  // bytes
  double slowness = 0;  // seconds for a byte
};

// As few as a SoC may have beside DRAM: again and again that one goes to the next further one whose
// sets, on a logarithmic scale, are the fewest and slow down the least by it.
void Thin(std::vector<Cache>& caches, double nearest, double dram_slowness) {
  const auto loss = [&](size_t i) {
    const double from = i == 0 ? nearest : caches[i - 1].capacity;
    const double next = i + 1 < caches.size() ? caches[i + 1].slowness : dram_slowness;
    return (next - caches[i].slowness) * std::log(caches[i].capacity / from);
  };
  while (caches.size() + 1 > kMaxLevels) {
    size_t least = 0;
    for (size_t i = 1; i < caches.size(); ++i) {
      if (loss(i) < loss(least)) least = i;
    }
    caches.erase(caches.begin() + static_cast<std::ptrdiff_t>(least));
  }
}

// The caches as levels that end at working sets that were read, each as fast as sets of its size: a
// cache that others use too, and that does not keep strictly what was used last, has no one end.
// `scale`: of these sizes, how much a model can use.
std::vector<MemoryLevel> CachesOf(const HostRates& rates, double scale, const std::string& source) {
  const auto& reads = rates.reads;
  std::vector<Cache> caches;
  double slowest = 0;
  for (size_t i = 1; i + 1 < reads.size(); ++i) {
    const double halfway = (1 / reads[i - 1].rate.value() + 1 / reads[i].rate.value()) / 2;
    slowest = std::max(slowest, halfway);
    caches.push_back({static_cast<double>(reads[i].working_set.value()), slowest});
  }
  Thin(caches, static_cast<double>(reads.front().working_set.value()),
       1 / reads.back().rate.value());
  std::vector<MemoryLevel> levels;
  for (size_t i = 0; i < caches.size(); ++i) {
    const auto capacity = static_cast<int64_t>(scale * caches[i].capacity);
    levels.push_back(LevelOf("cache-" + std::to_string(i + 1), LevelKind::kSram,
                             Fitted(Bytes(capacity), source),
                             BytesPerSecond(1 / caches[i].slowness), source));
  }
  return levels;
}

// The micro-measurements as a SoC of whose caches a model can use so much.
SocSpec StartOf(const HostRows& rows, const std::string& name, double scale,
                const std::string& source) {
  const HostRates& rates = rows.rates;
  SocSpec soc;
  soc.name = name;
  soc.description =
      rows.host.cpu_model + ", " + rows.host.isa + ", " + std::to_string(rows.threads) + " threads";
  soc.levels = CachesOf(rates, scale, source);
  soc.levels.push_back(
      LevelOf("dram", LevelKind::kDram,
              Fitted(rows.memory, "measured: memory that the operating system states"),
              rates.reads.back().rate, source));
  for (const auto& [dtype, text] : EnumTexts<Dtype>::kList) {
    const auto one = ProductOf(rates, dtype, true);
    const auto many = ProductOf(rates, dtype, false);
    if (one && many) soc.compute.push_back(RateOf(rates, *one, *many, source));
  }
  if (soc.compute.empty()) {
    throw InputError({"", "/rates/products"}, "holds no format with one token and with many",
                     "both for each format");
  }
  const ComputeRate& like = soc.compute.front();  // f32, in which attention is computed
  soc.attention =
      AttentionRate{.peak = like.peak,
                    .one_token = like.peak,
                    .kv_unpack = Fitted(BytesRate(like.dtype, like.one_token->value), source),
                    .exposed = like.exposed};
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

// Bandwidths and rates with one token were measured alone; what a sweep adds is how they overlap.
constexpr double kBandwidthTrust = 50;
constexpr double kOneTokenTrust = 10;

costmodel::SocFit FitHost(const HostRows& rows, const std::string& name) {
  const auto passes = PassesOf(rows, false);
  if (passes.empty() || rows.rates.reads.empty()) {
    throw InputError({"", "/rows"}, "holds nothing to fit", "measured passes and rates");
  }
  const std::string source = FittedSource(passes.size(), rows);
  std::vector<SocSpec> starts;
  for (const double scale : {0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.15, 1.3}) {
    starts.push_back(StartOf(rows, name, scale, source));
  }
  costmodel::SocFit fit = costmodel::FitBestSoc(
      starts, passes, {.bandwidth_trust = kBandwidthTrust, .one_token_trust = kOneTokenTrust});
  NameUndetermined(fit, source,
                   "measured: products alone on " + rows.host.cpu_model + ", " +
                       std::to_string(rows.threads) + " threads, " + rows.date);
  fit.soc.residuals = ResidualsOfFit(
      fit, passes,
      rows.host.cpu_model + ", " + std::to_string(rows.threads) + " threads, " + rows.date);
  return fit;
}

}  // namespace deepthin::calibrate
