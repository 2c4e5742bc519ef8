// Measurement: what a clock said of a model that was really executed, with all that is needed to
// judge it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "spec/fields.h"
#include "spec/precision.h"
#include "spec/units.h"

namespace deepthin {

// The machine and program that a measurement was made with.
struct HostContext {
  std::string cpu_model;
  int64_t logical_cpus = 0;
  std::string isa;          // of the kernels that ran: "AVX3", "AVX2", ...
  std::string kernel;       // operating system and release
  double load_average = 0;  // one minute, before the measurement
  std::string build_type;
  std::string commit;

  friend bool operator==(const HostContext&, const HostContext&) = default;
};

// Raw samples stay: statistics can be done again (spec/robust_stats.h).
struct Measurement {
  HostContext host;
  Precision precision = kF32;  // as executed
  int64_t threads = 0;
  int64_t prompt_tokens = 0;  // the context of the first generated token
  int64_t generated_tokens = 0;
  Seconds load;                   // opening a checkpoint, or making random weights
  Seconds init;                   // buffers, KV cache, threads
  std::vector<double> prefill_s;  // each repeat: the prompt in one pass (TTFT); none where the
                                  // context was filled before the repeats
  std::vector<double> decode_s_per_token;  // each repeat: mean over the generated tokens
  std::vector<double> token_s;  // each generated token of each repeat, in the order they were taken
  Bytes bytes_touched_per_token;  // weights and KV cache, counted by the decoder, mean over the
                                  // generated tokens
  Bytes weight_bytes;
  std::optional<Bytes> file_bytes{};   // of the file that the weights are from
  std::optional<Bytes> peak_memory{};  // of the process since the measurement began, resident;
                                       // where the operating system says it

  friend bool operator==(const Measurement&, const Measurement&) = default;
};

template <>
struct Fields<HostContext> {
  using S = HostContext;
  static constexpr auto kList =
      std::tuple(Field("cpu_model", &S::cpu_model, "as the operating system names it"),
                 Field("logical_cpus", &S::logical_cpus, "that the process may use"),
                 Field("isa", &S::isa, "instruction set of the kernels that ran"),
                 Field("kernel", &S::kernel, "operating system and release"),
                 Field("load_average", &S::load_average, "one minute, before the measurement"),
                 Field("build_type", &S::build_type, "Release, Debug, ..."),
                 Field("commit", &S::commit, "of the source the program was built from"));
};

template <>
struct Fields<Measurement> {
  using S = Measurement;
  static constexpr auto kList = std::tuple(
      Field("host", &S::host, "machine and program"),
      Field("precision", &S::precision, "formats that were executed", Presence::kOptional),
      Field("threads", &S::threads, "worker threads"),
      Field("prompt_tokens", &S::prompt_tokens, "tokens before the generated ones"),
      Field("generated_tokens", &S::generated_tokens, "tokens decoded in each repeat"),
      Field("load_s", &S::load, "opening a checkpoint or making random weights"),
      Field("init_s", &S::init, "buffers, KV cache, threads"),
      Field("prefill_s", &S::prefill_s, "samples: the prompt in one pass"),
      Field("decode_s_per_token", &S::decode_s_per_token, "samples: mean time of a token"),
      Field("token_s", &S::token_s, "samples: each token", Presence::kOptional),
      Field("bytes_touched_per_token", &S::bytes_touched_per_token,
            "weights and KV cache, as the decoder counted"),
      Field("weight_bytes", &S::weight_bytes, "bytes of all weights in memory"),
      Field("file_bytes", &S::file_bytes, "size of the model's file", Presence::kOptional),
      Field("peak_memory_bytes", &S::peak_memory, "most resident memory of the process",
            Presence::kOptional));
};

}  // namespace deepthin
