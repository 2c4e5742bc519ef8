// Every command: help, JSON that parses, and the figures that the documents state.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "spec/files.h"
#include "spec/json_io.h"
#include "tests/end_to_end/program.h"

namespace deepthin {
namespace {

using ::testing::HasSubstr;

using Words = std::vector<std::string>;

TEST(Commands, EachHasHelpWithAnExample) {
  const Words commands[] = {{"sweep", "run"},
                            {"sweep", "status"},
                            {"sweep", "list"},
                            {"choose"},
                            {"estimate"},
                            {"shapes"},
                            {"soc", "list"},
                            {"soc", "show"},
                            {"soc", "check"},
                            {"soc", "diff"},
                            {"soc", "schema"},
                            {"whatif"},
                            {"measure"},
                            {"params"},
                            {"score"},
                            {"proxies", "list"},
                            {"proxies", "validate"},
                            {"train"},
                            {"experiment", "run"},
                            {"experiment", "list"},
                            {"experiment", "export"},
                            {"experiment", "import"},
                            {"experiment", "page"},
                            {"generate"},
                            {"eval", "perplexity"},
                            {"eval", "choices"},
                            {"paper"},
                            {"calibrate", "paper"},
                            {"eval", "logits"},
                            {"export"},
                            {"convert"},
                            {"results", "export"},
                            {"doctor"}};
  const std::string overview = RunProgram({"--help"}).out;
  for (Words command : commands) {
    SCOPED_TRACE(command.back());
    EXPECT_THAT(overview, HasSubstr("\n  " + command[0] + " "));
    command.emplace_back("--help");
    const ProgramResult help = RunProgram(command);
    EXPECT_EQ(help.exit_code, 0);
    EXPECT_THAT(help.out, HasSubstr("Usage: deepthin " + command[0]));
    EXPECT_THAT(help.out, HasSubstr("Examples:\n  deepthin "));
    EXPECT_THAT(help.out, HasSubstr("--json"));
    EXPECT_EQ(help.err, "");
  }
}

Json JsonOf(const Words& arguments) {
  const ProgramResult result = RunProgram(arguments);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  return ParseJson(result.out, "stdout");
}

TEST(Commands, JsonIsJson) {
  EXPECT_EQ(JsonOf({"params", "mobilellm-125m", "--json"})[0]["params_with_norms"], 124'635'456);
  EXPECT_EQ(JsonOf({"params", "--check-paper", "--json"})["equal"], 73);
  EXPECT_EQ(JsonOf({"paper", "--json"}).size(), 21u);
  EXPECT_EQ(JsonOf({"paper", "table-7", "--json"})["rows"][0][4], "15.6");
  EXPECT_EQ(JsonOf({"sweep", "list", "--json"}).size(), 8u);
  EXPECT_EQ(JsonOf({"export", "mobilellm-ls-125m", "--hf-config"})["layer_sharing"], true);
  EXPECT_TRUE(JsonOf({"doctor", "--quick", "--json"})["host"].contains("isa"));
  const Json measured = JsonOf({"measure", kTinyModel, "--threads", "1,2", "--json"});
  ASSERT_EQ(measured.size(), 2u);
  EXPECT_EQ(measured[1]["measurement"]["threads"], 2);
  EXPECT_EQ(measured[1]["measurement"]["decode_s_per_token"].size(), 5u);
}

TEST(Commands, ScoreSaysWhatEachProxySays) {
  const Json scores = JsonOf({"score", "mobilellm-125m", "mobilellm-350m", "--json"});
  ASSERT_GE(scores.size(), 4u);
  EXPECT_EQ(scores[0]["proxy"], "decoder_params");
  EXPECT_EQ(scores[0]["value"], 106'168'320.0);
  EXPECT_EQ(scores[2]["proxy"], "shape_surrogate");
  EXPECT_LT(scores[2]["interval_90"]["low"], scores[2]["value"]);
  EXPECT_LT(scores[2]["value"], scores[3]["value"]);  // 125M, 350M
  EXPECT_EQ(scores[2]["in_domain"], true);
  EXPECT_THAT(RunProgram({"score", "mobilellm-125m"}).out, HasSubstr("106.2M"));
  EXPECT_EQ(JsonOf({"score", "mobilellm-125m", "--proxy", "decoder_params", "--json"}).size(), 1u);
}

TEST(Commands, ProxiesAreJudgedByTheUsersOwnRowsToo) {
  const TemporaryFolder folder;
  std::string csv =
      "name,group,table,target,vocab_size,d_model,n_blocks,n_heads,n_kv_heads,head_dim,"
      "d_ff,ffn,tie_embeddings\n";
  for (int i = 1; i <= 12; ++i) {
    csv += "m" + std::to_string(i) + ",g," + (i % 2 == 0 ? "even" : "odd") + ",-" +
           std::to_string(4.0 - 0.1 * i) + ",256,64," + std::to_string(i) +
           ",2,2,32,128,swiglu,true\n";
  }
  const std::string path = folder.File("rows.csv");
  WriteFileAtomically(path, csv);
  const Json board = JsonOf({"proxies", "validate", "--trained", path, "--target", "minus loss",
                             "--resamples", "20", "--json"});
  const Json& set = board["sets"].back();
  EXPECT_EQ(set["target"], "minus loss");
  EXPECT_EQ(set["rows"], 6);
  EXPECT_EQ(set["lines"][0]["ranking"]["tau"]["value"], 1.0);
  EXPECT_EQ(set["lines"][1]["ranking"]["tau"]["value"], 1.0);
}

// The experiment that comes with the source: its twins judge, are judged, and teach the surrogate.
TEST(Commands, AnExperimentJudgesProxiesAndTeachesThem) {
  const std::string file =
      std::string(DEEPTHIN_SOURCE_DIR) + "/results/experiments/twins-small.jsonl";
  const Json board = JsonOf({"proxies", "validate", "--experiment", file, "--proxy",
                             "decoder_params", "--resamples", "20", "--json"});
  EXPECT_EQ(board["sets"].back()["title"], "twins-small: depth");
  EXPECT_EQ(board["sets"].back()["rows"], 9);
  EXPECT_EQ(board["sets"][0]["lines"].back()["proxy"], "short_training (twins-small)");
  const Json scores = JsonOf({"score",
                              "mobilellm-125m:vocab_size=4096,n_blocks=12,d_model=96,n_heads=12,"
                              "n_kv_heads=12,head_dim=8,d_ff=256,tie_embeddings=false",
                              "--proxy", "shape_surrogate", "--trained", file, "--json"});
  EXPECT_NEAR(scores[0]["value"].get<double>(), -6.54, 0.05);  // its own loss is in the file
  EXPECT_THAT(scores[0]["method"].get<std::string>(), HasSubstr("twins-small.jsonl"));
}

TEST(Commands, MeasureGoesByPositionAndOperatorInAnyPrecision) {
  const TemporaryFolder folder;
  const std::string trace = folder.File("trace.json");
  const std::string model = std::string(kTinyModel) + ",repeat=immediate:2";
  const Json rows = JsonOf({"measure", model, "--threads", "1", "--precision", "q8_0", "--kv",
                            "int8", "--positions", "0,9", "--generate", "3", "--repeats", "2",
                            "--by-operator", "--perfetto", trace, "--json"});
  ASSERT_EQ(rows.size(), 2u);
  for (const Json& row : rows) {
    EXPECT_EQ(row["measurement"]["precision"]["weights"], "q8_0");
    EXPECT_EQ(row["measurement"]["precision"]["kv"], "int8");
    EXPECT_EQ(row["measurement"]["token_s"].size(), 6u);
    EXPECT_LE(row["token_p50_s"].get<double>(), row["token_p95_s"].get<double>());
    EXPECT_GT(row["share_of_stream_peak"].get<double>(), 0);
    EXPECT_GT(row["block_repeated_to_first"].get<double>(), 0);
    EXPECT_FALSE(row.contains("prefill_median_s"));
    int64_t bytes = 0;
    for (const Json& op : row["operators"]) bytes += op["bytes"].get<int64_t>();
    // Each a mean over the tokens, rounded down.
    EXPECT_NEAR(static_cast<double>(bytes),
                row["measurement"]["bytes_touched_per_token"].get<double>(), 12);
  }
  EXPECT_EQ(rows[1]["measurement"]["prompt_tokens"], 9);
  EXPECT_GT(ReadJsonFile(trace)["traceEvents"].size(), 3u);
}

TEST(Commands, WhatIfSaysTheSameAsEstimateAndWhereThingsTurn) {
  const Words asked = {"whatif",
                       "mobilellm-125m",
                       "mobilellm-ls-125m",
                       "--soc",
                       "iphone-13",
                       "--vary",
                       "weights=f16,q8_0",
                       "--vary",
                       "sram.capacity=1MiB..64MiB"};
  Words with_json = asked;
  with_json.emplace_back("--json");
  const Json json = JsonOf(with_json);
  ASSERT_EQ(json["points"].size(), 14u);
  const Json& last = json["points"][6];  // f16, 64 MiB
  EXPECT_EQ(last["values"]["sram.capacity"], 64 << 20);
  const Json estimate = JsonOf({"estimate", "mobilellm-ls-125m", "--soc",
                                "iphone-13:levels.0.capacity_bytes=67108864", "--json"})[0];
  EXPECT_EQ(last["models"][1]["decode_time_s"], estimate["estimate"]["decode"]["time_s"]);
  EXPECT_EQ(last["models"][1]["prefill_time_s"], estimate["estimate"]["prefill"]["time_s"]);
  ASSERT_EQ(json["repeats_free_from"].size(), 2u);
  EXPECT_NEAR(json["repeats_free_from"][0]["capacity_bytes"].get<double>(), 7.15e6, 0.1e6);
  EXPECT_NEAR(json["repeats_free_from"][1]["capacity_bytes"].get<double>(), 3.85e6, 0.1e6);
  EXPECT_EQ(json["robust"]["models"].size(), 2u);
  const std::string text = RunProgram(asked).out;
  EXPECT_THAT(text, HasSubstr("cliffs over sram.capacity"));
  EXPECT_THAT(text, HasSubstr("A is faster than B"));
  EXPECT_THAT(text, HasSubstr("best in"));
  EXPECT_THAT(RunProgram({"whatif", "mobilellm-125m", "--vary", "context=128..4096"}).err,
              HasSubstr("made for 2048 tokens"));
}

TEST(Commands, SocsAreListedShownCheckedAndCompared) {
  const TemporaryFolder folder;
  const Json list = JsonOf({"soc", "list", "--json"});
  const std::string table = RunProgram({"soc", "list"}).out;
  for (const Json& row : list) {
    const std::string name = row["name"];
    SCOPED_TRACE(name);
    EXPECT_THAT(table, HasSubstr("\n" + name + " "));
    EXPECT_GE(row["numbers"], row["assumed"]);
    EXPECT_GT(row["sram_capacity_bytes"], 0);
    // What show prints as JSON is a file that check accepts and diff finds no difference to.
    const std::string file =
        folder.Write(name + ".json", RunProgram({"soc", "show", name, "--json"}).out);
    const Json check = JsonOf({"soc", "check", file, "--json"});
    EXPECT_EQ(check["numbers"], row["numbers"]);
    EXPECT_EQ(check["assumed"].size(), row["assumed"]);
    EXPECT_THAT(RunProgram({"soc", "check", file}).out,
                HasSubstr(file + ": valid; " + std::to_string(row["assumed"].get<int>()) + " of"));
    EXPECT_THAT(RunProgram({"soc", "diff", name, file}).out, HasSubstr("do not differ"));
  }
  EXPECT_GE(list.size(), 8u);
  const std::string shown = RunProgram({"soc", "show", "iphone-13"}).out;
  EXPECT_THAT(shown, HasSubstr("levels.0.capacity_bytes"));
  EXPECT_THAT(shown, HasSubstr("  MiB "));
  EXPECT_THAT(shown, HasSubstr("MobileLLM Table 7"));
  const Json diff = JsonOf({"soc", "diff", "iphone-13", "iphone-15", "--json"});
  EXPECT_EQ(diff["values"][0]["name"], "sram.capacity_bytes");
  EXPECT_EQ(diff["values"][0]["ratio"], 0.75);
  EXPECT_EQ(JsonOf({"soc", "schema"})["properties"]["battery_j"]["allOf"].size(), 1u);
}

TEST(Commands, EstimateSaysOnWhichAssumptionsItLeans) {
  const ProgramResult result = RunProgram({"estimate", "mobilellm-125m", "--soc", "iphone-15"});
  EXPECT_THAT(result.err, HasSubstr("a decoded token leans on levels.1.read_bandwidth"));
  EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
  const Json rows = JsonOf({"estimate", "mobilellm-125m", "--soc", "iphone-15", "--json"});
  EXPECT_EQ(rows[0]["leans_on"][0]["path"], "levels.1.read_bandwidth_bytes_per_s");
  EXPECT_GT(rows[0]["leans_on"][0]["relative_change_at_low"], 0.5);
}

TEST(Commands, EstimateReproducesTable7) {
  const Json rows =
      JsonOf({"estimate", "mobilellm-125m", "mobilellm-ls-125m", "mobilellm-125m:n_blocks=60",
              "--soc", "iphone-13", "--prompt", "1", "--generate", "1", "--json"});
  const double printed_ms[] = {15.6, 16.0, 29.0};
  for (size_t i = 0; i < 3; ++i) {
    const double ms = 1e3 * rows[i]["estimate"]["decode"]["time_s"].get<double>();
    EXPECT_NEAR(ms, printed_ms[i], 0.005 * printed_ms[i]) << rows[i]["model"];
  }
}

TEST(Commands, EstimateSimulatesATokenBesideTheClosedForm) {
  const TemporaryFolder folder;
  const std::string trace = folder.File("token.json");
  const Words arguments = {"estimate", kTinyModel,   "--simulate", "--line",
                           "1KiB",     "--perfetto", trace};
  const ProgramResult result = RunProgram(arguments);
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.out, HasSubstr("the stated bound for it is"));
  EXPECT_THAT(result.err, HasSubstr("simulated timeline of"));
  EXPECT_GT(ParseJson(ReadFile(trace), trace)["traceEvents"].size(), 2 * 9 * 2U);
  const Json rows = JsonOf({"estimate", kTinyModel, "--simulate", "--json"});
  EXPECT_EQ(rows[0]["simulation"]["closed_dram_bytes"],
            rows[0]["estimate"]["decode"]["dram_bytes"]);
  EXPECT_FALSE(JsonOf({"estimate", kTinyModel, "--json"})[0].contains("simulation"));
}

TEST(Commands, ShapesOfABudgetAreTheDeepestForTheirTime) {
  const Json shapes =
      JsonOf({"shapes", "--params", "125M", "--within", "0.5%", "--decode", "20ms", "--json"});
  EXPECT_GT(shapes["considered"].get<int64_t>(), 1'000);
  EXPECT_LT(shapes["within_limits"], shapes["considered"]);
  ASSERT_GT(shapes["front"].size(), 5U);
  for (const Json& shape : shapes["front"]) {
    EXPECT_NEAR(shape["params_matrices"].get<double>(), 125e6, 0.005 * 125e6);
    EXPECT_LE(shape["decode_time_s"].get<double>(), 20e-3);
  }
  // The first of them, estimated by itself.
  const TemporaryFolder folder;
  const Json& first = shapes["front"][0];
  const std::string file = folder.Write("first.json", first["model"].dump());
  const Json one = JsonOf({"estimate", file, "--json"})[0]["estimate"];
  EXPECT_EQ(one["decode"]["dram_bytes"], first["dram_bytes_per_token"]);
  EXPECT_NEAR(one["decode"]["time_s"].get<double>(), first["decode_time_s"].get<double>(), 1e-12);
}

TEST(Commands, CalibrateStatesTheErrorsThatTheDocumentsState) {
  const Json linear = JsonOf({"calibrate", "paper", "table-7", "--json"})["linear"]["rows"];
  const double held_out_percent[] = {0.2, 2.0, 0.2};
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_LT(std::abs(linear[i]["residual_percent"]["value"].get<double>()), 0.5);
    EXPECT_NEAR(std::abs(linear[i]["held_out_error_percent"]["value"].get<double>()),
                held_out_percent[i], 0.05);
  }
}

TEST(Commands, EstimateSaysWhatOverridesLeft) {
  const auto head = [](const Words& settings) {
    Words arguments = {"estimate", "mobilellm-125m"};
    for (const std::string& setting : settings)
      arguments.insert(arguments.end(), {"--set", setting});
    const std::string out = RunProgram(arguments).out;
    return out.substr(0, out.find('\n'));
  };
  EXPECT_THAT(head({}), HasSubstr("iphone-13 in f16, prompt 64, generating 32, by"));
  EXPECT_THAT(
      head({"precision.weights=q4_0", "workload.batch=2"}),
      HasSubstr("in q4_0 (embedding f16, activations f16, KV f16), prompt 64, generating 32, "
                "batch 2, by"));
}

TEST(Commands, ADeviceIsNoFileToReplace) {
  const TemporaryFolder folder;
  const std::string path = folder.File("null");  // a link: should this fail, the device is unharmed
  std::filesystem::create_symlink("/dev/null", path);
  const ProgramResult result = RunProgram({"export", kTinyModel, "--gguf", path});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(std::filesystem::is_character_file(path));
}

TEST(Commands, TheListOfTablesIsCsvToo) {
  const std::string out = RunProgram({"paper", "--csv"}).out;
  EXPECT_THAT(out, ::testing::StartsWith("table,rows,what\ntable-1,3,"));
  EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 22);
}

TEST(Commands, CheckPaperSaysThatAllRowsAgree) {
  const ProgramResult result = RunProgram({"params", "--check-paper"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.out, HasSubstr("73 of 73"));
}

TEST(Commands, AnExportedModelIsTheModel) {
  const TemporaryFolder folder;
  const std::string path = folder.File("my.json");
  ASSERT_EQ(RunProgram({"export", kTinyModel, "--json", "--out", path}).exit_code, 0);
  EXPECT_EQ(JsonOf({"params", path, "--json"})[0]["spec"],
            JsonOf({"params", kTinyModel, "--json"})[0]["spec"]);
  EXPECT_EQ(JsonOf({"params", path, "--set", "n_blocks=3", "--json"})[0]["spec"]["n_blocks"], 3);
}

}  // namespace
}  // namespace deepthin
