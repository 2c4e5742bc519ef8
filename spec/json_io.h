// JSON both ways for every type that has a field list, and the content hash that identifies a
// value.
//
//   Json j = ToJson(spec);
//   auto spec = FromJson<ModelSpec>(ReadJsonFile("model.json"), {"model.json", ""});
//
// Reading is strict: unknown keys, missing keys and wrong types are InputErrors that name the file
// and the JSON path. Quantities are numbers in base units, enums their texts. Reading does not
// validate: call Validate() on the result.
#pragma once

#include <concepts>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "spec/errors.h"
#include "spec/fields.h"
#include "spec/model_spec.h"
#include "spec/units.h"

// Compiled once, in json_io.cc: every file that uses JSON would otherwise compile all of it again.
extern template class nlohmann::basic_json<nlohmann::ordered_map>;

namespace deepthin {

using Json = nlohmann::ordered_json;  // keys stay in the order of the field list
using Where = InputError::Where;

// Throws InputError for bad syntax (with line and column) and for a key given twice in one object.
[[nodiscard]] Json ParseJson(std::string_view text, const std::string& file);
[[nodiscard]] Json ReadJsonFile(const std::string& path);

// 32 hexadecimal digits: XXH3-128 of the value written without white space. Equal values have equal
// hashes on every machine; the hash is part of the persistent format.
[[nodiscard]] std::string ContentHash(const Json& value);

// Sets the value at a dotted path ("model.n_blocks", "soc.levels.0.capacity_bytes") that exists
// already. A number put where a sourced number stands keeps its form and gets `source`. Throws
// InputError that lists the keys there are.
void SetAtPath(Json& root, std::string_view dotted_path, Json value, const std::string& file,
               const std::string& source);

// Each sourced number in `json` replaced by its value: what a computation depends on.
[[nodiscard]] Json WithoutSources(const Json& json);

// "12" -> 12, "0.5" -> 0.5, "true" -> true, anything else a string.
[[nodiscard]] Json ScalarFromText(std::string_view text);

namespace json_internal {

[[noreturn]] void ThrowWrongType(const Json& json, const Where& where, std::string_view expected);
[[noreturn]] void ThrowUnknownKey(const Where& where, const std::string& key,
                                  const std::vector<std::string>& known);
// unknown: a key that is there and should not be, which may be the missing one misspelt.
[[noreturn]] void ThrowMissingKey(const Where& where, std::string_view key, std::string_view help,
                                  const std::optional<std::string>& unknown);
[[noreturn]] void ThrowUnknownText(const std::string& text, const Where& where,
                                   const std::string& choices);
[[nodiscard]] int64_t ReadInt(const Json& json, const Where& where);
[[nodiscard]] double ReadDouble(const Json& json, const Where& where);
[[nodiscard]] std::string ReadString(const Json& json, const Where& where);
[[nodiscard]] RepeatSchedule ReadRepeat(const Json& json, const Where& where);

template <class T>
inline constexpr bool kIsVector = false;
template <class T>
inline constexpr bool kIsVector<std::vector<T>> = true;
template <class T>
inline constexpr bool kIsOptional = false;
template <class T>
inline constexpr bool kIsOptional<std::optional<T>> = true;

[[nodiscard]] inline Where Below(const Where& where, std::string_view key) {
  return {where.file, where.place + "/" + std::string(key)};
}

}  // namespace json_internal

template <class T>
[[nodiscard]] Json ToJson(const T& value) {
  using namespace json_internal;
  if constexpr (HasFields<T>) {
    Json out = Json::object();
    ForEachField<T>([&](const auto& field) {
      const auto& member = value.*field.member;
      if constexpr (kIsOptional<std::decay_t<decltype(member)>>) {
        if (member) out[std::string(field.name)] = ToJson(*member);
      } else {
        out[std::string(field.name)] = ToJson(member);
      }
    });
    return out;
  } else if constexpr (HasTexts<T>) {
    return std::string(ToText(value));
  } else if constexpr (std::same_as<T, RepeatSchedule>) {
    return ToText(value);
  } else if constexpr (kIsQuantity<T>) {
    return ToJson(value.value());
  } else if constexpr (kIsVector<T>) {
    Json out = Json::array();
    for (const auto& element : value) out.push_back(ToJson(element));
    return out;
  } else if constexpr (std::same_as<T, double>) {
    return value + 0.0;  // -0.0 equals 0.0, so they have to hash alike
  } else {
    return value;
  }
}

template <class T>
[[nodiscard]] T FromJson(const Json& json, const Where& where);

namespace json_internal {

template <HasFields T>
[[nodiscard]] T ReadFields(const Json& json, const Where& where) {
  if (!json.is_object()) ThrowWrongType(json, where, "an object");
  std::vector<std::string> known;
  ForEachField<T>([&](const auto& field) { known.emplace_back(field.name); });
  std::optional<std::string> unknown;
  for (const auto& item : json.items()) {
    bool is_known = false;
    for (const std::string& key : known) is_known = is_known || key == item.key();
    if (!is_known && !unknown) unknown = item.key();
  }
  T out;
  ForEachField<T>([&](const auto& field) {
    const std::string key(field.name);
    const auto found = json.find(key);
    auto& member = out.*field.member;
    using Member = std::decay_t<decltype(member)>;
    if (found == json.end()) {
      if (field.presence == Presence::kRequired)
        ThrowMissingKey(where, field.name, field.help, unknown);
    } else if constexpr (kIsOptional<Member>) {
      member = FromJson<typename Member::value_type>(*found, Below(where, key));
    } else {
      member = FromJson<Member>(*found, Below(where, key));
    }
  });
  if (unknown) ThrowUnknownKey(where, *unknown, known);
  return out;
}

}  // namespace json_internal

template <class T>
T FromJson(const Json& json, const Where& where) {
  using namespace json_internal;
  if constexpr (HasFields<T>) {
    return ReadFields<T>(json, where);
  } else if constexpr (HasTexts<T>) {
    const std::string text = ReadString(json, where);
    const std::optional<T> value = FromText<T>(text);
    if (!value) ThrowUnknownText(text, where, TextChoices<T>());
    return *value;
  } else if constexpr (std::same_as<T, RepeatSchedule>) {
    return ReadRepeat(json, where);
  } else if constexpr (kIsQuantity<T>) {
    return T(FromJson<typename T::rep>(json, where));
  } else if constexpr (kIsVector<T>) {
    if (!json.is_array()) ThrowWrongType(json, where, "an array");
    T out;
    for (size_t i = 0; i < json.size(); ++i) {
      out.push_back(FromJson<typename T::value_type>(json[i], Below(where, std::to_string(i))));
    }
    return out;
  } else if constexpr (std::same_as<T, bool>) {
    if (!json.is_boolean()) ThrowWrongType(json, where, "true or false");
    return json.get<bool>();
  } else if constexpr (std::same_as<T, int64_t>) {
    return ReadInt(json, where);
  } else if constexpr (std::same_as<T, double>) {
    return ReadDouble(json, where);
  } else {
    static_assert(std::same_as<T, std::string>, "no JSON form is known for this type");
    return ReadString(json, where);
  }
}

}  // namespace deepthin
