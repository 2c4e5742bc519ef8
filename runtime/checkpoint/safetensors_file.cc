#include "runtime/checkpoint/safetensors_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "runtime/checkpoint/byte_reader.h"
#include "spec/json_io.h"

namespace deepthin::runtime {
namespace {

constexpr uint64_t kMaxHeaderBytes = 4 << 20;
// Some 4,000 tensors, each with its name and three keys. Bounds what the parser does, which is
// quadratic in the keys of an object.
constexpr int64_t kMaxColons = 1 << 14;
constexpr int64_t kMaxElements = int64_t{1} << 48;

int64_t ElementBytes(const std::string& dtype, const Where& where) {
  constexpr std::array kSizes = {
      std::pair{std::string_view("F64"), 8}, std::pair{std::string_view("I64"), 8},
      std::pair{std::string_view("U64"), 8}, std::pair{std::string_view("F32"), 4},
      std::pair{std::string_view("I32"), 4}, std::pair{std::string_view("U32"), 4},
      std::pair{std::string_view("F16"), 2}, std::pair{std::string_view("BF16"), 2},
      std::pair{std::string_view("I16"), 2}, std::pair{std::string_view("U16"), 2},
      std::pair{std::string_view("I8"), 1},  std::pair{std::string_view("U8"), 1},
      std::pair{std::string_view("BOOL"), 1}};
  for (const auto& [name, bytes] : kSizes) {
    if (name == dtype) return bytes;
  }
  throw InputError(where, "is of dtype '" + dtype + "'", "F32, F16, BF16 or I8");
}

const Json& Member(const Json& json, const char* key, const Where& where) {
  const auto found = json.find(key);
  if (found == json.end()) throw InputError(where, std::string("lacks ") + key, "it");
  return *found;
}

}  // namespace

InputError::Where SafetensorsFile::Place(const std::string& tensor) const {
  return {path_, "tensor " + (tensor.size() <= 80 ? tensor : tensor.substr(0, 77) + "...")};
}

SafetensorsFile SafetensorsFile::Parse(const FileContent& file, const std::string& path) {
  ByteReader in(TextOf(file), path);
  const auto header_bytes = in.Read<uint64_t>("the header's length");
  if (header_bytes > kMaxHeaderBytes) {
    in.Fail(0, fmt::format("the header's length is {}", header_bytes),
            fmt::format("at most {}", kMaxHeaderBytes));
  }
  const std::string_view text = in.ReadBytes(header_bytes, "the header");
  if (std::count(text.begin(), text.end(), ':') > kMaxColons) {
    throw InputError({path, "header"}, "has too many keys", fmt::format("at most {}", kMaxColons));
  }
  const Json header = ParseJson(text, path);
  if (!header.is_object()) throw InputError({path, "header"}, "is no JSON object", "one");
  const auto data_bytes = static_cast<int64_t>(in.left());
  const std::byte* data = file.bytes.data() + in.offset();

  SafetensorsFile out;
  out.path_ = path;
  struct Extent {
    int64_t begin, end;
    std::string name;
  };
  std::vector<Extent> extents;
  for (const auto& item : header.items()) {
    if (item.key() == "__metadata__") continue;
    const Where where = out.Place(item.key());
    if (!item.value().is_object()) throw InputError(where, "is no JSON object", "one");
    SafetensorsTensor tensor;
    tensor.dtype = FromJson<std::string>(Member(item.value(), "dtype", where), where);
    tensor.shape = FromJson<std::vector<int64_t>>(Member(item.value(), "shape", where), where);
    int64_t elements = 1;
    for (const int64_t length : tensor.shape) {
      if (length < 1 || length > kMaxElements / elements) {
        throw InputError(where, fmt::format("has a dimension of {}", length),
                         "dimensions of at least 1 and 2^48 elements at the most");
      }
      elements *= length;
    }
    const int64_t size = elements * ElementBytes(tensor.dtype, where);
    const auto place =
        FromJson<std::vector<int64_t>>(Member(item.value(), "data_offsets", where), where);
    if (place.size() != 2 || place[0] < 0 || place[1] < place[0] || place[1] > data_bytes ||
        place[1] - place[0] != size) {
      throw InputError(
          where, fmt::format("lies at {}", Member(item.value(), "data_offsets", where).dump()),
          fmt::format("{} bytes within the file's {} bytes of data", size, data_bytes));
    }
    tensor.data = data + place[0];
    extents.push_back({place[0], place[1], item.key()});
    out.tensors_.emplace(item.key(), std::move(tensor));
  }
  std::sort(extents.begin(), extents.end(),
            [](const Extent& a, const Extent& b) { return a.begin < b.begin; });
  for (size_t i = 1; i < extents.size(); ++i) {
    if (extents[i].begin >= extents[i - 1].end) continue;
    throw InputError(out.Place(extents[i].name), "lies over " + extents[i - 1].name.substr(0, 80),
                     "each tensor in bytes of its own");
  }
  return out;
}

}  // namespace deepthin::runtime
