// Checks a sweep definition against sweep.schema.json (valijson is known here only).
#pragma once

#include <string>

#include "spec/json_io.h"

namespace deepthin::sweeps {

// Throws InputError with file and JSON path of the innermost violation.
void CheckAgainstSchema(const Json& definition, const std::string& file);

}  // namespace deepthin::sweeps
