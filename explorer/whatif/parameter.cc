#include "explorer/whatif/parameter.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <concepts>

#include "explorer/soc_names.h"
#include "explorer/sources.h"
#include "explorer/whatif/spelling.h"

namespace deepthin::explorer {
namespace {

struct WorkKnob {
  std::string_view name;
  Knob knob;
};
constexpr std::array kWorkKnobs = {WorkKnob{"precision", Knob::kPrecision},
                                   WorkKnob{"weights", Knob::kWeights},
                                   WorkKnob{"embedding", Knob::kEmbedding},
                                   WorkKnob{"activations", Knob::kActivations},
                                   WorkKnob{"kv", Knob::kKv},
                                   WorkKnob{"context", Knob::kContext},
                                   WorkKnob{"prompt", Knob::kPrompt},
                                   WorkKnob{"generate", Knob::kGenerate},
                                   WorkKnob{"batch", Knob::kBatch}};

// Calls visit(number) for each sourced number, in the order of SourcedNumbers().
template <class T, class Visit>
void VisitNumbers(T& value, Visit& visit) {
  if constexpr (kIsSourced<T>) {
    visit(value);
  } else if constexpr (HasFields<T>) {
    ForEachField<T>([&](const auto& field) { VisitNumbers(value.*field.member, visit); });
  } else if constexpr (requires { value.has_value(); }) {
    if (value) VisitNumbers(*value, visit);
  } else if constexpr (!std::same_as<T, std::string> && requires { value.push_back(value[0]); }) {
    for (auto& element : value) VisitNumbers(element, visit);
  }
}

// A hardware parameter and all that it is called. Its own name comes first.
struct NamedParameter {
  Parameter parameter;
  std::vector<std::string> names;
};

std::vector<NamedParameter> HardwareParameters(const SocSpec& soc) {
  std::vector<NamedParameter> out;
  const auto numbers = SourcedNumbers(soc);
  for (size_t i = 0; i < numbers.size(); ++i) {
    const std::string& path = numbers[i].path;
    const std::string by_kind = KindName(soc, path);
    const std::string by_name = OwnName(soc, path);
    NamedParameter row;
    row.parameter.name = WithoutUnit(by_kind);
    row.parameter.numbers = {i};
    row.parameter.dimension = DimensionOf(path);
    // A level's own name comes before kinds: one that is called "sram" is meant by it.
    row.names = {WithoutUnit(by_name), WithoutUnit(by_kind), by_name, by_kind, path, "soc." + path};
    out.push_back(std::move(row));
  }
  // Reading and writing together.
  constexpr std::string_view kRead = ".read_bandwidth";
  const size_t singles = out.size();
  for (size_t i = 0; i + 1 < singles; ++i) {
    const std::string& name = out[i].parameter.name;
    if (!name.ends_with(kRead)) continue;
    NamedParameter both = {.parameter = out[i].parameter, .names = {}};
    both.parameter.numbers = {i, i + 1};
    both.parameter.name = name.substr(0, name.size() - kRead.size()) + ".bandwidth";
    const std::string& own = out[i].names[0];
    both.names = {own.substr(0, own.size() - kRead.size()) + ".bandwidth", both.parameter.name};
    out.push_back(std::move(both));
  }
  return out;
}

// What is offered where a name is not known: short names, those of capacities and rates twice where
// a level has a name of its own.
std::vector<std::string> ShortNames(const std::vector<NamedParameter>& hardware) {
  std::vector<std::string> names;
  names.reserve(kWorkKnobs.size() + 2 * hardware.size());
  for (const WorkKnob& knob : kWorkKnobs) names.emplace_back(knob.name);
  for (const NamedParameter& row : hardware) {
    names.push_back(row.parameter.name);
    if (row.names[0] != row.parameter.name) names.push_back(row.names[0]);
  }
  return names;
}

void SetFormats(Precision& precision, Knob knob, const Setting& setting) {
  if (knob == Knob::kPrecision) {
    precision = *setting.precision;
    return;
  }
  if (knob == Knob::kWeights) precision.weights = *setting.dtype;
  if (knob == Knob::kWeights || knob == Knob::kEmbedding) precision.embedding = *setting.dtype;
  if (knob == Knob::kActivations) precision.activations = *setting.dtype;
  if (knob == Knob::kKv) precision.kv = *setting.dtype;
}

}  // namespace

Parameter ParameterByName(const SocSpec& soc, std::string_view name,
                          const InputError::Where& where) {
  for (const WorkKnob& known : kWorkKnobs) {
    if (known.name == name) return {.knob = known.knob, .name = std::string(name), .numbers = {}};
  }
  const auto hardware = HardwareParameters(soc);
  const size_t kinds_of_names = hardware.front().names.size();
  for (size_t kind = 0; kind < kinds_of_names; ++kind) {
    for (const NamedParameter& row : hardware) {
      if (kind >= row.names.size() || row.names[kind] != name) continue;
      Parameter found = row.parameter;
      found.unit_in_name = DimensionOf(name) != Dimension::kCount;
      return found;
    }
  }
  throw InputError(where,
                   "names '" + std::string(name) + "', which is no number of " + soc.name +
                       " and nothing else that varies",
                   NearNames(name, ShortNames(hardware)));
}

void SetNumber(SocSpec& soc, size_t index, double value) {
  size_t at = 0;
  auto visit = [&](auto& number) {
    if (at++ != index) return;
    using Quantity = std::decay_t<decltype(number.value)>;
    if constexpr (std::same_as<typename Quantity::rep, int64_t>) {
      number.value = Quantity(std::llround(value));
    } else {
      number.value = Quantity(value);
    }
    number.source = "user: what-if";
    number.low.reset();
    number.high.reset();
  };
  VisitNumbers(soc, visit);
}

void Apply(Question& question, const Parameter& parameter, const Setting& setting) {
  Workload& work = question.problem.workload;
  const auto count = static_cast<int64_t>(setting.number);
  switch (parameter.knob) {
    case Knob::kHardware:
      for (const size_t index : parameter.numbers) {
        SetNumber(question.problem.soc, index, setting.number);
      }
      return;
    case Knob::kContext:
      question.context = count;
      break;
    case Knob::kPrompt:
      work.prompt_tokens = count;
      break;
    case Knob::kGenerate:
      work.generated_tokens = count;
      break;
    case Knob::kBatch:
      work.batch = count;
      break;
    default:
      SetFormats(question.problem.precision, parameter.knob, setting);
      return;
  }
  const int64_t tokens =
      std::max(work.prompt_tokens, question.context.value_or(0)) + work.generated_tokens;
  question.problem.model.max_seq_len = std::max(question.problem.model.max_seq_len, tokens);
}

std::optional<size_t> CapacityLevel(const SocSpec& soc, const Parameter& parameter) {
  if (parameter.knob != Knob::kHardware || parameter.dimension != Dimension::kBytes)
    return std::nullopt;
  const std::string path = SourcedNumbers(soc)[parameter.numbers.front()].path;
  for (size_t i = 0; i < soc.levels.size(); ++i) {
    if (path == "levels." + std::to_string(i) + ".capacity_bytes") return i;
  }
  return std::nullopt;
}

}  // namespace deepthin::explorer
