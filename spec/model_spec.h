// ModelSpec: one decoder-only transformer architecture, complete in itself.
//
// Pre-norm blocks (RMSNorm, grouped-query attention with RoPE, RMSNorm, feed-forward network), a
// final RMSNorm and the output head; no biases. *Stored* blocks hold parameters, *executed* blocks
// cost compute: a RepeatSchedule executes stored blocks more than once.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "spec/errors.h"
#include "spec/fields.h"

namespace deepthin {

enum class Ffn {
  kSwiglu,  // three matrices: down(silu(gate x) * up x)
  kGelu,    // two matrices: down(gelu(up x)), tanh form
  kRelu,    // two matrices: down(relu(up x))
};

enum class RepeatKind {
  kNone,       // A B
  kImmediate,  // A A B B: each block again at once
  kRepeatAll,  // A B A B: the whole stack again
  kReverse,    // A B B A: the stack forth and back
  kExplicit,   // a list of stored-block indices
};

// Which KV cache entry an executed block reads and writes.
enum class KvPolicy {
  kPerOccurrence,  // one entry per executed block (correct attention over every pass)
  kShared,  // one entry per stored block: a later pass overwrites what an earlier one wrote for the
            // token
};

// Written as one text in JSON, on the command line and in databases:
// "none", "immediate:2", "repeat_all:2", "reverse:2", "explicit:0-0-1-1".
struct RepeatSchedule {
  RepeatKind kind = RepeatKind::kNone;
  int64_t times = 1;           // how often each block is executed; 1 for none and explicit
  std::vector<int64_t> order;  // explicit only: index of the stored block of each executed one

  friend bool operator==(const RepeatSchedule&, const RepeatSchedule&) = default;
};

[[nodiscard]] std::string ToText(const RepeatSchedule& schedule);
// Throws InputError (with empty file and place) on a text that is no schedule.
[[nodiscard]] RepeatSchedule RepeatScheduleFromText(std::string_view text);

struct ModelSpec {
  int64_t vocab_size = 32'000;
  int64_t d_model = 0;
  int64_t n_blocks = 0;  // stored
  int64_t n_heads = 0;
  int64_t n_kv_heads = 0;  // n_heads: MHA; 1: MQA; between: GQA
  int64_t head_dim = 0;
  int64_t d_ff = 0;
  Ffn ffn = Ffn::kSwiglu;
  bool tie_embeddings = true;
  RepeatSchedule repeat{};
  KvPolicy kv_policy = KvPolicy::kPerOccurrence;
  int64_t max_seq_len = 2'048;
  double rope_theta = 10'000.0;
  double norm_eps = 1e-5;

  friend bool operator==(const ModelSpec&, const ModelSpec&) = default;
};

// Throws InputError that names the field by its JSON path below root ("/n_kv_heads") and says what
// is wrong with it. Bounds every dimension, so that no derived figure overflows.
void Validate(const ModelSpec& spec, const InputError::Where& root = {});

// Stored-block index of each executed block, in order of execution.
[[nodiscard]] std::vector<int64_t> ExecutionOrder(const ModelSpec& spec);
[[nodiscard]] int64_t ExecutedBlocks(const ModelSpec& spec);
// KV cache entry of each executed block, by the KV policy; entries count from 0.
[[nodiscard]] std::vector<int64_t> KvEntries(const ModelSpec& spec);
[[nodiscard]] int64_t KvEntryCount(const ModelSpec& spec);

[[nodiscard]] int64_t QueryDim(const ModelSpec& spec);  // n_heads x head_dim
[[nodiscard]] int64_t KvDim(const ModelSpec& spec);     // n_kv_heads x head_dim
[[nodiscard]] int64_t FfnMatrices(Ffn ffn);             // 3 for SwiGLU, else 2

// Parameters, counted from the shapes. The paper prints ParamCounts::matrices (norm weights not
// counted), for all 73 rows of its tables.
struct ParamCounts {
  int64_t embedding = 0;  // token table: vocab_size x d_model
  int64_t head = 0;       // output matrix if untied, else 0
  int64_t blocks = 0;     // matrices of all stored blocks: the "decoder" parameters
  int64_t norms = 0;      // (2 n_blocks + 1) x d_model

  [[nodiscard]] int64_t matrices() const { return embedding + head + blocks; }
  [[nodiscard]] int64_t total() const { return matrices() + norms; }
};
[[nodiscard]] ParamCounts CountParams(const ModelSpec& spec);

// SwiGLU width of the paper's models: 256 x ceil(8 d_model / 3 / 256).
[[nodiscard]] int64_t PaperFfnDim(int64_t d_model);

template <>
struct EnumTexts<Ffn> {
  static constexpr std::array kList = {std::pair{Ffn::kSwiglu, std::string_view("swiglu")},
                                       std::pair{Ffn::kGelu, std::string_view("gelu")},
                                       std::pair{Ffn::kRelu, std::string_view("relu")}};
};

template <>
struct EnumTexts<RepeatKind> {
  static constexpr std::array kList = {
      std::pair{RepeatKind::kNone, std::string_view("none")},
      std::pair{RepeatKind::kImmediate, std::string_view("immediate")},
      std::pair{RepeatKind::kRepeatAll, std::string_view("repeat_all")},
      std::pair{RepeatKind::kReverse, std::string_view("reverse")},
      std::pair{RepeatKind::kExplicit, std::string_view("explicit")}};
};

template <>
struct EnumTexts<KvPolicy> {
  static constexpr std::array kList = {
      std::pair{KvPolicy::kPerOccurrence, std::string_view("per_occurrence")},
      std::pair{KvPolicy::kShared, std::string_view("shared")}};
};

template <>
struct Fields<ModelSpec> {
  using S = ModelSpec;
  static constexpr auto kList = std::tuple(
      Field("vocab_size", &S::vocab_size, "tokens in the vocabulary"),
      Field("d_model", &S::d_model, "width of the residual stream"),
      Field("n_blocks", &S::n_blocks, "stored transformer blocks"),
      Field("n_heads", &S::n_heads, "query heads"),
      Field("n_kv_heads", &S::n_kv_heads, "key/value heads; divides n_heads"),
      Field("head_dim", &S::head_dim, "width of one head; even"),
      Field("d_ff", &S::d_ff, "inner width of the feed-forward network"),
      Field("ffn", &S::ffn, "swiglu, gelu or relu"),
      Field("tie_embeddings", &S::tie_embeddings, "output head is the embedding table"),
      Field("repeat", &S::repeat, "none, immediate:k, repeat_all:k, reverse:k or explicit:0-0-1",
            Presence::kOptional),
      Field("kv_policy", &S::kv_policy, "per_occurrence or shared", Presence::kOptional),
      Field("max_seq_len", &S::max_seq_len, "longest context in tokens", Presence::kOptional),
      Field("rope_theta", &S::rope_theta, "base of the rotary frequencies", Presence::kOptional),
      Field("norm_eps", &S::norm_eps, "epsilon of RMSNorm", Presence::kOptional));
};

}  // namespace deepthin
