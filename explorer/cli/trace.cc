#include "explorer/cli/trace.h"

#include <fmt/format.h>

#include <map>

#include "explorer/cli/trace_events.h"

namespace deepthin::explorer {
namespace {

using runtime::Profile;

// Thread ids of the format.
constexpr int64_t kOperatorTrack = 1;
constexpr int64_t kFirstThreadTrack = 2;

class Timeline {
 public:
  Timeline(const Profile& profile, const ModelSpec& spec) : profile_(profile) {
    std::map<int64_t, int64_t> executions;
    for (const int64_t stored : ExecutionOrder(spec)) {
      blocks_.push_back({{"stored_block", stored}, {"occurrence", executions[stored]++}});
    }
  }

  [[nodiscard]] Json Events(const std::string& title) {
    events_.NameProcess(title);
    events_.NameTrack(kOperatorTrack, "operators");
    for (size_t pass = 0; pass < profile_.passes().size(); ++pass) AddPass(pass);
    for (size_t thread = 0; thread < profile_.work().threads.size(); ++thread) AddThread(thread);
    return events_.Take();
  }

 private:
  using Spans = std::span<const Profile::Span>;

  // What the track of each thread says: the ranges that it did of an operator, as one event.
  void AddThread(size_t thread) {
    const int64_t track = kFirstThreadTrack + static_cast<int64_t>(thread);
    events_.NameTrack(track,
                      fmt::format("thread {}{}", thread, thread == 0 ? " (the caller)" : ""));
    const auto& ranges = profile_.work().threads[thread];
    const Spans spans = profile_.spans();
    size_t span = 0;
    for (size_t begin = 0; begin < ranges.size();) {
      while (span + 1 < spans.size() && spans[span].end <= ranges[begin].begin) ++span;
      std::chrono::duration<double, std::micro> working{};
      size_t end = begin;
      do {
        working += ranges[end].end - ranges[end].begin;
        ++end;
      } while (end < ranges.size() && ranges[end].begin < spans[span].end);
      Event(std::string(ToText(spans[span].op)), "work", track, ranges[begin].begin,
            ranges[end - 1].end, {{"ranges", end - begin}, {"working_us", working.count()}});
      begin = end;
    }
  }

  void AddPass(size_t index) {
    const Profile::Pass& pass = profile_.passes()[index];
    const Spans spans = profile_.SpansOf(index);
    if (spans.empty()) return;
    Add(pass.tokens == 1 ? fmt::format("token at {}", pass.position)
                         : fmt::format("prefill of {} tokens", pass.tokens),
        "pass", spans, {{"position", pass.position}, {"tokens", pass.tokens}});
    for (size_t begin = 0; begin < spans.size();) {
      size_t end = begin + 1;
      while (end < spans.size() && spans[end].executed_block == spans[begin].executed_block) ++end;
      AddBlock(spans.subspan(begin, end - begin));
      begin = end;
    }
  }

  // Consecutive operators of one executed block, or of none.
  void AddBlock(Spans spans) {
    if (const auto block = spans.front().executed_block) {
      Add(fmt::format("block {}", *block), "block", spans, blocks_[static_cast<size_t>(*block)]);
    }
    for (size_t i = 0; i < spans.size(); ++i) {
      Add(std::string(ToText(spans[i].op)), "operator", spans.subspan(i, 1), Json::object());
    }
  }

  // One event over contiguous spans.
  void Add(const std::string& name, const char* category, Spans spans, Json arguments) {
    Bytes bytes;
    for (const Profile::Span& span : spans) bytes += span.bytes;
    arguments["bytes"] = bytes.value();
    Event(name, category, kOperatorTrack, spans.front().begin, spans.back().end,
          std::move(arguments));
  }

  void Event(const std::string& name, const char* category, int64_t track,
             Profile::Clock::time_point begin, Profile::Clock::time_point end, Json arguments) {
    const double begin_us = Microseconds(begin);
    events_.Add({.name = name,
                 .category = category,
                 .track = track,
                 .begin_us = begin_us,
                 .duration_us = Microseconds(end) - begin_us},
                std::move(arguments));
  }

  [[nodiscard]] double Microseconds(Profile::Clock::time_point time) const {
    return std::chrono::duration<double, std::micro>(time - profile_.spans().front().begin).count();
  }

  const Profile& profile_;
  std::vector<Json> blocks_;  // arguments of each executed block
  TraceEvents events_;
};

}  // namespace

Json TraceJson(const Profile& profile, const ModelSpec& spec, const std::string& title) {
  return Timeline(profile, spec).Events(title);
}

}  // namespace deepthin::explorer
