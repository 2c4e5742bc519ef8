// What every proxy of the table promises (explorer/accuracy/proxy.h).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "explorer/accuracy/proxy_table.h"
#include "spec/files.h"
#include "tests/results/temporary_folder.h"
#include "tests/spec/input_error_of.h"

namespace deepthin::explorer {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// Of every form that a proxy must take, and small enough to be executed by it.
std::vector<ModelSpec> SmallModels() {
  const ModelSpec base{.vocab_size = 64,
                       .d_model = 32,
                       .n_blocks = 3,
                       .n_heads = 4,
                       .n_kv_heads = 2,
                       .head_dim = 8,
                       .d_ff = 48,
                       .max_seq_len = 128};
  std::vector<ModelSpec> models(6, base);
  models[1].tie_embeddings = false;
  models[2].repeat = RepeatScheduleFromText("immediate:2");
  models[3].repeat = RepeatScheduleFromText("explicit:0-1-1-2-0");
  models[4].ffn = Ffn::kGelu;
  models[5].n_kv_heads = models[5].n_heads;
  models[5].n_blocks = 1;
  return models;
}

// Of this process: runs of two at a time would be in each other's way.
const results::TemporaryFolder& Folder() {
  static const results::TemporaryFolder folder;
  return folder;
}

// With a text for those that train.
ProxyContext Context() {
  const std::string path = Folder().File("text.txt");
  std::string text;
  for (int i = 0; i < 40; ++i) text += "line " + std::to_string(i) + "\n";
  WriteFileAtomically(path, text);
  ProxyContext context;
  context.texts = {path};
  return context;
}

// Settings with which a proxy is fast.
Json FastSettings(const ProxyEntry& entry) {
  if (entry.name != "short_training") return Json::object();
  return {{"steps", 3},
          {"seeds", 2},
          {"sequences", 1},
          {"length", 16},
          {"runs", Folder().File("runs")}};
}

class ProxyContract : public ::testing::TestWithParam<std::string> {
 protected:
  [[nodiscard]] static const ProxyEntry& Entry() { return ProxyByName(GetParam(), {}); }
  [[nodiscard]] static std::unique_ptr<Proxy> Make() {
    return MakeProxy(Entry(), FastSettings(Entry()), {"settings", ""}, Context());
  }
};

TEST_P(ProxyContract, SaysWhatItIs) {
  EXPECT_THAT(Entry().version, Not(IsEmpty()));
  EXPECT_THAT(Entry().help, Not(IsEmpty()));
  const auto proxy = Make();
  const ProxyScore score = proxy->Score(SmallModels()[0]);
  EXPECT_EQ(score.proxy, Entry().name);
  EXPECT_EQ(score.version, Entry().version);
  EXPECT_THAT(score.method, Not(IsEmpty()));
  const Json identity = proxy->Identity();
  EXPECT_EQ(identity.at("proxy"), Json(std::string(Entry().name)));
  EXPECT_EQ(identity.at("version"), Json(std::string(Entry().version)));
}

TEST_P(ProxyContract, ScoresAreFinite) {
  const auto proxy = Make();
  for (const ModelSpec& spec : SmallModels()) {
    const ProxyScore score = proxy->Score(spec);
    EXPECT_TRUE(std::isfinite(score.value)) << ToJson(spec).dump();
    if (score.standard_error) {
      EXPECT_TRUE(std::isfinite(*score.standard_error) && *score.standard_error >= 0);
    }
  }
}

TEST_P(ProxyContract, EqualSpecsGetEqualScoresInAnyOrder) {
  const std::vector<ModelSpec> models = SmallModels();
  const auto proxy = Make();
  const auto other = Make();
  EXPECT_EQ(proxy->Identity(), other->Identity());
  std::vector<ProxyScore> scores;
  for (const ModelSpec& spec : models) scores.push_back(proxy->Score(spec));
  for (size_t i = models.size(); i-- > 0;) {
    EXPECT_EQ(other->Score(models[i]), scores[i]) << ToJson(models[i]).dump();
    EXPECT_EQ(proxy->Score(models[i]), scores[i]) << ToJson(models[i]).dump();
  }
}

TEST_P(ProxyContract, RefusesAnInvalidSpec) {
  const auto proxy = Make();
  for (const auto& break_it : std::vector<void (*)(ModelSpec&)>{
           [](ModelSpec& spec) { spec.n_kv_heads = 3; }, [](ModelSpec& spec) { spec.d_model = 0; },
           [](ModelSpec& spec) { spec.n_blocks = -1; },
           [](ModelSpec& spec) { spec.d_ff = INT64_MAX; }}) {
    ModelSpec spec = SmallModels()[0];
    break_it(spec);
    const std::string sentence = InputErrorOf([&] { return proxy->Score(spec); });
    EXPECT_THAT(sentence, HasSubstr("; expected ")) << ToJson(spec).dump();
    EXPECT_THAT(sentence, Not(HasSubstr("\n")));
  }
}

TEST_P(ProxyContract, RefusesUnknownSettings) {
  const auto make = [](const Json& settings) {
    return InputErrorOf([&] {
      return MakeProxy(Entry(), settings, {"a.json", "/settings"}, Context()) != nullptr;
    });
  };
  EXPECT_THAT(make({{"no_such_setting", 1}}), HasSubstr("a.json: /settings"));
  EXPECT_THAT(make({{"no_such_setting", 1}}), HasSubstr("no_such_setting"));
  EXPECT_THAT(make(Json::array()), HasSubstr("a.json: /settings"));
}

std::vector<std::string> Names() {
  std::vector<std::string> names;
  for (const ProxyEntry& entry : Proxies()) names.emplace_back(entry.name);
  return names;
}

INSTANTIATE_TEST_SUITE_P(All, ProxyContract, ::testing::ValuesIn(Names()),
                         [](const auto& name) { return name.param; });

TEST(ProxyTable, NamesAreUniqueAndTheBaselineIsFirst) {
  const std::vector<std::string> names = Names();
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size());
  EXPECT_EQ(names.front(), "decoder_params");
}

TEST(ProxyTable, AnUnknownNameIsToldTheKnownOnes) {
  EXPECT_THAT(InputErrorOf([] {
                return &ProxyByName("oracle", {"x", "/proxy"});
              }),
              HasSubstr("x: /proxy: 'oracle' is no proxy; expected one of decoder_params"));
}

class NotANumber : public Proxy {
 public:
  [[nodiscard]] Json Identity() const override { return Json::object(); }
  [[nodiscard]] ProxyScore Score(const ModelSpec&) override {
    ProxyScore score;
    score.value = std::nan("");
    return score;
  }
};

TEST(ProxyTable, AScoreThatIsNoNumberDoesNotPass) {
  const ProxyEntry entry{
      .name = "nan",
      .version = "1",
      .help = "",
      .unit = "",
      .settings_help = "",
      .make = [](const Json&, const Where&, const ProxyContext&) -> std::unique_ptr<Proxy> {
        return std::make_unique<NotANumber>();
      }};
  const auto proxy = MakeProxy(entry, Json::object(), {}, {});
  EXPECT_THAT(InputErrorOf([&] { return proxy->Score(SmallModels()[0]); }),
              HasSubstr("the score of nan: is not finite"));
}

}  // namespace
}  // namespace deepthin::explorer
