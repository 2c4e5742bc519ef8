// Questions about presets, for the tests of what-ifs.
#pragma once

#include <string>

#include "costmodel/soc_presets.h"
#include "explorer/whatif/question.h"
#include "spec/model_argument.h"

namespace deepthin::explorer {

inline SocSpec Soc(const std::string& argument) { return costmodel::SocFromArgument(argument); }

inline Question About(const std::string& model, const std::string& soc = "iphone-13",
                      const std::string& precision = "f16") {
  return {.problem = {.model = ModelFromArgument(model),
                      .precision = PrecisionFromArgument(precision),
                      .soc = Soc(soc),
                      .workload = {.prompt_tokens = 64, .generated_tokens = 32, .batch = 1}},
          .context = {}};
}

}  // namespace deepthin::explorer
