#include "runtime/measuring/host_probe.h"

#include <sched.h>
#include <sys/utsname.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

#include "runtime/kernels/kernels.h"
#include "spec/build_info.h"

namespace deepthin::runtime {
namespace {

// Empty where there is no such file: what it says is then unknown, which is no error.
std::string TextOf(const char* path) {
  std::ostringstream out;
  out << std::ifstream(path).rdbuf();
  return out.str();
}

std::string_view Trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

struct KeyValue {
  std::string_view key;
  std::string_view value;
};

// Lines of the form "key : value".
std::vector<KeyValue> KeyValues(std::string_view text) {
  std::vector<KeyValue> out;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    const size_t colon = line.find(':');
    if (colon != std::string_view::npos) {
      out.push_back({Trimmed(line.substr(0, colon)), Trimmed(line.substr(colon + 1))});
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

std::string_view FirstValue(const std::vector<KeyValue>& lines, std::string_view key) {
  for (const KeyValue& line : lines) {
    if (line.key == key && !line.value.empty()) return line.value;
  }
  return {};
}

// "4x 0x41:0xd05, 4x 0x41:0xd44": kinds of cores in the order in which they stand.
std::string ArmCores(const std::vector<KeyValue>& lines) {
  std::vector<std::pair<std::string, int>> kinds;
  std::string_view implementer = "?";
  for (const KeyValue& line : lines) {
    if (line.key == "CPU implementer") implementer = line.value;
    if (line.key != "CPU part") continue;
    const std::string kind = std::string(implementer) + ":" + std::string(line.value);
    const auto same = std::find_if(kinds.begin(), kinds.end(),
                                   [&](const auto& known) { return known.first == kind; });
    if (same == kinds.end()) {
      kinds.emplace_back(kind, 1);
    } else {
      ++same->second;
    }
  }
  std::string out;
  for (const auto& [kind, count] : kinds) {
    out += (out.empty() ? "" : ", ") + std::to_string(count) + "x " + kind;
  }
  return out;
}

std::string KernelName() {
  utsname name = {};
  if (::uname(&name) != 0) return "unknown";
  return std::string(name.sysname) + " " + name.release;
}

}  // namespace

std::string CpuModelFromCpuinfo(std::string_view text) {
  const std::vector<KeyValue> lines = KeyValues(text);
  if (const std::string_view name = FirstValue(lines, "model name"); !name.empty()) {
    return std::string(name);
  }
  std::string_view board = FirstValue(lines, "Model");
  if (board.empty()) board = FirstValue(lines, "Hardware");
  const std::string cores = ArmCores(lines);
  if (cores.empty()) return board.empty() ? "unknown" : std::string(board);
  if (board.empty()) return "Arm " + cores;
  return std::string(board) + " (Arm " + cores + ")";
}

std::optional<Bytes> TotalFromMeminfo(std::string_view text) {
  const std::string_view value = FirstValue(KeyValues(text), "MemTotal");
  const char* const value_end = value.data() + value.size();
  int64_t kibibytes = 0;
  const auto [end, error] = std::from_chars(value.data(), value_end, kibibytes);
  const std::string_view unit(end, static_cast<size_t>(value_end - end));
  if (error != std::errc() || kibibytes < 0 || kibibytes > (INT64_MAX >> 10) || unit != " kB") {
    return std::nullopt;
  }
  return KiB(kibibytes);
}

std::optional<Bytes> TotalMemory() { return TotalFromMeminfo(TextOf("/proc/meminfo")); }

int64_t UsableCpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  // Fails where the machine has more CPUs than the set has room for.
  if (::sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max<int64_t>(1, std::thread::hardware_concurrency());
}

HostContext ProbeHost() {
  HostContext host;
  host.cpu_model = CpuModelFromCpuinfo(TextOf("/proc/cpuinfo"));
  host.logical_cpus = UsableCpus();
  host.isa = ActiveTarget();
  host.kernel = KernelName();
  double load[1] = {0};
  if (::getloadavg(load, 1) == 1) host.load_average = load[0];
  host.build_type = GetBuildInfo().build_type;
  host.commit = GetBuildInfo().commit;
  return host;
}

}  // namespace deepthin::runtime
