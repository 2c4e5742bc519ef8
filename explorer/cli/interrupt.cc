#include "explorer/cli/interrupt.h"

#include <csignal>

namespace deepthin::explorer {
namespace {

volatile std::sig_atomic_t g_interrupted = 0;

extern "C" void NoteSignal(int) { g_interrupted = 1; }

}  // namespace

void NoteInterrupts() {
  struct sigaction action {};
  action.sa_handler = NoteSignal;
  // Once only: the second Ctrl-C does what it always does.
  action.sa_flags = static_cast<int>(SA_RESETHAND) | SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

bool Interrupted() { return g_interrupted != 0; }

}  // namespace deepthin::explorer
