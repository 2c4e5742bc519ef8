#include "runtime/text/tokenizer.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <optional>
#include <queue>

#include "spec/errors.h"
#include "spec/files.h"

namespace deepthin::runtime {
namespace {

static_assert(std::endian::native == std::endian::little, "the file is little endian");

constexpr size_t kPieceHeader = sizeof(float) + sizeof(int32_t);

// Walks the file; every read is checked against its end.
class Reader {
 public:
  Reader(std::string_view bytes, const std::string& file) : bytes_(bytes), file_(file) {}

  [[nodiscard]] size_t offset() const { return offset_; }
  [[nodiscard]] size_t left() const { return bytes_.size() - offset_; }

  template <class T>
  T Read(const std::string& what) {
    T value;
    const std::string_view raw = ReadBytes(sizeof(T), what);
    std::memcpy(&value, raw.data(), sizeof(T));
    return value;
  }

  std::string_view ReadBytes(size_t n, const std::string& what) {
    if (n > left()) {
      Fail(offset_, "ends within " + what + " (" + std::to_string(left()) + " bytes left)",
           std::to_string(n) + " bytes");
    }
    const std::string_view out = bytes_.substr(offset_, n);
    offset_ += n;
    return out;
  }

  [[noreturn]] void Fail(size_t offset, const std::string& found,
                         const std::string& expected) const {
    throw InputError({file_, "byte " + std::to_string(offset)}, found, expected);
  }

 private:
  std::string_view bytes_;
  const std::string& file_;
  size_t offset_ = 0;
};

std::string ByteName(int byte) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string name = "<0x00>";
  name[3] = kDigits[static_cast<size_t>(byte >> 4)];
  name[4] = kDigits[static_cast<size_t>(byte & 15)];
  return name;
}

// Bytes of the character at the front: its first byte and up to three continuation bytes, as
// run.c takes them, so that bytes which are no UTF-8 have a reading, too.
size_t CharacterLength(std::string_view text) {
  size_t n = 1;
  while (n < 4 && n < text.size() && (static_cast<unsigned char>(text[n]) & 0xC0) == 0x80) ++n;
  return n;
}

}  // namespace

Tokenizer Tokenizer::FromBytes(std::string_view bytes, int64_t vocab_size,
                               const std::string& file) {
  if (vocab_size < kFirstText) {
    throw InputError({file, ""},
                     "is to serve a vocabulary of " + std::to_string(vocab_size) + " tokens",
                     "at least 259: unknown, BOS, EOS and the 256 bytes");
  }
  Reader reader(bytes, file);
  const auto max_length = reader.Read<int32_t>("the greatest piece length");
  if (max_length < 1) {
    reader.Fail(0, "the greatest piece length is " + std::to_string(max_length), "1 or more");
  }
  // Before anything is reserved: a vocabulary size that the file cannot hold.
  if (static_cast<uint64_t>(vocab_size) > reader.left() / kPieceHeader) {
    reader.Fail(reader.offset(),
                "has " + std::to_string(reader.left()) + " bytes, too few for the model's " +
                    std::to_string(vocab_size) + " pieces",
                std::to_string(kPieceHeader) + " bytes or more for each");
  }
  Tokenizer out;
  out.pieces_.reserve(static_cast<size_t>(vocab_size));
  for (int32_t id = 0; id < vocab_size; ++id) {
    const std::string name = "piece " + std::to_string(id);
    const size_t at = reader.offset();
    const auto score = reader.Read<float>("the score of " + name);
    if (!std::isfinite(score)) reader.Fail(at, "the score of " + name + " is not finite", "");
    const auto length = reader.Read<int32_t>("the length of " + name);
    if (length < 0 || length > max_length) {
      reader.Fail(at + sizeof(float), "the length of " + name + " is " + std::to_string(length),
                  "0 to " + std::to_string(max_length));
    }
    const std::string_view text = reader.ReadBytes(static_cast<size_t>(length), name);
    if (id >= kFirstByte && id < kFirstText) {
      const int byte = id - kFirstByte;
      if (text != ByteName(byte)) {
        reader.Fail(at + kPieceHeader, name + " is not a byte", ByteName(byte));
      }
      out.pieces_.push_back({std::string(1, static_cast<char>(byte)), score});
    } else if (id == kBos || id == kEos) {
      out.pieces_.push_back({"", score});
    } else {
      out.pieces_.push_back({std::string(text), score});
      if (id == kUnknown || text.empty()) continue;
      out.ids_.emplace(text, id);  // the first of equal pieces
      out.longest_piece_ = std::max(out.longest_piece_, text.size());
    }
  }
  if (reader.left() != 0) {
    reader.Fail(reader.offset(),
                "goes on for " + std::to_string(reader.left()) + " bytes after the model's " +
                    std::to_string(vocab_size) + " pieces",
                "the end: is it another model's tokenizer?");
  }
  return out;
}

// Greedy merging of neighbours, best score first, leftmost first among equals: what run.c finds by
// walking the text once for each merge, found with a priority queue over a linked list (as
// sentencepiece does, bpe_model.cc).
class Tokenizer::Merger {
 public:
  Merger(const Tokenizer& tokenizer, std::string_view text) : tokenizer_(tokenizer), text_(text) {
    symbols_.reserve(text.size());
    for (size_t at = 0; at < text.size();) {
      const size_t length = CharacterLength(text.substr(at));
      if (const std::optional<int32_t> id = Find(at, length)) {
        Append({*id, at, length, true});
      } else {
        for (size_t i = 0; i < length; ++i) {
          const auto byte = static_cast<unsigned char>(text[at + i]);
          Append({kFirstByte + byte, at + i, 1, false});
        }
      }
      at += length;
    }
    for (size_t i = 0; i < symbols_.size(); ++i) Propose(i);
  }

  void AppendIdsTo(std::vector<int32_t>& ids) {
    while (!merges_.empty()) {
      const Merge merge = merges_.top();
      merges_.pop();
      Symbol& left = symbols_[merge.left];
      // Out of date where either side was merged since.
      if (left.length == 0 || left.next == kNone) continue;
      Symbol& right = symbols_[left.next];
      if (left.length + right.length != merge.length) continue;
      left.id = merge.id;
      left.length = merge.length;
      right.length = 0;
      left.next = right.next;
      if (right.next != kNone) symbols_[right.next].previous = merge.left;
      if (left.previous != kNone) Propose(left.previous);
      Propose(merge.left);
    }
    for (const Symbol& symbol : symbols_) {
      if (symbol.length != 0) ids.push_back(symbol.id);
    }
  }

 private:
  static constexpr size_t kNone = static_cast<size_t>(-1);

  struct Symbol {
    int32_t id;
    size_t begin;    // in text_
    size_t length;   // 0 where it was merged into its left neighbour
    bool mergeable;  // not a byte of the fallback
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

  [[nodiscard]] std::optional<int32_t> Find(size_t begin, size_t length) const {
    if (length > tokenizer_.longest_piece_) return std::nullopt;
    const auto found = tokenizer_.ids_.find(text_.substr(begin, length));
    if (found == tokenizer_.ids_.end()) return std::nullopt;
    return found->second;
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
    if (const std::optional<int32_t> id = Find(symbol.begin, length)) {
      merges_.push({tokenizer_.pieces_[static_cast<size_t>(*id)].score, left, length, *id});
    }
  }

  const Tokenizer& tokenizer_;
  std::string_view text_;
  std::vector<Symbol> symbols_;
  std::priority_queue<Merge> merges_;
};

std::vector<int32_t> Tokenizer::Encode(std::string_view text, Marks marks) const {
  std::vector<int32_t> ids;
  if (marks != Marks::kNone) ids.push_back(kBos);
  if (!text.empty()) {
    const std::string with_prefix = " " + std::string(text);
    Merger(*this, with_prefix).AppendIdsTo(ids);
  }
  if (marks == Marks::kBosAndEos) ids.push_back(kEos);
  return ids;
}

std::string_view Tokenizer::DecodePiece(int32_t previous, int32_t id) const {
  DEEPTHIN_CHECK(id >= 0 && id < vocab_size());
  std::string_view bytes = pieces_[static_cast<size_t>(id)].bytes;
  if (previous == kBos && !bytes.empty() && bytes.front() == ' ') bytes.remove_prefix(1);
  return bytes;
}

std::string Tokenizer::Decode(std::span<const int32_t> ids) const {
  std::string text;
  int32_t previous = kBos;
  for (const int32_t id : ids) {
    text += DecodePiece(previous, id);
    previous = id;
  }
  return text;
}

Tokenizer LoadTokenizer(const std::string& path, int64_t vocab_size) {
  return Tokenizer::FromBytes(ReadFile(path), vocab_size, path);
}

}  // namespace deepthin::runtime
