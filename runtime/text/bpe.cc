// Byte-pair encoding: neighbours merge, best score first, leftmost first among equals. What run.c
// finds by walking the text once for each merge is found with a priority queue over a linked list
// (as sentencepiece does, bpe_model.cc).
#include <queue>
#include <utility>

#include "runtime/text/tokenizer.h"

namespace deepthin::runtime {
namespace {

// Bytes of the character at the front: its first byte and up to three continuation bytes, as
// run.c takes them, so that bytes which are no UTF-8 have a reading, too.
size_t CharacterLength(std::string_view text) {
  size_t n = 1;
  while (n < 4 && n < text.size() && (static_cast<unsigned char>(text[n]) & 0xC0) == 0x80) ++n;
  return n;
}

}  // namespace

class Tokenizer::Merger {
 public:
  Merger(const Tokenizer& tokenizer, std::string_view text) : tokenizer_(tokenizer), text_(text) {
    symbols_.reserve(text.size());
    for (size_t at = 0; at < text.size();) at += AppendNext(at);
    for (size_t i = 0; i < symbols_.size(); ++i) Propose(i);
  }

  std::vector<Span> Run() {
    while (!merges_.empty()) {
      const Merge merge = merges_.top();
      merges_.pop();
      Symbol& left = symbols_[merge.left];
      // Out of date where either side was merged since.
      if (left.length == 0 || left.next == kNone) continue;
      Symbol& right = symbols_[left.next];
      if (left.length + right.length != merge.length) continue;
      if (tokenizer_.pieces_[static_cast<size_t>(merge.id)].is_unused) {
        halves_.insert_or_assign(text_.substr(left.begin, merge.length), left.length);
      }
      left.id = merge.id;
      left.length = merge.length;
      right.length = 0;
      left.next = right.next;
      if (right.next != kNone) symbols_[right.next].previous = merge.left;
      if (left.previous != kNone) Propose(left.previous);
      Propose(merge.left);
    }
    std::vector<Span> out;
    for (const Symbol& symbol : symbols_) {
      if (symbol.length != 0) AppendUsed({symbol.id, symbol.begin, symbol.length}, out);
    }
    return out;
  }

 private:
  static constexpr size_t kNone = static_cast<size_t>(-1);

  struct Symbol {
    std::optional<int32_t> id;
    size_t begin;    // in text_
    size_t length;   // 0 where it was merged into its left neighbour
    bool mergeable;  // neither user-defined nor a byte of run.c's fallback
    size_t previous = kNone;
    size_t next = kNone;
  };
  struct Merge {
    float score;
    size_t left;
    size_t length;  // of the merged text
    int32_t id;
    // The queue's top is its greatest.
    friend bool operator<(const Merge& a, const Merge& b) {
      return a.score != b.score ? a.score < b.score : a.left > b.left;
    }
  };

  // Returns the bytes of text that are taken.
  size_t AppendNext(size_t at) {
    const std::string_view rest = text_.substr(at);
    if (const size_t length = tokenizer_.user_defined_.LongestPrefix(rest); length > 0) {
      Append({tokenizer_.Find(rest.substr(0, length)), at, length, false});
      return length;
    }
    const bool is_llama2c = tokenizer_.alphabet_ == Alphabet::kLlama2c;
    const size_t length = is_llama2c ? CharacterLength(rest) : Utf8Length(rest);
    const std::optional<int32_t> id = tokenizer_.Find(rest.substr(0, length));
    if (id || !is_llama2c) {
      Append({id, at, length, true});
    } else {
      for (size_t i = 0; i < length; ++i) Append({std::nullopt, at + i, 1, false});
    }
    return length;
  }

  void Append(Symbol symbol) {
    if (!symbols_.empty()) {
      symbol.previous = symbols_.size() - 1;
      symbols_.back().next = symbols_.size();
    }
    symbols_.push_back(symbol);
  }

  void Propose(size_t left) {
    const Symbol& symbol = symbols_[left];
    if (symbol.next == kNone) return;
    const Symbol& right = symbols_[symbol.next];
    if (!symbol.mergeable || !right.mergeable) return;
    const size_t length = symbol.length + right.length;
    if (const std::optional<int32_t> id = tokenizer_.Find(text_.substr(symbol.begin, length))) {
      merges_.push({tokenizer_.pieces_[static_cast<size_t>(*id)].score, left, length, *id});
    }
  }

  // A piece that is never given out is cut again where it was merged.
  void AppendUsed(const Span& whole, std::vector<Span>& out) const {
    std::vector<Span> waiting = {whole};
    while (!waiting.empty()) {
      const Span span = waiting.back();
      waiting.pop_back();
      const bool is_unused = span.id && tokenizer_.pieces_[static_cast<size_t>(*span.id)].is_unused;
      const auto half = halves_.find(text_.substr(span.begin, span.length));
      if (!is_unused || half == halves_.end()) {
        out.push_back(span);
        continue;
      }
      const size_t left = half->second;
      const auto part = [&](size_t begin, size_t length) {
        return Span{tokenizer_.Find(text_.substr(begin, length)), begin, length};
      };
      waiting.push_back(part(span.begin + left, span.length - left));
      waiting.push_back(part(span.begin, left));
    }
  }

  const Tokenizer& tokenizer_;
  std::string_view text_;
  std::vector<Symbol> symbols_;
  std::priority_queue<Merge> merges_;
  std::unordered_map<std::string_view, size_t> halves_;  // of unused pieces: length of the left
};

std::vector<Tokenizer::Span> Tokenizer::Merge(std::string_view text) const {
  return Merger(*this, text).Run();
}

}  // namespace deepthin::runtime
