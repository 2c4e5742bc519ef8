// The schema: every field has its column, derived columns and views say what the program says,
// migrations run once and whole, and old databases stay readable.
#include "results/sqlite_schema.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "results/sqlite_columns.h"
#include "spec/files.h"
#include "spec/model_presets.h"
#include "spec/robust_stats.h"
#include "tests/results/asset_content.h"
#include "tests/results/random_values.h"
#include "tests/results/temporary_folder.h"

namespace deepthin::results {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

std::string AssetOf(int64_t version) {
  return DEEPTHIN_SOURCE_DIR "/tests/assets/results_v" + std::to_string(version) + ".db";
}

int64_t Newest() { return Migrations().back().version; }

SQLite::Database Plain(const std::string& path) {
  return SQLite::Database(path, SQLite::OPEN_READWRITE);
}

std::unique_ptr<Store> PutAsset(const std::string& path) {
  auto store = OpenSqliteStore(path, OpenMode::kCreateOrExtend);
  store->PutSweep(AssetSweep(), AssetPoints());
  store->PutTrials(AssetSweep().hash, AssetTrials());
  return store;
}

// Stored columns only; generated ones are hidden in table_info.
std::set<std::string> TableColumns(SQLite::Database& database, const std::string& table) {
  std::set<std::string> names;
  SQLite::Statement select(database, "SELECT name FROM pragma_table_info(?)");
  select.bind(1, table);
  while (select.executeStep()) names.insert(select.getColumn(0).getString());
  return names;
}

template <class T>
void ExpectColumns(SQLite::Database& database, const std::string& table,
                   const std::set<std::string>& others, const std::string& prefix = "") {
  std::set<std::string> expected = others;
  for (const std::string& name : ColumnNames<T>(prefix)) {
    EXPECT_TRUE(expected.insert(name).second) << table << "." << name << " has two meanings";
  }
  EXPECT_EQ(TableColumns(database, table), expected) << "table " << table;
}

TEST(SqliteSchema, HasAColumnForEachFieldAndNoOther) {
  const TemporaryFolder folder;
  const auto store = OpenSqliteStore(folder.File("r.db"), OpenMode::kCreateOrExtend);
  SQLite::Database database = Plain(folder.File("r.db"));
  ExpectColumns<ModelSpec>(database, "model", {"hash"});
  ExpectColumns<CostEstimate>(database, "estimate", {"trial_id"});
  ExpectColumns<PhaseCost>(database, "estimate_phase", {"trial_id", "phase"});
  ExpectColumns<OperatorCost>(database, "estimate_operator", {"trial_id", "phase", "position"});
  ExpectColumns<LevelTraffic>(database, "estimate_traffic",
                              {"trial_id", "phase", "operator_position", "position"});
  ExpectColumns<Measurement>(database, "measurement", {"trial_id"});
  ExpectColumns<ProxyScore>(database, "score", {"trial_id"});
  ExpectColumns<TrainingRecord>(database, "training", {"trial_id"});
  ExpectColumns<LossPoint>(database, "training_point", {"trial_id", "position"});
  ExpectColumns<Infeasible>(database, "infeasible", {"trial_id"});
  ExpectColumns<Failure>(database, "failure", {"trial_id"});
  ExpectColumns<Infeasible>(database, "point",
                            {"sweep_hash", "point_index", "label", "problem_hash"});
  std::set<std::string> others = {"hash", "model_hash", "soc_hash"};
  for (const std::string& name : ColumnNames<Workload>()) others.insert(name);
  ExpectColumns<Precision>(database, "problem", others, "precision_");
}

TEST(SqliteSchema, EveryTableIsStrict) {
  const TemporaryFolder folder;
  const auto store = OpenSqliteStore(folder.File("r.db"), OpenMode::kCreateOrExtend);
  SQLite::Database database = Plain(folder.File("r.db"));
  SQLite::Statement select(database,
                           "SELECT name FROM pragma_table_list WHERE type = 'table' AND NOT strict "
                           "AND name NOT LIKE 'sqlite_%'");
  EXPECT_FALSE(select.executeStep()) << select.getColumn(0).getString();
}

TEST(SqliteSchema, DerivedColumnsAgreeWithTheProgram) {
  const TemporaryFolder folder;
  auto store = OpenSqliteStore(folder.File("r.db"), OpenMode::kCreateOrExtend);
  std::vector<Point> points;
  const auto add = [&](const ModelSpec& spec) {
    Point point{.index = static_cast<int64_t>(points.size()), .label = "", .problem = {}};
    std::get<Problem>(point.problem).model = spec;
    points.push_back(point);
  };
  for (const ModelPreset& preset : ModelPresets()) add(preset.spec);
  rc::check("collect random valid models", [&] {
    ModelSpec spec;
    spec.vocab_size = 1 + RandomBelow(100'000);
    spec.n_blocks = 1 + RandomBelow(60);
    spec.d_model = 1 + RandomBelow(4'096);
    spec.n_kv_heads = 1 + RandomBelow(8);
    spec.n_heads = spec.n_kv_heads * (1 + RandomBelow(8));
    spec.head_dim = 2 * (1 + RandomBelow(64));
    spec.d_ff = 1 + RandomBelow(10'000);
    spec.ffn = Random<Ffn>();
    spec.tie_embeddings = Random<bool>();
    spec.repeat = Random<RepeatSchedule>();
    add(spec);
  });
  store->PutSweep(AssetSweep(), points);
  SQLite::Database database = Plain(folder.File("r.db"));
  SQLite::Statement select(
      database,
      "SELECT embedding_params, head_params, decoder_params, norm_params, matrix_params, "
      "total_params, executed_blocks FROM point JOIN problem ON problem.hash = problem_hash "
      "JOIN model ON model.hash = model_hash ORDER BY point_index");
  for (const Point& point : points) {
    ASSERT_TRUE(select.executeStep());
    const ModelSpec& spec = std::get<Problem>(point.problem).model;
    const ParamCounts counts = CountParams(spec);
    const std::vector<int64_t> expected = {counts.embedding,    counts.head,       counts.blocks,
                                           counts.norms,        counts.matrices(), counts.total(),
                                           ExecutedBlocks(spec)};
    for (size_t i = 0; i < expected.size(); ++i) {
      EXPECT_EQ(select.getColumn(static_cast<int>(i)).getInt64(), expected[i])
          << select.getColumnName(static_cast<int>(i)) << " with repeat " << ToText(spec.repeat);
    }
  }
}

TEST(SqliteSchema, MedianInSqlIsTheMedian) {
  const TemporaryFolder folder;
  auto store = PutAsset(folder.File("r.db"));
  std::vector<std::vector<double>> samples;
  EXPECT_TRUE(rc::check("collect random samples", [&] {
    Measurement measurement = AssetMeasurement();
    measurement.prefill_s.clear();
    measurement.decode_s_per_token.clear();
    for (int64_t i = 1 + RandomBelow(9); i > 0; --i) {
      measurement.decode_s_per_token.push_back(static_cast<double>(RandomBelow(20)) / 7);
    }
    samples.push_back(measurement.decode_s_per_token);
    const std::string name = "median " + std::to_string(samples.size());
    store->PutTrials(AssetSweep().hash, {{PointTrial{1, MakeTrial("measure", name, measurement)}}});
  }));
  SQLite::Database database = Plain(folder.File("r.db"));
  SQLite::Statement select(database,
                           "SELECT median_s, samples FROM v_sample_median WHERE trial_id > 6 "
                           "ORDER BY trial_id");
  for (const std::vector<double>& expected : samples) {
    ASSERT_TRUE(select.executeStep());
    EXPECT_DOUBLE_EQ(select.getColumn(0).getDouble(), Median(expected));
    EXPECT_EQ(static_cast<size_t>(select.getColumn(1).getInt64()), expected.size());
  }
  EXPECT_FALSE(select.executeStep());
}

TEST(SqliteSchema, PointsViewShowsOneRowForEachPoint) {
  const TemporaryFolder folder;
  auto store = PutAsset(folder.File("r.db"));
  SQLite::Database database = Plain(folder.File("r.db"));
  SQLite::Statement row(database,
                        "SELECT sweep, label, total_params, measured_decode_ms, "
                        "measured_prefill_ms, estimated_decode_ms, estimated_prefill_ms, "
                        "estimated_dram_bytes_per_token, score, infeasible_because, "
                        "failed_because, executed_blocks FROM v_points ORDER BY point_index");
  ASSERT_TRUE(row.executeStep());
  EXPECT_EQ(row.getColumn(0).getString(), "sample");
  EXPECT_EQ(row.getColumn(1).getString(), "30 blocks");
  EXPECT_EQ(row.getColumn(2).getInt64(), 124'635'456);
  EXPECT_DOUBLE_EQ(row.getColumn(3).getDouble(), 16.5);  // of 15, 16, 17 and 25
  EXPECT_DOUBLE_EQ(row.getColumn(4).getDouble(), 290);
  EXPECT_DOUBLE_EQ(row.getColumn(5).getDouble(), 15.6);
  EXPECT_DOUBLE_EQ(row.getColumn(6).getDouble(), 250);
  EXPECT_EQ(row.getColumn(7).getInt64(), 249'270'912);
  EXPECT_DOUBLE_EQ(row.getColumn(8).getDouble(), 106.168);
  EXPECT_TRUE(row.getColumn(9).isNull());
  EXPECT_TRUE(row.getColumn(10).isNull()) << "the failed attempt was followed by a good one";
  ASSERT_TRUE(row.executeStep());
  EXPECT_EQ(row.getColumn(9).getString(), "the weights do not fit into dram");
  EXPECT_EQ(row.getColumn(11).getInt64(), 60);
  ASSERT_TRUE(row.executeStep());
  EXPECT_EQ(row.getColumn(9).getString(), "n_heads 9 is not divisible by n_kv_heads 2");
  EXPECT_TRUE(row.getColumn(2).isNull());
  EXPECT_FALSE(row.executeStep());
}

TEST(SqliteSchema, TrialsViewShowsEveryAttempt) {
  const TemporaryFolder folder;
  auto store = PutAsset(folder.File("r.db"));
  SQLite::Database database = Plain(folder.File("r.db"));
  SQLite::Statement row(database,
                        "SELECT group_concat(outcome || ' ' || attempt || is_newest, ', ') FROM "
                        "(SELECT * FROM v_trials ORDER BY trial_id)");
  ASSERT_TRUE(row.executeStep());
  EXPECT_EQ(row.getColumn(0).getString(),
            "estimate 11, failure 10, measurement 21, score 11, infeasible 11, training 11");
}

TEST(SqliteSchema, KeepsReferencesWhole) {
  const TemporaryFolder folder;
  auto store = PutAsset(folder.File("r.db"));
  SQLite::Database database = Plain(folder.File("r.db"));
  EXPECT_EQ(database.execAndGet("PRAGMA integrity_check").getString(), "ok");
  SQLite::Statement dangling(database, "PRAGMA foreign_key_check");
  EXPECT_FALSE(dangling.executeStep());
  EXPECT_EQ(database.execAndGet("PRAGMA journal_mode").getString(), "wal");
  EXPECT_EQ(database.execAndGet("PRAGMA application_id").getInt64(), kApplicationId);
}

// A made-up next version: a new column, and a view that older programs would miss.
constexpr std::string_view kNext =
    "ALTER TABLE trial ADD COLUMN note TEXT; CREATE VIEW v_notes AS SELECT id, note FROM trial;";

std::vector<Migration> WithNext(std::string_view sql) {
  std::vector<Migration> list(Migrations().begin(), Migrations().end());
  list.push_back({.version = Newest() + 1, .sql = sql});
  return list;
}

TEST(Migrations, AreNumberedFromOne) {
  int64_t expected = 1;
  for (const Migration& migration : Migrations()) EXPECT_EQ(migration.version, expected++);
  EXPECT_GT(expected, 1);
}

TEST(Migrations, BringAnOldDatabaseUpToDateWithItsRows) {
  const TemporaryFolder folder;
  const std::string path = folder.File("r.db");
  PutAsset(path);
  {
    SQLite::Database database = OpenDatabase(path, OpenMode::kCreateOrExtend, {}, WithNext(kNext));
    EXPECT_EQ(SchemaVersion(database), Newest() + 1);
    EXPECT_EQ(database.execAndGet("SELECT count(*) FROM v_notes WHERE note IS NULL").getInt64(), 6);
    EXPECT_EQ(database.execAndGet("PRAGMA foreign_keys").getInt64(), 1);
  }
  // A second time there is nothing to do; the same statements would fail.
  EXPECT_NO_THROW(
      static_cast<void>(OpenDatabase(path, OpenMode::kCreateOrExtend, {}, WithNext(kNext))));
  // And this program now finds it too new.
  for (const OpenMode mode : {OpenMode::kCreateOrExtend, OpenMode::kReadExisting}) {
    try {
      const auto store = OpenSqliteStore(path, mode);
      FAIL();
    } catch (const InputError& error) {
      EXPECT_THAT(error.what(),
                  HasSubstr("r.db: has schema version " + std::to_string(Newest() + 1) +
                            ", which needs a newer deepthin; expected at most "
                            "version " +
                            std::to_string(Newest())));
    }
  }
}

TEST(Migrations, OfADatabaseOpenedForReadingHappenInMemory) {
  const TemporaryFolder folder;
  const std::string path = folder.File("r.db");
  PutAsset(path);
  const std::string before = ReadFile(path);
  {
    SQLite::Database database = OpenDatabase(path, OpenMode::kReadExisting, {}, WithNext(kNext));
    EXPECT_EQ(database.execAndGet("SELECT count(*) FROM v_notes").getInt64(), 6);
  }
  EXPECT_EQ(ReadFile(path), before);
  EXPECT_THAT(folder.Names(), ElementsAre("r.db"));
}

TEST(Migrations, ThatFailLeaveTheVersionBefore) {
  const TemporaryFolder folder;
  const std::string path = folder.File("r.db");
  PutAsset(path);
  const std::vector<std::string_view> bad = {
      "ALTER TABLE trial ADD COLUMN note TEXT; SELECT nonsense FROM nowhere;",
      "UPDATE point_trial SET trial_id = 99;",  // a reference that points nowhere
  };
  for (const std::string_view sql : bad) {
    EXPECT_THROW(
        static_cast<void>(OpenDatabase(path, OpenMode::kCreateOrExtend, {}, WithNext(sql))),
        InputError);
    SQLite::Database database = Plain(path);
    EXPECT_EQ(SchemaVersion(database), Newest());
    EXPECT_EQ(TableColumns(database, "trial").count("note"), 0U);
  }
  const auto store = OpenSqliteStore(path, OpenMode::kReadExisting);
  EXPECT_THAT(store->Results(AssetSweep().hash), SizeIs(3));
}

TEST(Migrations, ThatFailOnCreationLeaveNoFile) {
  const TemporaryFolder folder;
  EXPECT_THROW(static_cast<void>(OpenDatabase(folder.File("r.db"), OpenMode::kCreateOrExtend, {},
                                              WithNext("SELECT nonsense FROM nowhere"))),
               InputError);
  EXPECT_THAT(folder.Names(), ElementsAre());
}

TEST(Migrations, MakeTheSameSchemaInStepsAndAtOnce) {
  const TemporaryFolder folder;
  PutAsset(folder.File("steps.db"));
  const auto schema = [&](const std::string& name) {
    SQLite::Database database =
        OpenDatabase(folder.File(name), OpenMode::kCreateOrExtend, {}, WithNext(kNext));
    return database.execAndGet("SELECT group_concat(sql) FROM sqlite_schema").getString();
  };
  EXPECT_EQ(schema("steps.db"), schema("at_once.db"));
}

TEST(OldDatabase, OfEachVersionReadsBackAsItWasWritten) {
  for (int64_t version = 1; version <= Newest(); ++version) {
    SCOPED_TRACE(version);
    const TemporaryFolder folder;
    const std::string path = folder.File("old.db");
    std::filesystem::copy_file(AssetOf(version), path);
    {
      SQLite::Database database = Plain(path);
      ASSERT_EQ(SchemaVersion(database), version);
    }
    for (const OpenMode mode : {OpenMode::kReadExisting, OpenMode::kCreateOrExtend}) {
      const auto store = OpenSqliteStore(path, mode);
      EXPECT_THAT(store->Sweeps(), ElementsAre(AssetSweep()));
      const auto results = store->Results(AssetSweep().hash);
      ASSERT_THAT(results, SizeIs(3));
      for (size_t i = 0; i < 3; ++i) EXPECT_EQ(results[i].point, AssetPoints()[i]);
      const auto trials = AssetTrialsOfVersion(version);
      EXPECT_EQ(results[0].trials.at("estimate"), trials[0].trial);
      EXPECT_EQ(results[0].trials.at("measure"), trials[2].trial);
      EXPECT_EQ(results[0].trials.at("score"), trials[3].trial);
      EXPECT_EQ(results[1].trials.at("estimate"), trials[4].trial);
      ASSERT_EQ(results[1].trials.contains("train"), version >= 3);
      if (version >= 3) {
        EXPECT_EQ(results[1].trials.at("train"), trials[5].trial);
      }
    }
  }
}

}  // namespace
}  // namespace deepthin::results
