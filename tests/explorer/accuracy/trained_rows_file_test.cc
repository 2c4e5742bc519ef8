// Files of trained rows: both forms, and what is wrong with others.
#include "explorer/accuracy/trained_rows_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spec/json_io.h"
#include "tests/explorer/accuracy/trained_rows.h"
#include "tests/spec/input_error_of.h"

namespace deepthin::explorer {
namespace {

using ::testing::HasSubstr;

std::string Refusal(const std::string& text) {
  return InputErrorOf([&] { return ParseTrainedRows(text, "rows.txt").size(); });
}

TEST(ParseTrainedRows, JsonBothWays) {
  std::vector<TrainedRow> rows = MadeUpRows(6, 0.1, 1);
  rows[2].standard_error = 0.25;
  EXPECT_EQ(ParseTrainedRows(ToJson(rows).dump(), "x"), rows);
  EXPECT_TRUE(ParseTrainedRows("[]", "x").empty());
}

constexpr const char* kHead =
    "name,group,table,target,standard_error,vocab_size,d_model,n_blocks,n_heads,n_kv_heads,head_"
    "dim,"
    "d_ff,ffn,tie_embeddings,repeat\n";

TEST(ParseTrainedRows, Csv) {
  const auto rows =
      ParseTrainedRows(std::string(kHead) +
                           "12,1T,a,-3.5,0.01,4096,64,4,2,1,32,128,swiglu,true,immediate:2\n"
                           "\"b, c\",1T,a,-3.25,,4096,64,8,2,1,32,128,relu,false,\n",
                       "x");
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].name, "12");
  EXPECT_EQ(rows[0].target, -3.5);
  EXPECT_EQ(rows[0].standard_error, 0.01);
  EXPECT_EQ(ExecutedBlocks(rows[0].model), 8);
  EXPECT_EQ(rows[1].name, "b, c");
  EXPECT_FALSE(rows[1].standard_error);
  EXPECT_EQ(rows[1].model.ffn, Ffn::kRelu);
  EXPECT_FALSE(rows[1].model.tie_embeddings);
}

TEST(ParseTrainedRows, SaysWhatIsWrongAndWhere) {
  const std::string row = "a,1T,a,1,,4096,64,4,2,1,32,128,swiglu,true,none\n";
  EXPECT_EQ(Refusal(kHead + row), "");
  EXPECT_THAT(Refusal("name,depth\na,1\n"), HasSubstr("rows.txt: column depth: is unknown"));
  EXPECT_THAT(Refusal("name,model\na,1\n"), HasSubstr("rows.txt: column model: is unknown"));
  EXPECT_THAT(Refusal(kHead + std::string("a,1T,a,,,4096,64,4,2,1,32,128,swiglu,true,none\n")),
              HasSubstr("target"));
  EXPECT_THAT(Refusal(kHead + row + "a,1T,a,x,,4096,64,4,2,1,32,128,swiglu,true,none\n"),
              HasSubstr("rows.txt: /1/target"));
  EXPECT_THAT(Refusal(kHead + row + "a,1T,a,1,-1,4096,64,4,2,1,32,128,swiglu,true,none\n"),
              HasSubstr("rows.txt: /1/standard_error: is below 0"));
  EXPECT_THAT(Refusal(kHead + std::string("a,1T,a,1,,4096,64,4,3,2,32,128,swiglu,true,none\n")),
              HasSubstr("rows.txt: /0/model/n_kv_heads"));
  EXPECT_THAT(Refusal("{}"), HasSubstr("is no array"));
  EXPECT_THAT(Refusal("[1]"), HasSubstr("rows.txt: /0"));
  EXPECT_THAT(Refusal("[{\"name\": \"a\"}]"), HasSubstr("/0"));
  EXPECT_NE(Refusal(""), "");
  EXPECT_NE(Refusal("[[[["), "");
}

}  // namespace
}  // namespace deepthin::explorer
