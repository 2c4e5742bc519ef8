// One field list per value type, from which JSON, SQL columns, hashing, printing and diffing are
// derived.
//
//   template <> struct Fields<Workload> {
//     static constexpr auto kList = std::tuple(
//         Field{"prompt_tokens", &Workload::prompt_tokens, "tokens in the prompt"}, ...);
//   };
//
// Not a serialisation framework: no versions, no inheritance, no renaming. A test compares the
// number of fields listed with the number of members, so that none is forgotten. Names that reach
// JSON end in their unit.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

namespace deepthin {

enum class Presence { kRequired, kOptional };  // in JSON; an optional one keeps its default

template <class Struct, class Member>
struct Field {
  constexpr Field(std::string_view field_name, Member Struct::*field_member,
                  std::string_view field_help, Presence field_presence = Presence::kRequired)
      : name(field_name), member(field_member), help(field_help), presence(field_presence) {}

  std::string_view name;
  Member Struct::*member;
  std::string_view help;
  Presence presence;
};

template <class T>
struct Fields;

template <class T>
concept HasFields = requires {
  Fields<T>::kList;
};

// Calls f(field) for each field of T in the order of declaration.
template <HasFields T, class F>
constexpr void ForEachField(F&& f) {
  std::apply([&](const auto&... field) { (f(field), ...); }, Fields<T>::kList);
}

template <HasFields T>
inline constexpr size_t kFieldCount = std::tuple_size_v<decltype(Fields<T>::kList)>;

// The texts of an enum, as they stand in JSON and in databases. Published texts are never reused.
//   template <> struct EnumTexts<Ffn> { static constexpr std::array kList =
//   {std::pair{Ffn::kSwiglu, ...}}; };
template <class E>
struct EnumTexts;

template <class E>
concept HasTexts = requires {
  EnumTexts<E>::kList;
};

template <HasTexts E>
[[nodiscard]] constexpr std::string_view ToText(E value) {
  for (const auto& [known, text] : EnumTexts<E>::kList) {
    if (known == value) return text;
  }
  return "?";
}

template <HasTexts E>
[[nodiscard]] constexpr std::optional<E> FromText(std::string_view text) {
  for (const auto& [known, known_text] : EnumTexts<E>::kList) {
    if (known_text == text) return known;
  }
  return std::nullopt;
}

// "a, b or c", for messages.
template <HasTexts E>
[[nodiscard]] std::string TextChoices() {
  std::string out;
  const size_t n = EnumTexts<E>::kList.size();
  for (size_t i = 0; i < n; ++i) {
    if (i > 0) out += i + 1 == n ? " or " : ", ";
    out += EnumTexts<E>::kList[i].second;
  }
  return out;
}

}  // namespace deepthin
