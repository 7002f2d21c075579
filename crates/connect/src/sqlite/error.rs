//! What SQLite's errors mean for a load, and what to do about them.

use rusqlite::{Connection, ErrorCode, ffi};
use std::fmt;
use std::path::{Path, PathBuf};
use trommel::{Error, ErrorKind, Result};

/// The database as messages name it.
#[derive(Debug, Clone)]
pub(super) struct Place(Option<PathBuf>);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(path) => write!(f, "database `{}`", path.display()),
            None => f.write_str("the database in memory"),
        }
    }
}

impl Place {
    pub(super) fn file(path: &Path) -> Self {
        Place(Some(path.to_owned()))
    }

    pub(super) fn of(connection: &Connection) -> Self {
        let path = connection.path().filter(|path| !path.is_empty());
        Place(path.map(PathBuf::from))
    }

    /// Says what is wrong with a path in plainer words than "unable to open database file".
    pub(super) fn check(&self, path: &Path, may_create: bool) -> Result<()> {
        let wrong = |what: String| Err(Error::new(ErrorKind::Io, format!("{self}: {what}")));
        if path.as_os_str().is_empty() {
            // SQLite would take it for a database that is gone when it is closed.
            return wrong("the path is empty: name a file".into());
        }
        if path.is_dir() {
            return wrong("this is a directory: name a file in it".into());
        }
        let directory = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        if !directory.is_dir() {
            return wrong(format!(
                "the directory `{}` does not exist: create it first",
                directory.display()
            ));
        }
        if !may_create && !path.exists() {
            return wrong("no such file: check the path, or use `Sink::create`".into());
        }
        Ok(())
    }
}

/// Turns an error of SQLite into one that names the database and the remedy.
pub(super) fn explain(place: &Place, what: &str, error: rusqlite::Error) -> Error {
    use ErrorCode as Code;
    let (kind, remedy) = match error.sqlite_error_code() {
        _ if is_out_of_memory(&error) => (
            ErrorKind::Fatal,
            "SQLite gets no more memory: lower `cache_bytes` or the size of batches, or raise the \
             limit of the process",
        ),
        Some(Code::DatabaseBusy | Code::DatabaseLocked) => (
            ErrorKind::Transient,
            "another connection holds the lock: let it finish (one whose process is stopped must go \
             on or be ended), or raise `busy_timeout`",
        ),
        Some(Code::ReadOnly) => {
            (ErrorKind::Io, "it is read-only: make the file and its directory writable")
        }
        Some(Code::CannotOpen) => (
            ErrorKind::Io,
            "check that the directory exists, that file and directory may be read and written, and \
             that not too many files are open (`ulimit -n`)",
        ),
        Some(Code::PermissionDenied | Code::AuthorizationForStatementDenied) => {
            (ErrorKind::Io, "the permission is missing")
        }
        Some(Code::NotADatabase) => (
            ErrorKind::Io,
            "the file is not an SQLite database, or it is encrypted: choose another file",
        ),
        Some(Code::DatabaseCorrupt) => (
            ErrorKind::Io,
            "the file is damaged: restore a copy, or save what is left with `sqlite3 FILE .recover`",
        ),
        Some(Code::DiskFull) => {
            (ErrorKind::Io, "no room is left: free space on the disk, or raise `max_page_count`")
        }
        Some(Code::SystemIoFailure | Code::FileLockingProtocolFailed) => (
            ErrorKind::Io,
            "reading or writing the file failed: check the disk, and the room on it",
        ),
        Some(Code::ConstraintViolation) => (
            ErrorKind::Fatal,
            "a constraint that concerns more than one row at a time does not hold",
        ),
        _ => (ErrorKind::Fatal, "SQLite refused"),
    };
    Error::new(kind, format!("{place}: {what}; {remedy}")).caused_by(error)
}

fn is_out_of_memory(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error().map(|error| error.extended_code);
    matches!(code, Some(ffi::SQLITE_NOMEM | ffi::SQLITE_IOERR_NOMEM))
}

/// Whether the error is the row's own fault: another row may well be stored.
pub(super) fn is_row_fault(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch | ErrorCode::TooBig)
    )
}

/// The error of one row that the table does not take.
pub(super) fn row_fault(table: &str, error: rusqlite::Error) -> Error {
    let code = error.sqlite_error().map_or(0, |error| error.extended_code);
    let what = match code {
        ffi::SQLITE_CONSTRAINT_PRIMARYKEY
        | ffi::SQLITE_CONSTRAINT_UNIQUE
        | ffi::SQLITE_CONSTRAINT_ROWID => "has a row with this key already",
        ffi::SQLITE_CONSTRAINT_NOTNULL => "does not take NULL here",
        ffi::SQLITE_CONSTRAINT_CHECK => "has a CHECK that this row fails",
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => "refers to a row that does not exist",
        ffi::SQLITE_CONSTRAINT_DATATYPE | ffi::SQLITE_MISMATCH => "does not take this type",
        ffi::SQLITE_CONSTRAINT_TRIGGER => "has a trigger that refuses this row",
        ffi::SQLITE_TOOBIG => "does not take a value of this size",
        _ => "does not take this row",
    };
    let column = column_in(&error.to_string()).map(str::to_owned);
    let fault = Error::row(format!("table `{table}` {what}")).caused_by(error);
    match column {
        Some(column) => fault.in_column(column),
        None => fault,
    }
}

/// The column in messages like `NOT NULL constraint failed: flights.id`; SQLite gives it in no
/// other way. `None` when there are several.
fn column_in(message: &str) -> Option<&str> {
    let (_, place) =
        message.rsplit_once("constraint failed: ").or_else(|| message.rsplit_once(" column "))?;
    let (_, column) = place.split_once('.')?;
    (!column.contains(", ")).then_some(column)
}

#[cfg(test)]
mod tests {
    use super::column_in;

    #[test]
    fn finds_the_one_column_that_sqlite_names() {
        assert_eq!(column_in("UNIQUE constraint failed: t.id"), Some("id"));
        assert_eq!(column_in("UNIQUE constraint failed: t.id, t.day"), None);
        assert_eq!(column_in("cannot store TEXT value in INTEGER column t.id"), Some("id"));
        assert_eq!(column_in("CHECK constraint failed: id > 0"), None);
        assert_eq!(column_in("FOREIGN KEY constraint failed"), None);
    }
}
