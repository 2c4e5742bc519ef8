#include "tests/house/layering.h"

#include <algorithm>
#include <array>
#include <regex>
#include <set>
#include <sstream>
#include <string_view>

namespace deepthin::house {
namespace {

// explorer -> sweeps -> { costmodel, runtime, results } -> spec
struct Arrows {
  std::string_view folder;
  std::string_view may_include;  // folders
};
constexpr std::array kArrows = {
    Arrows{"spec", "spec"},
    Arrows{"costmodel", "costmodel spec"},
    Arrows{"runtime", "runtime spec"},
    Arrows{"results", "results spec"},
    Arrows{"sweeps", "sweeps costmodel runtime results spec"},
    Arrows{"explorer", "explorer sweeps costmodel runtime results spec"},
    Arrows{"tests", "tests explorer sweeps costmodel runtime results spec"},
};

// Parts of a folder that only some of its files know.
struct Part {
  const char* header;  // regular expressions on paths
  const char* known_to;
};
constexpr std::array kParts = {
    // The target spec does no I/O; the target json_io lies in the same folder.
    Part{"spec/(json_io|json_schema|sourced_json|files|argument|model_argument)\\.h",
         "spec/(json_io|json_schema|sourced_json|files|argument|model_argument)\\..*|(?!spec/).*"},
    Part{"explorer/cli/.*", "explorer/cli/.*|tests/.*"},
};

// Each third party is known to one place.
struct Library {
  const char* header;
  const char* known_to;
};
constexpr std::array kLibraries = {
    Library{"nlohmann/.*", "spec/json_io\\.h"},
    Library{"xxhash\\.h", "spec/json_io\\.cc"},
    Library{"(SQLiteCpp/.*|sqlite3\\.h)", "(results/sqlite_|tests/results/).*"},
    Library{"hwy/.*", "(runtime|tests/runtime)/kernels/.*"},
    Library{"valijson/.*", "(tests/)?sweeps/.*schema.*|tests/costmodel/.*schema.*"},
    Library{"boost/program_options.*", "explorer/cli/.*"},
    Library{"boost/math/.*", "explorer/cli/trust_report\\.cc"},
    Library{"Eigen/.*",
            "(explorer/calibrate|explorer/accuracy/"
            "(bayesian_ridge|shape_slopes|shape_surrogate|principal_components)|"
            "costmodel/(bounded|soc)_fit|tests/).*"},
    Library{"fmt/.*", "(?!spec/).*"},
    Library{"sentencepiece_.*\\.h", "tests/runtime/text/.*"},
    Library{"(gtest|gmock)/.*|rapidcheck\\.h|rapidcheck/.*", "tests/.*"},
    Library{"benchmark/.*", ".*_bench\\.cc"},
    // Others' trainers, and their threads.
    Library{"torch/.*|ATen/.*|oneapi/.*|omp\\.h", "tests/peer/torch/.*"},
    // The C library, the kernel and the compiler.
    Library{"(unistd|fcntl|sched|pthread|dirent|poll|signal|spawn|immintrin|cpuid|arm_neon)\\.h|"
            "(sys|linux|asm|sanitizer)/.*",
            ".*"},
};

std::string FolderOf(const std::string& path) { return path.substr(0, path.find('/')); }

bool Matches(const std::string& text, const char* expression) {
  return std::regex_match(text, std::regex(expression));
}

bool HasWord(std::string_view words, const std::string& word) {
  std::istringstream in{std::string(words)};
  for (std::string one; in >> one;) {
    if (one == word) return true;
  }
  return false;
}

// Why `path` may not include "header"; empty where it may.
std::string QuotedError(const std::string& path, const std::string& header,
                        const std::set<std::string>& paths) {
  if (header.find('/') == std::string::npos) {  // generated, unless it lies in the tree
    const std::string beside = path.substr(0, path.rfind('/') + 1) + header;
    return paths.contains(beside) ? "includes are written from the root" : "";
  }
  const auto* const arrows = std::find_if(
      kArrows.begin(), kArrows.end(), [&](const Arrows& a) { return a.folder == FolderOf(path); });
  if (!HasWord(arrows->may_include, FolderOf(header))) {
    return std::string(arrows->folder) + " may use " + std::string(arrows->may_include);
  }
  for (const Part& part : kParts) {
    if (Matches(header, part.header) && !Matches(path, part.known_to)) {
      return std::string("it is known to ") + part.known_to;
    }
  }
  return "";
}

std::string LibraryError(const std::string& path, const std::string& header) {
  if (header.find_first_of("/.") == std::string::npos) return "";  // the standard library
  for (const Library& library : kLibraries) {
    if (!Matches(header, library.header)) continue;
    return Matches(path, library.known_to) ? "" : std::string("it is known to ") + library.known_to;
  }
  return "no row of tests/house/layering.cc knows this library";
}

}  // namespace

std::vector<std::string> LayeringErrors(const std::vector<TextFile>& files) {
  static const std::regex include_line(R"re(^\s*#\s*include\s*(["<])([^">]+)[">])re");
  std::set<std::string> paths;
  for (const TextFile& file : files) paths.insert(file.path);
  std::vector<std::string> errors;
  for (const TextFile& file : files) {
    const bool is_source = Matches(file.path, R"(.*\.(h|cc|inc|h\.in|cc\.in))");
    const bool is_ours = std::any_of(kArrows.begin(), kArrows.end(), [&](const Arrows& a) {
      return a.folder == FolderOf(file.path);
    });
    if (!is_source || !is_ours) continue;
    for (const std::string& line : Lines(file.text)) {
      std::smatch match;
      if (line.find("include") == std::string::npos) continue;
      if (!std::regex_search(line, match, include_line)) continue;
      const std::string error = match[1] == "\"" ? QuotedError(file.path, match[2], paths)
                                                 : LibraryError(file.path, match[2]);
      if (!error.empty()) {
        errors.push_back(file.path + " includes " + match[2].str() + "; " + error);
      }
    }
  }
  return errors;
}

}  // namespace deepthin::house
