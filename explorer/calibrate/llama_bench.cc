#include "explorer/calibrate/llama_bench.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <span>
#include <utility>

#include "costmodel/pass_estimator.h"
#include "costmodel/pass_traffic.h"
#include "explorer/calibrate/fit_sources.h"
#include "explorer/calibrate/host_fit.h"
#include "spec/errors.h"
#include "spec/json_io.h"
#include "spec/sourced_json.h"

namespace deepthin::calibrate {
namespace {

constexpr size_t kMostRows = 10'000;

const Json& At(const Json& row, const char* key, const Where& where) {
  const auto found = row.find(key);
  if (found != row.end()) return *found;
  throw InputError(where, "lacks the key '" + std::string(key) + "'",
                   "it, as in the output of llama-bench -o json or jsonl");
}

std::string TextAt(const Json& row, const char* key, const Where& where) {
  return FromJson<std::string>(At(row, key, where), {where.file, where.place + "/" + key});
}

int64_t CountAt(const Json& row, const char* key, const Where& where, int64_t most) {
  const Where place{where.file, where.place + "/" + key};
  const auto count = FromJson<int64_t>(At(row, key, where), place);
  if (count >= 0 && count <= most) return count;
  throw InputError(place, "is " + std::to_string(count), "0 to " + std::to_string(most));
}

LlamaBenchRow RowFrom(const Json& json, const Where& where) {
  constexpr int64_t kMostTokens = 1 << 24;
  if (!json.is_object()) throw InputError(where, "is no object", "a test of llama-bench");
  LlamaBenchRow row;
  row.place = where.place;
  row.model_filename = TextAt(json, "model_filename", where);
  row.model_type = TextAt(json, "model_type", where);
  row.model_n_params = CountAt(json, "model_n_params", where, INT64_MAX);
  row.n_prompt = CountAt(json, "n_prompt", where, kMostTokens);
  row.n_gen = CountAt(json, "n_gen", where, kMostTokens);
  if (json.contains("n_depth")) row.n_depth = CountAt(json, "n_depth", where, kMostTokens);
  row.type_k = TextAt(json, "type_k", where);
  row.avg_ts = FromJson<double>(At(json, "avg_ts", where), {where.file, where.place + "/avg_ts"});
  if (row.avg_ts <= 0) {
    throw InputError({where.file, where.place + "/avg_ts"}, "is " + std::to_string(row.avg_ts),
                     "tokens per second, above 0");
  }
  const auto name = [&](const char* key) {
    return json.contains(key) ? TextAt(json, key, where) : std::string();
  };
  row.device = name("gpu_info").empty() ? name("cpu_info") : name("gpu_info");
  if (row.device.empty()) row.device = "a device that is not named";
  row.commit = name("build_commit");
  return row;
}

std::optional<Dtype> DtypeNamed(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const auto dtype = FromText<Dtype>(text);
  return dtype == Dtype::kInt8 ? std::nullopt : dtype;
}

Dtype RequireDtype(const std::string& text, const Where& where) {
  if (const auto dtype = DtypeNamed(text)) return *dtype;
  throw InputError(where, "is '" + text + "'", "f32, f16, bf16, q8_0 or q4_0");
}

// Where the fit begins: the fastest that a row shows to be possible.
void StartFromRows(SocSpec& soc, std::span<const costmodel::MeasuredPass> passes,
                   const std::string& source) {
  MemoryLevel& dram = soc.levels[costmodel::DramLevel(soc)];
  double fastest = 0;
  std::vector<Dtype> formats;
  for (const costmodel::MeasuredPass& pass : passes) {
    if (!IsDecode(pass.pass)) continue;
    const Problem problem{
        .model = pass.model, .precision = pass.precision, .soc = soc, .workload = {}};
    const auto bytes = costmodel::EstimatePass(problem, pass.pass).cost.dram_bytes;
    fastest = std::max(fastest, (bytes / pass.time).value());
  }
  if (fastest > 0) dram.read_bandwidth.value = dram.write_bandwidth.value = BytesPerSecond(fastest);
  for (const costmodel::MeasuredPass& pass : passes) {
    const Problem problem{
        .model = pass.model, .precision = pass.precision, .soc = soc, .workload = {}};
    const Macs macs = costmodel::EstimatePass(problem, pass.pass).cost.macs;
    const MacsPerSecond rate(static_cast<double>(macs.value()) / pass.time.value());
    const auto known =
        std::find_if(soc.compute.begin(), soc.compute.end(),
                     [&](const ComputeRate& r) { return r.dtype == pass.precision.weights; });
    const bool is_first =
        std::find(formats.begin(), formats.end(), pass.precision.weights) == formats.end();
    formats.push_back(pass.precision.weights);
    if (known == soc.compute.end()) {
      ComputeRate added;
      added.dtype = pass.precision.weights;
      added.peak = {.value = rate, .source = source, .low = {}, .high = {}};
      soc.compute.push_back(added);
    } else if (is_first || rate > known->peak.value) {
      known->peak.value = rate;
    }
  }
}

// A fit may leave the ranges that a SoC states for its numbers.
SocSpec WithoutRanges(const SocSpec& soc) {
  Json json = ToJson(soc);
  VisitSourced(json, [](const std::string&, Json& number) {
    number.erase("low");
    number.erase("high");
  });
  return FromJson<SocSpec>(json, {soc.name, ""});
}

// What the passes say nothing of moves by less than this in a fit.
bool IsNear(double fitted, double stated, bool is_open) {
  return is_open ? std::abs(fitted - stated) <= 0.01 * std::abs(stated) : fitted == stated;
}

// Numbers that the passes determine carry the fit as their source. Of those that they determine
// only together each is assumed, and needed for their sum. All others are the base's.
SocSpec WithSources(const SocSpec& base, const costmodel::SocFit& fit, const std::string& source) {
  Json out = ToJson(fit.soc);
  const Json before = ToJson(base);
  VisitSourced(out, [&](const std::string& path, Json& number) {
    std::string pointer = "/" + path;
    std::replace(pointer.begin(), pointer.end(), '.', '/');
    const Json was = before.value(Json::json_pointer(pointer), Json());
    const bool is_open = IsUndetermined(fit, path);
    const Json& value = number.at("value");
    if (!was.is_null() && IsNear(value, was.at("value"), is_open)) {
      number = was;
    } else {
      number = {{"value", value}, {"source", is_open ? UndeterminedSource(source) : source}};
    }
  });
  return FromJson<SocSpec>(out, {"fit", ""});
}

}  // namespace

std::vector<LlamaBenchRow> ReadLlamaBench(std::string_view text, const std::string& file) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  std::vector<LlamaBenchRow> rows;
  const auto add = [&](const Json& json, const std::string& place) {
    if (rows.size() == kMostRows) {
      throw InputError({file, ""}, "has more than " + std::to_string(kMostRows) + " tests",
                       "fewer");
    }
    rows.push_back(RowFrom(json, {file, place}));
  };
  if (first != std::string_view::npos && text[first] == '[') {
    const Json all = ParseJson(text, file);
    for (size_t i = 0; i < all.size(); ++i) add(all[i], "/" + std::to_string(i));
  } else if (first != std::string_view::npos && text[first] == '{') {
    int64_t number = 0;
    for (size_t begin = 0; begin < text.size();) {
      const size_t end = std::min(text.find('\n', begin), text.size());
      const std::string_view line = text.substr(begin, end - begin);
      begin = end + 1;
      ++number;
      if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
      const std::string place = "line " + std::to_string(number);
      std::string named = file;
      named.append(", ").append(place);
      add(ParseJson(line, named), place);
    }
  } else {
    throw InputError({file, ""}, "is no JSON", "the output of llama-bench -o json or jsonl");
  }
  if (rows.empty()) throw InputError({file, ""}, "holds no test", "at least one");
  return rows;
}

Precision PrecisionOf(const LlamaBenchRow& row, const std::string& file) {
  const size_t space = row.model_type.find_last_of(' ');
  const std::string format =
      space == std::string::npos ? row.model_type : row.model_type.substr(space + 1);
  const Dtype weights = RequireDtype(format, {file, row.place + "/model_type"});
  return {.weights = weights,
          .embedding = weights,
          .activations = Dtype::kF32,
          .kv = RequireDtype(row.type_k, {file, row.place + "/type_k"})};
}

std::optional<costmodel::MeasuredPass> PassOf(const LlamaBenchRow& row, const ModelSpec& model,
                                              const std::string& file) {
  const int64_t parameters = CountParams(model).total();
  const auto stated = static_cast<double>(row.model_n_params);
  if (std::abs(static_cast<double>(parameters) - stated) > 0.02 * stated) {
    throw InputError({file, row.place + "/model_n_params"},
                     "is " + std::to_string(row.model_n_params) + ", and the model given for '" +
                         row.model_filename + "' has " + std::to_string(parameters),
                     "the same model");
  }
  if ((row.n_prompt > 0) == (row.n_gen > 0)) return std::nullopt;
  costmodel::MeasuredPass pass;
  pass.model = model;
  pass.precision = PrecisionOf(row, file);
  if (row.n_prompt > 0) {
    pass.pass = {.new_tokens = row.n_prompt, .context_tokens = row.n_depth, .batch = 1};
    pass.time = Seconds(static_cast<double>(row.n_prompt) / row.avg_ts);
  } else {
    const int64_t context = std::max<int64_t>(1, row.n_depth + row.n_gen / 2);
    pass.pass = {.new_tokens = 1, .context_tokens = context, .batch = 1};
    pass.time = Seconds(1 / row.avg_ts);
  }
  return pass;
}

costmodel::SocFit FitLlamaBench(const SocSpec& base, std::vector<costmodel::MeasuredPass> passes,
                                const std::string& source) {
  SocSpec start = WithoutRanges(base);
  start.residuals.reset();
  for (size_t i = 0; i < passes.size(); ++i) {
    passes[i].architecture = static_cast<int64_t>(i);  // each is held out by itself
  }
  for (const costmodel::MeasuredPass& pass : passes) RequireCountable(pass, start);
  StartFromRows(start, passes, source);
  costmodel::SocFit fit = costmodel::FitSoc(start, passes, {});
  fit.soc = WithSources(base, fit, source);
  if (passes.size() > 1) fit.soc.residuals = ResidualsOfFit(fit, passes, source);
  return fit;
}

}  // namespace deepthin::calibrate
