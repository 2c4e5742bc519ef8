#include "spec/fields.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <type_traits>
#include <utility>

#include "spec/cost_estimate.h"
#include "spec/measurement.h"
#include "spec/problem.h"
#include "spec/proxy_score.h"
#include "spec/training_record.h"

namespace deepthin {

// What the probe has to find wrong.
struct Forgetful {
  int64_t listed = 0;
  std::optional<std::vector<double>> forgotten;
};
template <>
struct Fields<Forgetful> {
  static constexpr auto kList = std::tuple(Field("listed", &Forgetful::listed, ""));
};
struct Swapped {
  int64_t first = 0;
  std::string second;
};
template <>
struct Fields<Swapped> {
  static constexpr auto kList =
      std::tuple(Field("second", &Swapped::second, ""), Field("first", &Swapped::first, ""));
};

namespace {

// The aggregate takes exactly as many initialisers as it has fields listed, of those types in that
// order. "{}" initialises any member, so one more must not be accepted.
template <class T, class... Members>
constexpr bool ListsEveryMember(const std::tuple<Field<T, Members>...>&) {
  constexpr bool kTakesAll = requires { T{std::declval<Members>()...}; };
  constexpr bool kTakesMore = requires { T{std::declval<Members>()..., {}}; };
  return kTakesAll && !kTakesMore;
}

template <class T>
class FieldsTest : public testing::Test {};

// tests/house checks that every type with a field list stands here.
using AllTypes =
    testing::Types<ModelSpec, Precision, Sourced<Bytes>, Sourced<Seconds>, MemoryLevel, ComputeRate,
                   AttentionRate, FixedCosts, PhaseResiduals, Residuals, SocSpec, Workload, Problem,
                   LevelTraffic, OperatorCost, PhaseCost, CostEstimate, HostContext, Measurement,
                   ProxyScore, LossPoint, TrainingRecord>;
TYPED_TEST_SUITE(FieldsTest, AllTypes);

TYPED_TEST(FieldsTest, ListEveryMember) { EXPECT_TRUE(ListsEveryMember(Fields<TypeParam>::kList)); }

TYPED_TEST(FieldsTest, HaveDistinctNamesAndHelp) {
  std::set<std::string_view> names;
  ForEachField<TypeParam>([&](const auto& field) {
    EXPECT_TRUE(names.insert(field.name).second) << field.name;
    EXPECT_FALSE(field.help.empty()) << field.name;
    for (const char c : field.name) {
      EXPECT_TRUE((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_') << field.name;
    }
  });
  EXPECT_EQ(names.size(), kFieldCount<TypeParam>);
}

// An optional member can be left out of JSON, so it has to be optional there.
TYPED_TEST(FieldsTest, OptionalMembersAreOptionalInJson) {
  ForEachField<TypeParam>([&]<class Member>(const Field<TypeParam, Member>& field) {
    if constexpr (requires(Member member) { member.has_value(); }) {
      EXPECT_EQ(field.presence, Presence::kOptional) << field.name;
    }
  });
}

template <class T>
struct UnitSuffix {
  static constexpr std::string_view kText = "";
};
template <>
struct UnitSuffix<Bytes> {
  static constexpr std::string_view kText = "bytes";
};
template <>
struct UnitSuffix<Macs> {
  static constexpr std::string_view kText = "macs";
};
template <>
struct UnitSuffix<Seconds> {
  static constexpr std::string_view kText = "_s";
};
template <>
struct UnitSuffix<Joules> {
  static constexpr std::string_view kText = "_j";
};
template <>
struct UnitSuffix<BytesPerSecond> {
  static constexpr std::string_view kText = "_bytes_per_s";
};
template <>
struct UnitSuffix<MacsPerSecond> {
  static constexpr std::string_view kText = "_macs_per_s";
};
template <>
struct UnitSuffix<JoulesPerByte> {
  static constexpr std::string_view kText = "_j_per_byte";
};
template <>
struct UnitSuffix<JoulesPerMac> {
  static constexpr std::string_view kText = "_j_per_mac";
};
template <class T>
struct UnitSuffix<std::optional<T>> : UnitSuffix<T> {};
template <class T>
struct UnitSuffix<Sourced<T>> : UnitSuffix<T> {};

TYPED_TEST(FieldsTest, NamesEndInTheUnit) {
  if constexpr (!kIsSourced<TypeParam>) {  // "value": its unit is in the key above it
    ForEachField<TypeParam>([&]<class Member>(const Field<TypeParam, Member>& field) {
      constexpr std::string_view kSuffix = UnitSuffix<Member>::kText;
      const std::string name(field.name);
      EXPECT_TRUE(name.ends_with(kSuffix) ||
                  (name.ends_with("_per_token") && name.find(kSuffix) != std::string::npos))
          << name << " holds " << kSuffix;
    });
  }
}

TEST(FieldsProbeTest, FindsWhatIsForgottenOrSwapped) {
  EXPECT_FALSE(ListsEveryMember(Fields<Forgetful>::kList));
  EXPECT_FALSE(ListsEveryMember(Fields<Swapped>::kList));
}

template <class E>
void ExpectTextsGoBothWays() {
  std::set<std::string_view> texts;
  for (const auto& [value, text] : EnumTexts<E>::kList) {
    EXPECT_TRUE(texts.insert(text).second) << text;
    EXPECT_EQ(ToText(value), text);
    EXPECT_EQ(FromText<E>(text), value);
    EXPECT_EQ(FromText<E>(std::string(text) + "x"), std::nullopt);
  }
  EXPECT_EQ(FromText<E>(""), std::nullopt);
}

TEST(EnumTextsTest, GoBothWays) {
  ExpectTextsGoBothWays<Ffn>();
  ExpectTextsGoBothWays<RepeatKind>();
  ExpectTextsGoBothWays<KvPolicy>();
  ExpectTextsGoBothWays<Dtype>();
  ExpectTextsGoBothWays<LevelKind>();
  ExpectTextsGoBothWays<Replacement>();
}

TEST(EnumTextsTest, ChoicesReadAsASentence) {
  EXPECT_EQ(TextChoices<Ffn>(), "swiglu, gelu or relu");
  EXPECT_EQ(TextChoices<KvPolicy>(), "per_occurrence or shared");
}

}  // namespace
}  // namespace deepthin
