#include "results/sqlite_error.h"

#include <sqlite3.h>

namespace deepthin::results {

InputError DamagedDatabase(const std::string& path, const std::string& what) {
  return {{path, ""},
          "is damaged or was changed by hand (" + what + ")",
          "a results database as deepthin wrote it"};
}

void ThrowTranslated(const SQLite::Exception& error, const std::string& path) {
  const std::string reason = error.what();
  switch (error.getErrorCode() & 0xFF) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      throw EnvironmentError(path + ": another process has kept the database locked for too long");
    case SQLITE_FULL:
      throw EnvironmentError(path + ": cannot be written, since the disk is full");
    case SQLITE_IOERR:
      throw EnvironmentError(path + ": cannot be read or written (" + reason +
                             "); is the disk full or gone?");
    case SQLITE_READONLY:
      throw EnvironmentError(path +
                             ": cannot be written, since it is open for reading only or its "
                             "file system is read-only");
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      throw EnvironmentError(path + ": cannot be opened (" + reason +
                             "); may this user write to the folder?");
    case SQLITE_NOMEM:
      throw EnvironmentError(path + ": there is not enough memory to work with it");
    case SQLITE_NOTADB:
      throw InputError({path, ""}, "is not a database", "a results database");
    case SQLITE_TOOBIG:
      throw InputError({path, ""}, "cannot hold a text above 1 GB", "smaller texts");
    default:
      throw DamagedDatabase(path, reason);
  }
}

}  // namespace deepthin::results
