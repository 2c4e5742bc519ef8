// A text file that was compiled into the program (presets, schemas, migrations, the paper's
// tables).
#pragma once

#include <string_view>

namespace deepthin {

struct EmbeddedFile {
  std::string_view name;  // without folder
  std::string_view text;
};

}  // namespace deepthin
