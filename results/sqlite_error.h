// Translates SQLite's errors into the two that reach a user. The only place that knows its codes.
#pragma once

#include <SQLiteCpp/Exception.h>

#include <string>
#include <utility>

#include "spec/errors.h"

namespace deepthin::results {

// InputError for a file that is no sound database of ours, EnvironmentError for the machine.
[[noreturn]] void ThrowTranslated(const SQLite::Exception& error, const std::string& path);

// The database holds what none of our programs writes there.
[[nodiscard]] InputError DamagedDatabase(const std::string& path, const std::string& what);

// Calls f, which talks to SQLite.
template <class F>
decltype(auto) Translated(const std::string& path, F&& f) {
  try {
    return std::forward<F>(f)();
  } catch (const SQLite::Exception& error) {
    ThrowTranslated(error, path);
  }
}

}  // namespace deepthin::results
