#include "runtime/text/choices.h"

#include <algorithm>
#include <cmath>

#include "runtime/text/perplexity.h"
#include "spec/json_io.h"

namespace deepthin::runtime {
namespace {

constexpr std::string_view kItemForm =
    R"({"context", "choices", "answer"} or {"choices": [{"context", "continuation"}], "answer"})";

Json ParseLine(std::string_view line, const InputError::Where& where) {
  try {
    return ParseJson(line, where.file);
  } catch (const InputError& error) {
    // "line 1, column 7" is of the line alone.
    const std::string& place = error.where().place;
    const size_t comma = place.find(", ");
    const std::string column = comma == std::string::npos ? "" : place.substr(comma);
    throw InputError({where.file, where.place + column}, "is not one JSON value that can be read",
                     "an object a line: " + std::string(kItemForm));
  }
}

void RequireKeys(const Json& object, std::initializer_list<const char*> keys,
                 const std::string& expected, const InputError::Where& where) {
  if (!object.is_object()) throw InputError(where, "is no object", expected);
  for (const char* key : keys) {
    if (!object.contains(key)) {
      throw InputError(where, "lacks the key '" + std::string(key) + "'", expected);
    }
  }
  for (const auto& item : object.items()) {
    if (std::find(keys.begin(), keys.end(), item.key()) == keys.end())
      throw InputError(where, "has the unknown key '" + item.key() + "'", expected);
  }
}

std::string StringAt(const Json& value, const std::string& name, const InputError::Where& where) {
  if (value.is_string()) return value.get<std::string>();
  throw InputError(where, name + " is " + value.type_name(), "a text");
}

ChoiceItem ItemFromJson(const Json& json, const InputError::Where& where) {
  ChoiceItem item;
  const std::string form(kItemForm);
  const bool shares_context = json.is_object() && json.contains("context");
  if (shares_context) {
    RequireKeys(json, {"context", "choices", "answer"}, form, where);
  } else {
    RequireKeys(json, {"choices", "answer"}, form, where);
  }
  const Json& choices = json["choices"];
  if (!choices.is_array() || choices.size() < 2) {
    throw InputError(where, "has no list of choices, or fewer than two", "two or more choices");
  }
  for (size_t i = 0; i < choices.size(); ++i) {
    const std::string name = "choice " + std::to_string(i);
    if (shares_context) {
      item.choices.push_back(
          {StringAt(json["context"], "the context", where), StringAt(choices[i], name, where)});
    } else {
      RequireKeys(choices[i], {"context", "continuation"}, R"({"context", "continuation"})",
                  {where.file, where.place + ", " + name});
      item.choices.push_back({StringAt(choices[i]["context"], name, where),
                              StringAt(choices[i]["continuation"], name, where)});
    }
    if (item.choices.back().continuation.empty()) {
      throw InputError(where, name + " is empty", "a continuation to score");
    }
  }
  const Json& answer = json["answer"];
  const auto last = static_cast<int64_t>(choices.size()) - 1;
  const bool is_index = answer.is_number_integer() && answer >= 0 && answer <= last;
  if (!is_index) {
    throw InputError(where,
                     "its answer is " + answer.dump(-1, ' ', true, Json::error_handler_t::replace),
                     "the index of a choice, 0 to " + std::to_string(last));
  }
  item.answer = answer.get<int64_t>();
  return item;
}

double Value(const ChoiceScore& score, ChoiceRule rule) {
  switch (rule) {
    case ChoiceRule::kSum:
      return score.log_likelihood;
    case ChoiceRule::kPerToken:
      return score.per_token();
    case ChoiceRule::kPerByte:
      return score.per_byte();
  }
  return score.log_likelihood;
}

}  // namespace

std::vector<ChoiceItem> ChoiceItemsFromJsonl(std::string_view text, const std::string& file) {
  std::vector<ChoiceItem> items;
  int64_t number = 0;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const InputError::Where where = {file, "line " + std::to_string(number)};
    items.push_back(ItemFromJson(ParseLine(line, where), where));
    items.back().line = number;
  }
  if (items.empty()) throw InputError({file, ""}, "has no items", std::string(kItemForm));
  return items;
}

int64_t LikeliestChoice(std::span<const ChoiceScore> scores, ChoiceRule rule) {
  DEEPTHIN_CHECK(!scores.empty());
  size_t best = 0;
  for (size_t i = 1; i < scores.size(); ++i) {
    if (Value(scores[i], rule) > Value(scores[best], rule)) best = i;
  }
  return static_cast<int64_t>(best);
}

double ChoiceAccuracy::value() const {
  DEEPTHIN_CHECK(items > 0);
  return static_cast<double>(right) / static_cast<double>(items);
}

double ChoiceAccuracy::standard_error() const {
  return std::sqrt(value() * (1 - value()) / static_cast<double>(items));
}

ChoiceScorer::ChoiceScorer(const Weights& weights, ThreadPool& pool, const Tokenizer& tokenizer)
    : max_seq_len_(weights.spec.max_seq_len),
      tokenizer_(tokenizer),
      decoder_(weights, pool, weights.spec.max_seq_len) {
  if (tokenizer.vocab_size() != weights.spec.vocab_size) {
    throw InputError({"", "tokenizer"}, "has " + std::to_string(tokenizer.vocab_size()) + " pieces",
                     "the model's " + std::to_string(weights.spec.vocab_size));
  }
}

std::vector<ChoiceScore> ChoiceScorer::Score(const ChoiceItem& item, const std::string& file) {
  std::vector<ChoiceScore> scores;
  for (size_t i = 0; i < item.choices.size(); ++i) {
    const std::string place = "line " + std::to_string(item.line) + ", choice " + std::to_string(i);
    scores.push_back(ScoreChoice(item.choices[i], {file, place}));
  }
  return scores;
}

// The given tokens are those that the context alone and the whole text begin with alike: all of the
// context's, unless its end merges with the continuation into one token. Blanks at the end of the
// context belong to the continuation, as tokenizers put them before words (lm-evaluation-harness,
// TemplateLM._encode_pair).
ChoiceScore ChoiceScorer::ScoreChoice(const Choice& choice, const InputError::Where& where) {
  std::string_view context = choice.context;
  context.remove_suffix(context.size() - (context.find_last_not_of(" \t\n\r") + 1));
  const std::vector<int32_t> alone = tokenizer_.Encode(context, Tokenizer::Marks::kBos);
  const std::vector<int32_t> ids =
      tokenizer_.Encode(choice.context + choice.continuation, Tokenizer::Marks::kBos);
  const auto given = static_cast<size_t>(
      std::mismatch(alone.begin(), alone.end(), ids.begin(), ids.end()).second - ids.begin());
  if (ids.size() <= given) {
    throw InputError(where, "adds no tokens to its context", "a longer continuation");
  }
  // The last token is only predicted: it needs no position.
  if (static_cast<int64_t>(ids.size()) - 1 > max_seq_len_) {
    throw InputError(where, "has " + std::to_string(ids.size()) + " tokens",
                     "at most " + std::to_string(max_seq_len_ + 1) + ", the model's context");
  }

  // The last given token goes through the model anyway: its logits predict the continuation.
  const size_t last_given = given - 1;
  const std::span<const int32_t> tokens = std::span(ids).first(ids.size() - 1);
  const auto differs =
      std::mismatch(tokens.begin(), tokens.begin() + static_cast<ptrdiff_t>(last_given),
                    cached_.begin(), cached_.end());
  const auto kept = static_cast<size_t>(differs.first - tokens.begin());
  decoder_.Seek(static_cast<int64_t>(kept));
  if (kept < last_given) {
    (void)decoder_.Forward(tokens.subspan(kept, last_given - kept), Logits::kLast);
  }
  const std::span<const float> logits = decoder_.Forward(tokens.subspan(last_given), Logits::kAll);
  cached_.assign(tokens.begin(), tokens.end());
  tokens_computed_ += static_cast<int64_t>(tokens.size() - kept);

  ChoiceScore score = {.tokens = static_cast<int64_t>(ids.size() - given),
                       .bytes = static_cast<int64_t>(choice.continuation.size())};
  const size_t vocab = logits.size() / (tokens.size() - last_given);
  for (size_t i = last_given; i < tokens.size(); ++i) {
    score.log_likelihood -=
        NegativeLogLikelihood(logits.subspan((i - last_given) * vocab, vocab), ids[i + 1]);
  }
  if (!std::isfinite(score.log_likelihood)) {
    throw InputError(where, "has no finite likelihood", "weights that give finite logits");
  }
  return score;
}

}  // namespace deepthin::runtime
