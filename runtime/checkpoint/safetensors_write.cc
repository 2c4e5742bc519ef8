#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <filesystem>

#include "runtime/checkpoint/model_tensors.h"
#include "runtime/checkpoint/rope_rows.h"
#include "runtime/checkpoint/safetensors.h"
#include "runtime/checkpoint/safetensors_file.h"
#include "spec/files.h"

namespace deepthin::runtime {
namespace {

struct Entry {
  std::string name;
  std::string_view dtype;
  int64_t element_bytes;
  std::vector<int64_t> shape;
  std::string_view bytes;
};

// Collects the tensors; keeps the copies whose rows are in another order.
class Writer {
 public:
  explicit Writer(std::string path) : path_(std::move(path)) {}

  void Norm(std::string name, std::span<const float> floats) {
    entries_.push_back(
        {std::move(name), "F32", 4, {static_cast<int64_t>(floats.size())}, BytesOf(floats)});
  }

  void Matrix(std::string name, const WeightMatrix& w) {
    const auto [dtype, element_bytes] = DtypeName(name, w.dtype);
    if (w.dtype == Dtype::kInt8) {
      Norm(name + "_scale", {w.row_scales, static_cast<size_t>(w.rows)});
    }
    entries_.push_back({std::move(name), dtype, element_bytes, {w.rows, w.cols}, BytesOf(w)});
  }

  void RotatedMatrix(std::string name, WeightMatrix w, int64_t head_dim) {
    auto& data = bytes_.emplace_back(static_cast<size_t>(w.rows * w.row_bytes()));
    auto& scales = scales_.emplace_back(w.dtype == Dtype::kInt8 ? static_cast<size_t>(w.rows) : 0);
    CopyRows(w, HalvesFromPairs(w.rows, head_dim), data.data(),
             scales.empty() ? nullptr : scales.data());
    w.data = data.data();
    if (!scales.empty()) w.row_scales = scales.data();
    Matrix(std::move(name), w);
  }

  void Write() {
    // The widest elements first, so that all are aligned.
    std::stable_sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) {
      return a.element_bytes > b.element_bytes;
    });
    std::string header = R"({"__metadata__":{"format":"pt"})";
    std::vector<std::string_view> pieces = {{}};
    size_t offset = 0;
    for (const Entry& entry : entries_) {
      header += fmt::format(R"(,"{}":{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})",
                            entry.name, entry.dtype, fmt::join(entry.shape, ","), offset,
                            offset + entry.bytes.size());
      offset += entry.bytes.size();
      pieces.push_back(entry.bytes);
    }
    header += '}';
    header.resize((header.size() + 7) / 8 * 8, ' ');
    const uint64_t length = header.size();
    char raw[kSafetensorsLengthBytes];
    std::memcpy(raw, &length, sizeof(raw));
    header.insert(0, raw, sizeof(raw));
    pieces[0] = header;
    WriteFileAtomically(path_, pieces);
  }

 private:
  [[nodiscard]] std::pair<std::string_view, int64_t> DtypeName(const std::string& name,
                                                               Dtype dtype) const {
    switch (dtype) {
      case Dtype::kF32:
        return {"F32", 4};
      case Dtype::kF16:
        return {"F16", 2};
      case Dtype::kBf16:
        return {"BF16", 2};
      case Dtype::kInt8:
        return {"I8", 1};
      case Dtype::kQ8_0:
      case Dtype::kQ4_0:
        break;
    }
    throw InputError({path_, "tensor " + name},
                     "cannot be written: safetensors has no type for " + std::string(ToText(dtype)),
                     "--dtype f32, f16, bf16 or int8, or --gguf");
  }

  std::string path_;
  std::vector<Entry> entries_;
  std::deque<std::vector<std::byte>> bytes_;
  std::deque<std::vector<float>> scales_;
};

}  // namespace

void WriteSafetensors(const Weights& weights, const std::string& folder) {
  const ModelSpec& spec = weights.spec;
  const Json config = HfConfig(spec, weights.blocks[0].wq.dtype);
  const std::filesystem::path path(folder);
  Writer writer((path / "model.safetensors").string());
  writer.Matrix(std::string(kEmbeddingTensor.hf), weights.embedding);
  for (size_t b = 0; b < weights.blocks.size(); ++b) {
    for (const BlockTensor& tensor : kBlockTensors) {
      std::string name = fmt::format("model.layers.{}.{}", b, tensor.hf);
      if (tensor.norm != nullptr) {
        writer.Norm(std::move(name), weights.blocks[b].*tensor.norm);
      } else if (IsRotated(tensor.matrix)) {
        writer.RotatedMatrix(std::move(name), weights.blocks[b].*tensor.matrix, spec.head_dim);
      } else {
        writer.Matrix(std::move(name), weights.blocks[b].*tensor.matrix);
      }
    }
  }
  writer.Norm(std::string(kFinalNormTensor.hf), weights.final_norm);
  if (!spec.tie_embeddings) writer.Matrix(std::string(kHeadTensor.hf), weights.head);

  std::error_code error;
  const bool is_new = std::filesystem::create_directories(path, error);
  if (error) throw EnvironmentError(folder + ": cannot be made (" + error.message() + ")");
  try {
    writer.Write();
    WriteFileAtomically((path / "config.json").string(), config.dump(2) + "\n");
  } catch (const EnvironmentError&) {
    // Weights without their config.json are no model.
    if (is_new) std::filesystem::remove_all(path, error);
    throw;
  }
}

}  // namespace deepthin::runtime
