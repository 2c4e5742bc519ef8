// Random problems for property tests, small enough for every cliff to lie within reach.
#pragma once

#include <rapidcheck.h>

#include "spec/model_spec.h"
#include "spec/problem.h"

namespace deepthin::costmodel {

inline int64_t Pick(int64_t low, int64_t high) { return *rc::gen::inRange<int64_t>(low, high + 1); }

template <class T>
Sourced<T> Assumed(T value) {
  return {.value = value, .source = "assumed: a test", .low = std::nullopt, .high = std::nullopt};
}

inline MemoryLevel Level(const std::string& name, LevelKind kind, Bytes capacity,
                         BytesPerSecond bandwidth, Replacement replacement = Replacement::kLru) {
  MemoryLevel level;
  level.name = name;
  level.kind = kind;
  level.capacity = Assumed(capacity);
  level.read_bandwidth = Assumed(bandwidth);
  level.write_bandwidth = Assumed(bandwidth);
  level.replacement = replacement;
  return level;
}

// One SRAM level before DRAM; no fixed costs; one rate for all formats that a float rate serves.
inline SocSpec SimpleSoc(Bytes sram, Replacement replacement = Replacement::kLru) {
  SocSpec soc;
  soc.name = "test";
  soc.levels = {Level("sram", LevelKind::kSram, sram, GBps(500), replacement),
                Level("dram", LevelKind::kDram, GiB(4), GBps(51.2))};
  soc.compute = {{.dtype = Dtype::kF32, .peak = Assumed(GMacsPerSecond(500)), .energy = {}}};
  soc.fixed = {.per_operator = Assumed(Seconds(0)),
               .per_executed_block = Assumed(Seconds(0)),
               .per_token = Assumed(Seconds(0))};
  return soc;
}

inline RepeatSchedule Repeat(RepeatKind kind, int64_t times) {
  return {.kind = kind, .times = times, .order = {}};
}

inline ModelSpec AnyModel() {
  ModelSpec m;
  m.n_kv_heads = Pick(1, 4);
  m.n_heads = m.n_kv_heads * Pick(1, 4);
  m.head_dim = 2 * Pick(1, 16);
  m.d_model = Pick(1, 200);
  m.d_ff = Pick(1, 400);
  m.vocab_size = Pick(1, 2'000);
  m.n_blocks = Pick(1, 5);
  m.ffn = *rc::gen::element(Ffn::kSwiglu, Ffn::kGelu, Ffn::kRelu);
  m.tie_embeddings = *rc::gen::arbitrary<bool>();
  m.kv_policy = *rc::gen::element(KvPolicy::kPerOccurrence, KvPolicy::kShared);
  const auto kind =
      *rc::gen::element(RepeatKind::kNone, RepeatKind::kImmediate, RepeatKind::kRepeatAll,
                        RepeatKind::kReverse, RepeatKind::kExplicit);
  m.repeat.kind = kind;
  if (kind == RepeatKind::kExplicit) {
    const int64_t n = Pick(1, 12);
    for (int64_t i = 0; i < n; ++i) m.repeat.order.push_back(Pick(0, m.n_blocks - 1));
  } else if (kind != RepeatKind::kNone) {
    m.repeat.times = Pick(1, 3);
  }
  return m;
}

inline Precision AnyPrecision() {
  const auto any = [] {
    return *rc::gen::element(Dtype::kF32, Dtype::kF16, Dtype::kBf16, Dtype::kQ8_0, Dtype::kQ4_0,
                             Dtype::kInt8);
  };
  return {.weights = any(), .embedding = any(), .activations = any(), .kv = any()};
}

inline Workload AnyWorkload() {
  return {.prompt_tokens = Pick(1, 300), .generated_tokens = Pick(1, 60), .batch = Pick(1, 3)};
}

inline Replacement AnyReplacement() {
  return *rc::gen::element(Replacement::kLru, Replacement::kPinned);
}

// One to three SRAM levels, sizes spread over the scale on which the models above fit.
inline SocSpec AnySoc() {
  SocSpec soc = SimpleSoc(Bytes(1));
  soc.levels.clear();
  const int64_t n = Pick(1, 3);
  for (int64_t i = 0; i < n; ++i) {
    const Bytes capacity(int64_t{1} << Pick(6, 23));
    soc.levels.push_back(Level("sram" + std::to_string(i), LevelKind::kSram,
                               capacity + Bytes(Pick(0, capacity.value())),
                               GBps(static_cast<double>(Pick(50, 900))), AnyReplacement()));
  }
  soc.levels.push_back(
      Level("dram", LevelKind::kDram, GiB(1), GBps(static_cast<double>(Pick(1, 60)))));
  soc.fixed.per_operator = Assumed(Microseconds(static_cast<double>(Pick(0, 5))));
  soc.fixed.per_executed_block = Assumed(Microseconds(static_cast<double>(Pick(0, 20))));
  soc.fixed.per_token = Assumed(Microseconds(static_cast<double>(Pick(0, 500))));
  return soc;
}

// What a calibration adds to a SoC.
inline void AddCalibratedRates(SocSpec& soc) {
  for (ComputeRate& rate : soc.compute) {
    rate.one_token = Assumed(rate.peak.value / static_cast<double>(Pick(1, 20)));
    rate.unpack = Assumed(GBps(static_cast<double>(Pick(1, 100))));
    rate.exposed = Assumed(Share(0.01 * static_cast<double>(Pick(0, 100))));
  }
  soc.attention =
      AttentionRate{.peak = Assumed(GMacsPerSecond(static_cast<double>(Pick(1, 500)))),
                    .one_token = Assumed(GMacsPerSecond(static_cast<double>(Pick(1, 500)))),
                    .kv_unpack = Assumed(GBps(static_cast<double>(Pick(1, 100)))),
                    .exposed = Assumed(Share(0.01 * static_cast<double>(Pick(0, 100))))};
  soc.elementwise = Assumed(GBps(static_cast<double>(Pick(1, 100))));
}

inline Problem AnyProblem() {
  return {
      .model = AnyModel(), .precision = AnyPrecision(), .soc = AnySoc(), .workload = AnyWorkload()};
}

}  // namespace deepthin::costmodel
