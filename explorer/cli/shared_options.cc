#include "explorer/cli/shared_options.h"

#include "runtime/measuring/host_probe.h"
#include "spec/errors.h"

namespace deepthin::explorer {
namespace {

constexpr int64_t kMostThreads = 1024;

}  // namespace

void AddThreadsOption(CommandLine& line) {
  line.Text("threads,t", "worker threads; default: every CPU that the process may use");
}

int64_t ThreadsFrom(const CommandLine& line) {
  return line.Get("threads") ? line.GetInt("threads", 1, kMostThreads)
                             : runtime::ProbeHost().logical_cpus;
}

std::string Required(const CommandLine& line, const std::string& name) {
  if (const auto text = line.Get(name)) return *text;
  throw InputError({"command line", ""}, "lacks --" + name, "it (see --help)");
}

}  // namespace deepthin::explorer
