#include "explorer/cli/proxy_options.h"

#include <algorithm>

#include "explorer/accuracy/proxy_table.h"
#include "explorer/cli/interrupt.h"
#include "explorer/cli/shared_options.h"
#include "spec/errors.h"

namespace deepthin::explorer {
namespace {

void AddOnce(AskedProxy asked, std::vector<AskedProxy>& proxies) {
  const bool is_there = std::any_of(proxies.begin(), proxies.end(), [&](const AskedProxy& other) {
    return other.argument == asked.argument;
  });
  if (!is_there) proxies.push_back(std::move(asked));
}

}  // namespace

void AddProxyOptions(CommandLine& line, const std::string& proxy_help) {
  line.List("proxy", proxy_help)
      .List("text", "text file for proxies that read one; may be given again");
  AddThreadsOption(line);
}

std::vector<AskedProxy> ProxiesFrom(const CommandLine& line) {
  const Where where{"command line", "--proxy"};
  std::vector<AskedProxy> proxies;
  for (const std::string& list : line.GetList("proxy")) {
    for (size_t begin = 0; begin <= list.size();) {
      const size_t end = std::min(list.find(',', begin), list.size());
      const std::string name = list.substr(begin, end - begin);
      begin = end + 1;
      if (name != "all") {
        AddOnce(ParseProxy(name, where), proxies);
        continue;
      }
      for (const ProxyEntry& entry : Proxies()) {
        if (entry.cost == ProxyCost::kHours) continue;
        AddOnce(ParseProxy(std::string(entry.name), where), proxies);
      }
    }
  }
  return proxies;
}

ProxyContext ContextFrom(const CommandLine& line) {
  return {.threads = ThreadsFrom(line),
          .texts = line.GetList("text"),
          .rows = {},
          .group = {},
          .should_stop = Interrupted};
}

}  // namespace deepthin::explorer
