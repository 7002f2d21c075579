//! The database: opening it, and how safe and how patient the load shall be.

use super::error::{Place, explain};
use super::table::Table;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::path::Path;
use std::time::Duration;
use trommel::{Error, ErrorKind, Result};

/// What a committed transaction survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// The process killed, the system crashed, the power lost (`synchronous = EXTRA`).
    #[default]
    Full,
    /// The process killed. After a loss of power the last transactions of a database in WAL mode
    /// may be missing; one with a rollback journal may, in theory, be damaged
    /// (`synchronous = NORMAL`).
    Normal,
    /// The process killed. A loss of power may damage the database (`synchronous = OFF`): for
    /// files that can be made again.
    Off,
}

/// An SQLite database to load into; [`table`](Self::table) makes it a sink.
///
/// The journal mode is the file's own: a database with a rollback journal keeps it (a new file has
/// one, and nothing loads faster: each page is written once), one in WAL mode stays in WAL mode.
/// With [`wal`](Self::wal) others can read while the load runs.
///
/// ```
/// use trommel_connect::sqlite::{Durability, Sink};
/// use std::time::Duration;
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("flights.db");
/// let flights = Sink::create(&path)?
///     .durability(Durability::Normal)
///     .busy_timeout(Duration::from_secs(30))
///     .table::<(u32, String)>("flights")
///     .column("id", "INTEGER PRIMARY KEY")
///     .column("carrier", "TEXT NOT NULL");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "a database takes rows only through one of its tables"]
pub struct Sink {
    pub(super) connection: Connection,
    pub(super) place: Place,
    durability: Durability,
    busy_timeout: Duration,
    cache_bytes: usize,
    wal: bool,
}

impl Sink {
    /// Opens the database at `path`, or makes an empty one.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] naming the path and the remedy: the directory is missing, the file is a
    /// directory, is read-only, is damaged or is no SQLite database.
    pub fn create(path: impl AsRef<Path>) -> Result<Self> {
        Self::connect(path.as_ref(), OpenFlags::SQLITE_OPEN_CREATE)
    }

    /// Opens the database at `path`, which must exist.
    ///
    /// # Errors
    /// As [`create`](Self::create), and when there is no such file.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::connect(path.as_ref(), OpenFlags::empty())
    }

    fn connect(path: &Path, flags: OpenFlags) -> Result<Self> {
        let place = Place::file(path);
        place.check(path, flags.contains(OpenFlags::SQLITE_OPEN_CREATE))?;
        let flags = flags | OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)
            .map_err(|error| explain(&place, "it can't be opened", error))?;
        let sink = Self::with(connection, place);
        // Opening reads nothing; this does. A lock is waited for when the load starts, as long as
        // `busy_timeout` says.
        let read = sink
            .connection
            .busy_timeout(Duration::ZERO)
            .and_then(|()| sink.connection.query_row("PRAGMA schema_version", [], |_| Ok(())));
        if let Err(error) = read
            && error.sqlite_error_code() != Some(ErrorCode::DatabaseBusy)
        {
            return Err(explain(&sink.place, "it can't be read", error));
        }
        // SQLite falls back to reading when it may not write.
        if sink.connection.is_readonly("main").unwrap_or(false) {
            return Err(Error::new(
                ErrorKind::Io,
                format!("{} is read-only: make the file writable", sink.place),
            ));
        }
        Ok(sink)
    }

    /// Loads through a connection that is open already, with whatever was set on it.
    ///
    /// The options of this type are applied to it when the load starts and stay set.
    pub fn from_connection(connection: Connection) -> Self {
        let place = Place::of(&connection);
        Self::with(connection, place)
    }

    fn with(connection: Connection, place: Place) -> Self {
        Sink {
            connection,
            place,
            durability: Durability::default(),
            busy_timeout: Duration::from_secs(5),
            cache_bytes: 16 << 20,
            wal: false,
        }
    }

    /// What committed rows survive. Default: [`Durability::Full`].
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// How long to wait for another connection's lock before the error
    /// ([`ErrorKind::Transient`]). Default: 5 s; 0: not at all.
    ///
    /// While rows are written and committed, the pipeline's retries come on top; at the start of a
    /// run there are none. A process that was stopped (`SIGSTOP`) inside of a commit holds its lock
    /// until it goes on or ends.
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        // SQLite counts milliseconds in a C int.
        self.busy_timeout = timeout.min(Duration::from_millis(i32::MAX as u64));
        self
    }

    /// Memory for pages of the database, in bytes; more helps tables with large indexes.
    /// Default: 16 MiB; 0: as the connection has it.
    pub fn cache_bytes(mut self, bytes: usize) -> Self {
        self.cache_bytes = bytes;
        self
    }

    /// Puts the database into WAL mode, for good: others can read while the load runs, which then
    /// writes each page twice. Default: the journal mode is left alone.
    pub fn wal(mut self) -> Self {
        self.wal = true;
        self
    }

    /// The table `name` as a sink for records of type `T`, appending unless told otherwise.
    ///
    /// `T` tells the reader (and the compiler, where it is unsure) what is loaded. Any
    /// [`serde::Serialize`] value can be emitted, also one that borrows for less long.
    pub fn table<T: ?Sized>(self, name: impl Into<String>) -> Table<T> {
        Table::new(self, name.into())
    }

    /// Sets the options on the connection.
    pub(super) fn apply_options(&self) -> Result<()> {
        let connection = &self.connection;
        if !connection.is_autocommit() {
            return Err(Error::config(
                "connection: it is inside a transaction; commit or roll back before loading",
            ));
        }
        let set = || -> rusqlite::Result<()> {
            connection.busy_timeout(self.busy_timeout)?;
            // A run keeps a statement per power of two of rows, for each kind of record.
            connection.set_prepared_statement_cache_capacity(64);
            if self.wal {
                connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
            }
            let synchronous = match self.durability {
                // Also syncs the directory after the journal is removed; as FULL in WAL mode.
                Durability::Full => "EXTRA",
                Durability::Normal => "NORMAL",
                Durability::Off => "OFF",
            };
            connection.pragma_update(None, "synchronous", synchronous)?;
            if self.cache_bytes > 0 {
                let kib = i64::try_from(self.cache_bytes.div_ceil(1024)).unwrap_or(i64::MAX);
                connection.pragma_update(None, "cache_size", -kib)?;
            }
            Ok(())
        };
        set().map_err(|error| explain(&self.place, "its options can't be set", error))
    }

    /// Empties the log of a database in WAL mode as far as readers allow without waiting for them;
    /// what is left, the last connection to close empties.
    pub(super) fn tidy_up(&self) {
        let connection = &self.connection;
        _ = connection.busy_timeout(Duration::ZERO);
        _ = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        _ = connection.busy_timeout(self.busy_timeout);
    }
}
