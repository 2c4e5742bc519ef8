// Ctrl-C and SIGTERM as a question that long work asks between its steps. A second signal ends the
// process at once.
#pragma once

namespace deepthin::explorer {

// From now on signals are noted instead of ending the process.
void NoteInterrupts();
[[nodiscard]] bool Interrupted();

inline constexpr int kInterruptedExitCode = 130;

}  // namespace deepthin::explorer
