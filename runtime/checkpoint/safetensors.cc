#include "runtime/checkpoint/safetensors.h"

#include <fmt/format.h>

#include <cstring>
#include <filesystem>
#include <set>

#include "runtime/checkpoint/model_tensors.h"
#include "runtime/checkpoint/rope_rows.h"
#include "runtime/checkpoint/safetensors_file.h"
#include "runtime/checkpoint/weight_checks.h"
#include "runtime/memory.h"

namespace deepthin::runtime {
namespace {

constexpr std::string_view kScale = "_scale";

std::optional<Dtype> DtypeOf(const std::string& name) {
  if (name == "F32") return Dtype::kF32;
  if (name == "F16") return Dtype::kF16;
  if (name == "BF16") return Dtype::kBf16;
  if (name == "I8") return Dtype::kInt8;
  return std::nullopt;
}

std::string ShapeText(const std::vector<int64_t>& shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

// What the views of the weights look into.
struct Storage {
  std::shared_ptr<const void> mapping;
  std::vector<std::shared_ptr<float>> copies;
};

bool IsAligned(const void* data, size_t bytes) {
  return reinterpret_cast<uintptr_t>(data) % bytes == 0;
}

class Taker {
 public:
  Taker(const SafetensorsFile& file, Storage& storage) : file_(file), storage_(storage) {}

  WeightMatrix Matrix(const std::string& name, MatrixShape shape) {
    const SafetensorsTensor& tensor = Take(name, {shape.rows, shape.cols});
    const auto dtype = DtypeOf(tensor.dtype);
    if (!dtype) {
      throw InputError(file_.Place(name), "is of dtype " + tensor.dtype, "F32, F16, BF16 or I8");
    }
    WeightMatrix w = {*dtype, shape.rows, shape.cols, tensor.data, nullptr};
    const size_t element = *dtype == Dtype::kF32 ? 4 : *dtype == Dtype::kInt8 ? 1 : 2;
    if (!IsAligned(w.data, element)) w.data = Copy(w.data, w.rows * w.row_bytes());
    if (*dtype == Dtype::kInt8) w.row_scales = Scales(name + std::string(kScale), shape.rows);
    RequireFinite(w, file_.Place(name));
    return w;
  }

  // Of queries or keys, in our order of rows.
  WeightMatrix RotatedMatrix(const std::string& name, MatrixShape shape, int64_t head_dim) {
    WeightMatrix w = Matrix(name, shape);
    const std::vector<int64_t> order = PairsFromHalves(w.rows, head_dim);
    auto* data = reinterpret_cast<std::byte*>(Allocate(w.rows * w.row_bytes()));
    float* scales = w.dtype == Dtype::kInt8 ? Allocate(w.rows * 4) : nullptr;
    CopyRows(w, order, data, scales);
    w.data = data;
    w.row_scales = scales;
    return w;
  }

  std::span<const float> Norm(const std::string& name, int64_t n) {
    const SafetensorsTensor& tensor = Take(name, {n});
    const auto dtype = DtypeOf(tensor.dtype);
    if (!dtype || *dtype == Dtype::kInt8) {
      throw InputError(file_.Place(name), "is of dtype " + tensor.dtype, "F32, F16 or BF16");
    }
    const float* floats = reinterpret_cast<const float*>(tensor.data);
    if (*dtype != Dtype::kF32 || !IsAligned(floats, 4)) {
      float* copy = Allocate(n * 4);
      Dequantize({*dtype, 1, n, tensor.data, nullptr}, 0, 1, copy);
      floats = copy;
    }
    const std::span<const float> norm(floats, static_cast<size_t>(n));
    RequireFinite(norm, file_.Place(name));
    return norm;
  }

  // For a tied model, whose file may hold the table twice.
  void TakeCopyOf(const WeightMatrix& table, const std::string& name) {
    if (!file_.tensors().contains(name)) return;
    const WeightMatrix copy = Matrix(name, {table.rows, table.cols});
    if (copy.dtype == table.dtype && BytesOf(copy) == BytesOf(table)) return;
    throw InputError(file_.Place(name), "differs from the token table",
                     "the same numbers in a model that shares them, or --share-embedding no");
  }

  void RequireAllTaken() const {
    for (const auto& [name, tensor] : file_.tensors()) {
      // Frequencies that the config says as well; old files have them.
      if (taken_.contains(name) || name.ends_with("rotary_emb.inv_freq")) continue;
      throw InputError(file_.Place(name), "is no part of the model that config.json describes",
                       "a Llama or MobileLLM model without biases");
    }
  }

 private:
  const SafetensorsTensor& Take(const std::string& name, const std::vector<int64_t>& shape) {
    const auto found = file_.tensors().find(name);
    if (found == file_.tensors().end()) {
      throw InputError(file_.Place(name), "is absent",
                       name == kHeadTensor.hf ? "it, or a config (or --share-embedding yes) that "
                                                "says that the head is the token table"
                                              : "it, by config.json");
    }
    if (found->second.shape != shape) {
      throw InputError(file_.Place(name), "has the shape " + ShapeText(found->second.shape),
                       ShapeText(shape) + " by config.json");
    }
    taken_.insert(name);
    return found->second;
  }

  // [rows], or [rows, 1] as some write it.
  const float* Scales(const std::string& name, int64_t rows) {
    const auto found = file_.tensors().find(name);
    const bool is_column =
        found != file_.tensors().end() && found->second.shape == std::vector<int64_t>{rows, 1};
    const SafetensorsTensor& tensor =
        Take(name, is_column ? std::vector<int64_t>{rows, 1} : std::vector<int64_t>{rows});
    if (tensor.dtype != "F32") {
      throw InputError(file_.Place(name), "is of dtype " + tensor.dtype, "F32");
    }
    const std::byte* data = tensor.data;
    return reinterpret_cast<const float*>(IsAligned(data, 4) ? data : Copy(data, rows * 4));
  }

  float* Allocate(int64_t bytes) {
    storage_.copies.push_back(AllocateFloats((bytes + 3) / 4, "the model's weights"));
    return storage_.copies.back().get();
  }
  const std::byte* Copy(const std::byte* data, int64_t bytes) {
    float* copy = Allocate(bytes);
    std::memcpy(copy, data, static_cast<size_t>(bytes));
    return reinterpret_cast<const std::byte*>(copy);
  }

  const SafetensorsFile& file_;
  Storage& storage_;
  std::set<std::string> taken_;
};

}  // namespace

Weights WeightsFromSafetensors(const FileContent& file, const std::string& path,
                               const ModelSpec& spec) {
  const SafetensorsFile tensors = SafetensorsFile::Parse(file, path);
  const auto storage = std::make_shared<Storage>();
  storage->mapping = file.owner;
  Taker taker(tensors, *storage);
  Weights weights;
  weights.spec = spec;
  const MatrixShape table = {spec.vocab_size, spec.d_model};
  weights.embedding = taker.Matrix(std::string(kEmbeddingTensor.hf), table);
  for (int64_t b = 0; b < spec.n_blocks; ++b) {
    BlockWeights block;
    for (const BlockTensor& tensor : kBlockTensors) {
      const std::string name = fmt::format("model.layers.{}.{}", b, tensor.hf);
      if (tensor.norm != nullptr) {
        block.*tensor.norm = taker.Norm(name, spec.d_model);
        continue;
      }
      const MatrixShape shape = ShapeOf(tensor.matrix, spec);
      block.*tensor.matrix = IsRotated(tensor.matrix)
                                 ? taker.RotatedMatrix(name, shape, spec.head_dim)
                                 : taker.Matrix(name, shape);
    }
    weights.blocks.push_back(block);
  }
  weights.final_norm = taker.Norm(std::string(kFinalNormTensor.hf), spec.d_model);
  if (spec.tie_embeddings) {
    weights.head = weights.embedding;
    taker.TakeCopyOf(weights.embedding, std::string(kHeadTensor.hf));
  } else {
    weights.head = taker.Matrix(std::string(kHeadTensor.hf), table);
  }
  taker.RequireAllTaken();
  weights.storage = storage;
  return weights;
}

Weights LoadSafetensors(const std::string& path, const HfSharing& sharing, FileAccess access) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  const bool is_folder = fs::is_directory(path, ignored);
  const fs::path folder = is_folder ? fs::path(path) : fs::path(path).parent_path();
  const std::string config = (folder / "config.json").string();
  if (!fs::exists(config, ignored)) {
    throw InputError({path, ""},
                     is_folder ? "is a folder without config.json" : "has no config.json beside it",
                     "a model as Hugging Face keeps it: config.json and model.safetensors");
  }
  const std::string tensors = is_folder ? (folder / "model.safetensors").string() : path;
  if (is_folder && fs::exists(folder / "model.safetensors.index.json", ignored)) {
    throw InputError({path, ""}, "holds a model in several files (model.safetensors.index.json)",
                     "one model.safetensors");
  }
  if (is_folder && !fs::exists(tensors, ignored)) {
    throw InputError({path, ""}, "is a folder without model.safetensors", "it beside config.json");
  }
  const ModelSpec spec = SpecFromHfConfig(ReadJsonFile(config), config, sharing);
  return WeightsFromSafetensors(OpenFile(tensors, access), tensors, spec);
}

}  // namespace deepthin::runtime
