#include "explorer/accuracy/proxy_table.h"

#include <cmath>
#include <utility>

#include "explorer/accuracy/decoder_params.h"
#include "explorer/accuracy/initial_proxies.h"
#include "explorer/accuracy/shape_surrogate.h"
#include "explorer/accuracy/short_training.h"
#include "spec/errors.h"

namespace deepthin::explorer {
namespace {

class CheckedProxy : public Proxy {
 public:
  CheckedProxy(const ProxyEntry& entry, std::unique_ptr<Proxy> proxy)
      : name_(entry.name), version_(entry.version), proxy_(std::move(proxy)) {}

  [[nodiscard]] Json Identity() const override {
    Json identity = {{"proxy", name_}, {"version", version_}};
    identity.update(proxy_->Identity());
    return identity;
  }

  [[nodiscard]] ProxyScore Score(const ModelSpec& spec) override {
    Validate(spec);
    ProxyScore score = proxy_->Score(spec);
    score.proxy = name_;
    score.version = version_;
    if (!std::isfinite(score.value) ||
        (score.standard_error &&
         !(std::isfinite(*score.standard_error) && *score.standard_error >= 0))) {
      throw InputError({"", "the score of " + name_}, "is not finite", "another model or settings");
    }
    return score;
  }

 private:
  std::string name_;
  std::string version_;
  std::unique_ptr<Proxy> proxy_;
};

}  // namespace

void RequireNoSettings(const Json& settings, const Where& where, std::string_view proxy) {
  if (settings.empty()) return;
  throw InputError({where.file, where.place + "/" + settings.items().begin().key()}, "is unknown",
                   "no settings for " + std::string(proxy));
}

std::span<const ProxyEntry> Proxies() {
  static const std::vector<ProxyEntry> table = {
      DecoderParamsEntry(), ShapeSurrogateEntry(), SynflowEntry(),       HeadConfidenceEntry(),
      GradientNormEntry(),  WeightedPcaEntry(),    ShortTrainingEntry(),
  };
  return table;
}

const ProxyEntry& ProxyByName(std::string_view name, const Where& where) {
  std::string names;
  for (const ProxyEntry& entry : Proxies()) {
    if (entry.name == name) return entry;
    names += (names.empty() ? "" : ", ") + std::string(entry.name);
  }
  throw InputError(where, "'" + std::string(name) + "' is no proxy", "one of " + names);
}

std::unique_ptr<Proxy> MakeProxy(const ProxyEntry& entry, const Json& settings, const Where& where,
                                 const ProxyContext& context) {
  if (!settings.is_object()) throw InputError(where, "is no object", "settings by name");
  return std::make_unique<CheckedProxy>(entry, entry.make(settings, where, context));
}

std::unique_ptr<Proxy> MakeProxy(std::string_view name, const Json& settings, const Where& where,
                                 const ProxyContext& context) {
  return MakeProxy(ProxyByName(name, where), settings, where, context);
}

}  // namespace deepthin::explorer
