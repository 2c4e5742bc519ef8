// Comparing weights, and a folder for the files that they go through.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <string>

#include "runtime/weights.h"

namespace deepthin::runtime {

inline void ExpectSame(const WeightMatrix& a, const WeightMatrix& b) {
  ASSERT_EQ(a.dtype, b.dtype);
  ASSERT_EQ(a.rows, b.rows);
  ASSERT_EQ(a.cols, b.cols);
  if (a.empty()) return;  // no gate
  EXPECT_EQ(std::memcmp(a.data, b.data, static_cast<size_t>(a.rows * a.row_bytes())), 0);
  if (a.dtype == Dtype::kInt8) {
    EXPECT_TRUE(std::equal(a.row_scales, a.row_scales + a.rows, b.row_scales));
  }
}

inline void ExpectSame(const Weights& a, const Weights& b) {
  EXPECT_EQ(a.spec, b.spec);
  ExpectSame(a.embedding, b.embedding);
  ExpectSame(a.head, b.head);
  EXPECT_TRUE(std::ranges::equal(a.final_norm, b.final_norm));
  ASSERT_EQ(a.blocks.size(), b.blocks.size());
  for (size_t i = 0; i < a.blocks.size(); ++i) {
    EXPECT_TRUE(std::ranges::equal(a.blocks[i].attn_norm, b.blocks[i].attn_norm));
    EXPECT_TRUE(std::ranges::equal(a.blocks[i].ffn_norm, b.blocks[i].ffn_norm));
    for (const auto matrix : kBlockMatrices) {
      SCOPED_TRACE(matrix == &BlockWeights::wq ? "wq" : "another matrix");
      ExpectSame(a.blocks[i].*matrix, b.blocks[i].*matrix);
    }
  }
}

// A test with a folder of its own.
class WithFolder : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "checkpoint.XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  [[nodiscard]] std::string Path(const std::string& name) const {
    return (folder_ / name).string();
  }

  std::filesystem::path folder_;
};

}  // namespace deepthin::runtime
