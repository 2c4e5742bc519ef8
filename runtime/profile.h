// Profile: where the time of a pass goes, operator by operator.
//
//   Profile profile;
//   decoder.set_profile(&profile);
//   decoder.Forward(...);
//   for (const Profile::Span& span : profile.spans()) ...
//
// A stopwatch that is never stopped: each span begins where the one before it ended, so that the
// spans of a pass add up to the pass, and what is not named is part of what is.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/thread_pool.h"
#include "spec/fields.h"
#include "spec/units.h"

namespace deepthin::runtime {

enum class Operator {
  kEmbedding,  // rows of the table, and the angles of RoPE
  kAttentionNorm,
  kQkv,
  kRopeStore,  // rotation; keys and values into the cache
  kAttention,
  kOutput,  // the matrix behind attention, and the residual
  kFfnNorm,
  kGateUp,  // with the activation between them
  kDown,    // and the residual
  kFinalNorm,
  kHead,
};

// Whether it is executed in each block, not once a pass.
[[nodiscard]] constexpr bool IsOfBlock(Operator op) {
  return op != Operator::kEmbedding && op != Operator::kFinalNorm && op != Operator::kHead;
}

// Not for several threads: it belongs to the thread that calls the decoder.
class Profile {
 public:
  using Clock = WorkLog::Clock;

  struct Span {
    Operator op = Operator::kEmbedding;
    std::optional<int64_t> executed_block;  // counted in order of execution; of blocks' operators
    Clock::time_point begin;
    Clock::time_point end;
    Bytes bytes;  // weights and KV cache, as the decoder counts them

    [[nodiscard]] Seconds time() const {
      return Seconds(std::chrono::duration<double>(end - begin).count());
    }
  };

  // One call of Decoder::Forward: its spans are [first_span, the next pass's first_span).
  struct Pass {
    int64_t position = 0;  // of its first token
    int64_t tokens = 0;
    size_t first_span = 0;
  };

  // What the threads of the decoder's pool did in the recorded passes.
  [[nodiscard]] const WorkLog& work() const { return work_; }

  // The decoder's part: a pass begins, a block begins, an operator has just ended.
  void BeginPass(int64_t position, int64_t tokens) {
    passes_.push_back({position, tokens, spans_.size()});
    last_ = Clock::now();
  }
  void EnterBlock(int64_t executed_block) { block_ = executed_block; }
  void End(Operator op, Bytes bytes) {
    const Clock::time_point now = Clock::now();
    spans_.push_back({op, IsOfBlock(op) ? std::optional(block_) : std::nullopt, last_, now, bytes});
    last_ = now;
  }

  [[nodiscard]] std::span<const Span> spans() const { return spans_; }
  [[nodiscard]] std::span<const Pass> passes() const { return passes_; }
  // Of one pass. REQUIRES: pass < passes().size().
  [[nodiscard]] std::span<const Span> SpansOf(size_t pass) const;
  void Clear();

 private:
  friend class WorkRecording;

  std::vector<Pass> passes_;
  std::vector<Span> spans_;
  WorkLog work_;
  Clock::time_point last_;
  int64_t block_ = 0;
};

// While it lives, the pool records its work in the profile, if there is one: for the length of a
// pass, since the pool may be others' too.
class WorkRecording {
 public:
  WorkRecording(ThreadPool& pool, Profile* profile) : pool_(profile == nullptr ? nullptr : &pool) {
    if (pool_ != nullptr) pool_->set_work_log(&profile->work_);
  }
  ~WorkRecording() {
    if (pool_ != nullptr) pool_->set_work_log(nullptr);
  }
  WorkRecording(const WorkRecording&) = delete;
  WorkRecording& operator=(const WorkRecording&) = delete;

 private:
  ThreadPool* pool_;
};

}  // namespace deepthin::runtime

namespace deepthin {

template <>
struct EnumTexts<runtime::Operator> {
  using Op = runtime::Operator;
  static constexpr std::array kList = {
      std::pair{Op::kEmbedding, std::string_view("embedding")},
      std::pair{Op::kAttentionNorm, std::string_view("attention_norm")},
      std::pair{Op::kQkv, std::string_view("qkv")},
      std::pair{Op::kRopeStore, std::string_view("rope_store")},
      std::pair{Op::kAttention, std::string_view("attention")},
      std::pair{Op::kOutput, std::string_view("output")},
      std::pair{Op::kFfnNorm, std::string_view("ffn_norm")},
      std::pair{Op::kGateUp, std::string_view("gate_up")},
      std::pair{Op::kDown, std::string_view("down")},
      std::pair{Op::kFinalNorm, std::string_view("final_norm")},
      std::pair{Op::kHead, std::string_view("head")}};
};

}  // namespace deepthin
