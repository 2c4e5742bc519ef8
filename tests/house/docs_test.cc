// What documents say about the tree: links resolve, the commands, presets and folders they name are
// there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <regex>
#include <set>

#include "spec/model_presets.h"
#include "spec/precision.h"
#include "tests/house/tree.h"

namespace deepthin::house {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

bool IsDocument(const TextFile& file) { return file.path.ends_with(".md"); }

std::string TextOf(const std::string& path) {
  for (const TextFile& file : Tree()) {
    if (file.path == path) return file.text;
  }
  return "";
}

std::set<std::string> AllMatches(const std::string& text, const std::string& expression) {
  const std::regex pattern(expression);
  std::set<std::string> found;
  for (std::sregex_iterator it(text.begin(), text.end(), pattern), end; it != end; ++it) {
    found.insert((*it)[1]);
  }
  return found;
}

// What stands in code marks, block or inline, a line each.
std::string CodeOf(const std::string& text) {
  std::string code = "\n";
  bool in_block = false;
  for (const std::string& line : Lines(text)) {
    if (line.starts_with("```")) {
      in_block = !in_block;
    } else if (in_block) {
      code += line + "\n";
    } else {
      for (const std::string& inside : AllMatches(line, "`([^`]+)`")) code += inside + "\n";
    }
  }
  return code;
}

// Relative links that lead nowhere, as "README.md -> docs/absent.md".
std::vector<std::string> BrokenLinks(const TextFile& file) {
  std::vector<std::string> broken;
  const std::string folder = file.path.substr(0, file.path.rfind('/') + 1);
  for (const std::string& link : AllMatches(file.text, R"(\]\(([^)#\s]+)[^)]*\))")) {
    if (link.find("://") != std::string::npos || link.starts_with("mailto:")) continue;
    if (!Exists(folder + link)) broken.push_back(file.path + " -> " + link);
  }
  return broken;
}

TEST(DocsTest, LinksResolve) {
  EXPECT_THAT(BrokenLinks({"docs/x.md", "[a](no/such.md) [b](../README.md#top) [c](https://x.y)"}),
              testing::ElementsAre("docs/x.md -> no/such.md"));
  for (const TextFile& file : Tree()) {
    if (!IsDocument(file)) continue;
    EXPECT_THAT(BrokenLinks(file), IsEmpty());
  }
}

// Names in code marks that look like files of ours: `spec/units.h`.
TEST(DocsTest, NamedFilesExist) {
  for (const TextFile& file : Tree()) {
    if (!IsDocument(file) || file.path == "CHANGELOG.md") continue;
    for (
        const std::string& path : AllMatches(
            file.text,
            R"(`((?:spec|costmodel|runtime|results|sweeps|explorer|tests|docs|cmake)/[\w./-]*)`)")) {
      EXPECT_TRUE(Exists(path)) << file.path << " names " << path;
    }
  }
}

TEST(DocsTest, NamedPresetsExist) {
  EXPECT_FALSE(ModelPresetByName("mobilellm-1"));
  for (const TextFile& file : Tree()) {
    if (!IsDocument(file)) continue;
    for (const std::string& name : AllMatches(file.text, R"(\b(mobilellm-[a-z0-9.-]*[a-z0-9]))")) {
      EXPECT_TRUE(ModelPresetByName(name)) << file.path << " names " << name;
    }
    for (const std::string& name : AllMatches(file.text, R"(--soc ([a-z0-9][\w-]*)(?![\w./-]))")) {
      EXPECT_TRUE(Exists("costmodel/presets/soc/" + name + ".json")) << file.path << ": " << name;
    }
    for (const std::string& name : AllMatches(file.text, R"(--precision ([a-z][\w]*))")) {
      EXPECT_TRUE(PrecisionByName(name)) << file.path << ": " << name;
    }
  }
}

TEST(DocsTest, DevCommandsExist) {
  const std::string dev = TextOf("dev");
  ASSERT_THAT(dev, HasSubstr("usage: ./dev COMMAND"));
  for (const TextFile& file : Tree()) {
    if (!IsDocument(file)) continue;
    for (const std::string& command : AllMatches(file.text, R"(\./dev ([a-z]+))")) {
      EXPECT_THAT(dev, HasSubstr("\n  " + command + " ")) << file.path << ": ./dev " << command;
    }
  }
}

// "deepthin estimate --soc x" in a code block: the command is in the program's table, the option in
// its source.
TEST(DocsTest, ProgramCommandsExist) {
  const std::set<std::string> commands =
      AllMatches(TextOf("explorer/cli/main.cc"), R"re(\n    \{"([a-z]+)", ")re");
  ASSERT_TRUE(commands.contains("sweep"));
  const std::string shared = TextOf("explorer/cli/command_line.cc");
  for (const TextFile& file : Tree()) {
    if (!IsDocument(file)) continue;
    for (const std::string& line :
         AllMatches(CodeOf(file.text), R"((?:\n|release/)(deepthin [a-z]+[^\n#]*))")) {
      const std::string command = *AllMatches(line, "^deepthin ([a-z]+)").begin();
      EXPECT_TRUE(commands.contains(command)) << file.path << ": " << line;
      std::string source = TextOf("explorer/cli/shared_options.cc") +
                           TextOf("explorer/cli/model_options.cc") +
                           TextOf("explorer/cli/proxy_options.cc") + shared;
      for (const TextFile& each : Tree()) {  // subcommands have files of their own
        if (each.path.starts_with("explorer/cli/cmd_" + command)) source += each.text;
      }
      for (const std::string& option : AllMatches(line, "--([a-z-]+)")) {
        EXPECT_TRUE(source.find('"' + option + '"') != std::string::npos ||
                    source.find('"' + option + ',') != std::string::npos)
            << file.path << ": " << line;
      }
    }
  }
}

// The help of ./dev lists what it does, and no more.
TEST(DocsTest, DevHelpIsComplete) {
  const std::string dev = TextOf("dev");
  const std::set<std::string> cases = AllMatches(dev, R"(\n    ([a-z]+)(?: \|[^)\n]*)?\))");
  const size_t from = dev.find("usage: ./dev");
  const std::string help = dev.substr(from, dev.find("\nHELP", from) - from);
  EXPECT_EQ(AllMatches(help, R"(\n  ([a-z]+) )"), cases);
}

// Build presets that documents and scripts speak of.
TEST(DocsTest, BuildFoldersArePresets) {
  const std::set<std::string> presets =
      AllMatches(TextOf("CMakePresets.json"), R"re(\{"name": "(\w+)")re");
  ASSERT_TRUE(presets.contains("release"));
  for (const TextFile& file : Tree()) {
    if (!IsDocument(file) && file.path != "dev") continue;
    for (const std::string& folder : AllMatches(file.text, R"(\bbuild/([a-z]+)\b)")) {
      EXPECT_TRUE(presets.contains(folder)) << file.path << " names build/" << folder;
    }
  }
}

TEST(DocsTest, NoMachineIsNamed) {
  for (const TextFile& file : Tree()) {
    EXPECT_THAT(file.text, testing::Not(HasSubstr(std::string("/home") + "/"))) << file.path;
    EXPECT_THAT(file.text, testing::Not(HasSubstr(std::string("/wo") + "rk/"))) << file.path;
  }
}

// Records are numbered without gaps, and each has its four parts.
TEST(DocsTest, DecisionRecordsAreComplete) {
  int n = 0;
  for (const TextFile& file : Tree()) {
    if (!file.path.starts_with("docs/adr/")) continue;
    ++n;
    const std::string number = std::to_string(10'000 + n).substr(1);
    EXPECT_THAT(file.path, testing::StartsWith("docs/adr/" + number + "-"));
    for (const char* part : {"## Context", "## Choice", "## Rejected", "## Consequence"}) {
      EXPECT_THAT(file.text, HasSubstr(part)) << file.path;
    }
  }
  EXPECT_GE(n, 6);
}

}  // namespace
}  // namespace deepthin::house
