#include "explorer/cli/trace.h"

#include <fmt/format.h>

#include <map>

namespace deepthin::explorer {
namespace {

using runtime::Profile;

class Timeline {
 public:
  Timeline(const Profile& profile, const ModelSpec& spec) : profile_(profile) {
    std::map<int64_t, int64_t> executions;
    for (const int64_t stored : ExecutionOrder(spec)) {
      blocks_.push_back({{"stored_block", stored}, {"occurrence", executions[stored]++}});
    }
  }

  [[nodiscard]] Json Events(const std::string& title) {
    events_ = Json::array();
    AddName("process_name", title);
    AddName("thread_name", "calling thread");
    for (size_t pass = 0; pass < profile_.passes().size(); ++pass) AddPass(pass);
    return std::move(events_);
  }

 private:
  using Spans = std::span<const Profile::Span>;

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
    const double begin = Microseconds(spans.front().begin);
    events_.push_back({{"name", name},
                       {"cat", category},
                       {"ph", "X"},
                       {"ts", begin},
                       {"dur", Microseconds(spans.back().end) - begin},
                       {"pid", 1},
                       {"tid", 1},
                       {"args", std::move(arguments)}});
  }

  void AddName(const char* kind, const std::string& name) {
    events_.push_back({{"name", kind},
                       {"ph", "M"},
                       {"ts", 0.0},
                       {"dur", 0.0},
                       {"pid", 1},
                       {"tid", 1},
                       {"args", {{"name", name}}}});
  }

  [[nodiscard]] double Microseconds(Profile::Clock::time_point time) const {
    return std::chrono::duration<double, std::micro>(time - profile_.spans().front().begin).count();
  }

  const Profile& profile_;
  std::vector<Json> blocks_;  // arguments of each executed block
  Json events_;
};

}  // namespace

Json TraceJson(const Profile& profile, const ModelSpec& spec, const std::string& title) {
  return {{"traceEvents", Timeline(profile, spec).Events(title)}, {"displayTimeUnit", "ms"}};
}

}  // namespace deepthin::explorer
