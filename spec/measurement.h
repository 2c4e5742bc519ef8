// Measurement: what a clock said of a model that was really executed, with all that is needed to
// judge it.
#pragma once

#include <string>
#include <vector>

#include "spec/fields.h"
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
  int64_t threads = 0;
  int64_t prompt_tokens = 0;
  int64_t generated_tokens = 0;
  Seconds load;                            // opening a checkpoint, or making random weights
  Seconds init;                            // buffers, KV cache, threads
  std::vector<double> prefill_s;           // each repeat: the prompt in one pass (TTFT)
  std::vector<double> decode_s_per_token;  // each repeat: mean over the generated tokens
  Bytes bytes_touched_per_token;  // weights and KV cache, counted by the decoder, mean over the
                                  // generated tokens
  Bytes weight_bytes;

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
      Field("threads", &S::threads, "worker threads"),
      Field("prompt_tokens", &S::prompt_tokens, "tokens prefilled in each repeat"),
      Field("generated_tokens", &S::generated_tokens, "tokens decoded in each repeat"),
      Field("load_s", &S::load, "opening a checkpoint or making random weights"),
      Field("init_s", &S::init, "buffers, KV cache, threads"),
      Field("prefill_s", &S::prefill_s, "samples: the prompt in one pass"),
      Field("decode_s_per_token", &S::decode_s_per_token, "samples: mean time of a token"),
      Field("bytes_touched_per_token", &S::bytes_touched_per_token,
            "weights and KV cache, as the decoder counted"),
      Field("weight_bytes", &S::weight_bytes, "bytes of all weights in memory"));
};

}  // namespace deepthin
