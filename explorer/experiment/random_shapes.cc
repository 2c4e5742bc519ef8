#include "explorer/experiment/random_shapes.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "spec/errors.h"
#include "spec/random.h"

namespace deepthin::explorer {
namespace {

constexpr double kFewestBlocks = 2;
constexpr double kMostBlocks = 40;
constexpr int64_t kWidthStep = 8;
constexpr int64_t kMostDraws = 100'000;

// What is drawn before the width is known.
struct Draft {
  int64_t n_blocks = 0;
  RepeatSchedule repeat{};
  bool tie_embeddings = true;
  int64_t group = 1;  // query heads of a KV head
  int64_t head_dim = 8;
  double ffn_ratio = 0;  // d_ff / d_model
};

RepeatSchedule DrawRepeat(SplitMix64& random) {
  constexpr std::array kKinds = {RepeatKind::kImmediate, RepeatKind::kRepeatAll,
                                 RepeatKind::kReverse};
  if (random.NextBelow(3) < 2) return {};
  return {.kind = kKinds[static_cast<size_t>(random.NextBelow(3))], .times = 2, .order = {}};
}

Draft DrawDraft(SplitMix64& random) {
  Draft draft;
  const double blocks = kFewestBlocks * std::pow(kMostBlocks / kFewestBlocks, random.NextUnit());
  draft.n_blocks = std::llround(blocks);
  draft.repeat = DrawRepeat(random);
  draft.tie_embeddings = random.NextBelow(2) == 0;
  draft.group = 1 + random.NextBelow(4);
  draft.head_dim = random.NextBelow(2) == 0 ? 8 : 16;
  draft.ffn_ratio = 1.5 + 3 * random.NextUnit();
  return draft;
}

// The model of that draft and width; absent where its heads cannot fill the width.
std::optional<ModelSpec> ModelOf(const Draft& draft, int64_t d_model, int64_t vocab_size) {
  ModelSpec spec;
  spec.vocab_size = vocab_size;
  spec.d_model = d_model;
  spec.n_blocks = draft.n_blocks;
  spec.head_dim = draft.head_dim;
  spec.n_kv_heads = std::llround(static_cast<double>(d_model) /
                                 static_cast<double>(draft.head_dim * draft.group));
  spec.n_heads = spec.n_kv_heads * draft.group;
  spec.d_ff = std::llround(draft.ffn_ratio * static_cast<double>(d_model));
  spec.tie_embeddings = draft.tie_embeddings;
  spec.repeat = draft.repeat;
  if (spec.n_kv_heads < 1) return std::nullopt;
  return spec;
}

bool IsNear(const ModelSpec& spec, const RandomShapes& space) {
  const double ratio =
      static_cast<double>(CountParams(spec).matrices()) / static_cast<double>(space.params);
  return std::abs(ratio - 1) <= space.tolerance;
}

// The width whose model comes nearest to the budget, if that is near enough.
std::optional<ModelSpec> Fitted(const Draft& draft, const RandomShapes& space, int64_t vocab_size) {
  std::optional<ModelSpec> best;
  const auto distance = [&](const ModelSpec& spec) {
    return std::abs(CountParams(spec).matrices() - space.params);
  };
  for (int64_t width = kWidthStep; width <= 1024; width += kWidthStep) {
    const auto spec = ModelOf(draft, width, vocab_size);
    if (spec && (!best || distance(*spec) < distance(*best))) best = spec;
  }
  if (!best || !IsNear(*best, space)) return std::nullopt;
  return best;
}

}  // namespace

std::vector<ModelSpec> DrawShapes(const RandomShapes& space, int64_t vocab_size) {
  SplitMix64 random(static_cast<uint64_t>(space.seed));
  std::vector<ModelSpec> shapes;
  const auto wanted = static_cast<size_t>(space.skip + space.count);
  for (int64_t draw = 0; shapes.size() < wanted && draw < kMostDraws; ++draw) {
    const auto spec = Fitted(DrawDraft(random), space, vocab_size);
    if (!spec || std::find(shapes.begin(), shapes.end(), *spec) != shapes.end()) continue;
    shapes.push_back(*spec);
  }
  if (shapes.size() < wanted) {
    throw InputError({"", "/params"}, "are " + std::to_string(space.params) + ", which few have",
                     "a budget that enough random shapes have");
  }
  shapes.erase(shapes.begin(), shapes.begin() + space.skip);
  return shapes;
}

}  // namespace deepthin::explorer
