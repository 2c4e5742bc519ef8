#include "explorer/accuracy/decoder_params.h"

namespace deepthin::explorer {
namespace {

constexpr std::string_view kName = "decoder_params";
constexpr std::string_view kVersion = "1";

class DecoderParamsProxy : public Proxy {
 public:
  [[nodiscard]] Json Identity() const override { return Json::object(); }
  [[nodiscard]] ProxyScore Score(const ModelSpec& spec) override { return DecoderParams(spec); }
};

}  // namespace

ProxyScore DecoderParams(const ModelSpec& spec) {
  return {.proxy = std::string(kName),
          .version = std::string(kVersion),
          .value = static_cast<double>(CountParams(spec).blocks),
          .standard_error = std::nullopt,
          .method = "counted from the shapes of the stored blocks' matrices",
          .in_domain = true};
}

ProxyEntry DecoderParamsEntry() {
  return {.name = kName,
          .version = kVersion,
          .help = "parameters in the stored blocks: the baseline",
          .unit = "parameters",
          .cost = ProxyCost::kInstant,
          .is_fitted = false,
          .settings_help = "",
          .make = [](const Json& settings, const Where& where,
                     const ProxyContext&) -> std::unique_ptr<Proxy> {
            RequireNoSettings(settings, where, kName);
            return std::make_unique<DecoderParamsProxy>();
          }};
}

}  // namespace deepthin::explorer
