#include "runtime/trainer/training_file.h"

#include <array>
#include <cstring>
#include <string_view>

#include "runtime/checkpoint/byte_reader.h"
#include "spec/errors.h"
#include "spec/files.h"
#include "spec/json_io.h"

namespace deepthin::runtime {
namespace {

constexpr std::string_view kMagic = "DTTRAIN1";
constexpr size_t kAlignment = 64;
constexpr uint64_t kMaxStateBytes = 1 << 20;

size_t PaddingBehind(size_t bytes) { return (kAlignment - bytes % kAlignment) % kAlignment; }

std::string_view BytesOf(std::span<const float> floats) {
  return {reinterpret_cast<const char*>(floats.data()), floats.size_bytes()};
}

TrainingState StateFrom(std::string_view json, const std::string& path) {
  const InputError::Where where = {path, ""};
  auto state = FromJson<TrainingState>(ParseJson(json, path), where);
  Validate(state.model, {path, "/model"});
  try {
    Validate(state.options);
  } catch (const InputError& error) {
    throw error.In({path, "/options"});
  }
  if (state.step < 0 || state.step > state.options.rate.steps) {
    throw InputError({path, "/step"}, "is " + std::to_string(state.step),
                     "from 0 to the " + std::to_string(state.options.rate.steps) + " of the run");
  }
  if (state.updates < 0 || state.updates > state.step) {
    throw InputError({path, "/updates"}, "is " + std::to_string(state.updates),
                     "from 0 to the " + std::to_string(state.step) + " steps done");
  }
  return state;
}

}  // namespace

void WriteTrainingFile(const TrainingFile& run, const std::string& path) {
  const std::string json = ToJson(run.state).dump();
  std::string head(kMagic);
  const uint64_t size = json.size();
  std::array<char, sizeof(size)> size_bytes{};
  std::memcpy(size_bytes.data(), &size, sizeof(size));
  head.append(size_bytes.data(), size_bytes.size());
  head += json;
  head.append(PaddingBehind(head.size()), '\0');
  const std::array<std::string_view, 4> pieces = {head, BytesOf(run.parameters), BytesOf(run.mean),
                                                  BytesOf(run.variance)};
  WriteFileAtomically(path, pieces);
}

TrainingFile ReadTrainingFile(const std::string& path) {
  TrainingFile run;
  run.file = MapFile(path);
  ByteReader reader(TextOf(run.file), path);
  if (reader.left() < kMagic.size() || reader.ReadBytes(kMagic.size(), "the magic") != kMagic) {
    throw InputError({path, ""}, "is no training run", "a file that deepthin's trainer wrote");
  }
  const auto size = reader.Read<uint64_t>("the size of the state");
  if (size > kMaxStateBytes) {
    reader.Fail(kMagic.size(), "a state of " + std::to_string(size) + " bytes", "1 MiB at most");
  }
  run.state = StateFrom(reader.ReadBytes(size, "the state"), path);
  static_cast<void>(reader.ReadBytes(PaddingBehind(reader.offset()), "the padding"));
  const auto count = static_cast<uint64_t>(CountParams(run.state.model).total());
  for (std::span<const float>* array : {&run.parameters, &run.mean, &run.variance}) {
    // The mapping begins at a page, and the arrays at multiples of 4 bytes from there.
    const std::string_view bytes = reader.ReadBytes(count * sizeof(float), "the parameters");
    *array = {reinterpret_cast<const float*>(bytes.data()), static_cast<size_t>(count)};
  }
  if (reader.left() > 0) {
    reader.Fail(reader.offset(), std::to_string(reader.left()) + " bytes too many",
                "the end of the file");
  }
  return run;
}

}  // namespace deepthin::runtime
