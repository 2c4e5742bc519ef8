#include <fmt/format.h>

#include <algorithm>

#include "explorer/experiment/page_sections.h"
#include "spec/errors.h"

namespace deepthin::explorer {
namespace {

constexpr size_t kColumns = 96;

// As it may stand in a fenced block: lines of a page's width, broken at spaces where there are any,
// and no control characters.
std::string Wrapped(const std::string& text) {
  std::string out;
  size_t line = 0;   // where it begins in out
  size_t space = 0;  // the last one in it
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 && c != '\n') {
      out += ' ';
    } else if (byte != 0x7f) {
      out += c;
    }
    if (c == '\n') line = out.size();
    if (!out.empty() && out.back() == ' ') space = out.size() - 1;
    if (out.size() - line > kColumns && space > line) {
      out[space] = '\n';
      line = space + 1;
    }
  }
  return out;
}

// A fence that the text does not close.
std::string FenceFor(const std::string& text) {
  size_t longest = 0;
  size_t run = 0;
  for (const char c : text) {
    run = c == '`' ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  return std::string(std::max<size_t>(3, longest + 1), '`');
}

}  // namespace

std::string SampleSection(const ExperimentResults& results) {
  const ExperimentSample& sample = *results.sample;
  const ExperimentRow* run = FindRun(results, sample.sweep, sample.point);
  DEEPTHIN_CHECK(run != nullptr && ValidationLossOf(*run));
  const ExperimentSweep& sweep = results.sweeps[sample.sweep];
  const std::string text = Wrapped(sample.prompt + sample.text);
  const std::string fence = FenceFor(text);
  return fmt::format(
      "**{}** of group {} (learning rate {}, seed {}) has {} validation loss, {:.4f}. What its "
      "weights write behind {}, which was given (`deepthin generate` with "
      "seed {}, temperature {}, at most {} tokens):\n\n{}text\n{}\n{}\n",
      sweep.points[sample.point].label, results.experiment.groups[sweep.group].name,
      sweep.learning_rate, sweep.seed, run == BestRun(results) ? "of all runs the lowest" : "this",
      *ValidationLossOf(*run), Json(sample.prompt).dump(), sample.seed, sample.temperature,
      sample.max_tokens, fence, text, fence);
}

}  // namespace deepthin::explorer
