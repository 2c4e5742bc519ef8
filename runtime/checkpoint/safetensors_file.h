// SafetensorsFile: the container (github.com/huggingface/safetensors): a JSON header that names
// each tensor with dtype, shape and place, then the data. Knows nothing of models.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/checkpoint/file_content.h"
#include "spec/errors.h"

namespace deepthin::runtime {

inline constexpr uint64_t kSafetensorsLengthBytes = 8;  // of the header's length, before it

struct SafetensorsTensor {
  std::string dtype;           // "F32", "BF16", "I8"; any name of 1 to 8 bytes per element
  std::vector<int64_t> shape;  // outermost first
  const std::byte* data = nullptr;
};

class SafetensorsFile {
 public:
  // Throws InputError unless every place is in the file, of the size that dtype and shape say, and
  // none lies over another.
  static SafetensorsFile Parse(const FileContent& file, const std::string& path);

  [[nodiscard]] const std::map<std::string, SafetensorsTensor>& tensors() const { return tensors_; }
  [[nodiscard]] InputError::Where Place(const std::string& tensor) const;

 private:
  std::string path_;
  std::map<std::string, SafetensorsTensor> tensors_;
};

}  // namespace deepthin::runtime
