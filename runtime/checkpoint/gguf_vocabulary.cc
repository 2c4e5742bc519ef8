#include <fmt/format.h>

#include <cmath>

#include "runtime/checkpoint/gguf.h"
#include "runtime/checkpoint/gguf_keys.h"

namespace deepthin::runtime {
namespace {

// The length of each list that goes beside the tokens.
void RequireLength(const GgufFile& file, std::string_view key, size_t length, size_t tokens) {
  if (length == tokens) return;
  throw InputError(file.KeyPlace(key), fmt::format("has {} entries", length),
                   fmt::format("one for each of {} tokens", tokens));
}

std::optional<int32_t> IdAt(const GgufFile& file, std::string_view key, size_t tokens) {
  const auto id = file.Int(key);
  if (!id || *id == -1 || *id == UINT32_MAX) return std::nullopt;  // both are written for "none"
  if (*id >= 0 && *id < static_cast<int64_t>(tokens)) return static_cast<int32_t>(*id);
  throw InputError(file.KeyPlace(key), fmt::format("is {}", *id),
                   fmt::format("a token from 0 to {}", tokens - 1));
}

}  // namespace

std::optional<Vocabulary> VocabularyFromGguf(const GgufFile& file) {
  const auto model = file.Text(gguf::kTokenizerModel);
  if (!model || *model == gguf::kNoVocabulary || *model == "none") return std::nullopt;
  if (*model != gguf::kBpeModel && *model != gguf::kUnigramModel) {
    throw InputError(file.KeyPlace(gguf::kTokenizerModel), "is '" + *model + "'",
                     "llama or t5; or --tokenizer with a file");
  }
  const auto tokens = file.Texts(gguf::kTokens);
  if (!tokens || tokens->empty()) {
    throw InputError(file.KeyPlace(gguf::kTokens), "is absent or empty", "an array of texts");
  }
  Vocabulary out;
  const bool is_unigram = *model == gguf::kUnigramModel;
  out.segmentation = is_unigram ? Segmentation::kUnigram : Segmentation::kBpe;
  const auto scores = file.Floats(gguf::kScores);
  if (scores) RequireLength(file, gguf::kScores, scores->size(), tokens->size());
  const auto types = file.Ints(gguf::kTokenTypes);
  if (types) RequireLength(file, gguf::kTokenTypes, types->size(), tokens->size());
  for (size_t i = 0; i < tokens->size(); ++i) {
    VocabularyPiece piece{.text = std::string((*tokens)[i])};
    if (scores) piece.score = (*scores)[i];
    if (!std::isfinite(piece.score)) {
      throw InputError(file.KeyPlace(gguf::kScores),
                       fmt::format("has entry {} that is no number", i), "finite numbers");
    }
    const int32_t type = types ? (*types)[i] : 1;
    if (type < 1 || type > 6) {
      throw InputError(file.KeyPlace(gguf::kTokenTypes), fmt::format("has entry {} of {}", i, type),
                       "1 to 6");
    }
    piece.kind = static_cast<PieceKind>(type);
    out.pieces.push_back(std::move(piece));
  }
  // llama.cpp's defaults for its "llama" vocabularies.
  out.bos = IdAt(file, gguf::kBosId, tokens->size());
  out.eos = IdAt(file, gguf::kEosId, tokens->size());
  if (!is_unigram && file.Find(gguf::kBosId) == nullptr && tokens->size() > 2) out.bos = 1;
  if (!is_unigram && file.Find(gguf::kEosId) == nullptr && tokens->size() > 2) out.eos = 2;
  out.unknown = IdAt(file, gguf::kUnknownId, tokens->size()).value_or(is_unigram ? 2 : 0);
  if (out.unknown >= static_cast<int32_t>(tokens->size())) out.unknown = 0;
  out.add_space_prefix = file.Bool(gguf::kAddSpacePrefix).value_or(true);
  out.remove_extra_whitespaces = file.Bool(gguf::kRemoveExtraWhitespaces).value_or(false);
  out.character_map = file.Blob(gguf::kCharacterMap).value_or("");
  return out;
}

std::optional<Vocabulary> LoadGgufVocabulary(const std::string& path) {
  return VocabularyFromGguf(GgufFile::Parse(MapFile(path), path));
}

}  // namespace deepthin::runtime
