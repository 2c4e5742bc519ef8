#include "explorer/model_target.h"

#include <filesystem>

#include "runtime/checkpoint/gguf.h"
#include "runtime/checkpoint/llama2c.h"
#include "runtime/checkpoint/safetensors.h"
#include "spec/errors.h"

namespace deepthin::explorer {

namespace fs = std::filesystem;

ModelFormat FormatOfTarget(const std::string& path) {
  std::error_code ignored;
  const std::string suffix = fs::path(path).extension().string();
  if (suffix == ".gguf") return ModelFormat::kGguf;
  if (suffix == ".bin") return ModelFormat::kLlama2c;
  if (suffix.empty() || fs::is_directory(path, ignored)) return ModelFormat::kSafetensors;
  throw InputError({path, ""}, "ends in no format that is written",
                   ".gguf, .bin (llama2.c), or a folder for config.json and model.safetensors");
}

Bytes WriteModel(const runtime::Weights& weights,
                 const std::optional<runtime::Vocabulary>& vocabulary, ModelFormat format,
                 const std::string& path) {
  fs::path written = path;
  switch (format) {
    case ModelFormat::kGguf:
      runtime::WriteGguf(weights, vocabulary, path);
      break;
    case ModelFormat::kSafetensors:
      runtime::WriteSafetensors(weights, path);
      written /= "model.safetensors";
      break;
    case ModelFormat::kLlama2c:
      runtime::WriteLlama2c(weights, path);
      break;
  }
  std::error_code is_device;  // which has no size
  const auto bytes = fs::file_size(written, is_device);
  return Bytes(is_device ? 0 : static_cast<int64_t>(bytes));
}

}  // namespace deepthin::explorer
