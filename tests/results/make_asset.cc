// Writes the database of tests/results/asset_content.cc: make_results_asset PATH. Run once for each
// schema version, when it is new; the file is committed as tests/assets/results_v<version>.db and
// never made again, since it stands for what older programs left behind.
#include <cstdio>
#include <exception>

#include "results/sqlite_store.h"
#include "tests/results/asset_content.h"

int main(int argc, char** argv) {
  using namespace deepthin::results;
  if (argc != 2) {
    std::fprintf(stderr, "usage: make_results_asset PATH\n");
    return 2;
  }
  try {
    const auto store = OpenSqliteStore(argv[1], OpenMode::kCreateOrExtend);
    store->PutSweep(AssetSweep(), AssetPoints());
    store->PutTrials(AssetSweep().hash, AssetTrials());
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
