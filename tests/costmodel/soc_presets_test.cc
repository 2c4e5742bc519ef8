#include "costmodel/soc_presets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "costmodel/estimator.h"
#include "spec/files.h"
#include "spec/model_presets.h"

namespace deepthin::costmodel {
namespace {

using ::testing::HasSubstr;

template <class F>
std::string ErrorOf(F&& f) {
  try {
    f();
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

std::string ErrorOfArgument(const std::string& argument) {
  return ErrorOf([&] { (void)SocFromArgument(argument); });
}

// Each number's source, by JSON path.
void CollectSources(const Json& json, const std::string& path,
                    std::vector<std::string>& unsourced) {
  if (json.is_number()) unsourced.push_back(path);
  if (json.is_object() && json.contains("source")) {
    if (json["source"].get<std::string>().size() < 20) unsourced.push_back(path + "/source");
    return;
  }
  if (!json.is_structured()) return;
  for (const auto& item : json.items()) {
    CollectSources(item.value(), path + "/" + item.key(), unsourced);
  }
}

TEST(SocPresets, AreValidNamedOnceAndSourced) {
  std::set<std::string> names;
  for (const SocPreset& preset : SocPresets()) {
    SCOPED_TRACE(preset.name);
    EXPECT_TRUE(names.insert(preset.name).second);
    const std::string file =
        std::string(DEEPTHIN_SOURCE_DIR) + "/costmodel/presets/soc/" + preset.name + ".json";
    EXPECT_EQ(SocFromArgument(file), preset.spec) << "the file that bears its name";
    EXPECT_EQ(SocFromArgument(preset.name), preset.spec);
    EXPECT_EQ(SocFromJson(ToJson(preset.spec), {}), preset.spec);
    std::vector<std::string> unsourced;
    CollectSources(ToJson(preset.spec), "", unsourced);
    EXPECT_THAT(unsourced, ::testing::IsEmpty());
  }
  EXPECT_THAT(names, ::testing::IsSupersetOf({"iphone-13", "iphone-14", "iphone-15", "pixel-8",
                                              "snapdragon-8-gen-2", "snapdragon-8-gen-3",
                                              "raspberry-pi-5", "generic-npu-phone"}));
}

// An assumption without a range hides how little is known; 0 says that another number contains it.
TEST(SocPresets, AssumedNumbersHaveARangeAndAReason) {
  const std::function<void(const Json&, const std::string&)> check = [&](const Json& json,
                                                                         const std::string& path) {
    if (json.is_object() && json.contains("source")) {
      const std::string source = json["source"];
      if (!source.starts_with("assumed")) return;
      EXPECT_TRUE(source.starts_with("assumed: ")) << path;
      const bool is_zero = json["value"].get<double>() == 0;
      EXPECT_TRUE(is_zero || (json.contains("low") && json.contains("high"))) << path;
      if (is_zero) {
        EXPECT_THAT(source, HasSubstr("contained in")) << path;
      }
    } else if (json.is_structured()) {
      for (const auto& item : json.items()) check(item.value(), path + "/" + item.key());
    }
  };
  for (const SocPreset& preset : SocPresets()) check(ToJson(preset.spec), preset.name);
}

// Every phone can say how long its battery lasts, and none beats physics or common sense.
TEST(SocPresets, EnergiesAndBatteriesAreOfTheRightOrder) {
  for (const SocPreset& preset : SocPresets()) {
    SCOPED_TRACE(preset.name);
    EXPECT_EQ(preset.spec.battery.has_value(), preset.name != "raspberry-pi-5");
    if (preset.spec.battery) {
      EXPECT_GE(preset.spec.battery->value, Joules(10 * 3600.0));
      EXPECT_LE(preset.spec.battery->value, Joules(25 * 3600.0));
    }
    const CostEstimate cost = Estimate({.model = *ModelPresetByName("mobilellm-125m"),
                                        .precision = *PrecisionByName("q8_0"),
                                        .soc = preset.spec,
                                        .workload = {.prompt_tokens = 64, .generated_tokens = 64}});
    ASSERT_TRUE(cost.decode.energy.has_value());
    // MobileLLM, section 1: 0.1 J per token and billion parameters.
    EXPECT_GE(*cost.decode.energy, Joules(0.1 * 0.125 / 10));
    EXPECT_LE(*cost.decode.energy, Joules(0.1 * 0.125 * 3));
    const double watts = cost.decode.energy->value() / cost.decode.time.value();
    EXPECT_GE(watts, 0.1);
    EXPECT_LE(watts, 15);
  }
}

TEST(SocPresets, EstimateEveryPublishedModel) {
  for (const SocPreset& soc : SocPresets()) {
    for (const ModelPreset& model : ModelPresets()) {
      for (const std::string_view precision : {"f16", "q8_0", "q4_0"}) {
        const CostEstimate cost =
            Estimate({.model = model.spec,
                      .precision = *PrecisionByName(precision),
                      .soc = soc.spec,
                      .workload = {.prompt_tokens = 64, .generated_tokens = 64}});
        EXPECT_GT(cost.decode.time.value(), 1e-4);
        EXPECT_LT(cost.decode.time.value(), 1.0);
      }
    }
  }
}

TEST(SocFromArgument, OverridesReplaceTheNumberAndItsSource) {
  const std::string settings[] = {"levels.1.read_bandwidth_bytes_per_s=2e10"};
  const SocSpec soc = SocFromArgument(
      "iphone-13:levels.0.capacity_bytes=8388608,levels.0.replacement=pinned", settings);
  EXPECT_EQ(soc.levels[0].capacity.value, MiB(8));
  EXPECT_THAT(soc.levels[0].capacity.source, HasSubstr("user: levels.0.capacity_bytes=8388608"));
  EXPECT_EQ(soc.levels[0].replacement, Replacement::kPinned);
  EXPECT_EQ(soc.levels[1].read_bandwidth.value, GBps(20));
  EXPECT_FALSE(soc.levels[1].read_bandwidth.low.has_value());
  EXPECT_EQ(SocFromJson(Json("iphone-13:levels.0.capacity_bytes=8388608"), {}).levels[0].capacity,
            soc.levels[0].capacity);
}

TEST(SocFromArgument, SaysWhatIsWrongAndWhere) {
  struct Row {
    const char* argument;
    const char* says;
  };
  for (const Row& row : {
           Row{"iphone-99", "iphone-13"},
           Row{"iphone-99.json", "iphone-99.json"},
           Row{"iphone-13:levels.0.capacity=1", "capacity_bytes"},
           Row{"iphone-13:levels.9.capacity_bytes=1", "'9'"},
           Row{"iphone-13:levels.0.capacity_bytes=0", "/levels/0/capacity_bytes"},
           Row{"iphone-13:levels.0.capacity_bytes=-5", "/levels/0/capacity_bytes"},
           Row{"iphone-13:levels.0.capacity_bytes=much", "/levels/0/capacity_bytes"},
           Row{"iphone-13:levels.0.replacement=belady", "lru or pinned"},
           Row{"iphone-13:levels.0.capacity_bytes=1,", "key=value"},
           Row{"iphone-13:compute=1", "/compute"},
           Row{"", "preset"},
       }) {
    SCOPED_TRACE(row.argument);
    EXPECT_THAT(ErrorOfArgument(row.argument), HasSubstr(row.says));
  }
}

TEST(SocFromArgument, RefusesANumberWithoutASource) {
  const std::string path = ::testing::TempDir() + "/unsourced.json";
  Json json = ToJson(SocFromArgument("iphone-13"));
  json["compute"][0]["peak_macs_per_s"]["source"] = " ";
  WriteFileAtomically(path, json.dump());
  EXPECT_THAT(ErrorOfArgument(path), HasSubstr("/compute/0/peak_macs_per_s/source: is empty"));
  json["compute"][0]["peak_macs_per_s"] = 1e12;
  WriteFileAtomically(path, json.dump());
  EXPECT_THAT(ErrorOfArgument(path), HasSubstr("/compute/0/peak_macs_per_s"));
}

}  // namespace
}  // namespace deepthin::costmodel
