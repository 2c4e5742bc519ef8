#include "sweeps/sweep_schema.h"

#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

#include "SweepSchemaFiles.h"

namespace deepthin::sweeps {
namespace {

// "<root>[axes][0]" -> "/axes/0"
std::string JsonPath(const std::vector<std::string>& context) {
  std::string path;
  for (const std::string& step : context) {
    if (step.size() > 2 && step.front() == '[') path += "/" + step.substr(1, step.size() - 2);
  }
  return path;
}

}  // namespace

void CheckAgainstSchema(const Json& definition, const std::string& file) {
  // valijson's adapter is for the unordered nlohmann::json.
  const auto schema_json = nlohmann::json::parse(SweepSchemaFiles().front().text);
  valijson::Schema schema;
  valijson::SchemaParser parser;
  parser.populateSchema(valijson::adapters::NlohmannJsonAdapter(schema_json), schema);

  const auto target = nlohmann::json::parse(definition.dump());
  valijson::Validator validator;
  valijson::ValidationResults violations;
  if (validator.validate(schema, valijson::adapters::NlohmannJsonAdapter(target), &violations))
    return;
  valijson::ValidationResults::Error innermost;
  violations.popError(innermost);
  throw InputError({file, JsonPath(innermost.context)},
                   "does not follow the schema of sweeps (" + innermost.description + ")",
                   "what sweep.schema.json says");
}

}  // namespace deepthin::sweeps
