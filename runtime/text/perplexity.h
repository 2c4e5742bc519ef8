// Perplexity of a text under a model: how well the model predicts each token from those before it.
//
// The protocol: paragraphs (split at blank lines, white space folded) of more than min_chars
// characters, the first max_paragraphs of them, each for itself as BOS and the text, cut to
// max_tokens tokens; the mean over all predicted tokens, that is all but BOS.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/decoder.h"
#include "runtime/text/tokenizer.h"
#include "runtime/thread_pool.h"
#include "runtime/weights.h"

namespace deepthin::runtime {

struct PerplexityOptions {
  int64_t min_chars = 200;                     // Unicode characters; a paragraph has to have more
  std::optional<int64_t> max_paragraphs = 30;  // absent: all
  int64_t max_tokens = 256;                    // of a paragraph, BOS included; 2 or more
};

struct PerplexityResult {
  int64_t paragraphs = 0;
  int64_t tokens = 0;        // predicted
  double nll_per_token = 0;  // mean negative log-likelihood, in nats
  // Of nll_per_token, from the spread between paragraphs: tokens of one paragraph are not
  // independent. Absent for a single paragraph.
  std::optional<double> standard_error;
  double perplexity = 0;  // exp(nll_per_token)
};

// Throws InputError where an option is out of range.
[[nodiscard]] std::vector<std::string> SelectParagraphs(std::string_view text,
                                                        const PerplexityOptions& options);

// -log softmax(logits)[token], in double precision. REQUIRES: token in [0, logits.size()).
[[nodiscard]] double NegativeLogLikelihood(std::span<const float> logits, int32_t token);

// Negative log-likelihood of each of ids[1..] after those before it: [ids.size() - 1]. Resets the
// decoder first. REQUIRES: 2 or more ids in [0, vocab_size); the decoder has room for all but one.
[[nodiscard]] std::vector<double> TokenNlls(Decoder& decoder, ThreadPool& pool,
                                            std::span<const int32_t> ids);

// REQUIRES: at least one token.
[[nodiscard]] PerplexityResult SummarizeNlls(std::span<const std::vector<double>> paragraphs);

// `file` names the text in messages; progress(done, total) is called after each paragraph and may
// be empty. Throws InputError where no paragraph is long enough, where options, tokenizer and model
// do not fit together, or where the model's logits are not finite.
[[nodiscard]] PerplexityResult Perplexity(
    const Weights& weights, ThreadPool& pool, const Tokenizer& tokenizer, std::string_view text,
    const std::string& file, const PerplexityOptions& options = {},
    const std::function<void(int64_t, int64_t)>& progress = {});

}  // namespace deepthin::runtime
