#include "runtime/activation_buffer.h"

#include "runtime/memory.h"

namespace deepthin::runtime {

ActivationBuffer::ActivationBuffer(int64_t tokens, int64_t cols)
    : cols_(cols),
      values_(AllocateFloats(tokens * cols, "the activations of a pass")),
      quantized_(AllocateFloats(tokens * PaddedCols(cols) / 4, "the activations of a pass")),
      scales_(AllocateFloats(tokens * groups(), "the activations of a pass")) {}

void ActivationBuffer::Quantize(const Kernels& kernels, ActivationForm form, int64_t first,
                                int64_t count) const {
  if (form == ActivationForm::kFloats) return;
  const auto quantize =
      form == ActivationForm::kGroups ? kernels.QuantizeGroups : kernels.QuantizeRow;
  auto* quantized = reinterpret_cast<int8_t*>(quantized_.get());
  for (int64_t t = first; t < first + count; ++t) {
    quantize(values_.get() + t * cols_, cols_, quantized + t * PaddedCols(cols_),
             scales_.get() + t * groups());
  }
}

ActivationView ActivationBuffer::View(int64_t first, int64_t count) const {
  const auto* quantized = reinterpret_cast<const int8_t*>(quantized_.get());
  return {.rows = count,
          .cols = cols_,
          .values = values_.get() + first * cols_,
          .stride = cols_,
          .quantized = quantized + first * PaddedCols(cols_),
          .scales = scales_.get() + first * groups(),
          .scale_stride = groups()};
}

}  // namespace deepthin::runtime
