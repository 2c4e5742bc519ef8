// PassTraffic: the bytes that each operator of a pass moves at each memory level.
#pragma once

#include <cstddef>
#include <vector>

#include "costmodel/op_list.h"
#include "spec/soc_spec.h"

namespace deepthin::costmodel {

// Bytes are charged to the level that serves them. That they pass nearer levels on their way is
// taken to be hidden.
class PassTraffic {
 public:
  PassTraffic(size_t ops, size_t levels)
      : levels_(levels), read_(ops * levels), written_(ops * levels) {}

  [[nodiscard]] size_t levels() const { return levels_; }
  [[nodiscard]] Bytes read(size_t op, size_t level) const { return read_[op * levels_ + level]; }
  [[nodiscard]] Bytes written(size_t op, size_t level) const {
    return written_[op * levels_ + level];
  }
  [[nodiscard]] Bytes& read(size_t op, size_t level) { return read_[op * levels_ + level]; }
  [[nodiscard]] Bytes& written(size_t op, size_t level) { return written_[op * levels_ + level]; }

 private:
  size_t levels_;
  std::vector<Bytes> read_;  // [ops, levels]
  std::vector<Bytes> written_;
};

// Levels as in the SocSpec. REQUIRES: the SoC is valid.
[[nodiscard]] PassTraffic TrafficOf(const OpList& list, const SocSpec& soc);

// Index of the DRAM level. REQUIRES: the SoC is valid.
[[nodiscard]] size_t DramLevel(const SocSpec& soc);

}  // namespace deepthin::costmodel
