// JSON Schema (draft 7) of any type that has a field list, for editors and other tools. What we
// read ourselves is checked by FromJson() and Validate(), whose sentences are better.
//
//   Json schema = JsonSchemaOf<SocSpec>("deepthin SoC");
//
// Says keys, types and units; not what Validate() knows beyond that (the order of levels, say).
#pragma once

#include <string>

#include "spec/json_io.h"
#include "spec/soc_spec.h"

namespace deepthin {
namespace json_internal {

template <class T>
[[nodiscard]] Json SchemaOf();

template <HasFields T>
[[nodiscard]] Json ObjectSchema() {
  Json properties = Json::object();
  Json required = Json::array();
  ForEachField<T>([&]<class Member>(const Field<T, Member>& field) {
    Json property = Json::object({{"description", std::string(field.help)}});
    Json form;
    if constexpr (kIsOptional<Member>) {
      form = SchemaOf<typename Member::value_type>();
    } else {
      form = SchemaOf<Member>();
    }
    for (auto& item : form.items()) property[item.key()] = item.value();
    if constexpr (kIsSourced<T>) {
      if (field.name == "source") property["pattern"] = "[^ \t\n]";
    }
    properties[std::string(field.name)] = property;
    if (field.presence == Presence::kRequired) required.push_back(std::string(field.name));
  });
  return {{"type", "object"},
          {"required", required},
          {"additionalProperties", false},
          {"properties", properties}};
}

template <class T>
Json SchemaOf() {
  if constexpr (kIsSourced<T>) {
    // Defined once; "allOf" since draft 7 ignores what stands beside a reference.
    using Rep = typename decltype(T::value)::rep;
    const char* const name = std::same_as<Rep, int64_t> ? "sourced_count" : "sourced_number";
    Json reference = Json::object();
    reference["$ref"] = std::string("#/definitions/") + name;
    return Json::object({{"allOf", Json::array({reference})}});
  } else if constexpr (HasFields<T>) {
    return ObjectSchema<T>();
  } else if constexpr (HasTexts<T>) {
    Json texts = Json::array();
    for (const auto& [value, text] : EnumTexts<T>::kList) texts.push_back(std::string(text));
    return Json::object({{"enum", texts}});
  } else if constexpr (kIsQuantity<T>) {
    Json out = {{"type", "number"}, {"minimum", 0}};
    // Not "integer", which 2e9 is to our reader and not to every validator.
    if constexpr (std::same_as<typename T::rep, int64_t>) out["multipleOf"] = 1.0;
    return out;
  } else if constexpr (kIsVector<T>) {
    return {{"type", "array"}, {"minItems", 1}, {"items", SchemaOf<typename T::value_type>()}};
  } else if constexpr (std::same_as<T, bool>) {
    return Json::object({{"type", "boolean"}});
  } else if constexpr (std::same_as<T, int64_t>) {
    return Json::object({{"type", "integer"}});
  } else if constexpr (std::same_as<T, double>) {
    return Json::object({{"type", "number"}});
  } else {
    static_assert(std::same_as<T, std::string>, "no JSON form is known for this type");
    return Json::object({{"type", "string"}});
  }
}

}  // namespace json_internal

template <HasFields T>
[[nodiscard]] Json JsonSchemaOf(const std::string& title) {
  Json out = {{"$schema", "http://json-schema.org/draft-07/schema#"}, {"title", title}};
  const Json object = json_internal::ObjectSchema<T>();
  for (const auto& item : object.items()) out[item.key()] = item.value();
  out["definitions"] = {{"sourced_count", json_internal::ObjectSchema<Sourced<Bytes>>()},
                        {"sourced_number", json_internal::ObjectSchema<Sourced<Seconds>>()}};
  return out;
}

}  // namespace deepthin
