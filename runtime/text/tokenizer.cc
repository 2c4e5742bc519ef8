#include "runtime/text/tokenizer.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "runtime/checkpoint/file_content.h"
#include "runtime/checkpoint/vocabulary_files.h"
#include "spec/errors.h"

namespace deepthin::runtime {
namespace {

constexpr size_t kMaxPieceBytes = 8'000;                     // sentencepiece's bound
constexpr float kUnknownPenalty = 10.0F;                     // unigram_model.cc, kUnkPenalty
constexpr std::string_view kUnknownText = " \xe2\x81\x87 ";  // U+2047, sentencepiece's unk_surface

std::optional<int> ByteOf(std::string_view name) {
  int byte = 0;
  if (name.size() != 6) return std::nullopt;
  const auto [end, error] = std::from_chars(name.data() + 3, name.data() + 5, byte, 16);
  const bool is_byte = error == std::errc() && byte >= 0 && name == ByteName(byte);
  return is_byte ? std::optional(byte) : std::nullopt;
}

}  // namespace

Tokenizer Tokenizer::FromBytes(std::string_view bytes, int64_t vocab_size,
                               const std::string& file) {
  return Make(Llama2cVocabulary(bytes, vocab_size, file), Alphabet::kLlama2c, file);
}

Tokenizer Tokenizer::FromVocabulary(const Vocabulary& vocabulary, const std::string& file) {
  return Make(vocabulary, Alphabet::kSentencePiece, file);
}

void Tokenizer::AddPiece(const VocabularyPiece& piece, int32_t id, const std::string& file) {
  const bool is_llama2c = alphabet_ == Alphabet::kLlama2c;
  std::string text = is_llama2c ? piece.text : Replaced(piece.text, kSpaceMark, " ");
  if (!is_llama2c && text.size() > kMaxPieceBytes) {
    throw InputError({file, "piece " + std::to_string(id)},
                     "has " + std::to_string(text.size()) + " bytes",
                     "at most " + std::to_string(kMaxPieceBytes));
  }
  Piece made{.bytes = "", .score = piece.score, .is_unused = piece.kind == PieceKind::kUnused};
  switch (piece.kind) {
    case PieceKind::kControl:
      break;
    case PieceKind::kUnknown:
      made.bytes = is_llama2c ? text : kUnknownText;
      break;
    case PieceKind::kByte: {
      const auto byte = ByteOf(piece.text);
      if (!byte) {
        throw InputError({file, "piece " + std::to_string(id)}, "is no byte", "<0x00> to <0xFF>");
      }
      made.bytes = std::string(1, static_cast<char>(*byte));
      auto& known = bytes_[static_cast<size_t>(*byte)];
      if (!known) known = id;
      break;
    }
    default:
      made.bytes = text;
      if (text.empty()) break;
      ids_.emplace(text, id);  // the first of equal pieces
      longest_piece_ = std::max(longest_piece_, text.size());
  }
  pieces_.push_back(std::move(made));
}

Tokenizer Tokenizer::Make(const Vocabulary& vocabulary, Alphabet alphabet,
                          const std::string& file) {
  Tokenizer out;
  out.segmentation_ = vocabulary.segmentation;
  out.alphabet_ = alphabet;
  out.unknown_ = vocabulary.unknown;
  out.bos_ = vocabulary.bos;
  out.eos_ = vocabulary.eos;
  const auto size = static_cast<int32_t>(vocabulary.pieces.size());
  for (const auto& [name, id] :
       {std::pair{"unknown", std::optional(vocabulary.unknown)}, std::pair{"BOS", vocabulary.bos},
        std::pair{"EOS", vocabulary.eos}}) {
    if (!id || (*id >= 0 && *id < size)) continue;
    throw InputError({file, name}, "is token " + std::to_string(*id),
                     "one of " + std::to_string(size));
  }
  out.normalizer_ = Normalizer(vocabulary.character_map, file);
  out.normalizer_.add_space_prefix = vocabulary.add_space_prefix;
  out.normalizer_.remove_extra_whitespaces = vocabulary.remove_extra_whitespaces;
  out.normalizer_.unmarks_spaces = alphabet == Alphabet::kSentencePiece;

  out.pieces_.reserve(vocabulary.pieces.size());
  // Of the pieces that are text: the unigram scores of what is unknown or user-defined.
  float least = std::numeric_limits<float>::max();
  float greatest = std::numeric_limits<float>::min();
  for (int32_t id = 0; id < size; ++id) {
    const VocabularyPiece& piece = vocabulary.pieces[static_cast<size_t>(id)];
    out.AddPiece(piece, id, file);
    if (piece.kind != PieceKind::kText) continue;
    least = std::min(least, piece.score);
    greatest = std::max(greatest, piece.score);
  }
  out.unknown_score_ = least - kUnknownPenalty;

  std::vector<std::pair<std::string, int32_t>> user_defined;
  std::vector<std::pair<std::string, int32_t>> all;
  for (const auto& [text, id] : out.ids_) {
    const VocabularyPiece& piece = vocabulary.pieces[static_cast<size_t>(id)];
    if (piece.kind == PieceKind::kUserDefined) {
      user_defined.emplace_back(text, id);
      // More than any sequence of other pieces.
      out.pieces_[static_cast<size_t>(id)].score =
          static_cast<float>(static_cast<float>(piece.text.size()) * greatest - 0.1);
    }
    if (piece.kind != PieceKind::kUnused) all.emplace_back(text, id);
  }
  out.user_defined_ = PieceIndex(user_defined);
  out.normalizer_.kept = out.user_defined_;
  if (out.segmentation_ == Segmentation::kUnigram) out.index_ = PieceIndex(std::move(all));
  return out;
}

std::optional<int32_t> Tokenizer::Find(std::string_view text) const {
  if (text.size() > longest_piece_) return std::nullopt;
  const auto found = ids_.find(text);
  if (found == ids_.end()) return std::nullopt;
  return found->second;
}

void Tokenizer::AppendIds(std::span<const Span> spans, std::string_view text,
                          std::vector<int32_t>& ids) const {
  bool after_unknown = false;  // a run of what is unknown is one token
  for (const Span& span : spans) {
    if (span.id) {
      ids.push_back(*span.id);
      after_unknown = false;
      continue;
    }
    for (const char c : text.substr(span.begin, span.length)) {
      const auto byte = bytes_[static_cast<unsigned char>(c)];
      if (byte) {
        ids.push_back(*byte);
      } else if (!after_unknown) {
        ids.push_back(unknown_);
      }
      after_unknown = !byte;
    }
  }
}

std::vector<int32_t> Tokenizer::Encode(std::string_view text, Marks marks) const {
  std::vector<int32_t> ids;
  if (marks != Marks::kNone && bos_) ids.push_back(*bos_);
  const std::string normal = normalizer_.Normalize(text);
  AppendIds(segmentation_ == Segmentation::kBpe ? Merge(normal) : LikeliestPath(normal), normal,
            ids);
  if (marks == Marks::kBosAndEos && eos_) ids.push_back(*eos_);
  return ids;
}

std::string_view Tokenizer::DecodeAtStart(int32_t id) const {
  std::string_view bytes = pieces_[static_cast<size_t>(id)].bytes;
  const bool may_not_begin_so =
      normalizer_.add_space_prefix || normalizer_.remove_extra_whitespaces;
  const bool is_mark = id == unknown_ && alphabet_ == Alphabet::kSentencePiece;  // kUnknownText
  if (may_not_begin_so && !is_mark && bytes.starts_with(' ')) bytes.remove_prefix(1);
  return bytes;
}

std::string_view Tokenizer::DecodePiece(int32_t previous, int32_t id) const {
  DEEPTHIN_CHECK(id >= 0 && id < vocab_size());
  return previous == bos_ ? DecodeAtStart(id) : pieces_[static_cast<size_t>(id)].bytes;
}

std::string Tokenizer::Decode(std::span<const int32_t> ids) const {
  std::string text;
  std::optional<int32_t> previous;
  for (const int32_t id : ids) {
    DEEPTHIN_CHECK(id >= 0 && id < vocab_size());
    // Where spaces are removed, no text begins with one, however many tokens of it there are.
    const bool is_start = !previous || (normalizer_.remove_extra_whitespaces && text.empty());
    text += is_start ? DecodeAtStart(id) : DecodePiece(*previous, id);
    previous = id;
  }
  return text;
}

Tokenizer LoadTokenizer(const std::string& path, int64_t vocab_size) {
  const FileContent file = MapFile(path);
  const std::string_view bytes = TextOf(file);
  if (VocabularyFormatOf(bytes) == VocabularyFormat::kLlama2c) {
    return Tokenizer::FromBytes(bytes, vocab_size, path);
  }
  return Tokenizer::FromVocabulary(LoadVocabulary(path, vocab_size), path);
}

}  // namespace deepthin::runtime
