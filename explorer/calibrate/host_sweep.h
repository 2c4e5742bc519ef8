// The architectures that `calibrate host` executes: small ones, since a host is described by rates
// and not by sizes, spread over what a phone-sized model can be.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "spec/model_spec.h"

namespace deepthin::calibrate {

struct SweepPoint {
  std::string name;  // "30x576 9/3 v32k tied q8_0 immediate:2"
  ModelSpec model;
  std::string precision;           // of kPrecisions
  int64_t prompt = 64;             // tokens of the prefill
  std::vector<int64_t> positions;  // contexts that decoding starts from
};

// About 20 architectures that are fitted: the corners by hand, so that each number of a SoC decides
// the time of some of them. kQuick: a few small ones, to see that it works.
enum class SweepSize { kQuick, kFull };
[[nodiscard]] std::vector<SweepPoint> TrainingSweep(SweepSize size);

// 40 others, drawn (seed 1), that no fit sees. The last ones are pairs: a model that executes each
// of n blocks twice at once, and its twin of 2 n distinct blocks.
inline constexpr int64_t kSpeedUpPairs = 4;
[[nodiscard]] std::vector<SweepPoint> HeldOutSweep(SweepSize size);

}  // namespace deepthin::calibrate
