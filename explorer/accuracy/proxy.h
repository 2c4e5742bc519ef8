// Proxy: says of a model, without training it in full, how accurate it would be. What the table of
// proxies (proxy_table.h) has an entry for.
//
// To add one: a class or function that scores, an entry of its own ("DecoderParamsEntry()"), a line
// in proxy_table.cc. The contract test then runs over it, and `deepthin proxies validate` judges
// it.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "explorer/accuracy/trained_row.h"
#include "spec/json_io.h"
#include "spec/model_spec.h"
#include "spec/proxy_score.h"

namespace deepthin::explorer {

// What one score of a model of 125M parameters takes, about.
enum class ProxyCost {
  kInstant,  // below a millisecond
  kSeconds,  // up to a minute
  kHours,    // trains
};

// What a proxy may use beside the model. Each takes of it what it needs, and throws InputError
// where that is missing.
struct ProxyContext {
  int64_t threads = 1;                  // of proxies that execute a model; at least 1
  std::vector<std::string> texts{};     // paths of text files
  std::vector<TrainedRow> rows{};       // what is fitted, is fitted to these; empty: the paper's
  std::string group{};                  // whose training is predicted; empty: the largest of rows'
  std::function<bool()> should_stop{};  // empty: never; a score that it breaks off throws Stopped

  struct Stopped {};
};

// Contract:
// - Score() of a valid spec is finite, and higher is better. Equal specs get equal scores, in
//   whatever order they are asked, from every proxy made with equal settings and context. A model
//   that cannot be scored (too large to be executed here) is an InputError of one sentence.
// - It fills in value, standard_error, method and in_domain. Name, version and the checks that the
//   spec is valid and the value finite are MakeProxy()'s.
// - Identity() holds the settings, defaults filled in, and a hash of what else of the context the
//   scores depend on: equal identities, equal scores.
// - Used by one thread at a time.
class Proxy {
 public:
  virtual ~Proxy() = default;

  [[nodiscard]] virtual Json Identity() const = 0;
  [[nodiscard]] virtual ProxyScore Score(const ModelSpec& spec) = 0;

 protected:
  Proxy() = default;
  Proxy(const Proxy&) = default;
  Proxy& operator=(const Proxy&) = default;
};

struct ProxyEntry {
  std::string_view name;
  std::string_view version;  // changes when the maths does
  std::string_view help;     // what it is, one line
  std::string_view unit;     // of the value: "parameters"; "" where it has none of its own
  ProxyCost cost = ProxyCost::kInstant;
  bool is_fitted = false;  // to ProxyContext::rows: judged only on rows that it was not fitted to
  std::string_view settings_help;  // the settings and their defaults, one line; "" where none
  // Reads the settings; throws InputError.
  std::function<std::unique_ptr<Proxy>(const Json& settings, const Where& where,
                                       const ProxyContext& context)>
      make;
};

// Throws InputError where there is one: for proxies without settings.
void RequireNoSettings(const Json& settings, const Where& where, std::string_view proxy);

}  // namespace deepthin::explorer

template <>
struct deepthin::EnumTexts<deepthin::explorer::ProxyCost> {
  static constexpr std::array kList = {
      std::pair{explorer::ProxyCost::kInstant, std::string_view("instant")},
      std::pair{explorer::ProxyCost::kSeconds, std::string_view("seconds")},
      std::pair{explorer::ProxyCost::kHours, std::string_view("hours")}};
};
