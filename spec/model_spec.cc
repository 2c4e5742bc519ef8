#include "spec/model_spec.h"

#include <charconv>
#include <cmath>
#include <optional>

#include "spec/errors.h"

namespace deepthin {
namespace {

// Bounds: far above any model of this size, and low enough that no product of them overflows 64
// bits.
constexpr int64_t kMaxVocab = 1 << 22;
constexpr int64_t kMaxWidth = 1 << 20;
constexpr int64_t kMaxBlocks = 1 << 14;
constexpr int64_t kMaxSeqLen = 1 << 24;
constexpr double kMinNormEps = 1e-30;  // still a normal number in f32

std::optional<int64_t> ParseInt(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

void RequireRange(int64_t value, int64_t low, int64_t high, std::string_view field,
                  const InputError::Where& root) {
  if (value >= low && value <= high) return;
  throw InputError({root.file, root.place + "/" + std::string(field)},
                   "is " + std::to_string(value),
                   "a whole number from " + std::to_string(low) + " to " + std::to_string(high));
}

// As short as reads back to the same number: 1e-05, not 0.000010.
std::string NumberText(double value) {
  char text[32];
  const auto [end, error] = std::to_chars(text, text + sizeof(text), value);
  return {text, end};
}

void ValidateRepeat(const ModelSpec& spec, const InputError::Where& root) {
  const RepeatSchedule& r = spec.repeat;
  const InputError::Where where{root.file, root.place + "/repeat"};
  if (r.kind == RepeatKind::kExplicit) {
    if (r.times != 1) {
      throw InputError(where, "is explicit with times " + std::to_string(r.times), "times 1");
    }
    if (r.order.empty()) throw InputError(where, "has an empty order", "at least one block");
    RequireRange(static_cast<int64_t>(r.order.size()), 1, kMaxBlocks, "repeat", root);
    for (const int64_t block : r.order) {
      if (block < 0 || block >= spec.n_blocks) {
        throw InputError(where, "names block " + std::to_string(block),
                         "indices from 0 to " + std::to_string(spec.n_blocks - 1));
      }
    }
    return;
  }
  if (!r.order.empty()) throw InputError(where, "has an order", "one only with explicit");
  if (r.kind == RepeatKind::kNone && r.times != 1) {
    throw InputError(where, "is none with times " + std::to_string(r.times), "times 1");
  }
  RequireRange(r.times, 1, kMaxBlocks / spec.n_blocks, "repeat", root);
}

}  // namespace

std::string ToText(const RepeatSchedule& schedule) {
  std::string text(ToText(schedule.kind));
  if (schedule.kind == RepeatKind::kNone) return text;
  text += ':';
  if (schedule.kind != RepeatKind::kExplicit) return text + std::to_string(schedule.times);
  for (size_t i = 0; i < schedule.order.size(); ++i) {
    if (i > 0) text += '-';
    text += std::to_string(schedule.order[i]);
  }
  return text;
}

RepeatSchedule RepeatScheduleFromText(std::string_view text) {
  const auto fail = [&]() -> InputError {
    return {{},
            "'" + std::string(text) + "' is no repeat schedule",
            "none, immediate:2, repeat_all:2, reverse:2 or explicit:0-0-1-1"};
  };
  const size_t colon = text.find(':');
  const auto kind = FromText<RepeatKind>(text.substr(0, colon));
  if (!kind) throw fail();
  RepeatSchedule schedule{.kind = *kind, .times = 1, .order = {}};
  if (*kind == RepeatKind::kNone) {
    if (colon != std::string_view::npos) throw fail();
    return schedule;
  }
  if (colon == std::string_view::npos) throw fail();
  std::string_view rest = text.substr(colon + 1);
  if (*kind != RepeatKind::kExplicit) {
    const auto times = ParseInt(rest);
    if (!times || *times < 1) throw fail();
    schedule.times = *times;
    return schedule;
  }
  while (true) {
    const size_t dash = rest.find('-');
    const auto block = ParseInt(rest.substr(0, dash));
    if (!block) throw fail();
    schedule.order.push_back(*block);
    if (dash == std::string_view::npos) return schedule;
    rest.remove_prefix(dash + 1);
  }
}

void Validate(const ModelSpec& spec, const InputError::Where& root) {
  RequireRange(spec.vocab_size, 1, kMaxVocab, "vocab_size", root);
  RequireRange(spec.d_model, 1, kMaxWidth, "d_model", root);
  RequireRange(spec.n_blocks, 1, kMaxBlocks, "n_blocks", root);
  RequireRange(spec.n_heads, 1, kMaxWidth, "n_heads", root);
  RequireRange(spec.n_kv_heads, 1, spec.n_heads, "n_kv_heads", root);
  RequireRange(spec.head_dim, 2, kMaxWidth, "head_dim", root);
  RequireRange(spec.n_heads * spec.head_dim, 2, kMaxWidth, "n_heads x head_dim", root);
  RequireRange(spec.d_ff, 1, kMaxWidth, "d_ff", root);
  RequireRange(spec.max_seq_len, 1, kMaxSeqLen, "max_seq_len", root);
  if (spec.n_heads % spec.n_kv_heads != 0) {
    throw InputError({root.file, root.place + "/n_kv_heads"},
                     "is " + std::to_string(spec.n_kv_heads),
                     "a divisor of n_heads, which is " + std::to_string(spec.n_heads));
  }
  if (spec.head_dim % 2 != 0) {
    throw InputError({root.file, root.place + "/head_dim"}, "is " + std::to_string(spec.head_dim),
                     "an even number, since RoPE rotates pairs");
  }
  if (!std::isfinite(spec.rope_theta) || spec.rope_theta <= 0) {
    throw InputError({root.file, root.place + "/rope_theta"}, "is " + NumberText(spec.rope_theta),
                     "a positive number");
  }
  // Without it a token whose embedding is all zero is divided by zero, and all that follows is NaN.
  if (!(spec.norm_eps >= kMinNormEps && spec.norm_eps <= 1)) {
    throw InputError({root.file, root.place + "/norm_eps"}, "is " + NumberText(spec.norm_eps),
                     "a number from " + NumberText(kMinNormEps) + " to 1");
  }
  ValidateRepeat(spec, root);
}

std::vector<int64_t> ExecutionOrder(const ModelSpec& spec) {
  if (spec.repeat.kind == RepeatKind::kExplicit) return spec.repeat.order;
  std::vector<int64_t> order;
  const int64_t n = spec.n_blocks;
  order.reserve(static_cast<size_t>(n * spec.repeat.times));
  for (int64_t i = 0; i < n * spec.repeat.times; ++i) {
    const int64_t pass = i / n;
    switch (spec.repeat.kind) {
      case RepeatKind::kImmediate:
        order.push_back(i / spec.repeat.times);
        break;
      case RepeatKind::kReverse:
        order.push_back(pass % 2 == 0 ? i % n : n - 1 - i % n);
        break;
      default:
        order.push_back(i % n);
    }
  }
  return order;
}

int64_t ExecutedBlocks(const ModelSpec& spec) {
  return spec.repeat.kind == RepeatKind::kExplicit ? static_cast<int64_t>(spec.repeat.order.size())
                                                   : spec.n_blocks * spec.repeat.times;
}

std::vector<int64_t> KvEntries(const ModelSpec& spec) {
  std::vector<int64_t> entries = ExecutionOrder(spec);
  if (spec.kv_policy == KvPolicy::kPerOccurrence) {
    for (size_t i = 0; i < entries.size(); ++i) entries[i] = static_cast<int64_t>(i);
  }
  return entries;
}

int64_t KvEntryCount(const ModelSpec& spec) {
  return spec.kv_policy == KvPolicy::kPerOccurrence ? ExecutedBlocks(spec) : spec.n_blocks;
}

int64_t QueryDim(const ModelSpec& spec) { return spec.n_heads * spec.head_dim; }
int64_t KvDim(const ModelSpec& spec) { return spec.n_kv_heads * spec.head_dim; }
int64_t FfnMatrices(Ffn ffn) { return ffn == Ffn::kSwiglu ? 3 : 2; }

ParamCounts CountParams(const ModelSpec& spec) {
  const int64_t d = spec.d_model;
  const int64_t attention = d * QueryDim(spec) + 2 * d * KvDim(spec) + QueryDim(spec) * d;
  const int64_t ffn = FfnMatrices(spec.ffn) * d * spec.d_ff;
  const int64_t table = spec.vocab_size * d;
  return {.embedding = table,
          .head = spec.tie_embeddings ? 0 : table,
          .blocks = spec.n_blocks * (attention + ffn),
          .norms = (2 * spec.n_blocks + 1) * d};
}

int64_t PaperFfnDim(int64_t d_model) {
  constexpr int64_t kMultiple = 256;
  return kMultiple * ((8 * d_model + 3 * kMultiple - 1) / (3 * kMultiple));
}

}  // namespace deepthin
