// The sentence of the error that a call throws; empty where it throws none.
#pragma once

#include <string>

namespace deepthin::runtime {

template <class Error, class Call>
[[nodiscard]] std::string ErrorText(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace deepthin::runtime
