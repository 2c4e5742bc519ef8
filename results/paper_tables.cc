#include "results/paper_tables.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <tuple>

#include "ResultsPaper.h"
#include "results/csv.h"
#include "spec/errors.h"
#include "spec/fields.h"
#include "spec/json_io.h"

namespace deepthin::results {

// An entry of paper/notes.json.
struct PaperNote {
  std::string file;
  std::string title;
  std::vector<std::string> notes;
};

}  // namespace deepthin::results

namespace deepthin {

template <>
struct Fields<results::PaperNote> {
  using S = results::PaperNote;
  static constexpr auto kList =
      std::tuple(Field("file", &S::file, "name of the CSV file"),
                 Field("title", &S::title, "what the table shows, one line"),
                 Field("notes", &S::notes, "what to beware of"));
};

}  // namespace deepthin

namespace deepthin::results {
namespace {

constexpr const char* kNotesFile = "notes.json";

// REQUIRES: the file is compiled in (results/CMakeLists.txt).
std::string_view EmbeddedText(std::string_view name) {
  const auto files = ResultsPaper();
  const auto found = std::find_if(files.begin(), files.end(),
                                  [&](const EmbeddedFile& file) { return file.name == name; });
  DEEPTHIN_CHECK(found != files.end());
  return found->text;
}

std::vector<PaperTable> LoadTables() {
  std::vector<PaperTable> tables;
  const Json notes = ParseJson(EmbeddedText(kNotesFile), kNotesFile);
  for (const auto& item : notes.items()) {
    auto note = FromJson<PaperNote>(item.value(), {kNotesFile, "/" + item.key()});
    CsvTable csv = ParseCsv(EmbeddedText(note.file), note.file);
    tables.push_back({.name = item.key(),
                      .stem = note.file.substr(0, note.file.rfind('.')),
                      .title = std::move(note.title),
                      .columns = std::move(csv.columns),
                      .rows = std::move(csv.rows),
                      .notes = std::move(note.notes)});
  }
  return tables;
}

// "Table 11" -> "table-11", "11" -> "table-11", "table11" -> "table-11".
std::string CanonicalName(std::string_view given) {
  std::string name;
  for (const char c : given) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isspace(byte) != 0 || c == '_') {
      name += '-';
    } else {
      name += static_cast<char>(std::tolower(byte));
    }
  }
  const size_t digits = name.find_first_of("0123456789");
  if (digits == std::string::npos) return name;
  int number = 0;
  const char* const end = name.data() + name.size();
  const auto parsed = std::from_chars(name.data() + digits, end, number);
  if (parsed.ec != std::errc() || parsed.ptr != end) return name;
  std::string kind = name.substr(0, digits);
  while (!kind.empty() && kind.back() == '-') kind.pop_back();
  return (kind.empty() ? "table" : kind) + "-" + std::to_string(number);
}

// The cells of one row by column name. The tables are part of the program, so what does not fit is
// our own bug.
class RowCells {
 public:
  RowCells(const PaperTable& table, size_t row) : table_(table), row_(row) {}

  [[nodiscard]] const std::string& Text(std::string_view column) const {
    return CellOf(table_, row_, column);
  }

  [[nodiscard]] int64_t Int(std::string_view column) const {
    const std::string& text = Text(column);
    int64_t value = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    DEEPTHIN_CHECK(parsed.ec == std::errc() && parsed.ptr == text.data() + text.size());
    return value;
  }

 private:
  const PaperTable& table_;
  size_t row_;
};

PaperArchitecture ReadArchitecture(const RowCells& cells) {
  PaperArchitecture out;
  out.table = "table-" + cells.Text("table").substr(1);  // "T9"
  out.row = cells.Text("row");
  ModelSpec& spec = out.spec;
  spec.d_model = cells.Int("d_model");
  spec.n_blocks = cells.Int("layers");
  spec.n_heads = cells.Int("n_heads");
  spec.n_kv_heads = cells.Int("n_kv_heads");
  spec.head_dim = cells.Int("head_dim");
  spec.d_ff = cells.Int("d_ff");
  spec.ffn = cells.Text("ffn") == "SwiGLU" ? Ffn::kSwiglu : Ffn::kRelu;
  spec.tie_embeddings = cells.Int("tie_embeddings") != 0;
  if (out.row.find("Layer sharing") != std::string::npos) {
    spec.repeat.kind = RepeatKind::kImmediate;
    spec.repeat.times = 2;
  }
  out.params_printed = cells.Text("params_printed");
  out.matrices_only = cells.Int("params_matrices_only");
  out.with_norms = cells.Int("params_with_norms");
  return out;
}

}  // namespace

const std::vector<PaperTable>& PaperTables() {
  static const std::vector<PaperTable> tables = LoadTables();
  return tables;
}

const PaperTable& PaperTableByName(std::string_view name) {
  const std::string canonical = CanonicalName(name);
  std::string names;
  for (const PaperTable& table : PaperTables()) {
    if (table.name == canonical || table.stem == name) return table;
    names += (names.empty() ? "" : ", ") + table.name;
  }
  throw InputError({}, "the paper has no table '" + std::string(name) + "' here",
                   "one of " + names);
}

const std::string& CellOf(const PaperTable& table, size_t row, std::string_view column) {
  const auto found = std::find(table.columns.begin(), table.columns.end(), column);
  DEEPTHIN_CHECK(found != table.columns.end() && row < table.rows.size());
  return table.rows[row][static_cast<size_t>(found - table.columns.begin())];
}

const std::vector<PaperArchitecture>& PaperArchitectures() {
  static const std::vector<PaperArchitecture> architectures = [] {
    const PaperTable& table = PaperTableByName("param-counts");
    std::vector<PaperArchitecture> out;
    for (size_t row = 0; row < table.rows.size(); ++row) {
      out.push_back(ReadArchitecture(RowCells(table, row)));
    }
    return out;
  }();
  return architectures;
}

}  // namespace deepthin::results
