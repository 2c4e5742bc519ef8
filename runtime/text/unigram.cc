// Unigram segmentation: the sequence of pieces whose scores have the greatest sum (Kudo, ACL 2018),
// found from left to right (Viterbi). Ties and rounding as in sentencepiece's EncodeOptimized
// (unigram_model.cc), whose ids it has to give.
#include <algorithm>

#include "runtime/text/tokenizer.h"

namespace deepthin::runtime {

class Tokenizer::Lattice {
 public:
  Lattice(const Tokenizer& tokenizer, std::string_view text)
      : tokenizer_(tokenizer), text_(text), ends_(text.size() + 1) {
    ends_[0].is_reached = true;
    for (size_t at = 0; at < text.size();) at += ExtendFrom(at);
  }

  [[nodiscard]] std::vector<Span> BestPath() const {
    std::vector<Span> path;
    for (size_t end = text_.size(); end > 0; end = ends_[end].begin) {
      path.push_back({ends_[end].id, ends_[end].begin, end - ends_[end].begin});
    }
    std::reverse(path.begin(), path.end());
    return path;
  }

 private:
  // The best path from the beginning of the text to one place in it.
  struct End {
    bool is_reached = false;
    float score = 0;
    size_t begin = 0;  // of its last piece
    std::optional<int32_t> id;
  };

  // Returns the length of the character there.
  size_t ExtendFrom(size_t at) {
    const std::string_view rest = text_.substr(at);
    const size_t character = Utf8Length(rest);
    bool has_character = false;
    tokenizer_.index_.ForEachPrefix(rest, [&](size_t length, int32_t id) {
      Offer(at, length, tokenizer_.pieces_[static_cast<size_t>(id)].score, id);
      has_character = has_character || length == character;
    });
    if (!has_character) Offer(at, character, tokenizer_.unknown_score_, std::nullopt);
    return character;
  }

  void Offer(size_t at, size_t length, float score, std::optional<int32_t> id) {
    End& end = ends_[at + length];
    const float sum = score + ends_[at].score;
    if (!end.is_reached || sum > end.score) end = {true, sum, at, id};
  }

  const Tokenizer& tokenizer_;
  std::string_view text_;
  std::vector<End> ends_;  // by byte offset
};

std::vector<Tokenizer::Span> Tokenizer::LikeliestPath(std::string_view text) const {
  return Lattice(*this, text).BestPath();
}

}  // namespace deepthin::runtime
