// deepthin convert
#include <fmt/format.h>

#include "explorer/cli/command_line.h"
#include "explorer/cli/commands.h"
#include "explorer/cli/human.h"
#include "explorer/cli/model_options.h"
#include "explorer/cli/shared_options.h"
#include "explorer/model_target.h"
#include "spec/json_io.h"

namespace deepthin::explorer {

int RunConvert(const Arguments& arguments) {
  CommandLine line(
      {.usage = "deepthin convert FROM TO [options]",
       .text =
           "Writes a model in another format. TO ends in .gguf or .bin (llama2.c), or is a folder\n"
           "for config.json and model.safetensors. A vocabulary goes from GGUF to GGUF, and from\n"
           "tokenizer.model beside safetensors, or from --tokenizer, into GGUF.",
       .examples = {"deepthin convert stories260K.bin stories.gguf --tokenizer tok512.bin",
                    "deepthin convert MobileLLM-125M mobilellm.gguf --dtype q4_0",
                    "deepthin convert stories.gguf stories-f16 --dtype f16"}});
  line.Text("tokenizer", "llama2.c tokenizer, sentencepiece model or GGUF file")
      .Text("seed", "of random weights", "1")
      .Positional("FROM TO", 2, 2);
  AddModelOptions(line);
  AddThreadsOption(line);
  if (!line.Parse(arguments)) return 0;
  const std::string from = line.positional()[0];
  const std::string to = line.positional()[1];
  const ModelFormat format = FormatOfTarget(to);
  if (format != ModelFormat::kGguf && line.Get("tokenizer")) {
    throw InputError({"command line", "--tokenizer"}, "is given",
                     "it with a TO that ends in .gguf: no other format holds a vocabulary");
  }

  runtime::ThreadPool pool(ThreadsFrom(line));
  const runtime::Weights weights = WeightsFromArgument(from, ModelOptionsFrom(line), pool);
  const auto vocabulary =
      VocabularyFromArgument(from, line.Get("tokenizer"), weights.spec.vocab_size);
  const Bytes bytes = WriteModel(weights, vocabulary, format, to);
  const Dtype dtype = weights.blocks[0].wq.dtype;
  if (line.json()) {
    fmt::print("{}\n",
               Json{{"path", to},
                    {"file_bytes", bytes.value()},
                    {"weight_bytes", runtime::WeightBytesOf(weights).value()},
                    {"dtype", ToText(dtype)},
                    {"has_vocabulary", format == ModelFormat::kGguf && vocabulary.has_value()}}
                   .dump(2));
  } else {
    fmt::print(stderr, "written to {}: {}, {}{}\n", to, HumanBytes(bytes), ToText(dtype),
               format == ModelFormat::kGguf && vocabulary ? ", with its vocabulary" : "");
  }
  return 0;
}

}  // namespace deepthin::explorer
