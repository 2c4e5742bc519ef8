// llama-bench's measurements (llama.cpp, `llama-bench -o json` or `-o jsonl`) as passes that a SoC
// is fitted to.
//
//   for (const LlamaBenchRow& row : ReadLlamaBench(text, "phone.jsonl")) ...
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "costmodel/soc_fit.h"
#include "spec/precision.h"
#include "spec/soc_spec.h"

namespace deepthin::calibrate {

// One test. Throughputs are tokens per second.
struct LlamaBenchRow {
  std::string place;  // "/3", for messages
  std::string model_filename;
  std::string model_type;  // "llama ?B Q8_0"
  int64_t model_n_params = 0;
  int64_t n_prompt = 0;
  int64_t n_gen = 0;
  int64_t n_depth = 0;  // tokens in the KV cache before; 0 where the version does not know it
  std::string type_k;   // format of the KV cache
  double avg_ts = 0;
  std::string device;  // CPU or GPU, as llama-bench names it
  std::string commit;
};

// Unknown keys are passed over: each version of llama-bench has others. Throws InputError where the
// text is no JSON, a key that is needed is missing or of another type, or a throughput is no
// positive number.
[[nodiscard]] std::vector<LlamaBenchRow> ReadLlamaBench(std::string_view text,
                                                        const std::string& file);

// Formats that the row's model was executed in: the last word of its type for all matrices. Throws
// InputError where the word is none of ours.
[[nodiscard]] Precision PrecisionOf(const LlamaBenchRow& row, const std::string& file);

// The pass that a row measured. Absent for a row of a prompt and generated tokens together, whose
// time is of both. Throws InputError where the model has not as many parameters as the row says.
[[nodiscard]] std::optional<costmodel::MeasuredPass> PassOf(const LlamaBenchRow& row,
                                                            const ModelSpec& model,
                                                            const std::string& file);

// Fits `base`, whose capacities, energies and whatever the passes do not determine stay. A rate is
// added for each format of the passes. REQUIRES: passes are not empty.
[[nodiscard]] costmodel::SocFit FitLlamaBench(const SocSpec& base,
                                              std::vector<costmodel::MeasuredPass> passes,
                                              const std::string& source);

}  // namespace deepthin::calibrate
