// The sentence of the InputError that a call throws; empty where it throws none. Any other
// exception escapes and fails the test.
#pragma once

#include <string>

#include "spec/errors.h"

namespace deepthin {

template <class F>
[[nodiscard]] std::string InputErrorOf(F&& call) {
  try {
    static_cast<void>(call());
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

}  // namespace deepthin
