#include "runtime/measuring/operator_times.h"

#include <algorithm>

#include "spec/errors.h"
#include "spec/robust_stats.h"

namespace deepthin::runtime {
namespace {

std::vector<size_t> DecodePasses(const Profile& profile) {
  std::vector<size_t> passes;
  for (size_t i = 0; i < profile.passes().size(); ++i) {
    if (profile.passes()[i].tokens == 1) passes.push_back(i);
  }
  return passes;
}

// Whether each executed block repeats one that was executed before it.
std::vector<bool> Repeats(const ModelSpec& spec) {
  std::vector<bool> repeats;
  std::vector<bool> seen(static_cast<size_t>(spec.n_blocks));
  for (const int64_t stored : ExecutionOrder(spec)) {
    repeats.push_back(seen[static_cast<size_t>(stored)]);
    seen[static_cast<size_t>(stored)] = true;
  }
  return repeats;
}

}  // namespace

std::vector<OperatorTime> DecodeTimes(const Profile& profile) {
  std::vector<OperatorTime> times;
  const std::vector<size_t> passes = DecodePasses(profile);
  for (const size_t pass : passes) {
    for (const Profile::Span& span : profile.SpansOf(pass)) {
      auto entry = std::find_if(times.begin(), times.end(),
                                [&](const OperatorTime& known) { return known.op == span.op; });
      if (entry == times.end()) entry = times.insert(entry, {.op = span.op});
      ++entry->executions;
      entry->time += span.time();
      entry->bytes += span.bytes;
    }
  }
  const auto tokens = static_cast<int64_t>(passes.size());
  for (OperatorTime& each : times) {
    each.executions /= tokens;
    each.time = each.time / static_cast<double>(tokens);
    each.bytes = each.bytes / tokens;
  }
  return times;
}

Seconds TotalTime(const std::vector<OperatorTime>& times) {
  Seconds sum;
  for (const OperatorTime& each : times) sum += each.time;
  return sum;
}

std::optional<RepeatTimes> TimesOfRepeats(const Profile& profile, const ModelSpec& spec) {
  const std::vector<bool> repeats = Repeats(spec);
  std::vector<double> first;
  std::vector<double> repeated;
  for (const size_t pass : DecodePasses(profile)) {
    std::vector<double> times(repeats.size());
    for (const Profile::Span& span : profile.SpansOf(pass)) {
      if (!span.executed_block) continue;
      const auto block = static_cast<size_t>(*span.executed_block);
      DEEPTHIN_CHECK(block < times.size());
      times[block] += span.time().value();
    }
    for (size_t i = 0; i < times.size(); ++i) (repeats[i] ? repeated : first).push_back(times[i]);
  }
  if (repeated.empty()) return std::nullopt;
  return RepeatTimes{Seconds(Median(first)), Seconds(Median(repeated))};
}

}  // namespace deepthin::runtime
