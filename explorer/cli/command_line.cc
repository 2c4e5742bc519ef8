#include "explorer/cli/command_line.h"

#include <fmt/format.h>

#include <boost/program_options.hpp>
#include <charconv>
#include <cmath>
#include <sstream>

#include "spec/errors.h"

namespace deepthin::explorer {
namespace po = boost::program_options;

struct CommandLine::Options {
  po::options_description visible{"Options", 100, 40};
  po::options_description hidden;
  po::positional_options_description positional;
  po::variables_map values;
};

CommandLine::CommandLine(Help help)
    : help_(std::move(help)), options_(std::make_unique<Options>()) {}
CommandLine::~CommandLine() = default;

CommandLine& CommandLine::Flag(const std::string& name, const std::string& help) {
  options_->visible.add_options()(name.c_str(), po::bool_switch(), help.c_str());
  return *this;
}

CommandLine& CommandLine::Text(const std::string& name, const std::string& help,
                               const std::string& preset) {
  auto* value = po::value<std::string>()->value_name("X");
  if (!preset.empty()) value->default_value(preset);
  options_->visible.add_options()(name.c_str(), value, help.c_str());
  return *this;
}

CommandLine& CommandLine::List(const std::string& name, const std::string& help) {
  options_->visible.add_options()(
      name.c_str(), po::value<std::vector<std::string>>()->value_name("X"), help.c_str());
  return *this;
}

CommandLine& CommandLine::Positional(const std::string& name, int least, int most) {
  positional_name_ = name;
  least_ = least;
  most_ = most;
  return *this;
}

bool CommandLine::Parse(const std::vector<std::string>& arguments) {
  Flag("json", "print JSON instead of text");
  Flag("help,h", "print this help");
  options_->hidden.add_options()("positional", po::value<std::vector<std::string>>());
  options_->positional.add("positional", -1);
  po::options_description all;
  all.add(options_->visible).add(options_->hidden);
  try {
    // No guessing: --thread must not mean --threads.
    const auto style = po::command_line_style::unix_style ^ po::command_line_style::allow_guessing;
    po::store(po::command_line_parser(arguments)
                  .options(all)
                  .positional(options_->positional)
                  .style(style)
                  .run(),
              options_->values);
    po::notify(options_->values);
  } catch (const po::error& error) {
    throw InputError({"command line", ""}, error.what(), "what '" + HelpCommand() + "' lists");
  }
  if (Has("help")) {
    PrintHelp();
    return false;
  }
  if (options_->values.count("positional") > 0)
    positional_ = options_->values["positional"].as<std::vector<std::string>>();
  const auto given = static_cast<int>(positional_.size());
  if (given < least_ || (most_ >= 0 && given > most_)) {
    if (most_ == 0)
      throw InputError({"command line", ""}, "has the argument '" + positional_[0] + "'", "none");
    const std::string found = given == 0
                                  ? "has no argument"
                                  : fmt::format("has {} argument{}", given, given == 1 ? "" : "s");
    throw InputError({"command line", ""}, found, help_.usage + " (see --help)");
  }
  return true;
}

bool CommandLine::Has(const std::string& flag) const { return options_->values[flag].as<bool>(); }

std::optional<std::string> CommandLine::Get(const std::string& name) const {
  if (options_->values.count(name) == 0) return std::nullopt;
  return options_->values[name].as<std::string>();
}

std::optional<std::string> CommandLine::GetFilled(const std::string& name) const {
  auto text = Get(name);
  if (text && text->empty())
    throw InputError({"command line", "--" + name}, "is empty",
                     "what '" + HelpCommand() + "' says");
  return text;
}

std::vector<std::string> CommandLine::GetList(const std::string& name) const {
  if (options_->values.count(name) == 0) return {};
  return options_->values[name].as<std::vector<std::string>>();
}

namespace {

template <class T>
T Number(const std::string& option, std::string_view text, T low, T high) {
  T value{};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  // NaN is in no range.
  if (error == std::errc() && stop == end && value >= low && value <= high) return value;
  throw InputError(
      {"command line", "--" + option}, "is '" + std::string(text) + "'",
      fmt::format("a{} number from {} to {}", std::is_integral_v<T> ? " whole" : "", low, high));
}

}  // namespace

int64_t CommandLine::GetInt(const std::string& name, int64_t low, int64_t high) const {
  return Number<int64_t>(name, Get(name).value_or(""), low, high);
}

double CommandLine::GetDouble(const std::string& name, double low, double high) const {
  return Number<double>(name, Get(name).value_or(""), low, high);
}

std::vector<int64_t> CommandLine::GetInts(const std::string& name, int64_t low,
                                          int64_t high) const {
  const std::string text = Get(name).value_or("");
  std::vector<int64_t> out;
  std::string_view rest = text;
  while (true) {
    const size_t comma = rest.find(',');
    out.push_back(Number<int64_t>(name, rest.substr(0, comma), low, high));
    if (comma == std::string_view::npos) return out;
    rest.remove_prefix(comma + 1);
  }
}

std::string CommandLine::HelpCommand() const {
  std::istringstream words(help_.usage);
  std::string command;
  // The names of commands are in small letters, what they take is not.
  for (std::string word; words >> word && word.front() >= 'a' && word.front() <= 'z';) {
    command += word + " ";
  }
  return command + "--help";
}

void CommandLine::PrintHelp() const {
  std::ostringstream options;
  options << options_->visible;
  fmt::print("Usage: {}\n\n{}\n\n{}", help_.usage, help_.text, options.str());
  if (help_.examples.empty()) return;
  fmt::print("\nExamples:\n");
  for (const std::string& example : help_.examples) fmt::print("  {}\n", example);
}

}  // namespace deepthin::explorer
