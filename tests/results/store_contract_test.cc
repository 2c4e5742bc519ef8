// The contract of results/store.h, held against every implementation.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <bit>
#include <functional>
#include <limits>

#include "results/in_memory_store.h"
#include "results/sqlite_store.h"
#include "results/store.h"
#include "spec/errors.h"
#include "spec/json_io.h"
#include "tests/results/asset_content.h"
#include "tests/results/random_values.h"
#include "tests/results/temporary_folder.h"

namespace deepthin::results {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::SizeIs;

struct InMemory {
  std::unique_ptr<Store> store = std::make_unique<InMemoryStore>();
  void Reopen() {}
};

struct Sqlite {
  TemporaryFolder folder;
  std::unique_ptr<Store> store = Open();

  std::unique_ptr<Store> Open() const {
    return OpenSqliteStore(folder.File("results.db"), OpenMode::kCreateOrExtend);
  }
  void Reopen() {
    store.reset();
    store = Open();
  }
};

template <class T>
class StoreContract : public ::testing::Test {
 protected:
  Store& store() { return *backend_.store; }
  void Reopen() { backend_.Reopen(); }
  void PutAsset() {
    store().PutSweep(AssetSweep(), AssetPoints());
    store().PutTrials(AssetSweep().hash, AssetTrials());
  }
  const std::string sweep_ = AssetSweep().hash;

 private:
  T backend_;
};

using Backends = ::testing::Types<InMemory, Sqlite>;
TYPED_TEST_SUITE(StoreContract, Backends);

std::string MessageOf(const std::function<void()>& f) {
  try {
    f();
  } catch (const InputError& error) {
    return error.what();
  }
  return "no InputError";
}

TYPED_TEST(StoreContract, IsEmptyAtFirst) {
  EXPECT_THAT(this->store().Sweeps(), IsEmpty());
  EXPECT_THAT(this->store().Results("unknown"), IsEmpty());
  EXPECT_EQ(this->store().FindTrial("unknown"), std::nullopt);
}

TYPED_TEST(StoreContract, GivesBackWhatWasPut) {
  this->PutAsset();
  this->Reopen();
  EXPECT_THAT(this->store().Sweeps(), ElementsAre(AssetSweep()));
  const auto results = this->store().Results(this->sweep_);
  ASSERT_THAT(results, SizeIs(3));
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(results[i].point, AssetPoints()[i]);
  const auto trials = AssetTrials();
  EXPECT_THAT(results[0].trials, ElementsAre(Key("estimate"), Key("measure"), Key("score")));
  EXPECT_EQ(results[0].trials.at("estimate"), trials[0].trial);
  EXPECT_EQ(results[0].trials.at("measure"), trials[2].trial);
  EXPECT_EQ(results[0].trials.at("score"), trials[3].trial);
  EXPECT_THAT(results[1].trials, ElementsAre(Key("estimate"), Key("train")));
  EXPECT_EQ(results[1].trials.at("estimate"), trials[4].trial);
  EXPECT_EQ(results[1].trials.at("train"), trials[5].trial);
  EXPECT_THAT(results[2].trials, IsEmpty());
}

TYPED_TEST(StoreContract, PutsTheSameSweepOnce) {
  this->PutAsset();
  SweepRecord other = AssetSweep();
  other.name = "another name under the same hash";
  this->store().PutSweep(other, {});
  EXPECT_THAT(this->store().Sweeps(), ElementsAre(AssetSweep()));
  EXPECT_THAT(this->store().Results(this->sweep_), SizeIs(3));
}

TYPED_TEST(StoreContract, ListsSweepsOldestFirst) {
  SweepRecord later = AssetSweep();
  later.hash = "a";
  later.created_at = "2026-02-01T00:00:00.000Z";
  SweepRecord twin = AssetSweep();
  twin.hash = "b";
  this->store().PutSweep(later, {});
  this->store().PutSweep(AssetSweep(), {});
  this->store().PutSweep(twin, {});
  this->Reopen();
  EXPECT_THAT(this->store().Sweeps(), ElementsAre(AssetSweep(), twin, later));
}

TYPED_TEST(StoreContract, OrdersPointsByIndex) {
  std::vector<Point> points = AssetPoints();
  points[0].index = 7;
  points[2].index = -1;
  this->store().PutSweep(AssetSweep(), points);
  std::vector<int64_t> indices;
  for (const PointResult& result : this->store().Results(this->sweep_)) {
    indices.push_back(result.point.index);
  }
  EXPECT_THAT(indices, ElementsAre(-1, 1, 7));
}

TYPED_TEST(StoreContract, SharesProblemsBetweenSweeps) {
  this->PutAsset();
  SweepRecord second = AssetSweep();
  second.hash = "second";
  this->store().PutSweep(second, AssetPoints());
  this->Reopen();
  const auto results = this->store().Results("second");
  ASSERT_THAT(results, SizeIs(3));
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(results[i].point, AssetPoints()[i]);
    EXPECT_THAT(results[i].trials, IsEmpty());
  }
}

TYPED_TEST(StoreContract, TheNewestAttemptCounts) {
  this->store().PutSweep(AssetSweep(), AssetPoints());
  Trial trial = MakeTrial("measure", "q", Failure{.message = "first"});
  const std::string key = trial.key;
  const auto put = [&](const std::string& message) {
    trial.outcome = Failure{.message = message};
    this->store().PutTrials(this->sweep_, {{PointTrial{1, trial}}});
  };
  put("first");
  put("second");
  EXPECT_EQ(std::get<Failure>(this->store().FindTrial(key)->outcome).message, "second");
  this->Reopen();
  put("third");
  EXPECT_EQ(std::get<Failure>(this->store().FindTrial(key)->outcome).message, "third");
  EXPECT_EQ(this->store().Results(this->sweep_)[1].trials.at("measure"), trial);
}

TYPED_TEST(StoreContract, TheNewestOfTwoQuestionsToOneEvaluatorCounts) {
  this->store().PutSweep(AssetSweep(), AssetPoints());
  const Trial version_1 = MakeTrial("estimate", "version 1", AssetEstimate());
  const Trial version_2 = MakeTrial("estimate", "version 2", Failure{.message = "x"});
  const std::vector<PointTrial> both = {
      {0, version_2}, {0, version_1}, {1, version_1}, {1, version_2}};
  this->store().PutTrials(this->sweep_, both);
  const auto results = this->store().Results(this->sweep_);
  // Each counts everywhere with its newest attempt, and the last put is version 2.
  EXPECT_EQ(results[0].trials.at("estimate"), version_2);
  EXPECT_EQ(results[1].trials.at("estimate"), version_2);
  EXPECT_EQ(this->store().FindTrial(version_1.key), version_1);
}

TYPED_TEST(StoreContract, LinksATrialToAnotherPoint) {
  this->PutAsset();
  const Trial score = AssetTrials()[3].trial;
  this->store().LinkTrial(this->sweep_, 1, score.key);
  this->store().LinkTrial(this->sweep_, 1, score.key);  // twice is once
  EXPECT_EQ(this->store().Results(this->sweep_)[1].trials.at("score"), score);
  // A later attempt counts for every point that the question belongs to.
  Trial again = score;
  again.outcome = Failure{.message = "later"};
  this->store().PutTrials(this->sweep_, {{PointTrial{0, again}}});
  this->Reopen();
  EXPECT_EQ(this->store().Results(this->sweep_)[1].trials.at("score"), again);
}

TYPED_TEST(StoreContract, RefusesUnknownPointsAndTrials) {
  this->PutAsset();
  const Trial trial = MakeTrial("score", "q", Failure{.message = "x"});
  const auto put = [&](const std::string& sweep, int64_t index) {
    return MessageOf([&] { this->store().PutTrials(sweep, {{PointTrial{index, trial}}}); });
  };
  EXPECT_THAT(put(this->sweep_, 3), HasSubstr("has no point 3"));
  EXPECT_THAT(put("unknown", 0), HasSubstr("sweep unknown: has no point 0"));
  const std::string known_key = AssetTrials()[0].trial.key;
  EXPECT_THAT(MessageOf([&] { this->store().LinkTrial(this->sweep_, 9, known_key); }),
              HasSubstr("has no point 9"));
  EXPECT_THAT(MessageOf([&] { this->store().LinkTrial(this->sweep_, 0, "unknown"); }),
              HasSubstr("trial unknown: is not in the store"));
  EXPECT_EQ(this->store().FindTrial(trial.key), std::nullopt);
}

TYPED_TEST(StoreContract, PutsAllTrialsOrNone) {
  this->PutAsset();
  const Trial good = MakeTrial("score", "good", Failure{.message = "x"});
  const std::vector<PointTrial> unknown_point_last = {{0, good}, {77, good}};
  EXPECT_THROW(this->store().PutTrials(this->sweep_, unknown_point_last), InputError);
  EXPECT_EQ(this->store().FindTrial(good.key), std::nullopt);
  this->store().PutTrials(this->sweep_, {{PointTrial{0, good}}});  // and goes on working
  EXPECT_EQ(this->store().FindTrial(good.key), good);
}

TYPED_TEST(StoreContract, RefusesAPointTwiceAndPutsNothing) {
  std::vector<Point> points = AssetPoints();
  points[2].index = 0;
  EXPECT_THAT(MessageOf([&] { this->store().PutSweep(AssetSweep(), points); }),
              HasSubstr("point 0: is there twice"));
  EXPECT_THAT(this->store().Sweeps(), IsEmpty());
  this->PutAsset();  // the sound sweep can still be put
  EXPECT_THAT(this->store().Results(this->sweep_), SizeIs(3));
}

TYPED_TEST(StoreContract, RefusesNumbersThatAreNotFinite) {
  this->PutAsset();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  const auto message = [&](Outcome outcome) {
    const Trial trial = MakeTrial("score", "not finite", std::move(outcome));
    auto text = MessageOf([&] { this->store().PutTrials(this->sweep_, {{PointTrial{0, trial}}}); });
    EXPECT_EQ(this->store().FindTrial(trial.key), std::nullopt);
    return text;
  };
  ProxyScore score;
  score.value = nan;
  EXPECT_THAT(message(score), HasSubstr(": /value: is nan; expected a finite number"));
  score = {};
  score.standard_error = infinity;
  EXPECT_THAT(message(score), HasSubstr(": /standard_error: is inf"));
  Measurement measurement = AssetMeasurement();
  measurement.decode_s_per_token[2] = -infinity;
  EXPECT_THAT(message(measurement), HasSubstr(": /decode_s_per_token/2: is -inf"));
  measurement = AssetMeasurement();
  measurement.host.load_average = nan;
  EXPECT_THAT(message(measurement), HasSubstr(": /host/load_average: is"));
  CostEstimate estimate = AssetEstimate();
  estimate.decode.operators[0].traffic[1].energy = Joules(nan);
  EXPECT_THAT(message(estimate), HasSubstr(": /decode/operators/0/traffic/1/energy_j: is"));
  Trial endless = MakeTrial("score", "q", Failure{});
  endless.duration = Seconds(infinity);
  EXPECT_THAT(MessageOf([&] {
                this->store().PutTrials(this->sweep_, {{PointTrial{0, endless}}});
              }),
              HasSubstr("/duration_s: is inf"));
}

TYPED_TEST(StoreContract, RefusesPointsThatCouldNotComeBack) {
  const auto message = [&](const Problem& problem) {
    const std::vector<Point> points = {{.index = 4, .label = "", .problem = problem}};
    return MessageOf([&] { this->store().PutSweep(AssetSweep(), points); });
  };
  Problem problem = AssetProblem();
  problem.model.rope_theta = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(message(problem), HasSubstr("point 4: /model/rope_theta: is"));
  problem = AssetProblem();
  problem.soc.levels[1].capacity.source = "caf\xE9";
  EXPECT_THAT(message(problem),
              HasSubstr("point 4: /soc/levels/1/capacity_bytes/source: is not valid UTF-8"));
  problem = AssetProblem();
  problem.model.repeat.times = 3;  // of kind none
  EXPECT_THAT(message(problem), HasSubstr("point 4: /model/repeat: is not what its text"));
  problem.model.repeat = {.kind = RepeatKind::kExplicit, .times = 1, .order = {}};
  EXPECT_THAT(message(problem), HasSubstr("point 4: /model/repeat: "));
  EXPECT_THAT(this->store().Sweeps(), IsEmpty());
}

TYPED_TEST(StoreContract, KnowsUtf8) {
  const auto accepts = [&](const std::string& text) {
    Problem problem = AssetProblem();
    problem.soc.name = text;
    SweepRecord sweep = AssetSweep();
    sweep.hash = ContentHash(text.size()) + text;
    const std::vector<Point> points = {{.index = 0, .label = "", .problem = problem}};
    return MessageOf([&] { this->store().PutSweep(sweep, points); }) == "no InputError";
  };
  for (const char* good :
       {"", "a", "\x7F", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
        "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_TRUE(accepts(good)) << good;
  }
  for (const char* bad :
       {"\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xC2", "\xC2\x41", "\xE0\x9F\xBF", "\xE0\xA0",
        "\xED\xA0\x80", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF"}) {
    EXPECT_FALSE(accepts(bad)) << bad;
  }
}

TYPED_TEST(StoreContract, KeepsDoublesBitByBit) {
  this->PutAsset();
  Measurement measurement = AssetMeasurement();
  measurement.prefill_s = {0.1,
                           1.0 / 3,
                           std::nextafter(1.0, 2.0),
                           std::numeric_limits<double>::denorm_min(),
                           std::numeric_limits<double>::min(),
                           std::numeric_limits<double>::max(),
                           -std::numeric_limits<double>::max(),
                           9007199254740993.0,
                           9.2233720368547758e18,
                           -2.2250738585072011e-308,
                           1e15,
                           -42.0};
  const Trial trial = MakeTrial("measure", "doubles", measurement);
  this->store().PutTrials(this->sweep_, {{PointTrial{1, trial}}});
  this->Reopen();
  const auto back = std::get<Measurement>(this->store().FindTrial(trial.key)->outcome).prefill_s;
  ASSERT_EQ(back.size(), measurement.prefill_s.size());
  for (size_t i = 0; i < back.size(); ++i) {
    EXPECT_EQ(std::bit_cast<uint64_t>(back[i]), std::bit_cast<uint64_t>(measurement.prefill_s[i]));
  }
}

TYPED_TEST(StoreContract, KeepsBytesThatAreNoUtf8InMessages) {
  this->PutAsset();
  const std::string bytes("a\0b\xFF\xC3 'quoted' \"twice\"\n", 23);
  Trial trial = MakeTrial("measure", "bytes", Failure{.message = bytes});
  this->store().PutTrials(this->sweep_, {{PointTrial{0, trial}}});
  this->Reopen();
  EXPECT_EQ(this->store().FindTrial(trial.key), trial);
}

TYPED_TEST(StoreContract, AnyTrialComesBackEqual) {
  this->PutAsset();
  int64_t number = 0;
  EXPECT_TRUE(rc::check("any outcome comes back equal", [&] {
    std::vector<PointTrial> batch;
    for (int64_t i = 1 + RandomBelow(3); i > 0; --i) {
      Trial trial = MakeTrial("evaluator " + std::to_string(number), std::to_string(number),
                              Random<Outcome>());
      ++number;
      trial.duration = Random<Seconds>();
      trial.started_at = Random<std::string>();
      batch.push_back({RandomBelow(3), std::move(trial)});
    }
    this->store().PutTrials(this->sweep_, batch);
    for (const auto& [index, trial] : batch) {
      RC_ASSERT(this->store().FindTrial(trial.key) == trial);
    }
    if (RandomBelow(20) == 0) {
      this->Reopen();
      const auto results = this->store().Results(this->sweep_);
      for (const auto& [index, trial] : batch) {
        RC_ASSERT(results[static_cast<size_t>(index)].trials.at(trial.evaluator) == trial);
      }
    }
  }));
}

TYPED_TEST(StoreContract, AnySweepComesBackEqual) {
  int64_t number = 0;
  EXPECT_TRUE(rc::check("any sweep comes back equal", [&] {
    SweepRecord sweep{.hash = "sweep " + std::to_string(number++),
                      .name = Random<std::string>(),
                      .definition = Random<std::string>(),
                      .evaluators = Random<std::vector<std::string>>(),
                      .created_at = Random<std::string>()};
    std::vector<Point> points;
    for (int64_t i = RandomBelow(4); i > 0; --i) {
      Point& point = points.emplace_back();
      point.index = 10 * static_cast<int64_t>(points.size());
      point.label = Random<std::string>();
      if (RandomBelow(3) == 0) {
        point.problem = Random<Infeasible>();
      } else {
        point.problem = Random<Problem>();
      }
    }
    this->store().PutSweep(sweep, points);
    if (RandomBelow(10) == 0) this->Reopen();
    const auto results = this->store().Results(sweep.hash);
    RC_ASSERT(results.size() == points.size());
    for (size_t i = 0; i < points.size(); ++i) RC_ASSERT(results[i].point == points[i]);
    const auto sweeps = this->store().Sweeps();
    RC_ASSERT(std::find(sweeps.begin(), sweeps.end(), sweep) != sweeps.end());
  }));
}

}  // namespace
}  // namespace deepthin::results
