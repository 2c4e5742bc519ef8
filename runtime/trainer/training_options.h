// TrainingOptions: everything that decides a training run beside the model, the weights it begins
// with and the text.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <tuple>
#include <utility>

#include "runtime/trainer/adamw.h"
#include "runtime/trainer/batch.h"
#include "runtime/trainer/parametrisation.h"
#include "runtime/trainer/products.h"
#include "spec/fields.h"

namespace deepthin::runtime {

struct TrainingOptions {
  BatchShape shape{};
  LearningRateSchedule rate{};
  AdamWOptions adamw{};
  // Gradients of a larger global norm are scaled down to it.
  double clip_norm = 1;
  // Of the learning rates. What the weights begin with is the caller's: InitialWeights.
  Parametrisation parametrisation = Parametrisation::kCompleteP;
  // Of the products with weights. IsSupported, or Validate refuses it.
  ProductPrecision precision = ProductPrecision::kF32;

  friend bool operator==(const TrainingOptions&, const TrainingOptions&) = default;
};

// Throws InputError that names the option that is out of range.
void Validate(const TrainingOptions& options);

}  // namespace deepthin::runtime

namespace deepthin {

template <>
struct Fields<runtime::BatchShape> {
  using S = runtime::BatchShape;
  static constexpr auto kList =
      std::tuple(Field("sequences", &S::sequences, "sequences of a batch"),
                 Field("length", &S::length, "tokens predicted in each sequence"));
};

template <>
struct Fields<runtime::LearningRateSchedule> {
  using S = runtime::LearningRateSchedule;
  static constexpr auto kList =
      std::tuple(Field("steps", &S::steps, "steps of the run"),
                 Field("warmup_steps", &S::warmup_steps, "steps in which the rate rises"),
                 Field("peak", &S::peak, "highest learning rate"),
                 Field("final_share", &S::final_share, "share of it in the last step"));
};

template <>
struct Fields<runtime::AdamWOptions> {
  using S = runtime::AdamWOptions;
  static constexpr auto kList =
      std::tuple(Field("beta1", &S::beta1, "of the mean of gradients"),
                 Field("beta2", &S::beta2, "of the mean of their squares"),
                 Field("epsilon", &S::epsilon, "added to the root of the latter"),
                 Field("decay", &S::decay, "weight decay of matrices"));
};

template <>
struct EnumTexts<runtime::ProductPrecision> {
  static constexpr std::array kList = {
      std::pair{runtime::ProductPrecision::kF32, std::string_view("f32")},
      std::pair{runtime::ProductPrecision::kBf16, std::string_view("bf16")}};
};

template <>
struct Fields<runtime::TrainingOptions> {
  using S = runtime::TrainingOptions;
  static constexpr auto kList =
      std::tuple(Field("shape", &S::shape, "of a batch"), Field("rate", &S::rate, "learning rate"),
                 Field("adamw", &S::adamw, "of the optimiser"),
                 Field("clip_norm", &S::clip_norm, "largest global norm of a gradient"),
                 Field("parametrisation", &S::parametrisation, "completep or standard"),
                 Field("precision", &S::precision, "f32 or bf16, of the products with weights"));
};

}  // namespace deepthin
