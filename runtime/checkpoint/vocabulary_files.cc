#include "runtime/checkpoint/vocabulary_files.h"

#include <cmath>

#include "runtime/checkpoint/byte_reader.h"
#include "runtime/checkpoint/file_content.h"
#include "runtime/checkpoint/gguf.h"

namespace deepthin::runtime {
namespace {

constexpr size_t kPieceHeader = sizeof(float) + sizeof(int32_t);
constexpr int32_t kBos = 1;
constexpr int32_t kEos = 2;
constexpr int32_t kFirstByte = 3;
constexpr int32_t kFirstText = kFirstByte + 256;

PieceKind Llama2cKind(int32_t id) {
  if (id == 0) return PieceKind::kUnknown;
  if (id == kBos || id == kEos) return PieceKind::kControl;
  return id < kFirstText ? PieceKind::kByte : PieceKind::kText;
}

}  // namespace

std::string ByteName(int byte) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string name = "<0x00>";
  name[3] = kDigits[static_cast<size_t>(byte >> 4)];
  name[4] = kDigits[static_cast<size_t>(byte & 15)];
  return name;
}

std::string Replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string out;
  while (true) {
    const size_t at = text.find(from);
    out += text.substr(0, at);
    if (at == std::string_view::npos) return out;
    out += to;
    text.remove_prefix(at + from.size());
  }
}

VocabularyFormat VocabularyFormatOf(std::string_view bytes) {
  if (bytes.starts_with(kGgufMagic)) return VocabularyFormat::kGguf;
  // A model begins with a piece (tag, length) and its text (tag, length > 0). llama2.c's begin with
  // an int32 that is less than 2^24.
  const bool is_model = bytes.size() >= 4 && bytes[0] == '\x0a' && bytes[3] != '\0';
  return is_model ? VocabularyFormat::kSentencePiece : VocabularyFormat::kLlama2c;
}

Vocabulary Llama2cVocabulary(std::string_view bytes, int64_t vocab_size, const std::string& file) {
  if (vocab_size < kFirstText) {
    throw InputError({file, ""},
                     "is to serve a vocabulary of " + std::to_string(vocab_size) + " tokens",
                     "at least 259: unknown, BOS, EOS and the 256 bytes");
  }
  ByteReader reader(bytes, file);
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
  Vocabulary out;
  out.bos = kBos;
  out.eos = kEos;
  out.remove_extra_whitespaces = false;
  out.pieces.reserve(static_cast<size_t>(vocab_size));
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
    const std::string_view text = reader.ReadBytes(static_cast<uint64_t>(length), name);
    const PieceKind kind = Llama2cKind(id);
    if (kind == PieceKind::kByte && text != ByteName(id - kFirstByte)) {
      reader.Fail(at + kPieceHeader, name + " is not a byte", ByteName(id - kFirstByte));
    }
    out.pieces.push_back({std::string(text), score, kind});
  }
  if (reader.left() != 0) {
    reader.Fail(reader.offset(),
                "goes on for " + std::to_string(reader.left()) + " bytes after the model's " +
                    std::to_string(vocab_size) + " pieces",
                "the end: is it another model's tokenizer?");
  }
  return out;
}

Vocabulary LoadVocabularyOfAnySize(const std::string& path, int64_t llama2c_size) {
  const FileContent file = MapFile(path);  // a GGUF file is large, and its vocabulary small
  const std::string_view bytes = TextOf(file);
  switch (VocabularyFormatOf(bytes)) {
    case VocabularyFormat::kGguf: {
      auto vocabulary = LoadGgufVocabulary(path);
      if (!vocabulary) throw InputError({path, ""}, "has no vocabulary", "one");
      return std::move(*vocabulary);
    }
    case VocabularyFormat::kSentencePiece:
      return SentencePieceVocabulary(bytes, path);
    case VocabularyFormat::kLlama2c:
      break;
  }
  Vocabulary out = Llama2cVocabulary(bytes, llama2c_size, path);
  for (VocabularyPiece& piece : out.pieces) piece.text = Replaced(piece.text, " ", kSpaceMark);
  out.pieces[kBos].text = "<s>";  // "\n<s>\n" there
  out.pieces[kEos].text = "</s>";
  return out;
}

Vocabulary LoadVocabulary(const std::string& path, int64_t vocab_size) {
  Vocabulary out = LoadVocabularyOfAnySize(path, vocab_size);
  const auto size = static_cast<int64_t>(out.pieces.size());
  if (size == vocab_size) return out;
  throw InputError({path, ""}, "has " + std::to_string(size) + " pieces",
                   "the model's " + std::to_string(vocab_size));
}

Vocabulary ByteVocabulary() {
  Vocabulary out;
  out.bos = kBos;
  out.eos = kEos;
  out.add_space_prefix = false;
  out.remove_extra_whitespaces = false;
  out.pieces = {{"<unk>", 0, PieceKind::kUnknown},
                {"<s>", 0, PieceKind::kControl},
                {"</s>", 0, PieceKind::kControl}};
  for (int byte = 0; byte < 256; ++byte) {
    out.pieces.push_back({ByteName(byte), 0, PieceKind::kByte});
  }
  return out;
}

}  // namespace deepthin::runtime
