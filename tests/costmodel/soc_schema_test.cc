// The JSON Schema of SoC files: kept as a file for editors, generated from the field lists.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

#include "costmodel/soc_presets.h"
#include "spec/files.h"
#include "spec/json_schema.h"
#include "tests/spec/input_error_of.h"

namespace deepthin::costmodel {
namespace {

using valijson::adapters::NlohmannJsonAdapter;

const Json& SchemaJson() {
  static const Json schema = JsonSchemaOf<SocSpec>("deepthin SoC");
  return schema;
}

bool Follows(const Json& soc) {
  // valijson's adapter is for the unordered nlohmann::json.
  const auto schema_json = nlohmann::json::parse(SchemaJson().dump());
  valijson::Schema schema;
  valijson::SchemaParser().populateSchema(NlohmannJsonAdapter(schema_json), schema);
  const auto target = nlohmann::json::parse(soc.dump());
  return valijson::Validator().validate(schema, NlohmannJsonAdapter(target), nullptr);
}

bool IsRead(const Json& soc) {
  return InputErrorOf([&] { return SocFromJson(soc, {"my.json", ""}); }).empty();
}

TEST(SocSchema, TheFileIsWhatTheFieldListsSay) {
  const std::string path = std::string(DEEPTHIN_SOURCE_DIR) + "/costmodel/presets/soc.schema.json";
  EXPECT_EQ(ReadFile(path), SchemaJson().dump(2) + "\n")
      << "write it anew: deepthin soc schema > costmodel/presets/soc.schema.json";
}

TEST(SocSchema, EveryPresetFollowsIt) {
  for (const SocPreset& preset : SocPresets()) {
    const std::string path =
        std::string(DEEPTHIN_SOURCE_DIR) + "/costmodel/presets/soc/" + preset.name + ".json";
    EXPECT_TRUE(Follows(ReadJsonFile(path))) << preset.name;
    EXPECT_TRUE(Follows(ToJson(preset.spec))) << preset.name;
  }
}

struct Change {
  const char* pointer;
  Json value;  // null: the key is removed
};

// What the schema refuses, the reader refuses.
TEST(SocSchema, RefusesWhatTheReaderRefuses) {
  const Json good = ToJson(SocFromArgument("iphone-13"));
  ASSERT_TRUE(Follows(good));
  const std::vector<Change> changes = {
      {"/name", 13},
      {"/name", nullptr},
      {"/levels", Json::array()},
      {"/levels", "dram"},
      {"/levels/0/kind", "cache"},
      {"/levels/0/replacement", "belady"},
      {"/levels/0/capacity_mib", 32},
      {"/levels/0/capacity_bytes", 33554432},
      {"/levels/0/capacity_bytes/source", nullptr},
      {"/levels/0/capacity_bytes/source", " \t"},
      {"/levels/0/capacity_bytes/value", "32 MiB"},
      {"/levels/0/capacity_bytes/value", 0.5},
      {"/levels/1/read_bandwidth_bytes_per_s/value", -1},
      {"/levels/1/read_bandwidth_bytes_per_s/mean", 1},
      {"/compute/0/dtype", "f64"},
      {"/compute", Json::array()},
      {"/fixed/per_token_s", nullptr},
      {"/battery_j", 44676},
  };
  for (const Change& change : changes) {
    SCOPED_TRACE(std::string(change.pointer) + " = " + change.value.dump());
    Json bad = good;
    const Json::json_pointer pointer(change.pointer);
    if (change.value.is_null()) {
      bad[pointer.parent_pointer()].erase(pointer.back());
    } else {
      bad[pointer] = change.value;
    }
    EXPECT_FALSE(Follows(bad));
    EXPECT_FALSE(IsRead(bad));
  }
}

}  // namespace
}  // namespace deepthin::costmodel
