#include "spec/json_io.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <charconv>
#include <cmath>
#include <set>

#include "spec/files.h"

template class nlohmann::basic_json<nlohmann::ordered_map>;

namespace deepthin {
namespace {

// Deeper than anything that we read, and shallow enough for functions that call themselves.
constexpr int kMaxDepth = 64;

// At most about 40 bytes, cut between characters.
std::string Shorten(const std::string& text) {
  if (text.size() <= 40) return text;
  size_t end = 37;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end) + "...";
}

std::string Describe(const Json& json) {
  return "is " + Shorten(json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

// "line 3, column 7" of a byte offset.
std::string LineAndColumn(std::string_view text, size_t offset) {
  size_t line = 1;
  size_t column = 1;
  for (size_t i = 0; i < offset && i < text.size(); ++i) {
    column = text[i] == '\n' ? 1 : column + 1;
    if (text[i] == '\n') ++line;
  }
  return "line " + std::to_string(line) + ", column " + std::to_string(column);
}

bool IsSourced(const Json& json) {
  return json.is_object() && json.contains("value") && json.contains("source");
}

std::string Join(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

}  // namespace

Json ParseJson(std::string_view text, const std::string& file) {
  std::vector<std::set<std::string>> keys_by_depth;
  std::optional<std::string> duplicate;
  const auto watch = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (depth > kMaxDepth) {
      throw InputError({file, ""}, "is nested too deeply",
                       "at most " + std::to_string(kMaxDepth) + " levels");
    }
    if (event == Json::parse_event_t::object_start) keys_by_depth.emplace_back();
    if (event == Json::parse_event_t::object_end) keys_by_depth.pop_back();
    if (event == Json::parse_event_t::key) {
      const auto key = parsed.get<std::string>();
      if (!keys_by_depth.back().insert(key).second) duplicate = key;
    }
    return true;
  };
  try {
    Json json = Json::parse(text, watch);
    if (duplicate)
      throw InputError({file, ""}, "has the key '" + Shorten(*duplicate) + "' twice", "it once");
    return json;
  } catch (const Json::parse_error& error) {
    const size_t offset = error.byte > 0 ? error.byte - 1 : 0;
    throw InputError({file, LineAndColumn(text, offset)}, "is not valid JSON here",
                     "JSON as RFC 8259 has it (no comments, no NaN)");
  } catch (const Json::out_of_range&) {
    throw InputError({file, ""}, "has a number that is too large", "numbers below 1e308");
  }
}

Json ReadJsonFile(const std::string& path) { return ParseJson(ReadFile(path), path); }

std::string ContentHash(const Json& value) {
  const std::string text = value.dump();
  const XXH128_hash_t hash = XXH3_128bits(text.data(), text.size());
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, hash);
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const unsigned char byte : canonical.digest) {
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

void SetAtPath(Json& root, std::string_view dotted_path, Json value, const std::string& file,
               const std::string& source) {
  Json* node = &root;
  std::string_view rest = dotted_path;
  while (true) {
    const size_t dot = rest.find('.');
    const std::string key(rest.substr(0, dot));
    // A value never changes under a source that does not speak of it.
    if (rest == "value" && IsSourced(*node)) break;
    std::vector<std::string> known;
    Json* next = nullptr;
    if (node->is_object() || node->is_array()) {
      for (const auto& item : node->items()) {
        known.push_back(item.key());
        if (item.key() == key) next = &item.value();
      }
    }
    if (next == nullptr) {
      throw InputError({file, std::string(dotted_path)}, "names no key '" + key + "'",
                       known.empty() ? "a path that ends earlier" : "one of " + Join(known));
    }
    node = next;
    if (dot == std::string_view::npos) break;
    rest.remove_prefix(dot + 1);
  }
  *node = IsSourced(*node) && value.is_number()
              ? Json{{"value", std::move(value)}, {"source", source}}
              : std::move(value);
}

Json WithoutSources(const Json& json) {
  if (IsSourced(json)) return json.at("value");
  if (!json.is_structured()) return json;
  Json out = json.is_object() ? Json::object() : Json::array();
  for (const auto& item : json.items()) {
    if (json.is_object()) {
      out[item.key()] = WithoutSources(item.value());
    } else {
      out.push_back(WithoutSources(item.value()));
    }
  }
  return out;
}

Json ScalarFromText(std::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  const char* const end = text.data() + text.size();
  int64_t integer = 0;
  if (const auto r = std::from_chars(text.data(), end, integer);
      r.ec == std::errc() && r.ptr == end)
    return integer;
  double number = 0;
  if (const auto r = std::from_chars(text.data(), end, number);
      r.ec == std::errc() && r.ptr == end && std::isfinite(number))
    return number;
  return std::string(text);
}

namespace json_internal {

void ThrowWrongType(const Json& json, const Where& where, std::string_view expected) {
  throw InputError(where, Describe(json), std::string(expected));
}

void ThrowUnknownKey(const Where& where, const std::string& key,
                     const std::vector<std::string>& known) {
  throw InputError(where, "has the unknown key '" + Shorten(key) + "'", "only " + Join(known));
}

void ThrowMissingKey(const Where& where, std::string_view key, std::string_view help,
                     const std::optional<std::string>& unknown) {
  std::string found = "lacks the key '" + std::string(key) + "'";
  if (unknown) found += " and has the unknown key '" + Shorten(*unknown) + "'";
  throw InputError(where, found, std::string(key) + ": " + std::string(help));
}

int64_t ReadInt(const Json& json, const Where& where) {
  if (json.is_number_unsigned() && json.get<uint64_t>() > INT64_MAX)
    ThrowWrongType(json, where, "a whole number below 2^63");
  if (json.is_number_integer()) return json.get<int64_t>();
  if (json.is_number_float()) {  // 1e9 and 16.0 are whole numbers too
    const auto number = json.get<double>();
    if (std::abs(number) < 0x1p53 && number == std::floor(number))
      return static_cast<int64_t>(number);
  }
  ThrowWrongType(json, where, "a whole number");
}

double ReadDouble(const Json& json, const Where& where) {
  if (!json.is_number()) ThrowWrongType(json, where, "a number");
  const auto number = json.get<double>();
  if (!std::isfinite(number)) ThrowWrongType(json, where, "a finite number");
  return number;
}

std::string ReadString(const Json& json, const Where& where) {
  if (!json.is_string()) ThrowWrongType(json, where, "a text");
  try {
    static_cast<void>(json.dump());  // files were checked by the parser, the command line was not
  } catch (const Json::type_error&) {
    ThrowWrongType(json, where, "a text in UTF-8");
  }
  return json.get<std::string>();
}

void ThrowUnknownText(const std::string& text, const Where& where, const std::string& choices) {
  throw InputError(where, "is '" + Shorten(text) + "'", choices);
}

RepeatSchedule ReadRepeat(const Json& json, const Where& where) {
  const std::string text = ReadString(json, where);
  try {
    return RepeatScheduleFromText(text);
  } catch (const InputError& error) {
    throw InputError(where, error.what(), "");
  }
}

}  // namespace json_internal
}  // namespace deepthin
