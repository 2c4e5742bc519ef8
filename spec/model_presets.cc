#include "spec/model_presets.h"

#include <vector>

namespace deepthin {
namespace {

ModelSpec MobileLlm(int64_t n_blocks, int64_t d_model, int64_t n_heads, int64_t n_kv_heads) {
  return {.d_model = d_model,
          .n_blocks = n_blocks,
          .n_heads = n_heads,
          .n_kv_heads = n_kv_heads,
          .head_dim = 64,
          .d_ff = PaperFfnDim(d_model)};
}

// LS: every block executed twice in a row.
ModelSpec LayerShared(ModelSpec spec) {
  spec.repeat = {.kind = RepeatKind::kImmediate, .times = 2, .order = {}};
  return spec;
}

}  // namespace

std::span<const ModelPreset> ModelPresets() {
  static const std::vector<ModelPreset> presets = {
      {"mobilellm-125m", "30 x 576, 9 heads, 3 KV heads", MobileLlm(30, 576, 9, 3)},
      {"mobilellm-350m", "32 x 960, 15 heads, 5 KV heads", MobileLlm(32, 960, 15, 5)},
      {"mobilellm-600m", "40 x 1152, 18 heads, 6 KV heads", MobileLlm(40, 1152, 18, 6)},
      {"mobilellm-1b", "54 x 1280, 20 heads, 5 KV heads", MobileLlm(54, 1280, 20, 5)},
      {"mobilellm-1.5b", "54 x 1600, 25 heads, 5 KV heads", MobileLlm(54, 1600, 25, 5)},
      {"mobilellm-ls-125m", "125m with each block executed twice in a row",
       LayerShared(MobileLlm(30, 576, 9, 3))},
      {"mobilellm-ls-350m", "350m with each block executed twice in a row",
       LayerShared(MobileLlm(32, 960, 15, 5))},
  };
  return presets;
}

std::optional<ModelSpec> ModelPresetByName(std::string_view name) {
  for (const ModelPreset& preset : ModelPresets()) {
    if (preset.name == name) return preset.spec;
  }
  return std::nullopt;
}

}  // namespace deepthin
