#include "runtime/checkpoint/gguf_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <initializer_list>
#include <limits>

#include "runtime/checkpoint/byte_reader.h"

namespace deepthin::runtime {
namespace {

constexpr int kMaxArrayDepth = 4;
constexpr uint32_t kMaxDimensions = 4;
constexpr uint64_t kMaxElements = uint64_t{1} << 48;  // far above any model; no product overflows
// The least that an entry takes: empty name, type, value; empty name, no dimensions, type, offset.
constexpr uint64_t kLeastMetadataBytes = 8 + 4 + 1;
constexpr uint64_t kLeastTensorBytes = 8 + 4 + 4 + 8;

struct FormatNumber {
  Dtype dtype;
  uint32_t ggml;
};
constexpr FormatNumber kFormats[] = {
    {Dtype::kF32, 0}, {Dtype::kF16, 1}, {Dtype::kBf16, 30}, {Dtype::kQ8_0, 8}, {Dtype::kQ4_0, 2}};

// 0 for those of no fixed size.
size_t ScalarBytes(GgufType type) {
  switch (type) {
    case GgufType::kU8:
    case GgufType::kI8:
    case GgufType::kBool:
      return 1;
    case GgufType::kU16:
    case GgufType::kI16:
      return 2;
    case GgufType::kU32:
    case GgufType::kI32:
    case GgufType::kF32:
      return 4;
    case GgufType::kU64:
    case GgufType::kI64:
    case GgufType::kF64:
      return 8;
    case GgufType::kString:
    case GgufType::kArray:
      return 0;
  }
  return 0;
}

template <class T>
T As(std::string_view bytes) {
  T value;
  std::memcpy(&value, bytes.data(), sizeof(T));
  return value;
}

double FromShortestDecimal(float value) {
  char text[32];
  const auto written = std::to_chars(text, text + sizeof(text), value);
  double out = value;
  std::from_chars(text, written.ptr, out);
  return out;
}

// A name for messages: what a file says may be long.
std::string Short(std::string_view name) {
  return name.size() <= 80 ? std::string(name) : std::string(name.substr(0, 77)) + "...";
}

}  // namespace

std::optional<uint32_t> GgmlType(Dtype dtype) {
  for (const FormatNumber& format : kFormats) {
    if (format.dtype == dtype) return format.ggml;
  }
  return std::nullopt;
}

class GgufFile::Parser {
 public:
  Parser(std::string_view bytes, const std::string& path) : in_(bytes, path), bytes_(bytes) {}

  void ParseInto(GgufFile& file) {
    const std::string_view magic = in_.ReadBytes(kGgufMagic.size(), "the magic number");
    if (magic != kGgufMagic) in_.Fail(0, "is no GGUF file", "the bytes GGUF");
    const auto version = in_.Read<uint32_t>("the version");
    if (version != kGgufVersion) {
      in_.Fail(4, fmt::format("is GGUF version {}", version), fmt::format("{}", kGgufVersion));
    }
    const uint64_t n_tensors = ReadCount("tensors");
    const uint64_t n_metadata = ReadCount("metadata entries");
    Bound(n_metadata, kLeastMetadataBytes, "metadata entries");
    for (uint64_t i = 0; i < n_metadata; ++i) ReadMetadata(file);
    Bound(n_tensors, kLeastTensorBytes, "tensors");
    for (uint64_t i = 0; i < n_tensors; ++i) ReadTensor(file);
    Place(file, Alignment(file));
  }

 private:
  uint64_t ReadCount(const std::string& of) { return in_.Read<uint64_t>("the number of " + of); }

  // Before anything is done `count` times: a count that the rest of the file cannot hold.
  void Bound(uint64_t count, uint64_t least_bytes, const std::string& of) const {
    if (count <= in_.left() / least_bytes) return;
    in_.Fail(in_.offset(), fmt::format("has {} bytes, too few for {} {}", in_.left(), count, of),
             "a file that is whole");
  }

  std::string_view ReadString(const std::string& what) {
    const auto length = in_.Read<uint64_t>("the length of " + what);
    return in_.ReadBytes(length, what);
  }

  GgufType ReadType(const std::string& what) {
    const size_t at = in_.offset();
    const auto type = in_.Read<uint32_t>("the type of " + what);
    if (type > static_cast<uint32_t>(GgufType::kF64)) {
      in_.Fail(at, fmt::format("{} has the type {}", what, type), "0 to 12");
    }
    return static_cast<GgufType>(type);
  }

  GgufValue ReadValue(GgufType type, int depth, const std::string& what) {
    GgufValue value;
    value.type = type;
    if (type == GgufType::kString) {
      value.bytes = ReadString(what);
    } else if (type != GgufType::kArray) {
      value.bytes = in_.ReadBytes(ScalarBytes(type), what);
    } else {
      if (depth == kMaxArrayDepth) {
        in_.Fail(in_.offset(), what + " is nested too deeply",
                 fmt::format("at most {} levels", kMaxArrayDepth));
      }
      value.element = ReadType(what);
      value.count = ReadCount("elements of " + what);
      const size_t element_bytes = ScalarBytes(value.element);
      Bound(value.count, element_bytes == 0 ? 8 : element_bytes, "elements of " + what);
      const size_t begin = in_.offset();
      if (element_bytes != 0) {
        in_.ReadBytes(value.count * element_bytes, what);
      } else {
        for (uint64_t i = 0; i < value.count; ++i) ReadValue(value.element, depth + 1, what);
      }
      value.bytes = bytes_.substr(begin, in_.offset() - begin);
    }
    return value;
  }

  void ReadMetadata(GgufFile& file) {
    const size_t at = in_.offset();
    const std::string_view key = ReadString("a metadata key");
    const std::string what = "the value of " + Short(key);
    const GgufType type = ReadType(what);
    if (!file.metadata_.emplace(key, ReadValue(type, 0, what)).second) {
      in_.Fail(at, "has the metadata key " + Short(key) + " twice", "it once");
    }
  }

  void ReadTensor(GgufFile& file) {
    const size_t at = in_.offset();
    const std::string_view name = ReadString("a tensor's name");
    const std::string what = "the tensor " + Short(name);
    GgufTensor tensor;
    const auto dimensions = in_.Read<uint32_t>("the dimensions of " + what);
    if (dimensions < 1 || dimensions > kMaxDimensions) {
      in_.Fail(at, fmt::format("{} has {} dimensions", what, dimensions), "1 to 4");
    }
    tensor.dimensions = dimensions;
    uint64_t elements = 1;
    for (uint32_t i = 0; i < dimensions; ++i) {
      const auto length = in_.Read<uint64_t>("the dimensions of " + what);
      if (length < 1 || length > kMaxElements / elements) {
        in_.Fail(at, fmt::format("{} has a dimension of {}", what, length),
                 "dimensions of at least 1 and 2^48 elements at the most");
      }
      elements *= length;
      if (i == 0) tensor.cols = static_cast<int64_t>(length);
    }
    tensor.rows = static_cast<int64_t>(elements) / tensor.cols;
    tensor.dtype = ReadFormat(what, tensor.cols);
    tensor.offset = in_.Read<uint64_t>("the offset of " + what);
    if (!file.tensors_.emplace(name, tensor).second)
      in_.Fail(at, "has " + what + " twice", "it once");
  }

  Dtype ReadFormat(const std::string& what, int64_t cols) {
    const size_t at = in_.offset();
    const auto type = in_.Read<uint32_t>("the type of " + what);
    for (const FormatNumber& format : kFormats) {
      if (format.ggml != type) continue;
      const bool is_grouped = format.dtype == Dtype::kQ8_0 || format.dtype == Dtype::kQ4_0;
      if (is_grouped && cols % 32 != 0) {
        in_.Fail(at, fmt::format("{} has {} columns of {}", what, cols, ToText(format.dtype)),
                 "a multiple of 32");
      }
      return format.dtype;
    }
    in_.Fail(at, fmt::format("{} is stored as ggml type {}", what, type),
             "F32 (0), F16 (1), Q4_0 (2), Q8_0 (8) or BF16 (30)");
  }

  uint64_t Alignment(const GgufFile& file) const {
    const auto alignment = file.Int("general.alignment");
    if (!alignment) return kGgufDefaultAlignment;
    if (*alignment < 8 || *alignment > (1 << 20) || *alignment % 8 != 0) {
      throw InputError(file.KeyPlace("general.alignment"), fmt::format("is {}", *alignment),
                       "a multiple of 8");
    }
    return static_cast<uint64_t>(*alignment);
  }

  // From offsets in the data to offsets in the file, each of them checked.
  void Place(GgufFile& file, uint64_t alignment) const {
    const uint64_t data = (in_.offset() + alignment - 1) / alignment * alignment;
    struct Extent {
      uint64_t begin, end;
      std::string_view name;
    };
    std::vector<Extent> extents;
    for (auto& [name, tensor] : file.tensors_) {
      const InputError::Where where = file.TensorPlace(name);
      if (tensor.offset % alignment != 0) {
        throw InputError(where, fmt::format("lies at offset {}", tensor.offset),
                         fmt::format("a multiple of the alignment {}", alignment));
      }
      const auto size =
          static_cast<uint64_t>(StorageBytes(tensor.dtype, tensor.rows, tensor.cols).value());
      if (data > bytes_.size() || tensor.offset > bytes_.size() - data ||
          size > bytes_.size() - data - tensor.offset) {
        throw InputError(where,
                         fmt::format("takes {} bytes from offset {} of the data, beyond the end of "
                                     "the file of {} bytes",
                                     size, tensor.offset, bytes_.size()),
                         "a file that is whole");
      }
      tensor.offset += data;
      tensor.data = reinterpret_cast<const std::byte*>(bytes_.data()) + tensor.offset;
      extents.push_back({tensor.offset, tensor.offset + size, name});
    }
    std::sort(extents.begin(), extents.end(),
              [](const Extent& a, const Extent& b) { return a.begin < b.begin; });
    for (size_t i = 1; i < extents.size(); ++i) {
      if (extents[i].begin >= extents[i - 1].end) continue;
      throw InputError(file.TensorPlace(extents[i].name),
                       fmt::format("lies over {}", Short(extents[i - 1].name)),
                       "each tensor in bytes of its own");
    }
  }

  ByteReader in_;
  std::string_view bytes_;
};

GgufFile GgufFile::Parse(const FileContent& file, const std::string& path) {
  GgufFile out;
  out.path_ = path;
  out.owner_ = file.owner;
  Parser(TextOf(file), path).ParseInto(out);
  return out;
}

InputError::Where GgufFile::KeyPlace(std::string_view key) const {
  return {path_, "metadata " + Short(key)};
}
InputError::Where GgufFile::TensorPlace(std::string_view name) const {
  return {path_, "tensor " + Short(name)};
}

const GgufValue* GgufFile::Find(std::string_view key) const {
  const auto found = metadata_.find(key);
  return found == metadata_.end() ? nullptr : &found->second;
}

std::optional<int64_t> GgufFile::Int(std::string_view key) const {
  const GgufValue* value = Find(key);
  if (value == nullptr) return std::nullopt;
  switch (value->type) {
    case GgufType::kU8:
      return As<uint8_t>(value->bytes);
    case GgufType::kI8:
      return As<int8_t>(value->bytes);
    case GgufType::kU16:
      return As<uint16_t>(value->bytes);
    case GgufType::kI16:
      return As<int16_t>(value->bytes);
    case GgufType::kU32:
      return As<uint32_t>(value->bytes);
    case GgufType::kI32:
      return As<int32_t>(value->bytes);
    case GgufType::kI64:
      return As<int64_t>(value->bytes);
    case GgufType::kU64: {
      const auto number = As<uint64_t>(value->bytes);
      if (number <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
        return static_cast<int64_t>(number);
      }
      throw InputError(KeyPlace(key), fmt::format("is {}", number), "a number below 2^63");
    }
    default:
      throw InputError(KeyPlace(key), "is no whole number", "one");
  }
}

std::optional<double> GgufFile::Number(std::string_view key) const {
  const GgufValue* value = Find(key);
  if (value == nullptr) return std::nullopt;
  if (value->type == GgufType::kF32) return FromShortestDecimal(As<float>(value->bytes));
  if (value->type == GgufType::kF64) return As<double>(value->bytes);
  throw InputError(KeyPlace(key), "is no floating-point number", "one");
}

std::optional<bool> GgufFile::Bool(std::string_view key) const {
  const GgufValue* value = Find(key);
  if (value == nullptr) return std::nullopt;
  if (value->type != GgufType::kBool) throw InputError(KeyPlace(key), "is no bool", "one");
  return value->bytes[0] != 0;
}

std::optional<std::string> GgufFile::Text(std::string_view key) const {
  const GgufValue* value = Find(key);
  if (value == nullptr) return std::nullopt;
  if (value->type != GgufType::kString) throw InputError(KeyPlace(key), "is no text", "one");
  return std::string(value->bytes);
}

const GgufValue* GgufFile::FindArray(std::string_view key, std::initializer_list<GgufType> elements,
                                     const char* expected) const {
  const GgufValue* value = Find(key);
  if (value == nullptr) return nullptr;
  if (value->type != GgufType::kArray ||
      std::find(elements.begin(), elements.end(), value->element) == elements.end()) {
    throw InputError(KeyPlace(key), "is of another type", expected);
  }
  return value;
}

std::optional<std::vector<std::string_view>> GgufFile::Texts(std::string_view key) const {
  const GgufValue* value = FindArray(key, {GgufType::kString}, "an array of texts");
  if (value == nullptr) return std::nullopt;
  std::vector<std::string_view> texts;
  texts.reserve(value->count);
  ByteReader in(value->bytes, path_);  // walked once before: does not fail
  for (uint64_t i = 0; i < value->count; ++i) {
    texts.push_back(in.ReadBytes(in.Read<uint64_t>("a text"), "a text"));
  }
  return texts;
}

std::optional<std::vector<float>> GgufFile::Floats(std::string_view key) const {
  const GgufValue* value = FindArray(key, {GgufType::kF32}, "an array of f32");
  if (value == nullptr) return std::nullopt;
  std::vector<float> out(value->count);
  std::copy_n(value->bytes.data(), value->bytes.size(), reinterpret_cast<char*>(out.data()));
  return out;
}

std::optional<std::vector<int32_t>> GgufFile::Ints(std::string_view key) const {
  const GgufValue* value =
      FindArray(key, {GgufType::kI32, GgufType::kU32}, "an array of 32-bit whole numbers");
  if (value == nullptr) return std::nullopt;
  std::vector<int32_t> out(value->count);
  std::copy_n(value->bytes.data(), value->bytes.size(), reinterpret_cast<char*>(out.data()));
  return out;
}

std::optional<std::string> GgufFile::Blob(std::string_view key) const {
  const GgufValue* value = FindArray(key, {GgufType::kU8, GgufType::kI8}, "an array of bytes");
  if (value == nullptr) return std::nullopt;
  return std::string(value->bytes);
}

}  // namespace deepthin::runtime
