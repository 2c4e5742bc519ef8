#include "explorer/experiment/sample.h"

#include <filesystem>
#include <string_view>

#include "explorer/model_source.h"
#include "runtime/text/generation.h"
#include "runtime/thread_pool.h"

namespace deepthin::explorer {
namespace {

// Words that are frequent in all texts of `./dev data`, and a temperature below 1, at which a model
// of this size is easier to read: a choice, not a finding.
constexpr const char* kPrompt = "The people of";
constexpr double kTemperature = 0.8;
constexpr int64_t kSeed = 1;
constexpr int64_t kMaxTokens = 100;

// A piece may be part of a character, and the last one may break one off.
std::string ValidUtf8(const std::string& bytes) {
  const std::string text = Json(bytes).dump(-1, ' ', false, Json::error_handler_t::replace);
  return ParseJson(text, "generated text").get<std::string>();
}

std::string Generated(const std::string& weights_file, const ExperimentSample& sample) {
  runtime::ThreadPool pool(1);
  const runtime::Weights weights = WeightsFromArgument(weights_file, {}, pool);
  const auto tokenizer = TokenizerFromArgument(weights_file, std::nullopt, weights.spec.vocab_size);
  const auto prompt = tokenizer.Encode(sample.prompt, runtime::Tokenizer::Marks::kBos);
  runtime::GenerationOptions options{.max_tokens = sample.max_tokens};
  options.picker.temperature = sample.temperature;
  options.picker.seed = static_cast<uint64_t>(sample.seed);
  std::string bytes;
  static_cast<void>(
      runtime::Generate(weights, pool, tokenizer, prompt, options,
                        {.on_piece = [&](std::string_view piece) { bytes += piece; }}));
  return ValidUtf8(bytes);
}

}  // namespace

std::optional<ExperimentSample> SampleOfBestRun(const ExperimentResults& results,
                                                const std::string& runs) {
  const ExperimentRow* best = BestRun(results);
  if (best == nullptr) return std::nullopt;
  const std::string file = std::filesystem::path(runs) / best->trial.key / "model.gguf";
  std::error_code error;
  if (!std::filesystem::exists(file, error)) return std::nullopt;
  ExperimentSample sample{.sweep = best->sweep,
                          .point = best->point,
                          .prompt = kPrompt,
                          .seed = kSeed,
                          .temperature = kTemperature,
                          .max_tokens = kMaxTokens,
                          .text = {}};
  sample.text = Generated(file, sample);
  return sample;
}

}  // namespace deepthin::explorer
