// Models in every format, by the program: written, told apart, read, converted, refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "runtime/checkpoint/vocabulary_files.h"
#include "spec/files.h"
#include "spec/json_io.h"
#include "tests/end_to_end/program.h"

namespace deepthin {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using Words = std::vector<std::string>;

// Widths that are multiples of 32, a vocabulary that llama2.c's tokenizer files can have.
constexpr const char* kModel =
    "mobilellm-125m:n_blocks=2,d_model=32,n_heads=4,n_kv_heads=2,head_dim=8,d_ff=64,vocab_size=264";

std::string Out(const Words& arguments) {
  const ProgramResult result = RunProgram(arguments);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  return result.out;
}
std::string Error(const Words& arguments, int exit_code = 2) {
  const ProgramResult result = RunProgram(arguments);
  EXPECT_EQ(result.exit_code, exit_code) << result.out;
  return result.err;
}
std::string LogitsOf(const std::string& model, const Words& more = {}) {
  Words arguments = {"eval", "logits", model, "--tokens", "1,5,250", "--json"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return Out(arguments);
}

// A tokenizer in llama2.c's format: marks, bytes, three characters and two of their pairs.
std::string TokenizerFile() {
  std::string out;
  const auto append = [&out](auto value) {
    out.append(reinterpret_cast<const char*>(&value), sizeof(value));
  };
  append(int32_t{8});
  const auto piece = [&](const std::string& text, float score) {
    append(score);
    append(static_cast<int32_t>(text.size()));
    out += text;
  };
  for (const char* mark : {"<unk>", "\n<s>\n", "\n</s>\n"}) piece(mark, 0);
  for (int byte = 0; byte < 256; ++byte) piece(runtime::ByteName(byte), 0);
  for (const char* text : {" ", "a", "b", " a", "ab"}) piece(text, -static_cast<float>(*text));
  return out;
}

// Large enough to be copied to huge pages, where the system has them.
TEST(Formats, AFileIsExecutedMappedOrCopied) {
  const TemporaryFolder folder;
  const std::string gguf = folder.File("m.gguf");
  Out({"export", std::string(kModel) + ",d_model=256,head_dim=64,d_ff=1024", "--gguf", gguf});
  EXPECT_GT(std::filesystem::file_size(gguf), size_t{4} << 20);
  EXPECT_EQ(LogitsOf(gguf, {"--mmap", "yes"}), LogitsOf(gguf));
  for (const char* command : {"measure", "generate"}) {
    EXPECT_THAT(Error({command, gguf, "--mmap", "maybe"}),
                AllOf(HasSubstr("--mmap: is 'maybe'"), HasSubstr("yes or no")));
  }
}

TEST(Formats, TheSameModelFromEach) {
  const TemporaryFolder folder;
  const std::string gguf = folder.File("m.gguf");
  const std::string tensors = folder.File("m");
  const std::string llama2c = folder.File("m.bin");
  Out({"export", kModel, "--gguf", gguf, "--seed", "3"});
  Out({"export", kModel, "--safetensors", tensors, "--seed", "3"});
  Out({"export", kModel, "--llama2c", llama2c, "--seed", "3"});
  const std::string expected = LogitsOf(kModel, {"--seed", "3"});
  EXPECT_NE(expected, LogitsOf(kModel, {"--seed", "4"}));
  for (const std::string& path : {gguf, tensors, tensors + "/model.safetensors", llama2c}) {
    EXPECT_EQ(LogitsOf(path), expected) << path;
  }
  // By their content, whatever they are called; of a folder's file the config would be missing.
  const auto misnamed = [&](const std::string& path) {
    return folder.Write("misnamed.dat", ReadFile(path));
  };
  EXPECT_EQ(LogitsOf(misnamed(gguf)), expected);
  EXPECT_EQ(LogitsOf(misnamed(llama2c)), expected);
  EXPECT_THAT(Error({"eval", "logits", misnamed(tensors + "/model.safetensors"), "--tokens", "1"}),
              HasSubstr("no config.json beside it"));
  // A config.json stands for its architecture.
  EXPECT_EQ(LogitsOf(tensors + "/config.json", {"--seed", "3"}), expected);
}

TEST(Formats, ConversionKeepsOrChangesTheFormatOfWeights) {
  const TemporaryFolder folder;
  Out({"export", kModel, "--gguf", folder.File("q4.gguf"), "--dtype", "q4_0"});
  const std::string q4 = LogitsOf(folder.File("q4.gguf"));
  EXPECT_EQ(q4, LogitsOf(kModel, {"--dtype", "q4_0"}));
  const Json said = ParseJson(
      Out({"convert", folder.File("q4.gguf"), folder.File("again.gguf"), "--json"}), "stdout");
  EXPECT_EQ(said["dtype"], "q4_0");
  EXPECT_EQ(said["file_bytes"], std::filesystem::file_size(folder.File("again.gguf")));
  EXPECT_EQ(ReadFile(folder.File("again.gguf")), ReadFile(folder.File("q4.gguf")));
  Out({"convert", folder.File("q4.gguf"), folder.File("f16"), "--dtype", "f16"});
  EXPECT_EQ(ParseJson(ReadFile(folder.File("f16/config.json")), "c")["torch_dtype"], "float16");
  Out({"export", kModel, "--safetensors", folder.File("int8"), "--dtype", "int8"});
  EXPECT_EQ(LogitsOf(folder.File("int8")), LogitsOf(kModel, {"--dtype", "int8"}));
  // Schedules of every kind go through GGUF.
  const std::string reverse = std::string(kModel) + ",repeat=reverse:3,kv_policy=shared";
  Out({"export", reverse, "--gguf", folder.File("r.gguf")});
  EXPECT_EQ(ParseJson(Out({"export", folder.File("r.gguf"), "--json"}), "stdout")["repeat"],
            "reverse:3");
  EXPECT_EQ(LogitsOf(folder.File("r.gguf")), LogitsOf(reverse));
}

TEST(Formats, AVocabularyGoesWithGguf) {
  const TemporaryFolder folder;
  const std::string tokenizer = folder.Write("tok.bin", TokenizerFile());
  const std::string gguf = folder.File("m.gguf");
  Out({"export", kModel, "--gguf", gguf, "--tokenizer", tokenizer});
  const Words how = {"--temperature", "0", "-n", "5", "--prompt", " a b", "--json"};
  const auto tokens_of = [&](Words arguments) {
    arguments.insert(arguments.end(), how.begin(), how.end());
    const Json json = ParseJson(Out(arguments), "stdout");
    EXPECT_GT(json["prompt_tokens"], 1);
    return json["tokens"].dump();
  };
  const std::string expected = tokens_of({"generate", kModel, "--tokenizer", tokenizer});
  EXPECT_EQ(tokens_of({"generate", gguf}), expected);
  EXPECT_EQ(tokens_of({"generate", "--model", kModel, "--tokenizer", gguf}), expected);
  Out({"convert", gguf, folder.File("again.gguf"), "--dtype", "f32"});
  EXPECT_EQ(tokens_of({"generate", folder.File("again.gguf")}), expected);
}

TEST(Formats, BadInputGetsASentence) {
  const TemporaryFolder folder;
  const std::string gguf = folder.File("m.gguf");
  Out({"export", kModel, "--gguf", gguf});
  const std::string whole = ReadFile(gguf);
  EXPECT_THAT(Error({"generate", folder.Write("cut.gguf", whole.substr(0, 5'000))}),
              HasSubstr("cut.gguf"));
  EXPECT_THAT(Error({"generate", gguf}), AllOf(HasSubstr("vocabulary"), HasSubstr("--tokenizer")));
  EXPECT_THAT(Error({"generate", gguf, "--set", "n_blocks=3"}), HasSubstr("--set"));
  EXPECT_THAT(Error({"generate", folder.File("absent.gguf")}), HasSubstr("No such file"));
  EXPECT_THAT(Error({"generate", "--tokenizer", "x"}), HasSubstr("names no model"));
  std::filesystem::create_directory(folder.File("empty"));
  EXPECT_THAT(Error({"convert", folder.File("empty"), "x.gguf"}), HasSubstr("without config.json"));
  EXPECT_THAT(Error({"convert", gguf, folder.File("x.pt")}), HasSubstr(".gguf"));
  EXPECT_THAT(Error({"convert", gguf, "/proc/x.gguf"}, 1), HasSubstr("/proc/x.gguf"));
  EXPECT_THAT(Error({"export", kModel, "--gguf", "x.gguf", "--dtype", "int8"}),
              AllOf(HasSubstr("q8_0"), HasSubstr("--safetensors")));
  EXPECT_THAT(Error({"export", kModel, "--gguf", "x.gguf", "--dtype", "q5"}), HasSubstr("q4_0"));
  EXPECT_THAT(Error({"export", kModel, "--gguf", "x.gguf", "--json"}), HasSubstr("2 formats"));
  EXPECT_THAT(Error({"eval", "logits", gguf, "--tokens", "264"}), HasSubstr("263"));
  // A MobileLLM that does not say what it shares.
  Json config = ParseJson(Out({"export", kModel, "--hf-config"}), "stdout");
  config["model_type"] = "mobilellm";
  config.erase("layer_sharing");
  const std::string path = folder.Write("config.json", config.dump());
  EXPECT_THAT(Error({"export", path, "--json"}), HasSubstr("--layer-sharing yes|no"));
  EXPECT_THAT(Out({"export", path, "--json", "--layer-sharing", "yes"}), HasSubstr("immediate:2"));
}

}  // namespace
}  // namespace deepthin
