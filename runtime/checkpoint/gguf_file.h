// GgufFile: the container of GGUF v3 (github.com/ggml-org/ggml, docs/gguf.md): metadata by key and
// tensors by name, as views of the mapped file. Knows nothing of models.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/checkpoint/file_content.h"
#include "spec/dtype.h"
#include "spec/errors.h"

namespace deepthin::runtime {

inline constexpr std::string_view kGgufMagic = "GGUF";
inline constexpr uint32_t kGgufVersion = 3;
inline constexpr uint64_t kGgufDefaultAlignment = 32;

// Numbered as in the file.
enum class GgufType : uint32_t {
  kU8,
  kI8,
  kU16,
  kI16,
  kU32,
  kI32,
  kF32,
  kBool,
  kString,
  kArray,
  kU64,
  kI64,
  kF64,
};

// The number of a format among ggml's types; absent for int8, which has none.
[[nodiscard]] std::optional<uint32_t> GgmlType(Dtype dtype);

struct GgufValue {
  GgufType type = GgufType::kU8;
  GgufType element = GgufType::kU8;  // of an array
  uint64_t count = 0;                // of an array
  std::string_view bytes;            // the number, the text, or the elements one after the other
};

struct GgufTensor {
  Dtype dtype = Dtype::kF32;
  int64_t cols = 0;  // the innermost dimension
  int64_t rows = 0;  // product of the others
  int64_t dimensions = 0;
  uint64_t offset = 0;  // in the file, from its beginning
  const std::byte* data = nullptr;
};

class GgufFile {
 public:
  // Throws InputError unless the container is sound: every count, offset and size within the file,
  // tensors aligned, none twice or over another. `path` names it in messages.
  static GgufFile Parse(const FileContent& file, const std::string& path);

  // Absent where the key is; InputError where its value is of another type.
  [[nodiscard]] std::optional<int64_t> Int(std::string_view key) const;
  // An f32 is taken as the shortest decimal number that it is the nearest to, so that 1e-5 comes
  // back as it was meant.
  [[nodiscard]] std::optional<double> Number(std::string_view key) const;
  [[nodiscard]] std::optional<bool> Bool(std::string_view key) const;
  [[nodiscard]] std::optional<std::string> Text(std::string_view key) const;
  [[nodiscard]] std::optional<std::vector<std::string_view>> Texts(std::string_view key) const;
  // Arrays of f32, of 32-bit and of 8-bit integers.
  [[nodiscard]] std::optional<std::vector<float>> Floats(std::string_view key) const;
  [[nodiscard]] std::optional<std::vector<int32_t>> Ints(std::string_view key) const;
  [[nodiscard]] std::optional<std::string> Blob(std::string_view key) const;

  [[nodiscard]] const GgufValue* Find(std::string_view key) const;
  [[nodiscard]] const std::map<std::string_view, GgufTensor>& tensors() const { return tensors_; }
  [[nodiscard]] const std::shared_ptr<const void>& owner() const { return owner_; }
  [[nodiscard]] const std::string& path() const { return path_; }

  [[nodiscard]] InputError::Where KeyPlace(std::string_view key) const;
  [[nodiscard]] InputError::Where TensorPlace(std::string_view name) const;

 private:
  class Parser;
  [[nodiscard]] const GgufValue* FindArray(std::string_view key,
                                           std::initializer_list<GgufType> elements,
                                           const char* expected) const;

  std::string path_;
  std::map<std::string_view, GgufValue> metadata_;
  std::map<std::string_view, GgufTensor> tensors_;
  std::shared_ptr<const void> owner_;
};

}  // namespace deepthin::runtime
