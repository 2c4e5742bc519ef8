#include "explorer/training_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "spec/errors.h"
#include "spec/files.h"

namespace deepthin::explorer {
namespace {

constexpr size_t kPieceBytes = 1 << 16;

// Behind the first line's end from `least` bytes on.
size_t PieceEnd(std::string_view text, size_t least) {
  const size_t line_end = text.find('\n', std::min(least, text.size()));
  return line_end == std::string_view::npos ? text.size() : line_end + 1;
}

void RequireWindow(const std::vector<int32_t>& tokens, int64_t length, const std::string& what) {
  const auto size = static_cast<int64_t>(tokens.size());
  if (size > length) return;
  throw InputError({"", what}, fmt::format("has {} tokens", size),
                   fmt::format("{} or more, one sequence; --length makes it shorter", length + 1));
}

}  // namespace

std::vector<int32_t> TokensOfFiles(const std::vector<std::string>& paths,
                                   const runtime::Tokenizer& tokenizer) {
  std::vector<int32_t> tokens;
  for (const std::string& path : paths) {
    const std::string text = ReadFile(path);
    if (text.empty()) throw InputError({path, ""}, "is empty", "a text");
    std::string_view rest = text;
    auto marks = runtime::Tokenizer::Marks::kBos;
    while (!rest.empty()) {
      const size_t end = PieceEnd(rest, kPieceBytes);
      const auto ids = tokenizer.Encode(rest.substr(0, end), marks);
      tokens.insert(tokens.end(), ids.begin(), ids.end());
      rest.remove_prefix(end);
      marks = runtime::Tokenizer::Marks::kNone;
    }
  }
  return tokens;
}

TrainingText ReadTrainingText(const std::vector<std::string>& paths,
                              const std::vector<std::string>& validation_paths, double held_out,
                              int64_t length, const runtime::Tokenizer& tokenizer) {
  TrainingText out;
  out.training = TokensOfFiles(paths, tokenizer);
  if (!validation_paths.empty()) {
    out.validation = TokensOfFiles(validation_paths, tokenizer);
  } else {
    const auto size = static_cast<int64_t>(out.training.size());
    const auto share = std::llround(held_out * static_cast<double>(size));
    const int64_t tail = std::min<int64_t>(size, std::max<int64_t>(share, length + 1));
    out.validation.assign(out.training.end() - tail, out.training.end());
    out.training.resize(static_cast<size_t>(size - tail));
  }
  RequireWindow(out.training, length, "the text to train with");
  RequireWindow(out.validation, length, "the validation text");
  return out;
}

std::string TokenHash(const std::vector<int32_t>& tokens) {
  uint64_t hash = 0xcbf29ce484222325U;
  for (const int32_t token : tokens) {
    for (int shift = 0; shift < 32; shift += 8) {
      hash ^= static_cast<uint32_t>(token) >> shift & 0xff;
      hash *= 0x100000001b3U;
    }
  }
  return fmt::format("{:016x}", hash);
}

std::vector<int64_t> WindowStarts(int64_t tokens, int64_t length, int64_t most_tokens) {
  DEEPTHIN_CHECK(tokens > length && length >= 1);
  const int64_t windows = (tokens - 1) / length;
  const int64_t taken = std::clamp<int64_t>(most_tokens / length, 1, windows);
  std::vector<int64_t> starts;
  for (int64_t i = 0; i < taken; ++i) starts.push_back(i * windows / taken * length);
  return starts;
}

}  // namespace deepthin::explorer
