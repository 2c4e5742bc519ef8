// What a Profile says of decode: the time of a token by operator, and what a block costs when it is
// executed again.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "runtime/profile.h"
#include "spec/model_spec.h"
#include "spec/units.h"

namespace deepthin::runtime {

// One operator over all its executions for one token; means over the tokens of a profile, so that
// the operators' times add up to the token's.
struct OperatorTime {
  Operator op = Operator::kEmbedding;
  int64_t executions = 0;  // by a token
  Seconds time{};
  Bytes bytes{};  // weights and KV cache
};

// In the order in which they first ran, from the passes of a single token. Empty where there are
// none.
[[nodiscard]] std::vector<OperatorTime> DecodeTimes(const Profile& profile);

// Sum of them: the time of a token within the decoder.
[[nodiscard]] Seconds TotalTime(const std::vector<OperatorTime>& times);

// Medians over blocks and tokens of the time of a block's execution.
struct RepeatTimes {
  Seconds first;     // a stored block for the first time in a token
  Seconds repeated;  // every later time

  // Below 1 where repeating is cheaper, as where a cache still holds the weights.
  [[nodiscard]] double ratio() const { return repeated / first; }
};

// `spec` is the model of the profile. Absent where it repeats no block, or nothing was decoded.
[[nodiscard]] std::optional<RepeatTimes> TimesOfRepeats(const Profile& profile,
                                                        const ModelSpec& spec);

}  // namespace deepthin::runtime
