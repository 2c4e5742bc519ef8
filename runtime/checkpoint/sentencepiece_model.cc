// Reads the protocol buffer by hand: its wire format (protobuf.dev/programming-guides/encoding) is
// a few lines, and of its fields (sentencepiece_model.proto) we need a dozen.
#include <cmath>

#include "runtime/checkpoint/byte_reader.h"
#include "runtime/checkpoint/vocabulary_files.h"

namespace deepthin::runtime {
namespace {

constexpr size_t kMaxPieceBytes = 8'000;  // sentencepiece's own bound

enum class Wire { kVarint = 0, kEightBytes = 1, kBytes = 2, kFourBytes = 5 };

struct ProtoField {
  uint64_t number = 0;
  Wire wire = Wire::kVarint;
  uint64_t varint = 0;     // kVarint
  std::string_view bytes;  // the others
  size_t offset = 0;       // of its tag in the message
};

// Calls visit(field) for each field of a message, in their order.
class Message {
 public:
  Message(std::string_view bytes, size_t offset, const std::string& file)
      : in_(bytes, file), file_(file), offset_(offset) {}

  template <class Visit>
  void ForEach(const Visit& visit) {
    while (in_.left() > 0) {
      ProtoField field;
      field.offset = in_.offset();
      const uint64_t tag = ReadVarint();
      field.number = tag >> 3;
      field.wire = static_cast<Wire>(tag & 7);
      switch (field.wire) {
        case Wire::kVarint:
          field.varint = ReadVarint();
          break;
        case Wire::kEightBytes:
          field.bytes = in_.ReadBytes(8, "a field");
          break;
        case Wire::kFourBytes:
          field.bytes = in_.ReadBytes(4, "a field");
          break;
        case Wire::kBytes: {
          const uint64_t length = ReadVarint();
          if (length > in_.left()) Fail(field, "is longer than the file");
          field.bytes = in_.ReadBytes(length, "a field");
          break;
        }
        default:
          Fail(field, "is of no wire type that is known");
      }
      visit(field);
    }
  }

  void Require(const ProtoField& field, Wire wire) const {
    if (field.wire != wire) Fail(field, "is of another wire type");
  }
  [[noreturn]] void Fail(const ProtoField& field, const std::string& found) const {
    throw InputError({file_, "byte " + std::to_string(offset_ + field.offset)},
                     "field " + std::to_string(field.number) + " " + found,
                     "a sentencepiece model (protocol buffer)");
  }
  // Offset in the file of the bytes of the field that is being visited.
  [[nodiscard]] size_t OffsetOf(const ProtoField& field) const {
    return offset_ + in_.offset() - field.bytes.size();
  }

 private:
  uint64_t ReadVarint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 70; shift += 7) {
      const auto byte = in_.Read<uint8_t>("a number");
      if (shift < 64) value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) return value;
    }
    in_.Fail(in_.offset(), "has a number of more than 10 bytes", "a protocol buffer");
  }

  ByteReader in_;
  const std::string& file_;
  size_t offset_;
};

// The parts of TrainerSpec that say how the model is to be executed.
struct Trainer {
  uint64_t model_type = 1;
  bool byte_fallback = false;
  bool spaces_at_the_end = false;  // treat_whitespace_as_suffix
  std::string bos = "<s>";
  std::string eos = "</s>";
};

class ModelReader {
 public:
  ModelReader(std::string_view bytes, const std::string& file) : bytes_(bytes), file_(file) {}

  Vocabulary Read() {
    Message model(bytes_, 0, file_);
    model.ForEach([&](const ProtoField& field) {
      if (field.number < 1 || field.number > 3) return;
      model.Require(field, Wire::kBytes);
      Message inner(field.bytes, model.OffsetOf(field), file_);
      if (field.number == 1) ReadPiece(inner);
      if (field.number == 2) ReadTrainer(inner);
      if (field.number == 3) ReadNormalizer(inner);
    });
    Finish();
    return std::move(out_);
  }

 private:
  [[noreturn]] void Refuse(const std::string& place, const std::string& found,
                           const std::string& expected) const {
    throw InputError({file_, place}, found, expected);
  }

  void ReadPiece(Message& message) {
    VocabularyPiece piece;
    const std::string place = "piece " + std::to_string(out_.pieces.size());
    message.ForEach([&](const ProtoField& field) {
      if (field.number == 1) {
        message.Require(field, Wire::kBytes);
        piece.text = field.bytes;
      } else if (field.number == 2) {
        message.Require(field, Wire::kFourBytes);
        std::memcpy(&piece.score, field.bytes.data(), sizeof(piece.score));
      } else if (field.number == 3) {
        message.Require(field, Wire::kVarint);
        if (field.varint < 1 || field.varint > 6) {
          Refuse(place, "is of type " + std::to_string(field.varint), "1 to 6");
        }
        piece.kind = static_cast<PieceKind>(field.varint);
      }
    });
    if (piece.text.empty() || piece.text.size() > kMaxPieceBytes) {
      Refuse(place, "has " + std::to_string(piece.text.size()) + " bytes",
             "1 to " + std::to_string(kMaxPieceBytes));
    }
    if (!std::isfinite(piece.score)) Refuse(place, "has a score that is no number", "a number");
    out_.pieces.push_back(std::move(piece));
  }

  void ReadTrainer(Message& message) {
    message.ForEach([&](const ProtoField& field) {
      const bool is_text = field.wire == Wire::kBytes;
      if (field.number == 3 && !is_text) trainer_.model_type = field.varint;
      if (field.number == 24 && !is_text) trainer_.spaces_at_the_end = field.varint != 0;
      if (field.number == 35 && !is_text) trainer_.byte_fallback = field.varint != 0;
      if (field.number == 46 && is_text) trainer_.bos = field.bytes;
      if (field.number == 47 && is_text) trainer_.eos = field.bytes;
    });
  }

  // escape_whitespaces (5) changes how pieces are spelt, which we undo in either case.
  void ReadNormalizer(Message& message) {
    message.ForEach([&](const ProtoField& field) {
      const bool is_text = field.wire == Wire::kBytes;
      if (field.number == 2 && is_text) out_.character_map = field.bytes;
      if (field.number == 3 && !is_text) out_.add_space_prefix = field.varint != 0;
      if (field.number == 4 && !is_text) out_.remove_extra_whitespaces = field.varint != 0;
    });
  }

  void Finish() {
    if (trainer_.model_type != 1 && trainer_.model_type != 2) {
      Refuse("trainer_spec", "has the model type " + std::to_string(trainer_.model_type),
             "1 (unigram) or 2 (BPE)");
    }
    if (trainer_.spaces_at_the_end) {
      Refuse("trainer_spec", "puts spaces behind words (treat_whitespace_as_suffix)",
             "spaces before words");
    }
    out_.segmentation = trainer_.model_type == 1 ? Segmentation::kUnigram : Segmentation::kBpe;
    std::optional<int32_t> unknown;
    for (size_t i = 0; i < out_.pieces.size(); ++i) {
      const VocabularyPiece& piece = out_.pieces[i];
      const auto id = static_cast<int32_t>(i);
      if (piece.kind == PieceKind::kUnknown && !unknown) unknown = id;
      if (piece.kind == PieceKind::kByte && !trainer_.byte_fallback) {
        Refuse("piece " + std::to_string(i), "is a byte", "none without byte_fallback");
      }
      if (piece.kind != PieceKind::kControl) continue;
      if (piece.text == trainer_.bos) out_.bos = id;
      if (piece.text == trainer_.eos) out_.eos = id;
    }
    if (!unknown) Refuse("", "has no piece for what is unknown", "one, in a sentencepiece model");
    out_.unknown = *unknown;
  }

  std::string_view bytes_;
  const std::string& file_;
  Vocabulary out_;
  Trainer trainer_;
};

}  // namespace

Vocabulary SentencePieceVocabulary(std::string_view bytes, const std::string& file) {
  return ModelReader(bytes, file).Read();
}

}  // namespace deepthin::runtime
