// Whatever is wrong: one sentence on stderr, exit code 2 (1 where the machine refused), nothing
// half written.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "runtime/checkpoint/llama2c.h"
#include "runtime/thread_pool.h"
#include "spec/files.h"
#include "spec/json_io.h"
#include "spec/model_argument.h"
#include "tests/end_to_end/program.h"

namespace deepthin {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

using Words = std::vector<std::string>;

void ExpectOneSentence(const Words& arguments, int exit_code, const Words& says) {
  std::string shown;
  for (const std::string& word : arguments) shown += " " + word;
  SCOPED_TRACE("deepthin" + shown);
  const ProgramResult result = RunProgram(arguments);
  EXPECT_EQ(result.exit_code, exit_code);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, StartsWith("deepthin: "));
  EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
  for (const std::string& part : says) EXPECT_THAT(result.err, HasSubstr(part));
}

TEST(BadInput, OnTheCommandLine) {
  ExpectOneSentence({"sweeep"}, 2, {"'sweeep'", "sweep"});
  ExpectOneSentence({"sweep", "start"}, 2, {"'start'", "run"});
  ExpectOneSentence({"params", "--presision", "f32"}, 2, {"presision"});
  ExpectOneSentence({"params", "mobilellm-7b"}, 2, {"mobilellm-7b", "mobilellm-125m"});
  ExpectOneSentence({"params", "mobilellm-125m:depth=3"}, 2, {"'depth'", "n_blocks"});
  ExpectOneSentence({"params", "mobilellm-125m:n_kv_heads=4"}, 2, {"n_kv_heads", "n_heads"});
  ExpectOneSentence({"params", "mobilellm-125m:n_blocks=many"}, 2, {"n_blocks", "whole number"});
  ExpectOneSentence({"estimate", "mobilellm-125m", "--soc", "abacus"}, 2, {"abacus", "iphone-13"});
  ExpectOneSentence({"estimate", "mobilellm-125m", "--precision", "f12"}, 2, {"f12", "q4_0"});
  ExpectOneSentence({"estimate", "mobilellm-125m", "--prompt", "4096"}, 2, {"max_seq_len"});
  ExpectOneSentence({"estimate", "mobilellm-125m", "--prompt", "NaN"}, 2, {"--prompt", "NaN"});
  ExpectOneSentence({"estimate", kTinyModel, "--simulate", "--line", "4096"}, 2,
                    {"--line", "4096"});
  ExpectOneSentence({"estimate", kTinyModel, "--simulate", "--line", "1B"}, 2, {"64 MiB"});
  ExpectOneSentence({"estimate", kTinyModel, "--perfetto", ""}, 2, {"--perfetto", "empty"});
  ExpectOneSentence({"estimate", kTinyModel, "--line", "1MB"}, 2, {"--line", "--simulate"});
  ExpectOneSentence({"score"}, 2, {"MODEL"});
  ExpectOneSentence({"score", "mobilellm-125m", "--proxy", "oracle"}, 2,
                    {"--proxy", "'oracle'", "decoder_params"});
  ExpectOneSentence({"score", "mobilellm-125m", "--proxy", "decoder_params:a=1"}, 2,
                    {"a", "no set"});
  ExpectOneSentence({"score", "mobilellm-125m", "--group", "2T"}, 2, {"'2T'", "0.25T"});
  ExpectOneSentence({"score", "mobilellm-125m", "--trained", "none.csv"}, 2, {"none.csv"});
  ExpectOneSentence({"proxies", "validate", "--out", "/nowhere/a.md"}, 1, {"/nowhere"});
  ExpectOneSentence({"proxies", "validate", "--experiment", "none.jsonl"}, 2, {"none.jsonl"});
  ExpectOneSentence({"proxies", "validate", "--set", "Table 0"}, 2, {"--set", "'Table 11, 125M'"});
  ExpectOneSentence({"shapes"}, 2, {"--params", "125M"});
  ExpectOneSentence({"shapes", "--params", "999B"}, 2, {"--params", "999B", "20B"});
  ExpectOneSentence({"shapes", "--params", "125M", "--head-dim", "33"}, 2, {"--head-dim", "even"});
  ExpectOneSentence({"shapes", "--params", "125M", "--soc", "abacus"}, 2, {"abacus", "iphone-13"});
  ExpectOneSentence({"measure", kTinyModel, "--threads", "two"}, 2, {"--threads", "two"});
  ExpectOneSentence({"measure", kTinyModel, "--generate", "4096"}, 2, {"2048"});
  ExpectOneSentence({"generate", "--model", kTinyModel}, 2, {"--tokenizer"});
  ExpectOneSentence({"paper", "table-99"}, 2, {"table-99", "table-11"});
  ExpectOneSentence({"calibrate", "paper", "table-11"}, 2, {"table-7"});
  ExpectOneSentence({"choose", "--params", "lots", "--db", "x.db"}, 2, {"--params", "lots"});
  ExpectOneSentence({"choose", "--memory", "512", "--db", "x.db"}, 2, {"--memory", "512MiB"});
  ExpectOneSentence({"choose", "--params", "125M", "--within", "5"}, 2, {"--within", "10%"});
  ExpectOneSentence({"choose", "--within", "5%"}, 2, {"--within", "--params"});
  ExpectOneSentence({"choose", "--db", ""}, 2, {"--db", "empty"});
  ExpectOneSentence({"export", "mobilellm-125m:ffn=relu", "--hf-config"}, 2, {"relu", "swiglu"});
  ExpectOneSentence({"params", "mobilellm-125m:norm_eps=0"}, 2, {"/norm_eps: is 0;"});
  ExpectOneSentence({"params", "--precision", "f12"}, 2, {"--precision: is 'f12'"});
}

TEST(BadInput, OfAWhatIf) {
  const auto expect = [](const std::string& vary, const Words& says) {
    ExpectOneSentence({"whatif", "mobilellm-125m", "--vary", vary}, 2, says);
  };
  expect("sram.capcity=1MiB..2MiB", {"--vary", "'sram.capcity'", "sram.capacity"});
  expect("sram.capacity=1GB/s", {"--vary", "'1GB/s'", "MiB"});
  expect("context=9..5", {"--vary", "empty range", "5..9"});
  expect("context=1..9:99999", {"'99999' points", "1000"});
  ExpectOneSentence({"whatif", "mobilellm-125m", "--vary", "context=1..9000:1000", "--vary",
                     "prompt=1..9000:1000"},
                    2, {"points over all models", "at most 100000"});
  ExpectOneSentence({"whatif", "mobilellm-125m", "--box", "context=1..5"}, 2, {"--box", "dram"});
  ExpectOneSentence({"whatif", "mobilellm-125m", "--metric", "fun"}, 2, {"--metric", "prefill"});
  ExpectOneSentence({"whatif", "mobilellm-125m", "--samples", "0"}, 2, {"--samples", "'0'"});
  ExpectOneSentence({"whatif"}, 2, {"no argument"});
}

TEST(BadInput, AModelThatIsNoFile) {
  ExpectOneSentence({"measure", "mobilellm-125"}, 2,
                    {"'mobilellm-125'", "deepthin params", "GGUF"});
  ExpectOneSentence({"measure", "mobilellm-125m:n_blocks"}, 2, {"the override 'n_blocks'"});
}

TEST(BadInput, OptionsByTheNameThatTheUserKnows) {
  ExpectOneSentence({"measure", kTinyModel, "--positions", "5000"}, 2, {"--positions: holds 5000"});
  ExpectOneSentence({"measure", kTinyModel, "--prompt", "2048"}, 2, {"command line: --generate:"});
}

TEST(BadInput, OptionsThatWouldChangeNothing) {
  const TemporaryFolder folder;
  const std::string path = folder.File("x");
  ExpectOneSentence({"params", "--check-paper", "mobilellm-125m"}, 2, {"--check-paper"});
  ExpectOneSentence({"paper", "7", "--csv", "--json"}, 2, {"--csv and --json"});
  ExpectOneSentence({"export", kTinyModel, "--gguf", path, "--out", "y"}, 2, {"--out"});
  ExpectOneSentence({"export", kTinyModel, "--hf-config", "--tokenizer", "t"}, 2, {"--tokenizer"});
  ExpectOneSentence({"export", kTinyModel, "--json", "--dtype", "f16"}, 2, {"--dtype"});
  ExpectOneSentence({"convert", kTinyModel, path, "--tokenizer", "t"}, 2, {"--tokenizer"});
  EXPECT_THAT(folder.List(), IsEmpty());
}

TEST(BadInput, InJsonFiles) {
  const TemporaryFolder folder;
  const ProgramResult good = RunProgram({"export", "mobilellm-125m", "--json"});
  const auto model = [&](const std::string& from, const std::string& to) {
    std::string text = good.out;
    const size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return folder.Write("model.json", text.replace(at, from.size(), to));
  };
  ExpectOneSentence({"params", model("\"d_ff\"", "\"dff\"")}, 2, {"model.json", "d_ff"});
  ExpectOneSentence({"params", model("\"d_ff\"", "\"extra\": 1, \"d_ff\"")}, 2, {"'extra'"});
  ExpectOneSentence({"params", model("\"d_ff\"", "\"d_model\": 1, \"d_ff\"")}, 2,
                    {"'d_model' twice"});
  ExpectOneSentence({"params", model("576", "\"576\"")}, 2, {"/d_model", "\"576\"", "number"});
  ExpectOneSentence({"params", model("576", "NaN")}, 2, {"model.json", "line 3"});
  ExpectOneSentence({"params", model("576", "1e999")}, 2, {"model.json"});
  ExpectOneSentence({"params", model("576", "576.5")}, 2, {"/d_model", "576.5"});
  ExpectOneSentence({"params", model("{", "[")}, 2, {"model.json", "JSON"});
  ExpectOneSentence({"params", folder.File("absent.json")}, 2, {"absent.json", "cannot be read"});
}

TEST(BadInput, InSocFiles) {
  const TemporaryFolder folder;
  const Json estimate =
      ParseJson(RunProgram({"estimate", "mobilellm-125m", "--json"}).out, "stdout");
  const Json soc = estimate[0]["problem"]["soc"];
  const auto with = [&](const std::string& pointer, const Json& value) {
    Json changed = soc;
    changed[Json::json_pointer(pointer)] = value;
    return folder.Write("soc.json", changed.dump());
  };
  const auto expect = [&](const std::string& path, const Words& says) {
    ExpectOneSentence({"estimate", "mobilellm-125m", "--soc", path}, 2, says);
  };
  const std::string capacity = "/levels/0/capacity_bytes";
  expect(with(capacity, {{"value", 1}}), {"soc.json", capacity, "source"});
  expect(with(capacity + "/source", " "), {"soc.json", capacity + "/source", "empty"});
  expect(with(capacity + "/value", "32 MiB"), {capacity + "/value", "32 MiB", "number"});
  expect(with(capacity + "/value", -1), {capacity, "-1", "positive"});
  expect(with("/levels/0/kind", "tape"), {"/levels/0/kind", "tape", "sram"});
  expect(with("/levels", Json::array()), {"/levels", "dram"});
  expect(with("/levels/1/read_bandwidth_bytes_per_s/value", -1e9), {"read_bandwidth", "positive"});
  expect(with("/levels/1/read_bandwidth_bytes_per_s/value", nullptr), {"read_bandwidth", "null"});
  expect(with("/levels/0/kind", "flash"), {"/levels/1/kind", "nearest first"});
  expect(with("/compute/0/dtype", "f64"), {"/compute/0/dtype", "f64", "bf16"});
  expect(with("/compute", Json::array()), {"/compute", "empty"});
  expect(with("/fixed/per_token_s/value", 1e30), {"/fixed/per_token_s/value", "1e18"});
}

TEST(BadInput, SocFilesThatCheckRefuses) {
  const TemporaryFolder folder;
  const std::string good = RunProgram({"soc", "show", "iphone-13", "--json"}).out;
  const auto expect = [&](const std::string& from, const std::string& to, const Words& says) {
    std::string text = good;
    const size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    const std::string file = folder.Write("my.json", text.replace(at, from.size(), to));
    Words parts = says;
    parts.push_back("my.json");
    ExpectOneSentence({"soc", "check", file}, 2, parts);
  };
  expect("\"capacity_bytes\"", "\"capacity_mib\"",
         {"/levels/0: lacks the key 'capacity_bytes'", "unknown key 'capacity_mib'"});
  expect("\"value\": 33554432", "\"value\": 32",
         {"/levels/0/capacity_bytes/value: is 32, as if in another unit", "64 KiB"});
  expect("\"value\": 33554432", "\"value\": \"32 MiB\"", {"\"32 MiB\"", "number"});
  expect("\"source\": \"Mobile", "\"origin\": \"Mobile", {"lacks the key 'source'", "'origin'"});
  expect("\"value\": 16135000000", "\"value\": -16135000000",
         {"/levels/1/read_bandwidth", "positive"});
  expect("\"kind\": \"sram\"", "\"kind\": \"flash\"",
         {"/levels/1/kind: is dram after flash", "nearest first"});
  expect("\"dtype\": \"f16\"", "\"dtype\": \"f64\"", {"/compute/0/dtype", "f64", "bf16"});
  expect("\"low\": 100000000000", "\"low\": 3000000000000", {"outside its own low and high"});
  expect("{", "", {"JSON"});
  expect("\"name\"", "\"\\u0007\": 1, \"name\"", {"unknown key"});
  const std::string nested(100, '[');
  ExpectOneSentence({"soc", "check", folder.Write("deep.json", nested)}, 2, {"nested too deeply"});
  ExpectOneSentence({"soc", "check", folder.Write("empty.json", "")}, 2, {"JSON"});
  ExpectOneSentence({"soc", "check", folder.Write("null.json", "null")}, 2, {"object"});
  ExpectOneSentence({"soc", "check", folder.File("absent.json")}, 2, {"cannot be read"});
  ExpectOneSentence({"soc", "show", "iphone-99"}, 2, {"iphone-99", "iphone-15"});
  ExpectOneSentence({"soc", "diff", "iphone-13"}, 2, {"1 argument", "A B"});
  ExpectOneSentence({"soc", "host"}, 2, {"'host'", "list"});
}

// A tiny checkpoint, then damaged.
TEST(BadInput, InCheckpoints) {
  const TemporaryFolder folder;
  runtime::ThreadPool pool(1);
  const std::string path = folder.File("model.bin");
  runtime::WriteLlama2c(runtime::RandomWeights(ModelFromArgument(kTinyModel), 1, pool), path);
  const std::string whole = ReadFile(path);
  const std::string tokenizer = folder.Write("tok.bin", "not a tokenizer");
  const auto expect = [&](const std::string& content, const Words& says) {
    const std::string bad = folder.Write("bad.bin", content);
    ExpectOneSentence({"generate", "--model", bad, "--tokenizer", tokenizer}, 2, says);
  };
  expect(whole.substr(0, whole.size() - 1), {"bad.bin"});
  expect(whole.substr(0, 10), {"bad.bin"});
  expect("", {"bad.bin"});
  std::string counts = whole;
  counts[0] = 33;  // d_model
  expect(counts, {"bad.bin"});
  expect("\xff\xff\xff\x7f" + whole.substr(4), {"bad.bin"});
  // The checkpoint is whole: then it is the tokenizer that is refused.
  ExpectOneSentence({"generate", "--model", path, "--tokenizer", tokenizer}, 2, {"tok.bin"});
}

TEST(BadInput, InSweepFiles) {
  const TemporaryFolder folder;
  const std::string database = folder.File("x.db");
  const std::string good = RunProgram({"sweep", "list", "--show", "demo"}).out;
  ASSERT_THAT(good, HasSubstr("\"axes\""));
  std::string bad = good;
  bad.replace(bad.find("\"axes\""), 6, "\"axis\"");
  const std::string path = folder.Write("sweep.json", bad);
  ExpectOneSentence({"sweep", "run", path, "--db", database}, 2, {"sweep.json", "axis"});
  EXPECT_FALSE(std::filesystem::exists(database)) << "a refused sweep made a database";
  ExpectOneSentence({"sweep", "run", "no-such", "--db", database}, 2, {"no-such", "demo"});
}

class BadDatabase : public ::testing::Test {
 protected:
  BadDatabase() : path_(folder_.File("sweep.db")) {
    const std::string sweep =
        folder_.Write("tiny.json", R"({"name": "tiny", "base": {"model": ")" + kTinyModel +
                                       R"(", "soc": "iphone-13", "precision": "f16",
                          "workload": {"prompt_tokens": 4, "generated_tokens": 2}},
                          "evaluators": [{"name": "score"}]})");
    made_ = RunProgram({"sweep", "run", sweep, "--db", path_});
  }
  void SetUp() override { ASSERT_EQ(made_.exit_code, 0) << made_.err; }

  TemporaryFolder folder_;
  std::string path_;
  ProgramResult made_;
};

TEST_F(BadDatabase, FromANewerVersion) {
  // SQLite keeps user_version as a big-endian number at byte 60 of the file.
  std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(60);
  file.write("\x00\x00\x03\xe7", 4);
  file.close();
  ExpectOneSentence({"sweep", "status", "--db", path_}, 2, {"sweep.db", "999", "newer"});
  ExpectOneSentence({"sweep", "run", folder_.File("tiny.json"), "--db", path_}, 2, {"999"});
}

TEST_F(BadDatabase, NoDatabaseAtAll) {
  const std::string text = folder_.Write("text.db", "this is a text, and no database, at all\n");
  ExpectOneSentence({"sweep", "status", "--db", text}, 2, {"text.db"});
  EXPECT_EQ(ReadFile(text), "this is a text, and no database, at all\n");
  ExpectOneSentence({"choose", "--db", folder_.File("absent.db")}, 2, {"absent.db"});
  EXPECT_FALSE(std::filesystem::exists(folder_.File("absent.db")));
}

TEST_F(BadDatabase, Truncated) {
  const std::string whole = ReadFile(path_);
  const std::string cut = folder_.Write("cut.db", whole.substr(0, whole.size() / 2));
  ExpectOneSentence({"results", "export", "--csv", "--db", cut}, 2, {"cut.db"});
}

TEST_F(BadDatabase, OnAPathThatCannotBeWritten) {
  ExpectOneSentence({"sweep", "run", folder_.File("tiny.json"), "--db", "/proc/sweep.db"}, 1,
                    {"/proc/sweep.db"});
  ExpectOneSentence({"export", "mobilellm-125m", "--json", "--out", "/proc/model.json"}, 1,
                    {"/proc/model.json"});
  ExpectOneSentence(
      {"sweep", "run", folder_.File("tiny.json"), "--db", folder_.File("no/such/folder.db")}, 1,
      {"folder.db"});
  EXPECT_THAT(folder_.List(), ::testing::ElementsAre("sweep.db", "tiny.json"));
}

// Before the measuring, not after it.
TEST(BadEnvironment, ATimelineThatCannotBeWritten) {
  const TemporaryFolder folder;
  ExpectOneSentence({"measure", kTinyModel, "--perfetto", folder.File("no/trace.json")}, 1,
                    {"no/trace.json", "No such file"});
  ExpectOneSentence({"measure", kTinyModel, "--perfetto", folder.File(".")}, 1, {"directory"});
}

TEST(BadEnvironment, AFullStandardOutputIsNoSuccess) {
  const ProgramResult result = RunProgram({"params"}, "/dev/full");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.err, "deepthin: standard output: cannot be written\n");
  // More than a buffer of it, so that not only the last flush fails.
  const ProgramResult longer = RunProgram({"params", "--check-paper", "--json"}, "/dev/full");
  EXPECT_EQ(longer.exit_code, 1);
  EXPECT_EQ(longer.err, "deepthin: standard output: cannot be written\n");
}

}  // namespace
}  // namespace deepthin
