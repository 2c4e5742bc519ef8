// PassTraffic: the bytes that each operator of a pass moves at each memory level, and each class of
// operands.
#pragma once

#include <cstddef>
#include <vector>

#include "costmodel/op_list.h"
#include "costmodel/operand_class.h"
#include "costmodel/tiling.h"
#include "spec/cost_estimate.h"
#include "spec/soc_spec.h"

namespace deepthin::costmodel {

// Bytes are charged to the level that serves them. That they pass nearer levels on their way is
// taken to be hidden.
class PassTraffic {
 public:
  PassTraffic(size_t ops, size_t levels)
      : levels_(levels),
        tilings_(ops),
        read_(ops * levels),
        written_(ops * levels),
        class_read_(kOperandClasses * levels),
        class_written_(kOperandClasses * levels) {}

  void AddRead(size_t op, OperandClass operand, size_t level, Bytes bytes) {
    read_[op * levels_ + level] += bytes;
    class_read_[static_cast<size_t>(operand) * levels_ + level] += bytes;
  }
  void AddWritten(size_t op, OperandClass operand, size_t level, Bytes bytes) {
    written_[op * levels_ + level] += bytes;
    class_written_[static_cast<size_t>(operand) * levels_ + level] += bytes;
  }
  [[nodiscard]] Tiling& tiling(size_t op) { return tilings_[op]; }

  [[nodiscard]] size_t levels() const { return levels_; }
  [[nodiscard]] const Tiling& tiling(size_t op) const { return tilings_[op]; }
  [[nodiscard]] Bytes read(size_t op, size_t level) const { return read_[op * levels_ + level]; }
  [[nodiscard]] Bytes written(size_t op, size_t level) const {
    return written_[op * levels_ + level];
  }
  // Summed over all operators.
  [[nodiscard]] Bytes read(OperandClass operand, size_t level) const {
    return class_read_[static_cast<size_t>(operand) * levels_ + level];
  }
  [[nodiscard]] Bytes written(OperandClass operand, size_t level) const {
    return class_written_[static_cast<size_t>(operand) * levels_ + level];
  }

 private:
  size_t levels_;
  std::vector<Tiling> tilings_;  // [ops]
  std::vector<Bytes> read_;      // [ops, levels]
  std::vector<Bytes> written_;
  std::vector<Bytes> class_read_;  // [classes, levels]
  std::vector<Bytes> class_written_;
};

// Levels as in the SocSpec. REQUIRES: the SoC is valid.
[[nodiscard]] PassTraffic TrafficOf(const OpList& list, const SocSpec& soc);

// Time of a transfer alone.
[[nodiscard]] Seconds TransferTime(const MemoryLevel& level, Bytes read, Bytes written);
// Fills in time and, where the level states one, energy of the bytes read and written.
void Price(const MemoryLevel& level, LevelTraffic& traffic);

// Index of the DRAM level. REQUIRES: the SoC is valid.
[[nodiscard]] size_t DramLevel(const SocSpec& soc);

}  // namespace deepthin::costmodel
