// The rate of oneDNN's products of large matrices, [n, n] by [n, n], with operands in f32 and in
// bf16 and sums in f32: what a trainer's rate is a share of. The right operand lies as oneDNN wants
// it. Prints JSON. Usage: onednn_rate THREADS
#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <oneapi/dnnl/dnnl.hpp>
#include <vector>

#include "spec/json_io.h"

namespace {

constexpr dnnl::memory::dim kSize = 2048;
constexpr int kRuns = 7;

using Type = dnnl::memory::data_type;
using Tag = dnnl::memory::format_tag;

// FLOP/s of the fastest of several runs.
double Rate(const dnnl::engine& engine, Type type) {
  const dnnl::memory::dims dims = {kSize, kSize};
  const dnnl::memory::desc plain(dims, Type::f32, Tag::ab);
  const dnnl::matmul::primitive_desc description(
      {dnnl::memory::desc(dims, type, Tag::ab), dnnl::memory::desc(dims, type, Tag::any), plain},
      engine);
  dnnl::stream stream(engine);
  std::vector<float> values(static_cast<size_t>(kSize * kSize), 0.5F);
  dnnl::memory from(plain, engine, values.data());
  dnnl::memory left(description.src_desc(), engine);
  dnnl::memory right(description.weights_desc(), engine);
  dnnl::memory out(description.dst_desc(), engine);
  dnnl::reorder(from, left).execute(stream, from, left);
  dnnl::reorder(from, right).execute(stream, from, right);
  const dnnl::matmul product(description);
  double best = 0;
  for (int i = 0; i < kRuns; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    product.execute(stream, {{DNNL_ARG_SRC, left}, {DNNL_ARG_WEIGHTS, right}, {DNNL_ARG_DST, out}});
    stream.wait();
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
    best = std::max(best, 2.0 * static_cast<double>(kSize * kSize * kSize) / time.count());
  }
  return best;
}

}  // namespace

int main(int argc, char** argv) {
  omp_set_num_threads(argc > 1 ? std::max(std::atoi(argv[1]), 1) : 1);
  const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  const dnnl_version_t* version = dnnl::version();
  deepthin::Json json;
  json["engine"] = "oneDNN " + std::to_string(version->major) + "." +
                   std::to_string(version->minor) + "." + std::to_string(version->patch);
  json["size"] = kSize;
  json["f32_flop_per_s"] = Rate(engine, Type::f32);
  json["bf16_flop_per_s"] = Rate(engine, Type::bf16);
  std::printf("%s\n", json.dump().c_str());
}
