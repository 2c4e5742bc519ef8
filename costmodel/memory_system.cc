#include "costmodel/memory_system.h"

#include <utility>

#include "costmodel/pass_traffic.h"

namespace deepthin::costmodel {

Moved& Moved::operator+=(const Moved& other) {
  for (size_t level = 0; level < read.size(); ++level) {
    read[level] += other.read[level];
    written[level] += other.written[level];
  }
  return *this;
}

MemorySystem::MemorySystem(const SocSpec& soc, Bytes line, int64_t ways, int64_t line_bound)
    : line_(line), dram_(DramLevel(soc)), moved_(soc.levels.size()) {
  for (size_t level = 0; level < dram_; ++level) {
    const int64_t lines = soc.levels[level].capacity.value.value() / line.value();
    on_chip_.emplace_back(line_bound, LruMemory::Shape{.lines = lines, .ways = ways});
  }
}

void MemorySystem::Read(int64_t line, Charge charge) {
  size_t level = 0;
  while (level < dram_ && !on_chip_[level].Holds(line)) ++level;
  if (level < dram_) on_chip_[level].Renew(line, false);
  if (level > 0 || dram_ == 0 || charge == Charge::kAlways) moved_.read[level] += line_;
  for (size_t nearer = level; nearer > 0; --nearer) Put(nearer - 1, line, false);
}

void MemorySystem::Write(int64_t line) {
  moved_.written[0] += line_;
  if (dram_ == 0) return;
  if (on_chip_[0].Holds(line)) {
    on_chip_[0].Renew(line, true);
  } else {
    Put(0, line, true);
  }
}

void MemorySystem::Put(size_t level, int64_t line, bool dirty) {
  const auto victim = on_chip_[level].Insert(line, dirty);
  if (victim && victim->dirty) WriteBack(level + 1, victim->line);
}

void MemorySystem::WriteBack(size_t level, int64_t line) {
  moved_.written[level] += line_;
  if (level == dram_) return;
  if (on_chip_[level].Holds(line)) {
    on_chip_[level].Renew(line, true);
  } else {
    Put(level, line, true);
  }
}

Moved MemorySystem::TakeMoved() { return std::exchange(moved_, Moved(moved_.read.size())); }

}  // namespace deepthin::costmodel
