#include "costmodel/soc_bounds.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "costmodel/soc_presets.h"
#include "tests/spec/input_error_of.h"

namespace deepthin::costmodel {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string ErrorOf(const SocSpec& soc) {
  return InputErrorOf([&] {
    RequirePlausible(soc, {"my.json", ""});
    return 0;
  });
}

TEST(RequirePlausible, AcceptsEveryPreset) {
  for (const SocPreset& preset : SocPresets()) EXPECT_EQ(ErrorOf(preset.spec), "") << preset.name;
}

struct WrongUnit {
  const char* setting;
  const char* place;
  const char* expected;
};

// Valid numbers, each as one writes it who thinks of another unit.
TEST(RequirePlausible, NumbersInAnotherUnitAreNamed) {
  for (const WrongUnit& wrong : {
           WrongUnit{"levels.0.capacity_bytes=32", "/levels/0/capacity_bytes/value: is 32,",
                     "bytes, 64 KiB"},
           WrongUnit{"levels.0.capacity_bytes=32768", "/levels/0/capacity_bytes", "bytes"},
           WrongUnit{"levels.1.capacity_bytes=6144", "/levels/1/capacity_bytes", "64 MiB"},
           WrongUnit{"levels.2.capacity_bytes=128", "/levels/2/capacity_bytes", "1 GiB"},
           WrongUnit{"levels.1.read_bandwidth_bytes_per_s=51.2",
                     "/levels/1/read_bandwidth_bytes_per_s", "bytes per second"},
           WrongUnit{"levels.1.write_bandwidth_bytes_per_s=51200",
                     "/levels/1/write_bandwidth_bytes_per_s", "bytes per second"},
           WrongUnit{"levels.1.read_energy_j_per_byte=40", "/levels/1/read_energy_j_per_byte",
                     "joules per byte"},
           WrongUnit{"compute.0.peak_macs_per_s=1.4", "/compute/0/peak_macs_per_s",
                     "MACs per second"},
           WrongUnit{"compute.0.energy_j_per_mac=1", "/compute/0/energy_j_per_mac",
                     "joules per MAC"},
           WrongUnit{"fixed.per_executed_block_s=5.5", "/fixed/per_executed_block_s", "seconds"},
           WrongUnit{"battery_j=12.41", "/battery_j", "joules"},
       }) {
    const std::string settings[] = {wrong.setting};
    EXPECT_THAT(ErrorOf(SocFromArgument("iphone-13", settings)),
                AllOf(StartsWith("my.json: " + std::string(wrong.place)),
                      HasSubstr("as if in another unit"), HasSubstr(wrong.expected)))
        << wrong.setting;
  }
}

TEST(RequirePlausible, NearerLevelsAreSmallerFasterAndCheaper) {
  const auto error_with = [](const std::string& setting) {
    const std::string settings[] = {setting};
    return ErrorOf(SocFromArgument("iphone-13", settings));
  };
  EXPECT_THAT(error_with("levels.1.read_bandwidth_bytes_per_s=2e12"),
              HasSubstr("/levels/1/read_bandwidth_bytes_per_s: is more than that of 'slc'"));
  EXPECT_THAT(error_with("levels.0.capacity_bytes=1073741824"), "");
  EXPECT_THAT(error_with("levels.1.capacity_bytes=1e12"),
              HasSubstr("/levels/2/capacity_bytes: is less than that of 'dram'"));
  EXPECT_THAT(error_with("levels.1.read_energy_j_per_byte=1e-13"),
              HasSubstr("/levels/1/read_energy_j_per_byte: is less than that of 'slc'"));
}

TEST(RequirePlausible, EndsOfRangesCountToo) {
  SocSpec soc = SocFromArgument("iphone-13");
  soc.levels[1].read_bandwidth.low = BytesPerSecond(10);
  EXPECT_THAT(ErrorOf(soc), HasSubstr("/levels/1/read_bandwidth_bytes_per_s/low: is 10"));
}

}  // namespace
}  // namespace deepthin::costmodel
