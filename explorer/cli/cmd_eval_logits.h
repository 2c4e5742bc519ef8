// deepthin eval logits, a subcommand of cmd_eval.cc.
#pragma once

#include "explorer/cli/commands.h"

namespace deepthin::explorer {

int EvalLogits(const Arguments& arguments);

}  // namespace deepthin::explorer
