#include "tests/house/layering.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/house/tree.h"

namespace deepthin::house {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Include {
  const char* path;
  const char* line;
};

std::vector<std::string> ErrorsOf(const Include& include) {
  return LayeringErrors({{include.path, std::string("// head\n") + include.line + "\nint x;\n"}});
}

TEST(LayeringRulesTest, AcceptWhatTheArrowsSay) {
  constexpr Include kAllowed[] = {
      {"spec/a.h", "#include \"spec/units.h\""},
      {"spec/a.h", "#include <vector>"},
      {"spec/json_io.h", "#include <nlohmann/json.hpp>"},
      {"spec/model_argument.cc", "#include \"spec/json_io.h\""},
      {"costmodel/a.cc", "#include \"spec/json_io.h\""},
      {"costmodel/a.cc", "#include \"soc_preset_files.h\""},  // generated
      {"runtime/kernels/a.cc", "#include <hwy/highway.h>"},
      {"runtime/a.cc", "#include <sys/mman.h>"},
      {"results/sqlite_store.cc", "#include <SQLiteCpp/Database.h>"},
      {"sweeps/driver.cc", "#include \"runtime/measure.h\""},
      {"sweeps/definition_schema.cc", "#include <valijson/schema.hpp>"},
      {"explorer/choose.cc", "#include \"sweeps/driver.h\""},
      {"explorer/cli/main.cc", "#include <boost/program_options.hpp>"},
      {"explorer/calibrate.cc", "#include <Eigen/Dense>"},
      {"tests/runtime/a.cc", "#include <Eigen/Dense>"},
      {"tests/runtime/a.cc", "#include \"costmodel/estimator.h\""},
      {"runtime/kernels/a_bench.cc", "#include <benchmark/benchmark.h>"},
      {"docs/a.md", "#include \"runtime/measure.h\""},
  };
  for (const Include& include : kAllowed) {
    EXPECT_THAT(ErrorsOf(include), IsEmpty()) << include.path << ": " << include.line;
  }
}

TEST(LayeringRulesTest, FindWhatTheyForbid) {
  constexpr Include kForbidden[] = {
      {"spec/a.h", "#include \"results/store.h\""},
      {"spec/a.h", "#include \"spec/json_io.h\""},
      {"spec/a.cc", "#include \"spec/files.h\""},
      {"spec/a.h", "#include <fmt/format.h>"},
      {"spec/json_io.cc", "#include <nlohmann/json.hpp>"},
      {"costmodel/a.cc", "#include \"runtime/measure.h\""},
      {"costmodel/levels/a.cc", "  #  include  \"runtime/measure.h\""},
      {"costmodel/a.cc", "#include \"results/store.h\""},
      {"runtime/a.cc", "#include \"costmodel/estimator.h\""},
      {"runtime/a.cc", "#include \"tests/spec/draw.h\""},
      {"runtime/a.cc", "#include <hwy/highway.h>"},
      {"runtime/decoder.cc", "#include <omp.h>"},
      {"results/record/trial.h", "#include \"sweeps/evaluator.h\""},
      {"results/store.h", "#include <SQLiteCpp/Database.h>"},
      {"sweeps/driver.cc", "#include \"explorer/choose.h\""},
      {"sweeps/driver.cc", "#include <nlohmann/json.hpp>"},
      {"sweeps/driver.cc", "#include <sqlite3.h>"},
      {"sweeps/driver.cc", "#include <valijson/schema.hpp>"},
      {"explorer/choose.cc", "#include \"explorer/cli/args.h\""},
      {"explorer/choose.cc", "#include <boost/program_options.hpp>"},
      {"explorer/cli/cmd_score.cc", "#include <boost/math/distributions/binomial.hpp>"},
      {"explorer/choose.cc", "#include <Eigen/Dense>"},
      {"explorer/choose.cc", "#include <gtest/gtest.h>"},
      {"explorer/choose.cc", "#include <curl/curl.h>"},
  };
  for (const Include& include : kForbidden) {
    EXPECT_EQ(ErrorsOf(include).size(), 1u) << include.path << ": " << include.line;
  }
}

TEST(LayeringRulesTest, SaysWhoIncludesWhat) {
  EXPECT_THAT(ErrorsOf({"costmodel/a.cc", "#include \"runtime/measure.h\""}),
              ElementsAre("costmodel/a.cc includes runtime/measure.h; costmodel may use costmodel "
                          "spec"));
  EXPECT_THAT(LayeringErrors({{"spec/a.cc", "#include \"a.h\"\n"}, {"spec/a.h", ""}}),
              ElementsAre(HasSubstr("includes are written from the root")));
}

TEST(LayeringTest, TheTreeKeepsTheRules) {
  EXPECT_GT(Tree().size(), 50u);
  EXPECT_THAT(LayeringErrors(Tree()), IsEmpty());
}

}  // namespace
}  // namespace deepthin::house
