//! The server: where it is, and how patient the load shall be.

use super::address::Address;
use super::connection::Connection;
use super::table::Table;
use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;
use trommel::{CancelToken, Result};

/// A PostgreSQL database to load into; [`table`](Self::table) makes it a sink.
///
/// ```no_run
/// use std::time::Duration;
/// use trommel_connect::postgres::Sink;
/// let flights = Sink::connect("postgresql://loader@db.example/warehouse")?
///     .timeout(Duration::from_secs(60))
///     .table::<(u32, String)>("flights")
///     .column("id", "integer PRIMARY KEY")
///     .column("carrier", "text NOT NULL");
/// # Ok::<(), trommel::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "a database takes rows only through one of its tables"]
pub struct Sink {
    pub(super) address: Address,
    pub(super) connection: Connection,
}

impl Sink {
    /// Connects, by a URI (`postgresql://user@host:port/database?sslmode=…`) or by `key=value`
    /// pairs, as libpq reads them, with its environment variables (`PGPASSWORD`, …) and files
    /// (`~/.pgpass`, services). Unless the string says otherwise, connecting takes no longer than
    /// 10 s per address.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](trommel::ErrorKind::Config) when the string can't be read or the server
    /// says no to user, password or database; transient when there is no server. Messages name
    /// server, database and user, never the password.
    pub fn connect(conninfo: &str) -> Result<Self> {
        let mut address = Address::parse(conninfo)?;
        // What tells this load's own sessions from others after a connection was lost.
        let unique = RandomState::new().hash_one(std::process::id());
        address.application = format!("trommel {unique:016x}");
        let connection = address.connect()?;
        address.place = connection.place.clone();
        Ok(Sink { address, connection })
    }

    /// How long the server may take over one answer, without any progress, before the statement is
    /// cancelled and the error is transient. Default: 5 minutes; 0: no limit.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.address.patience.timeout = Some(timeout).filter(|timeout| !timeout.is_zero());
        self.connection.be_patient(&self.address.patience);
        self
    }

    /// Listens to the token of [`Pipeline::cancel_with`](trommel::Pipeline::cancel_with): once it is
    /// cancelled, a server that does not move, or that does not answer when a lost connection is made
    /// again, is waited for no longer than `grace` (keep it below
    /// [`OptionsBuilder::grace`](trommel::OptionsBuilder::grace)). Default: no token, so that a
    /// cancelled run waits for the server up to [`timeout`](Self::timeout).
    pub fn cancel_with(mut self, token: &CancelToken, grace: Duration) -> Self {
        self.address.patience.cancel = Some(token.clone());
        self.address.patience.grace = grace;
        self.connection.be_patient(&self.address.patience);
        self
    }

    /// The table `name` (or `schema.name`, as it is stored, without quotes) as a sink for records
    /// of type `T`, appending unless told otherwise.
    ///
    /// `T` tells the reader (and the compiler, where it is unsure) what is loaded. Any
    /// [`serde::Serialize`] value can be emitted, also one that borrows for less long.
    pub fn table<T: ?Sized>(self, name: impl AsRef<str>) -> Table<T> {
        Table::new(self, name.as_ref())
    }
}
