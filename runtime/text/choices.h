// Multiple choice: which of several continuations a model finds likeliest, as zero-shot tasks of
// common sense are scored.
//
// A file has one JSON object a line, in one of two forms; "answer" counts from 0:
//   {"context": "The sky is", "choices": [" blue", " a cake"], "answer": 0}
//   {"choices": [{"context": "Ann is", "continuation": " tall"}, ...], "answer": 1}
// A continuation is appended to its context as it is written, so that it begins with a space where
// one belongs. What counts is the likelihood of the continuation after the context: BOS and the
// context's own tokens are given, not scored.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/decoder.h"
#include "runtime/text/tokenizer.h"
#include "runtime/thread_pool.h"
#include "runtime/weights.h"
#include "spec/errors.h"

namespace deepthin::runtime {

struct Choice {
  std::string context;
  std::string continuation;

  friend bool operator==(const Choice&, const Choice&) = default;
};

struct ChoiceItem {
  int64_t line = 0;  // of the file, from 1
  std::vector<Choice> choices;
  int64_t answer = 0;  // index of the right one
};

// Blank lines are skipped. `file` is named in messages. Throws InputError that names the line where
// one is no item: not JSON, fewer than two choices, an answer that is none of them.
[[nodiscard]] std::vector<ChoiceItem> ChoiceItemsFromJsonl(std::string_view text,
                                                           const std::string& file);

struct ChoiceScore {
  double log_likelihood = 0;  // of all of the continuation's tokens, in nats
  int64_t tokens = 0;         // of the continuation
  int64_t bytes = 0;          // of the continuation as it is written

  [[nodiscard]] double per_token() const { return log_likelihood / static_cast<double>(tokens); }
  [[nodiscard]] double per_byte() const { return log_likelihood / static_cast<double>(bytes); }
};

// What a choice is made by. lm-evaluation-harness calls the first "acc" and normalises "acc_norm"
// by characters, which are bytes in ASCII.
enum class ChoiceRule { kSum, kPerToken, kPerByte };

// Index of the likeliest, the lowest among equals. REQUIRES: not empty.
[[nodiscard]] int64_t LikeliestChoice(std::span<const ChoiceScore> scores, ChoiceRule rule);

// Right answers, and the standard error of their share as a binomial.
struct ChoiceAccuracy {
  int64_t right = 0;
  int64_t items = 0;

  [[nodiscard]] double value() const;           // REQUIRES: items > 0
  [[nodiscard]] double standard_error() const;  // sqrt(p (1 - p) / n)
};

// Not for several threads. Weights' storage is shared; pool and tokenizer outlive it.
class ChoiceScorer {
 public:
  // Throws InputError where the vocabularies differ, EnvironmentError where memory does not
  // suffice.
  ChoiceScorer(const Weights& weights, ThreadPool& pool, const Tokenizer& tokenizer);

  // One score for each choice. What a choice's tokens begin with is not computed again where the
  // choice before it begins with the same. Throws InputError that names `file` and the line where
  // tokens do not fit the model's context or a continuation has none, or where logits are not
  // finite.
  [[nodiscard]] std::vector<ChoiceScore> Score(const ChoiceItem& item, const std::string& file);

  // Tokens that went through the model: less than the choices hold, where they share a context.
  [[nodiscard]] int64_t tokens_computed() const { return tokens_computed_; }

 private:
  [[nodiscard]] ChoiceScore ScoreChoice(const Choice& choice, const InputError::Where& where);

  int64_t max_seq_len_;
  const Tokenizer& tokenizer_;
  Decoder decoder_;
  std::vector<int32_t> cached_;  // tokens that are in the KV cache
  int64_t tokens_computed_ = 0;
};

}  // namespace deepthin::runtime
