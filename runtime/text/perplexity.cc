#include "runtime/text/perplexity.h"

#include <algorithm>
#include <cmath>

#include "runtime/text/normalizer.h"
#include "spec/errors.h"

namespace deepthin::runtime {
namespace {

// Positions whose logits are held at once: 64 x 32,000 floats are 8 MB.
constexpr size_t kChunk = 64;

constexpr std::string_view kWhiteSpace = " \t\n\v\f\r";

bool IsBlank(std::string_view line) {
  return line.find_first_not_of(kWhiteSpace) == std::string_view::npos;
}

// Unicode characters: bytes that do not continue one.
int64_t CountCharacters(std::string_view text) {
  return std::count_if(text.begin(), text.end(),
                       [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
}

// Words of `line` appended to `paragraph` with one space between.
void AppendFolded(std::string_view line, std::string& paragraph) {
  size_t begin = line.find_first_not_of(kWhiteSpace);
  while (begin != std::string_view::npos) {
    const size_t end = std::min(line.find_first_of(kWhiteSpace, begin), line.size());
    if (!paragraph.empty()) paragraph += ' ';
    paragraph += line.substr(begin, end - begin);
    begin = line.find_first_not_of(kWhiteSpace, end);
  }
}

// A text in another encoding would get a perplexity, too: of what it does not say.
void CheckUtf8(std::string_view text, const std::string& file) {
  for (size_t at = 0; at < text.size();) {
    const size_t length = Utf8Length(text.substr(at));
    if (length == 1 && static_cast<unsigned char>(text[at]) >= 0x80)
      throw InputError({file, "byte " + std::to_string(at)}, "is no UTF-8", "text in UTF-8");
    at += length;
  }
}

void CheckOption(const char* name, int64_t value, int64_t minimum) {
  if (value >= minimum) return;
  throw InputError({"", "/" + std::string(name)}, "is " + std::to_string(value),
                   std::to_string(minimum) + " or more");
}

}  // namespace

std::vector<std::string> SelectParagraphs(std::string_view text, const PerplexityOptions& options) {
  CheckOption("min_chars", options.min_chars, 0);
  CheckOption("max_tokens", options.max_tokens, 2);
  if (options.max_paragraphs) CheckOption("max_paragraphs", *options.max_paragraphs, 1);

  std::vector<std::string> out;
  std::string paragraph;
  const auto finish = [&] {
    if (CountCharacters(paragraph) > options.min_chars) out.push_back(paragraph);
    paragraph.clear();
  };
  const auto enough = [&] {
    return options.max_paragraphs && static_cast<int64_t>(out.size()) == *options.max_paragraphs;
  };
  for (size_t begin = 0; begin < text.size() && !enough();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = text.substr(begin, end - begin);
    if (IsBlank(line)) {
      finish();
    } else {
      AppendFolded(line, paragraph);
    }
    begin = end + 1;
  }
  if (!enough()) finish();
  return out;
}

double NegativeLogLikelihood(std::span<const float> logits, int32_t token) {
  const double greatest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - greatest);
  return greatest + std::log(sum) - static_cast<double>(logits[static_cast<size_t>(token)]);
}

std::vector<double> TokenNlls(Decoder& decoder, ThreadPool& pool, std::span<const int32_t> ids) {
  DEEPTHIN_CHECK(ids.size() >= 2);
  decoder.Reset();
  const size_t predicted = ids.size() - 1;
  std::vector<double> nlls(predicted);
  for (size_t begin = 0; begin < predicted; begin += kChunk) {
    const size_t n = std::min(kChunk, predicted - begin);
    const std::span<const float> logits = decoder.Forward(ids.subspan(begin, n), Logits::kAll);
    const size_t vocab = logits.size() / n;
    pool.ForRanges(static_cast<int64_t>(n), 1, [&](int64_t first, int64_t last) {
      for (auto i = static_cast<size_t>(first); i < static_cast<size_t>(last); ++i) {
        nlls[begin + i] =
            NegativeLogLikelihood(logits.subspan(i * vocab, vocab), ids[begin + i + 1]);
      }
    });
  }
  return nlls;
}

PerplexityResult SummarizeNlls(std::span<const std::vector<double>> paragraphs) {
  PerplexityResult result;
  double sum = 0;
  for (const std::vector<double>& nlls : paragraphs) {
    ++result.paragraphs;
    result.tokens += static_cast<int64_t>(nlls.size());
    for (const double nll : nlls) sum += nll;
  }
  DEEPTHIN_CHECK(result.tokens > 0);
  const auto tokens = static_cast<double>(result.tokens);
  const double mean = sum / tokens;
  result.nll_per_token = mean;
  result.perplexity = std::exp(mean);
  if (result.paragraphs < 2) return result;

  // Linearised variance of a ratio of sums over clusters (Cochran, Sampling Techniques, 3rd ed.,
  // eq. 6.13, without the finite-population factor).
  double squares = 0;
  for (const std::vector<double>& nlls : paragraphs) {
    double residual = 0;
    for (const double nll : nlls) residual += nll - mean;
    squares += residual * residual;
  }
  const auto clusters = static_cast<double>(result.paragraphs);
  result.standard_error = std::sqrt(clusters / (clusters - 1) * squares) / tokens;
  return result;
}

PerplexityResult Perplexity(const Weights& weights, ThreadPool& pool, const Tokenizer& tokenizer,
                            std::string_view text, const std::string& file,
                            const PerplexityOptions& options,
                            const std::function<void(int64_t, int64_t)>& progress) {
  CheckUtf8(text, file);
  const ModelSpec& spec = weights.spec;
  const std::vector<std::string> paragraphs = SelectParagraphs(text, options);
  if (tokenizer.vocab_size() != spec.vocab_size) {
    throw InputError({"", "tokenizer"}, "has " + std::to_string(tokenizer.vocab_size()) + " pieces",
                     "the model's " + std::to_string(spec.vocab_size));
  }
  // The last token is only predicted: it needs no position.
  if (options.max_tokens - 1 > spec.max_seq_len) {
    throw InputError({"", "/max_tokens"}, "is " + std::to_string(options.max_tokens),
                     "at most " + std::to_string(spec.max_seq_len + 1) + ", the model's context");
  }
  if (paragraphs.empty()) {
    throw InputError(
        {file, ""},
        "has no paragraph of more than " + std::to_string(options.min_chars) + " characters",
        "text with paragraphs between blank lines");
  }

  Decoder decoder(weights, pool, options.max_tokens - 1);
  std::vector<std::vector<double>> nlls;
  for (const std::string& paragraph : paragraphs) {
    std::vector<int32_t> ids = tokenizer.Encode(paragraph, Tokenizer::Marks::kBos);
    ids.resize(std::min(ids.size(), static_cast<size_t>(options.max_tokens)));
    nlls.push_back(TokenNlls(decoder, pool, ids));
    for (const double nll : nlls.back()) {
      if (!std::isfinite(nll)) {
        throw InputError({},
                         "the model's logits are not finite in paragraph " +
                             std::to_string(nlls.size()) + " of " + file,
                         "weights that give finite logits");
      }
    }
    if (progress) {
      progress(static_cast<int64_t>(nlls.size()), static_cast<int64_t>(paragraphs.size()));
    }
  }
  return SummarizeNlls(nlls);
}

}  // namespace deepthin::runtime
