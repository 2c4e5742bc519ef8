// Writes the first files of the corpus: sound ones, small. Run by hand where a format changes:
//   build/release/tests/fuzz/make_seeds tests/fuzz/corpus
#include <cstdio>
#include <filesystem>

#include "runtime/checkpoint/gguf.h"
#include "runtime/checkpoint/llama2c.h"
#include "runtime/checkpoint/safetensors.h"
#include "runtime/thread_pool.h"
#include "spec/files.h"
#include "tests/runtime/text/vocabularies.h"

namespace deepthin {
namespace {

using runtime::PieceKind;

void MakeSeeds(const std::string& corpus) {
  runtime::ThreadPool pool(1);
  ModelSpec spec{.vocab_size = 5,
                 .d_model = 6,
                 .n_blocks = 1,
                 .n_heads = 2,
                 .n_kv_heads = 1,
                 .head_dim = 4,
                 .d_ff = 3,
                 .max_seq_len = 10};
  for (const char* precision : {"f32", "bf16", "w8a8"}) {
    const auto weights = runtime::RandomWeights(spec, 1, pool, *PrecisionByName(precision));
    const std::string folder = corpus + "/made";
    runtime::WriteSafetensors(weights, folder);
    std::filesystem::rename(folder + "/model.safetensors",
                            corpus + "/safetensors/" + precision + ".safetensors");
    std::filesystem::rename(folder + "/config.json", corpus + "/json/config.json");
    std::filesystem::remove(folder);
  }
  runtime::Vocabulary vocabulary;
  vocabulary.bos = 1;
  vocabulary.pieces = {{"<unk>", 0, PieceKind::kUnknown},
                       {"<s>", 0, PieceKind::kControl},
                       {"<0x61>", 0, PieceKind::kByte},
                       {"\u2581a", -1},
                       {"on", -2}};
  runtime::WriteGguf(runtime::RandomWeights(spec, 1, pool), vocabulary, corpus + "/gguf/f32.gguf");
  vocabulary.segmentation = runtime::Segmentation::kUnigram;
  spec.d_model = spec.d_ff = 32;
  spec.head_dim = 16;
  spec.tie_embeddings = false;
  spec.repeat = RepeatScheduleFromText("immediate:2");
  runtime::WriteGguf(runtime::RandomWeights(spec, 1, pool, *PrecisionByName("q4_0")), vocabulary,
                     corpus + "/gguf/q4_0.gguf");
  spec.d_model = 4;
  spec.head_dim = 2;
  spec.d_ff = 3;
  spec.repeat = {};
  runtime::WriteLlama2c(runtime::RandomWeights(spec, 1, pool), corpus + "/llama2c/untied.bin");
  WriteFileAtomically(
      corpus + "/tokenizer/263.bin",
      runtime::FileOf(runtime::AllPieces({{" ", 0}, {"a", 1}, {"o", 2}, {"on", 3}})));
  // Pieces <unk>, <s>, "on" with scores; trainer: BPE; normaliser: nothing but the prefix.
  std::string model;
  const auto piece = [&model](const std::string& text, char type) {
    std::string body = std::string("\x0a") + static_cast<char>(text.size()) + text +
                       std::string("\x15\x00\x00\x80\xbf\x18", 6) + type;
    model += std::string("\x0a") + static_cast<char>(body.size()) + body;
  };
  piece("<unk>", 2);
  piece("<s>", 3);
  piece("on", 1);
  piece("\u2581a", 4);
  for (const char type : {'\x01', '\x02'}) {
    WriteFileAtomically(
        corpus + "/sentencepiece/" + (type == 1 ? "unigram" : "bpe") + ".model",
        model + std::string("\x12\x02\x18") + type + std::string("\x1a\x04\x18\x01\x20\x00", 6));
  }
  WriteFileAtomically(corpus + "/json/spec.json", ToJson(spec).dump());
}

}  // namespace
}  // namespace deepthin

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: make_seeds tests/fuzz/corpus\n");
    return 2;
  }
  deepthin::MakeSeeds(argv[1]);
  return 0;
}
