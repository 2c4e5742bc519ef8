// Field lists as SQL columns: names, binding and reading, so that no list of columns is written
// twice. Private to the SQLite store.
//
// A member becomes one column that is named as the field. A nested struct becomes columns with the
// prefix "<field>_", unless kInOwnTable says that it has a table of its own. Vectors always have
// one.
#pragma once

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>
#include <sqlite3.h>

#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <vector>

#include "results/sqlite_error.h"
#include "spec/cost_estimate.h"
#include "spec/fields.h"
#include "spec/model_spec.h"
#include "spec/units.h"

namespace deepthin::results {

template <class T>
inline constexpr bool kInOwnTable = false;
template <class T>
inline constexpr bool kInOwnTable<std::vector<T>> = true;
template <>
inline constexpr bool kInOwnTable<PhaseCost> = true;

// Calls f(column_name, member) for each column that T has in its own table.
template <HasFields T, class Struct, class F>
void ForEachColumn(Struct& value, const std::string& prefix, F&& f) {
  ForEachField<T>([&](const auto& field) {
    auto& member = value.*field.member;
    using Member = std::remove_cvref_t<decltype(member)>;
    if constexpr (kInOwnTable<Member>) {
      return;
    } else if constexpr (HasFields<Member>) {
      std::string longer = prefix;
      longer.append(field.name).append(1, '_');
      ForEachColumn<Member>(member, longer, f);
    } else {
      f(prefix, field.name, member);
    }
  });
}

template <HasFields T>
[[nodiscard]] std::vector<std::string> ColumnNames(const std::string& prefix = "") {
  std::vector<std::string> names;
  T value;
  ForEachColumn<T>(value, prefix,
                   [&](const std::string& before, std::string_view name, const auto&) {
                     names.push_back(before + std::string(name));
                   });
  return names;
}

// "a, b, c"; with a table: "table.a, table.b, table.c".
[[nodiscard]] inline std::string ColumnList(const std::vector<std::string>& names,
                                            const std::string& table = "") {
  std::string out;
  for (const std::string& name : names) {
    if (!out.empty()) out += ", ";
    if (!table.empty()) out.append(table).append(1, '.');
    out += name;
  }
  return out;
}

// Binds values to the parameters of a prepared statement, from the first to the last.
class Binder {
 public:
  explicit Binder(SQLite::Statement& statement) : statement_(statement) {
    statement_.tryReset();
    statement_.clearBindings();
  }

  template <class T>
  void Bind(const T& value) {
    if constexpr (HasFields<T>) {
      static const std::string no_prefix;
      ForEachColumn<T>(
          value, no_prefix,
          [&](const std::string&, std::string_view, const auto& member) { Bind(member); });
    } else if constexpr (HasTexts<T> || std::is_same_v<T, RepeatSchedule>) {
      Bind(std::string(ToText(value)));
    } else if constexpr (kIsQuantity<T>) {
      Bind(value.value());
    } else if constexpr (std::is_same_v<T, bool>) {
      Bind(int64_t{value ? 1 : 0});
    } else if constexpr (std::is_convertible_v<T, std::string_view>) {
      statement_.bind(next_++, std::string(value));
    } else {
      statement_.bind(next_++, value);
    }
  }

  template <class T>
  void Bind(const std::optional<T>& value) {
    if (value) {
      Bind(*value);
    } else {
      statement_.bind(next_++);
    }
  }

  template <class... Values>
  void BindAll(const Values&... values) {
    (Bind(values), ...);
  }

 private:
  SQLite::Statement& statement_;
  int next_ = 1;
};

// Reads the columns of the current row, from the first to the last. What has another type than the
// schema promises, or says what no program of ours writes, is an InputError: the file is damaged.
class RowReader {
 public:
  RowReader(const SQLite::Statement& statement, const std::string& path)
      : statement_(statement), path_(path) {}

  template <class T>
  void Read(T& value) {
    if constexpr (HasFields<T>) {
      static const std::string no_prefix;
      ForEachColumn<T>(value, no_prefix,
                       [&](const std::string&, std::string_view, auto& member) { Read(member); });
    } else if constexpr (HasTexts<T>) {
      const auto text = Get<std::string>();
      const std::optional<T> known = FromText<T>(text);
      if (!known) throw DamagedDatabase(path_, LastColumn() + " is '" + text + "'");
      value = *known;
    } else if constexpr (std::is_same_v<T, RepeatSchedule>) {
      const auto text = Get<std::string>();
      try {
        value = RepeatScheduleFromText(text);
      } catch (const InputError& error) {
        throw DamagedDatabase(path_, LastColumn() + ": " + error.what());
      }
    } else if constexpr (kIsQuantity<T>) {
      value = T(Get<typename T::rep>());
    } else if constexpr (std::is_same_v<T, bool>) {
      value = Get<int64_t>() != 0;
    } else {
      value = Get<T>();
    }
  }

  template <class T>
  void Read(std::optional<T>& value) {
    if (IsNull()) {
      ++next_;
      value.reset();
    } else {
      Read(value.emplace());
    }
  }

  template <class T>
  [[nodiscard]] T Get() {
    static_assert(std::is_same_v<T, int64_t> || std::is_same_v<T, double> ||
                  std::is_same_v<T, std::string>);
    const SQLite::Column column = statement_.getColumn(next_++);
    if constexpr (std::is_same_v<T, int64_t>) {
      if (column.getType() == SQLITE_INTEGER) return column.getInt64();
    } else if constexpr (std::is_same_v<T, double>) {
      if (column.getType() == SQLITE_FLOAT && std::isfinite(column.getDouble()))
        return column.getDouble();
    } else {
      if (column.getType() == SQLITE_TEXT) return column.getString();
    }
    throw DamagedDatabase(path_, LastColumn() + " holds a value of the wrong type");
  }

  [[nodiscard]] bool IsNull() const { return statement_.getColumn(next_).isNull(); }

 private:
  [[nodiscard]] std::string LastColumn() const {
    return "column " + std::string(statement_.getColumn(next_ - 1).getName());
  }

  const SQLite::Statement& statement_;
  const std::string& path_;
  int next_ = 0;
};

// One run of a prepared SELECT. Resets it at the end, also when an error ends it: a statement left
// in the middle would hold its view of the database for ever.
class Query {
 public:
  template <class... Values>
  explicit Query(SQLite::Statement& statement, const Values&... values) : statement_(statement) {
    Binder(statement).BindAll(values...);
  }
  ~Query() { statement_.tryReset(); }
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;

  // Moves to the next row; false after the last one.
  [[nodiscard]] bool Next() { return statement_.executeStep(); }
  [[nodiscard]] RowReader Row(const std::string& path) const { return {statement_, path}; }

 private:
  SQLite::Statement& statement_;
};

// Runs a prepared statement that gives no rows. Returns the number of rows changed.
template <class... Values>
int Run(SQLite::Statement& statement, const Values&... values) {
  Binder(statement).BindAll(values...);
  return statement.exec();
}

// A prepared INSERT of key columns and then the columns of T.
template <HasFields T>
class FieldInsert {
 public:
  FieldInsert(SQLite::Database& database, const std::string& table,
              std::vector<std::string> columns, const std::string& ending = "")
      : statement_(database, Sql(table, std::move(columns), ending)) {}

  template <class... Keys>
  void Run(const T& value, const Keys&... keys) {
    results::Run(statement_, keys..., value);
  }

 private:
  static std::string Sql(const std::string& table, std::vector<std::string> columns,
                         const std::string& ending) {
    for (std::string& name : ColumnNames<T>()) columns.push_back(std::move(name));
    std::string marks;
    for (size_t i = 0; i < columns.size(); ++i) marks += i == 0 ? "?" : ", ?";
    return "INSERT INTO " + table + " (" + ColumnList(columns) + ") VALUES (" + marks + ")" +
           ending;
  }

  SQLite::Statement statement_;
};

}  // namespace deepthin::results
