// The entry that libFuzzer calls, one program per target (DEEPTHIN_FUZZ_TARGET).
#include "spec/errors.h"
#include "tests/fuzz/targets.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const deepthin::fuzz::Target* const target =
      deepthin::fuzz::TargetByName(DEEPTHIN_FUZZ_TARGET);
  DEEPTHIN_CHECK(target != nullptr);
  target->run({data, size});
  return 0;
}
