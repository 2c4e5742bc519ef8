// The proxies of accuracy by name.
//
//   auto proxy = MakeProxy("decoder_params", Json::object(), {}, {});
//   ProxyScore score = proxy->Score(spec);
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "explorer/accuracy/proxy.h"

namespace deepthin::explorer {

// The baseline first, then by cost.
[[nodiscard]] std::span<const ProxyEntry> Proxies();

// Throws InputError that lists the names there are.
[[nodiscard]] const ProxyEntry& ProxyByName(std::string_view name, const Where& where);

// Ready to score, with what the contract promises checked: Score() throws InputError for a spec
// that is not valid, and where the proxy's value is not finite; Identity() has name and version
// too.
[[nodiscard]] std::unique_ptr<Proxy> MakeProxy(const ProxyEntry& entry, const Json& settings,
                                               const Where& where, const ProxyContext& context);
[[nodiscard]] std::unique_ptr<Proxy> MakeProxy(std::string_view name, const Json& settings,
                                               const Where& where, const ProxyContext& context);

}  // namespace deepthin::explorer
