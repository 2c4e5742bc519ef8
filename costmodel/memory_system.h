// MemorySystem: the levels of a SoC in the trace simulation: LRU memories on chip, then DRAM.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "costmodel/lru_memory.h"
#include "spec/soc_spec.h"
#include "spec/units.h"

namespace deepthin::costmodel {

// Bytes at each level, as in the SocSpec.
struct Moved {
  explicit Moved(size_t levels) : read(levels), written(levels) {}

  Moved& operator+=(const Moved& other);

  std::vector<Bytes> read;
  std::vector<Bytes> written;
};

// A read is served by the nearest level that holds the line, and brings it into the nearer ones. A
// write stays in the nearest level and reaches the next one when its line is driven out. Levels see
// only what the nearer ones miss.
class MemorySystem {
 public:
  // Whether a line that the nearest on-chip level serves costs anything: not where the operator has
  // just had it, since what is next to the arithmetic keeps it.
  enum class Charge { kAlways, kBeyondNearest };

  // SRAM levels are LRU, whatever their SocSpec says. `ways` as in LruMemory::Shape.
  // REQUIRES: the SoC is valid.
  MemorySystem(const SocSpec& soc, Bytes line, int64_t ways, int64_t line_bound);

  void Read(int64_t line, Charge charge);
  void Write(int64_t line);
  // What has moved since the last call.
  [[nodiscard]] Moved TakeMoved();

 private:
  // A line comes into an on-chip level.
  void Put(size_t level, int64_t line, bool dirty);
  void WriteBack(size_t level, int64_t line);

  Bytes line_;
  size_t dram_;
  std::vector<LruMemory> on_chip_;
  Moved moved_;
};

}  // namespace deepthin::costmodel
