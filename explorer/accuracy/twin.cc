#include "explorer/accuracy/twin.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "spec/errors.h"

namespace deepthin::explorer {
namespace {

int64_t NearestEven(double x) { return std::max<int64_t>(2, 2 * std::llround(x / 2)); }

double ScaleOf(const ModelSpec& parent, const TwinSize& size) {
  DEEPTHIN_CHECK(size.decoder_params.has_value() != size.d_model.has_value());
  const int64_t whole = size.d_model ? parent.d_model : CountParams(parent).blocks;
  const int64_t part = size.d_model ? *size.d_model : *size.decoder_params;
  if (part < 1 || part >= whole) {
    throw InputError({"", size.d_model ? "the twin's d_model" : "the twin's decoder parameters"},
                     "are " + std::to_string(part),
                     "from 1 to below the parent's " + std::to_string(whole));
  }
  const double ratio = static_cast<double>(part) / static_cast<double>(whole);
  return size.d_model ? ratio : std::sqrt(ratio);
}

}  // namespace

ModelSpec TwinOf(const ModelSpec& parent, const TwinSize& size, int64_t vocab_size) {
  Validate(parent);
  const double f = ScaleOf(parent, size);
  const auto scaled = [f](int64_t x) { return f * static_cast<double>(x); };
  const double params = size.decoder_params
                            ? static_cast<double>(*size.decoder_params)
                            : f * f * static_cast<double>(CountParams(parent).blocks);
  ModelSpec twin = parent;
  twin.vocab_size = vocab_size;
  twin.d_model = size.d_model.value_or(NearestEven(scaled(parent.d_model)));
  twin.head_dim = NearestEven(scaled(parent.head_dim));
  const int64_t attention = 2 * twin.d_model * (QueryDim(twin) + KvDim(twin));
  const double ffn = params / static_cast<double>(parent.n_blocks) - static_cast<double>(attention);
  twin.d_ff = std::llround(ffn / static_cast<double>(FfnMatrices(parent.ffn) * twin.d_model));
  if (twin.d_ff < 1) {
    throw InputError({"", "the twin"}, "has no room for a feed-forward network beside heads of 2",
                     "more parameters, or fewer blocks or heads in the parent");
  }
  Validate(twin);
  return twin;
}

int64_t TwinParams(const ModelSpec& parent, double share) {
  return std::llround(share * static_cast<double>(CountParams(parent).blocks));
}

}  // namespace deepthin::explorer
