// Parameter: what of a question a what-if changes, found by name.
//
// Hardware numbers have the names that SoCs are compared by (soc_names.h), with or without the unit
// at their end: sram.capacity, slc.capacity (the level's own name), dram.read_bandwidth,
// compute.f16.peak, fixed.per_executed_block, levels.0.capacity_bytes. LEVEL.bandwidth is reading
// and writing together. Beside them: precision, weights, embedding, activations, kv, context,
// prompt, generate, batch.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "explorer/whatif/dimension.h"
#include "explorer/whatif/question.h"
#include "spec/soc_spec.h"

namespace deepthin::explorer {

enum class Knob {
  kHardware,
  kPrecision,  // all formats at once, by the names that --precision takes
  kWeights,    // of all matrices: blocks, token table and head
  kEmbedding,  // of token table and head
  kActivations,
  kKv,
  kContext,
  kPrompt,
  kGenerate,
  kBatch,
};

struct Parameter {
  Knob knob = Knob::kHardware;
  std::string name;             // the short one: "sram.capacity"
  std::vector<size_t> numbers;  // of a hardware parameter: indices into SourcedNumbers(soc)
  Dimension dimension = Dimension::kCount;
  bool unit_in_name = false;  // it was asked for by a key that ends in its unit

  [[nodiscard]] bool is_format() const { return knob >= Knob::kPrecision && knob <= Knob::kKv; }
  // Whole numbers: tokens, requests, bytes.
  [[nodiscard]] bool is_integral() const {
    return dimension == Dimension::kCount || dimension == Dimension::kBytes;
  }
};

// Throws InputError at `where` that names the parameters that are spelt most like it.
[[nodiscard]] Parameter ParameterByName(const SocSpec& soc, std::string_view name,
                                        const InputError::Where& where);

// A value of a parameter.
struct Setting {
  double number = 0;                     // in base units; not of formats
  std::optional<Dtype> dtype{};          // of kWeights to kKv
  std::optional<Precision> precision{};  // of kPrecision
  std::string text;                      // "8 MiB", "q4_0"

  friend bool operator==(const Setting&, const Setting&) = default;
};

// Hardware numbers that are set lose their range, as overrides do. The model's max_seq_len grows
// where the workload would not fit it: a what-if may look beyond what a model was made for.
void Apply(Question& question, const Parameter& parameter, const Setting& setting);

// Sets the hardware number at this index of SourcedNumbers(soc), in base units; bytes are rounded.
void SetNumber(SocSpec& soc, size_t index, double value);

// The index of the level whose capacity the parameter is; absent for others.
[[nodiscard]] std::optional<size_t> CapacityLevel(const SocSpec& soc, const Parameter& parameter);

}  // namespace deepthin::explorer
