// deepthin train
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "explorer/accuracy/twin.h"
#include "explorer/cli/command_line.h"
#include "explorer/cli/commands.h"
#include "explorer/cli/human.h"
#include "explorer/cli/interrupt.h"
#include "explorer/cli/progress.h"
#include "explorer/cli/shared_options.h"
#include "explorer/model_source.h"
#include "explorer/training_run.h"
#include "runtime/checkpoint/vocabulary_files.h"
#include "runtime/memory.h"
#include "spec/files.h"
#include "spec/json_io.h"

namespace deepthin::explorer {
namespace {

// In 60 steps of a model of 1.3M parameters on data/moby-dick.txt the validation loss was 2.613,
// 2.624, 2.816 and 3.060 with rates of 0.001, 0.003, 0.01 and 0.03.
constexpr const char* kDefaultRate = "0.003";
constexpr int64_t kMostSteps = 1'000'000;
constexpr int64_t kMostTokens = 1 << 24;

void AddOptions(CommandLine& line) {
  line.List("data", "text file to train with; may be given again")
      .List("validation", "text file to be judged by; may be given again")
      .Text("hold-out", "without --validation: this share of the tokens at the end", "5%")
      .Text("tokenizer", "sentencepiece model, GGUF or llama2.c file; without it: bytes")
      .List("set", "override a key of the model; may be given again")
      .Text("twin", "in its place a model of the same form with so many decoder parameters (2M)")
      .Text("out", "folder of the run", "deepthin-run")
      .Text("steps", "of the run", "1000")
      .Text("batch", "sequences in a step", "8")
      .Text("length", "tokens predicted in a sequence", "256")
      .Text("lr", "highest learning rate", kDefaultRate)
      .Text("warmup", "steps in which it rises; default: a tenth of them")
      .Text("parametrisation", "completep or standard", "completep")
      .Text("precision", "of the products: f32, bf16, or auto: bf16 where this CPU does it faster",
            "auto")
      .Text("eval-every", "steps between validations", "100")
      .Text("eval-tokens", "most tokens of a validation", "65536")
      .Text("checkpoint-every", "steps between checkpoints", "100")
      .Text("seed", "of the first weights and of the batches", "1")
      .Positional("MODEL", 1, 1);
  AddThreadsOption(line);
}

runtime::Parametrisation ParametrisationFrom(const CommandLine& line) {
  const std::string text = *line.Get("parametrisation");
  if (const auto known = FromText<runtime::Parametrisation>(text)) return *known;
  throw InputError({"command line", "--parametrisation"}, "is '" + text + "'",
                   "completep or standard");
}

runtime::ProductPrecision PrecisionFrom(const CommandLine& line) {
  const std::string text = *line.Get("precision");
  if (const auto known = FromText<runtime::ProductPrecision>(text)) return *known;
  if (text != "auto") {
    throw InputError({"command line", "--precision"}, "is '" + text + "'", "f32, bf16 or auto");
  }
  return runtime::FastestPrecision();
}

runtime::TrainingOptions OptionsFrom(const CommandLine& line) {
  runtime::TrainingOptions options;
  options.shape = {.sequences = line.GetInt("batch", 1, kMostTokens),
                   .length = line.GetInt("length", 1, kMostTokens)};
  options.rate.steps = line.GetInt("steps", 1, kMostSteps);
  options.rate.warmup_steps =
      line.Get("warmup") ? line.GetInt("warmup", 0, options.rate.steps) : options.rate.steps / 10;
  options.rate.peak = line.GetDouble("lr", 0, 1e30);
  options.parametrisation = ParametrisationFrom(line);
  options.precision = PrecisionFrom(line);
  return options;
}

// The model with the tokenizer's vocabulary, whatever its own is.
ModelSpec ModelToTrain(const CommandLine& line, int64_t vocab_size) {
  const std::string& name = line.positional()[0];
  if (KindOfModel(name) != ModelKind::kSpec) {
    throw InputError({name, ""}, "is a checkpoint",
                     "a preset or JSON spec, which begins at random");
  }
  ModelSpec spec = SpecFromArgument(name, {.settings = line.GetList("set")});
  if (const auto twin = line.Get("twin")) {
    spec = TwinOf(spec, {.decoder_params = CountFromText(*twin, "twin")}, vocab_size);
    fmt::print(stderr, "twin: {}\n", ToJson(spec).dump());
  } else if (spec.vocab_size != vocab_size) {
    fmt::print(stderr, "vocabulary: the tokenizer's {} tokens in the place of {}\n", vocab_size,
               spec.vocab_size);
    spec.vocab_size = vocab_size;
  }
  Validate(spec, {name, ""});
  return spec;
}

runtime::Vocabulary VocabularyFrom(const CommandLine& line) {
  const auto path = line.GetFilled("tokenizer");
  if (!path) return runtime::ByteVocabulary();
  const ModelSpec spec = SpecFromArgument(line.positional()[0], {.settings = line.GetList("set")});
  return runtime::LoadVocabularyOfAnySize(*path, spec.vocab_size);
}

// result.json of the folder: of the last sitting that did a step.
Json StoredResult(const TrainingRun& run, const TrainingResult& result, const std::string& folder,
                  int64_t threads) {
  const std::string path = std::filesystem::path(folder) / "result.json";
  std::error_code error;
  if (result.steps_now == 0 && std::filesystem::exists(path, error)) return ReadJsonFile(path);
  Json json = ToJson(result);
  json["params"] = CountParams(run.model).total();
  json["threads"] = threads;
  if (result.steps_now > 0) {
    const TrainingSpeed speed = SpeedOf(run, result, threads);
    json["tokens_per_s"] = speed.tokens_per_s;
    json["model_flop_per_s"] = speed.flop_per_s;
    json["share_of_multiply_add_peak"] = speed.share_of_peak;
  }
  if (const auto peak = runtime::PeakMemory()) json["peak_memory_bytes"] = peak->value();
  json["model"] = std::filesystem::path(folder) / "model.gguf";
  WriteFileAtomically(path, json.dump(2) + "\n");
  return json;
}

void PrintResult(const Json& json, const std::string& folder) {
  const std::string outcome = json["outcome"];
  fmt::print("{} at step {}", outcome, json["step"].get<int64_t>());
  if (json.contains("loss")) fmt::print(", loss {:.4f}", json["loss"].get<double>());
  if (json.contains("validation_loss")) {
    fmt::print(", validation loss {:.4f} nats per token", json["validation_loss"].get<double>());
  }
  fmt::print("\n");
  if (json.contains("tokens_per_s")) {
    fmt::print(
        stderr, "{} tokens/s, {:.1f} GFLOP/s, {:.0f} % of {} threads' multiply-add peak in f32\n",
        HumanRate(json["tokens_per_s"]), json["model_flop_per_s"].get<double>() * 1e-9,
        json["share_of_multiply_add_peak"].get<double>() * 100, json["threads"].get<int64_t>());
  }
  if (outcome == "interrupted") {
    fmt::print(stderr, "go on with the same command; all that is done is in {}\n", folder);
  } else if (outcome == "finished") {
    fmt::print(stderr,
               "next: deepthin generate {0}/model.gguf --prompt '...'\n"
               "      deepthin eval perplexity {0}/model.gguf --text FILE\n",
               folder);
  }
}

int ExitCode(const std::string& outcome) {
  if (outcome == "interrupted") return kInterruptedExitCode;
  return outcome == "diverged" ? 1 : 0;
}

TrainingCalls Calls(ProgressLine& progress, const TrainingRun& run) {
  const int64_t steps = run.options.rate.steps;
  const int64_t tokens = run.options.shape.predicted();
  const auto show = [&progress, steps, tokens,
                     since_first = std::optional<Stopwatch>()](const TrainingNews& news) mutable {
    if (!since_first) since_first.emplace();
    const double seconds = news.time_now.value();
    const double rate = static_cast<double>(news.steps_now * tokens) / seconds;
    // In a narrow terminal the end is cut off.
    std::string what = fmt::format("loss {:.4f}  {} tokens/s", news.loss, HumanRate(rate));
    if (news.validation_loss) what += fmt::format("  validation {:.4f}", *news.validation_loss);
    // By the clock: validations and checkpoints take their time, too.
    const int64_t done = news.steps_now - 1;
    const auto left = since_first->Eta(done, done + steps - news.step);
    progress.Show(news.step, steps, "steps", news.time_now, left, what);
  };
  return {.on_step = show, .should_stop = [] { return Interrupted(); }};
}

}  // namespace

int RunTrain(const Arguments& arguments) {
  CommandLine line(
      {.usage = "deepthin train MODEL --data FILE... [options]",
       .text = "Trains a model from random weights on text, in a folder: loss curve (curve.jsonl,\n"
               "curve.csv), checkpoints, and at the end model.gguf, which every other command\n"
               "takes. MODEL is a preset or a JSON spec; its vocabulary becomes the tokenizer's.\n"
               "Ctrl-C saves and stops; a killed run loses the steps since its last checkpoint.\n"
               "The same command goes on, to the same bits as if nothing had happened. Losses\n"
               "are in nats per token. A run that diverges ends with exit code 1 and is kept.",
       .examples = {"deepthin train mobilellm-125m:d_model=128,n_blocks=6,n_heads=4,n_kv_heads=2,"
                    "head_dim=32,d_ff=352 --data data/moby-dick.txt --steps 300",
                    "deepthin train my.json --data a.txt --data b.txt --validation c.txt "
                    "--tokenizer my.model --out my-run --json",
                    "deepthin train --twin 1M mobilellm-125m --data data/moby-dick.txt"}});
  AddOptions(line);
  if (!line.Parse(arguments)) return 0;
  const auto data = line.GetList("data");
  if (data.empty()) throw InputError({"command line", ""}, "lacks --data", "a text (see --help)");
  const std::string folder = *line.GetFilled("out");

  TrainingRun run;
  run.options = OptionsFrom(line);
  run.seed = line.GetInt("seed", 0, INT64_MAX);
  run.eval_every = line.GetInt("eval-every", 1, kMostSteps);
  run.eval_tokens = line.GetInt("eval-tokens", 1, INT64_MAX);
  const int64_t checkpoint_every = line.GetInt("checkpoint-every", 1, kMostSteps);
  const int64_t threads = ThreadsFrom(line);
  const double hold_out = ShareFromText(*line.Get("hold-out"), "hold-out");
  const runtime::Vocabulary vocabulary = VocabularyFrom(line);
  run.model = ModelToTrain(line, static_cast<int64_t>(vocabulary.pieces.size()));
  const auto tokenizer = runtime::Tokenizer::FromVocabulary(
      vocabulary, line.Get("tokenizer").value_or("the byte vocabulary"));
  const TrainingText text = ReadTrainingText(data, line.GetList("validation"), hold_out,
                                             run.options.shape.length, tokenizer);
  Describe(text, run);
  fmt::print(stderr, "{} parameters, {} tokens to train with, {} to validate with, into {}\n",
             HumanCount(CountParams(run.model).total()), HumanCount(run.training_tokens),
             HumanCount(run.validation_tokens), folder);

  NoteInterrupts();
  runtime::ThreadPool pool(threads);
  ProgressLine progress;
  const TrainingResult result =
      Train(run, text, vocabulary, folder, checkpoint_every, pool, Calls(progress, run));
  progress.Finish();
  const Json json = StoredResult(run, result, folder, threads);
  if (line.json()) {
    fmt::print("{}\n", json.dump(2));
  } else {
    PrintResult(json, folder);
  }
  return ExitCode(json["outcome"]);
}

}  // namespace deepthin::explorer
