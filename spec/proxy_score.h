// ProxyScore: what an accuracy proxy says of a model. Higher is better.
#pragma once

#include <optional>
#include <string>

#include "spec/fields.h"

namespace deepthin {

struct ProxyScore {
  std::string proxy;
  std::string version;
  double value = 0;
  // Standard deviation of the value as a prediction, normal; absent where the score is exact or
  // says nothing of its error.
  std::optional<double> standard_error;
  std::string method;     // how it was obtained
  bool in_domain = true;  // the model lies where the proxy has been checked

  friend bool operator==(const ProxyScore&, const ProxyScore&) = default;
};

template <>
struct Fields<ProxyScore> {
  using S = ProxyScore;
  static constexpr auto kList = std::tuple(
      Field("proxy", &S::proxy, "name of the proxy"),
      Field("version", &S::version, "changes when the maths does"),
      Field("value", &S::value, "higher is better"),
      Field("standard_error", &S::standard_error, "of the value as a prediction",
            Presence::kOptional),
      Field("method", &S::method, "how the score was obtained"),
      Field("in_domain", &S::in_domain, "the model lies where the proxy has been checked"));
};

}  // namespace deepthin
