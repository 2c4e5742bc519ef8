// deepthin export
#include <fmt/format.h>

#include "explorer/cli/command_line.h"
#include "explorer/cli/commands.h"
#include "explorer/hf_config.h"
#include "spec/files.h"
#include "spec/model_argument.h"

namespace deepthin::explorer {

int RunExport(const Arguments& arguments) {
  CommandLine line(
      {.usage = "deepthin export MODEL --hf-config|--json [options]",
       .text =
           "Writes an architecture for other tools. --hf-config: a Hugging Face config.json in\n"
           "Llama naming, with MobileLLM's share_embedding and layer_sharing always stated.\n"
           "--json: deepthin's own form, to edit and use wherever a MODEL is asked for.",
       .examples = {"deepthin export mobilellm-ls-125m --hf-config --out config.json",
                    "deepthin export mobilellm-125m:n_blocks=12,d_model=768 --json > my.json"}});
  line.Flag("hf-config", "write a Hugging Face config.json")
      .Text("out", "file to write instead of standard output")
      .List("set", "override a key of the model, as n_blocks=12; may be given again")
      .Positional("MODEL", 1, 1);
  if (!line.Parse(arguments)) return 0;
  if (line.Has("hf-config") == line.json()) {
    throw InputError(
        {"command line", ""},
        line.json() ? "has both --hf-config and --json" : "has neither --hf-config nor --json",
        "one of them");
  }
  const ModelSpec spec = ModelFromArgument(line.positional()[0], line.GetList("set"));
  const std::string text = (line.json() ? ToJson(spec) : HfConfig(spec)).dump(2) + "\n";
  if (const auto path = line.Get("out")) {
    WriteFileAtomically(*path, text);
    fmt::print(stderr, "written to {}\n", *path);
  } else {
    fmt::print("{}", text);
  }
  return 0;
}

}  // namespace deepthin::explorer
