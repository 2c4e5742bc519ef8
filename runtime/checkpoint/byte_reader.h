// ByteReader: walks the bytes of a binary file from front to back, every read checked against the
// end. Little endian, as all our formats and machines are.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

#include "spec/errors.h"

namespace deepthin::runtime {

static_assert(std::endian::native == std::endian::little, "files are read as they lie in memory");

// A view: bytes and file name have to outlive it. Every error names the file and the byte offset.
class ByteReader {
 public:
  ByteReader(std::string_view bytes, const std::string& file) : bytes_(bytes), file_(file) {}

  [[nodiscard]] size_t offset() const { return offset_; }
  [[nodiscard]] size_t left() const { return bytes_.size() - offset_; }

  template <class T>
  T Read(const std::string& what) {
    static_assert(std::is_arithmetic_v<T>);
    T value;
    const std::string_view raw = ReadBytes(sizeof(T), what);
    std::memcpy(&value, raw.data(), sizeof(T));
    return value;
  }

  std::string_view ReadBytes(uint64_t n, const std::string& what) {
    if (n > left()) {
      Fail(offset_, "ends within " + what + " (" + std::to_string(left()) + " bytes left)",
           std::to_string(n) + " bytes");
    }
    const std::string_view out = bytes_.substr(offset_, static_cast<size_t>(n));
    offset_ += static_cast<size_t>(n);
    return out;
  }

  [[noreturn]] void Fail(size_t offset, const std::string& found,
                         const std::string& expected) const {
    throw InputError({file_, "byte " + std::to_string(offset)}, found, expected);
  }

 private:
  std::string_view bytes_;
  const std::string& file_;
  size_t offset_ = 0;
};

}  // namespace deepthin::runtime
