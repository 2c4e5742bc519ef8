#include "explorer/calibrate/host_sweep.h"

#include <algorithm>
#include <array>

#include "spec/precision.h"
#include "spec/random.h"

namespace deepthin::calibrate {
namespace {

constexpr int64_t kHeadDim = 64;
constexpr std::array<const char*, 5> kFormats = {"f16", "q8_0", "q4_0", "bf16", "f32"};

struct Shape {
  int64_t blocks = 0;
  int64_t width = 0;
  int64_t kv_heads = 0;
  int64_t vocab = 32'000;
  bool tied = true;
  const char* repeat = "none";
  const char* precision = "f16";
  int64_t prompt = 64;
  std::vector<int64_t> positions;
};

SweepPoint PointOf(const Shape& shape) {
  SweepPoint point;
  ModelSpec& m = point.model;
  m.vocab_size = shape.vocab;
  m.d_model = shape.width;
  m.n_blocks = shape.blocks;
  m.n_heads = shape.width / kHeadDim;
  m.n_kv_heads = shape.kv_heads;
  m.head_dim = kHeadDim;
  m.d_ff = PaperFfnDim(shape.width);
  m.tie_embeddings = shape.tied;
  m.repeat = RepeatScheduleFromText(shape.repeat);
  point.precision = shape.precision;
  point.prompt = shape.prompt;
  point.positions = shape.positions;
  point.name = std::to_string(m.n_blocks) + "x" + std::to_string(m.d_model) + " " +
               std::to_string(m.n_heads) + "/" + std::to_string(m.n_kv_heads) + " v" +
               std::to_string(m.vocab_size / 1'000) + "k" + (shape.tied ? " tied " : " untied ") +
               shape.precision;
  if (m.repeat.kind != RepeatKind::kNone) point.name += " " + ToText(m.repeat);
  return point;
}

bool IsSmallEnough(const SweepPoint& point) {
  constexpr double kMostBytes = 1.2e8;
  constexpr double kLeastBytes = 4e6;
  const auto bytes = static_cast<double>(
      CountWeightBytes(point.model, *PrecisionByName(point.precision)).total().value());
  constexpr int64_t kMostParameters = 80'000'000;
  return bytes <= kMostBytes && bytes >= kLeastBytes &&
         CountParams(point.model).total() <= kMostParameters;
}

template <class T, size_t N>
T OneOf(SplitMix64& random, const std::array<T, N>& choices) {
  return choices[static_cast<size_t>(random.NextBelow(static_cast<int64_t>(N)))];
}

// Contexts that take at most a few tenths of a second to fill.
int64_t LongContext(SplitMix64& random, const ModelSpec& model) {
  const int64_t wanted = OneOf(random, std::array<int64_t, 4>{300, 700, 1'200, 1'980});
  const int64_t tokens = 30'000'000'000 / std::max<int64_t>(1, CountParams(model).total());
  return std::clamp<int64_t>(tokens, 100, wanted);
}

SweepPoint Drawn(SplitMix64& random, size_t number) {
  while (true) {
    Shape shape;
    shape.blocks = OneOf(random, std::array<int64_t, 11>{4, 5, 7, 9, 12, 15, 20, 27, 34, 45, 66});
    shape.width =
        OneOf(random, std::array<int64_t, 9>{256, 320, 448, 576, 704, 832, 1'024, 1'472, 2'048});
    const int64_t heads = shape.width / kHeadDim;
    shape.kv_heads = std::max<int64_t>(1, heads / OneOf(random, std::array<int64_t, 3>{1, 2, 4}));
    while (heads % shape.kv_heads != 0) --shape.kv_heads;
    shape.vocab = OneOf(random, std::array<int64_t, 3>{8'000, 16'000, 32'000});
    shape.tied = random.NextBelow(3) > 0;
    shape.precision = kFormats[number % kFormats.size()];
    shape.repeat =
        number % 4 == 3
            ? OneOf(random, std::array<const char*, 3>{"immediate:2", "repeat_all:2", "reverse:2"})
            : "none";
    shape.prompt = OneOf(random, std::array<int64_t, 5>{24, 48, 100, 200, 400});
    SweepPoint point = PointOf(shape);
    if (!IsSmallEnough(point)) continue;
    point.positions = {4, LongContext(random, point.model)};
    return point;
  }
}

void AddPair(std::vector<SweepPoint>& points, Shape shape) {
  shape.positions = {4};
  shape.repeat = "immediate:2";
  points.push_back(PointOf(shape));
  shape.repeat = "none";
  shape.blocks *= 2;
  points.push_back(PointOf(shape));
}

}  // namespace

std::vector<SweepPoint> TrainingSweep(SweepSize size) {
  std::vector<Shape> shapes = {
      // blocks, width, KV heads, vocabulary, tied, repeat, format, prompt, positions
      {4, 256, 4, 8'000, true, "none", "f16", 64, {4, 1'500}},
      {12, 384, 2, 8'000, true, "none", "q8_0", 32, {4, 900}},
      {6, 448, 7, 8'000, false, "none", "f32", 128, {4, 500}},
      {16, 320, 5, 8'000, true, "immediate:2", "q4_0", 64, {4, 1'980}},
      {66, 256, 1, 16'000, true, "none", "bf16", 32, {4, 600}}};
  if (size == SweepSize::kFull) {
    // Each format at about 10, 25, 50 and 110 MB: within caches, at their end, and beyond.
    const std::vector<Shape> more = {
        {6, 320, 5, 8'000, true, "none", "f16", 256, {4, 700}},
        {10, 384, 2, 16'000, true, "none", "f16", 24, {4, 1'200}},
        {8, 576, 9, 16'000, true, "immediate:2", "f16", 48, {4, 400}},
        {28, 448, 1, 8'000, true, "none", "f16", 100, {4, 300}},
        {8, 256, 2, 8'000, true, "none", "bf16", 400, {4, 1'980}},
        {9, 320, 1, 16'000, false, "none", "bf16", 48, {4, 300}},
        {6, 640, 5, 8'000, true, "none", "bf16", 24, {4, 700}},
        {6, 768, 12, 32'000, true, "immediate:2", "bf16", 100, {4, 500}},
        {5, 256, 4, 8'000, true, "none", "f32", 400, {4, 1'200}},
        {12, 256, 2, 16'000, true, "none", "f32", 24, {4, 1'000}},
        {24, 256, 1, 32'000, false, "none", "f32", 200, {4, 1'900}},
        {5, 640, 2, 8'000, false, "reverse:2", "f32", 48, {4, 300}},
        {5, 448, 7, 8'000, true, "none", "q8_0", 400, {4, 700}},
        {40, 320, 5, 8'000, true, "repeat_all:2", "q8_0", 100, {4, 700}},
        {24, 576, 3, 32'000, true, "none", "q8_0", 24, {4, 500}},
        {6, 1'024, 4, 16'000, false, "none", "q8_0", 200, {4, 600}},
        {12, 256, 1, 16'000, false, "none", "q4_0", 48, {4, 1'200}},
        {36, 448, 7, 32'000, false, "none", "q4_0", 200, {4, 500}},
        {4, 2'048, 8, 8'000, true, "none", "q4_0", 128, {4, 300}}};
    shapes.insert(shapes.end(), more.begin(), more.end());
  }
  std::vector<SweepPoint> points;
  points.reserve(shapes.size());
  for (const Shape& shape : shapes) points.push_back(PointOf(shape));
  return points;
}

std::vector<SweepPoint> HeldOutSweep(SweepSize size) {
  const size_t drawn = size == SweepSize::kQuick ? 4 : 32;
  // Drawn when the cost model, the fit, the way of measuring and the kernels were settled: those of
  // seeds 1 to 3 had been looked at on the way.
  SplitMix64 random(4);
  std::vector<SweepPoint> points;
  for (size_t i = 0; i < drawn; ++i) points.push_back(Drawn(random, i));
  AddPair(points, {15, 384, 6, 16'000, true, "", "f16", 64, {}});
  if (size == SweepSize::kQuick) return points;
  AddPair(points, {20, 512, 4, 16'000, true, "", "q8_0", 64, {}});
  AddPair(points, {12, 640, 5, 32'000, true, "", "bf16", 64, {}});
  AddPair(points, {24, 576, 3, 16'000, true, "", "q4_0", 64, {}});
  return points;
}

}  // namespace deepthin::calibrate
