// The command line of one command: options, positional arguments, help with examples.
// Boost.Program_options behind it; whatever it dislikes becomes an InputError.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace deepthin::explorer {

struct Help {
  std::string usage;                  // "deepthin estimate MODEL... [options]"
  std::string text;                   // what the command does, a few lines
  std::vector<std::string> examples;  // whole commands
};

class CommandLine {
 public:
  explicit CommandLine(Help help);
  ~CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  // Declare before Parse(). A short name is written "threads,t". Every command has --json and
  // --help.
  CommandLine& Flag(const std::string& name, const std::string& help);
  CommandLine& Text(const std::string& name, const std::string& help,
                    const std::string& preset = {});
  CommandLine& List(const std::string& name, const std::string& help);  // may be given again
  // Arguments without a name; most < 0: any number.
  CommandLine& Positional(const std::string& name, int least, int most);

  // False where the help was asked for (and printed).
  [[nodiscard]] bool Parse(const std::vector<std::string>& arguments);

  [[nodiscard]] bool json() const { return Has("json"); }
  [[nodiscard]] bool Has(const std::string& flag) const;
  [[nodiscard]] std::optional<std::string> Get(const std::string& name) const;
  // Throws InputError where the option is given as ''.
  [[nodiscard]] std::optional<std::string> GetFilled(const std::string& name) const;
  [[nodiscard]] std::vector<std::string> GetList(const std::string& name) const;
  [[nodiscard]] const std::vector<std::string>& positional() const { return positional_; }

  // Numbers within bounds, or InputError. The option must have a preset or be given.
  [[nodiscard]] int64_t GetInt(const std::string& name, int64_t low, int64_t high) const;
  [[nodiscard]] double GetDouble(const std::string& name, double low, double high) const;
  // "1,2,4"
  [[nodiscard]] std::vector<int64_t> GetInts(const std::string& name, int64_t low,
                                             int64_t high) const;

 private:
  struct Options;
  void PrintHelp() const;
  [[nodiscard]] std::string HelpCommand() const;  // "deepthin estimate --help"

  Help help_;
  std::unique_ptr<Options> options_;
  std::vector<std::string> positional_;
  std::string positional_name_;
  int least_ = 0;
  int most_ = 0;
};

}  // namespace deepthin::explorer
