//! The server: where it is, and what is said when it doesn't let us in.

use super::connection::{Connection, NAP};
use super::failure::{Failure, Place};
use super::libpq::{self, Handle};
use crate::threads;
use std::ffi::{CStr, CString};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};
use trommel::{CancelToken, Error, ErrorKind, Result};

/// Where to connect, and how patiently to wait there.
#[derive(Clone)]
pub(super) struct Address {
    conninfo: CString,
    /// As messages name it before there is a connection.
    pub(super) place: Place,
    /// What the server shall call this session.
    pub(super) application: String,
    pub(super) patience: Patience,
}

/// How long to wait for the server.
#[derive(Debug, Clone)]
pub(super) struct Patience {
    /// Without any progress; `None` for ever.
    pub(super) timeout: Option<Duration>,
    /// After this token was cancelled: `grace`.
    pub(super) cancel: Option<CancelToken>,
    pub(super) grace: Duration,
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The string may hold a password.
        f.debug_tuple("Address").field(&self.place.to_string()).finish()
    }
}

impl Address {
    /// Reads a connection string: `postgresql://…` or `key=value …`.
    pub(super) fn parse(conninfo: &str) -> Result<Self> {
        let unreadable = |why: String| {
            // libpq quotes what it can't read, and that may hold the password.
            Error::config(format!("connect: the connection string can't be read: {why}"))
        };
        let text = CString::new(conninfo).map_err(|_| unreadable("it has a NUL byte".into()))?;
        let looks_right = conninfo.contains('=') || conninfo.contains("://");
        if !looks_right {
            return Err(unreadable(
                "write `postgresql://user@host:port/database` or `host=… dbname=…`".into(),
            ));
        }
        let options = libpq::parse(&text).map_err(|message| {
            if message.trim_end() == "out of memory" {
                return Error::fatal("connect: libpq has no memory to read the connection string");
            }
            // What stands in quotes may be a part of the password, but for the sign that is missing.
            let message = message.replace("missing \"=\"", "there is no `=`");
            let (reason, is_cut) = match message.split_once('"') {
                Some((reason, _)) => (reason.trim_end(), "…"),
                None => (message.trim_end(), ""),
            };
            unreadable(format!(
                "{reason}{is_cut}: write `postgresql://user@host:port/database` or `host=… dbname=…`, \
                 special characters in the password as `%40`"
            ))
        })?;
        let option = |name: &str| {
            let found = options.iter().find(|(keyword, _)| keyword == name);
            found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
        };
        let host = option("host").or_else(|| option("hostaddr")).unwrap_or("localhost");
        if host.contains('@') {
            // The rest of a password that has one.
            return Err(unreadable("write an `@` in the password as `%40`".into()));
        }
        let user = option("user").unwrap_or("the system's");
        let database = option("dbname").unwrap_or(user);
        Ok(Address {
            place: Place::new(user, host, option("port").unwrap_or("5432"), database),
            conninfo: text,
            application: "trommel".into(),
            patience: Patience {
                timeout: Some(Duration::from_secs(300)),
                cancel: None,
                grace: Duration::from_secs(2),
            },
        })
    }

    /// Connects. In a run that is cancelled, a server that does not answer is waited for no longer
    /// than told.
    pub(super) fn connect(&self) -> Result<Connection> {
        let handle = match &self.patience.cancel {
            Some(cancel) => self.open_unless(cancel)?,
            None => open(&self.conninfo, &self.application),
        };
        let handle = handle.ok_or_else(|| Error::fatal("libpq has no memory for a connection"))?;
        if !handle.is_ok() {
            return Err(refused(&self.place, &handle.message()));
        }
        let place = Place::new(&handle.user(), &handle.host(), &handle.port(), &handle.database());
        let mut connection = Connection::new(handle, place, self.patience.clone());
        // Notices are not shown, and libpq waits for the rest of one that it has no memory for.
        let settings = "SET client_min_messages = warning; SET standard_conforming_strings = on; \
                        SET datestyle = 'ISO, YMD'; SET intervalstyle = 'postgres'; \
                        SET extra_float_digits = 3; SET bytea_output = 'hex'";
        connection
            .run(settings)
            .map_err(|failure| failure.explain(&connection.place, "its settings can't be made"))?;
        Ok(connection)
    }

    /// Opens a connection on a thread of its own, which is left to itself when the run is cancelled:
    /// it ends when libpq does. libpq could also be asked step by step (`PQconnectPoll`), but would
    /// then wait for a name server all the same, and know no `connect_timeout`, after which it goes
    /// on to the next of several hosts.
    fn open_unless(&self, cancel: &CancelToken) -> Result<Option<Handle>> {
        let (conninfo, application) = (self.conninfo.clone(), self.application.clone());
        let (said, hear) = mpsc::channel();
        threads::start("trommel-connect", move || {
            // Closed again where nobody listens any more.
            _ = said.send(open(&conninfo, &application));
        })
        .map_err(|error| Error::new(ErrorKind::Io, "connect").caused_by(error))?;
        let began = Instant::now();
        loop {
            match hear.recv_timeout(NAP) {
                Ok(handle) => return Ok(handle),
                Err(RecvTimeoutError::Timeout) => {
                    if cancel.is_cancelled() && began.elapsed() >= self.patience.grace {
                        return Err(Failure::Cancelled.explain(&self.place, "can't connect"));
                    }
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Error::new(ErrorKind::Panic, "connecting has panicked"));
                }
            }
        }
    }
}

fn open(conninfo: &CStr, application: &str) -> Option<Handle> {
    let application = CString::new(application).unwrap_or_default();
    Handle::connect(&[
        // Before the string: what it says wins.
        (c"connect_timeout", c"10"),
        (c"dbname", conninfo),
        // After it: what we rely on.
        (c"client_encoding", c"UTF8"),
        (c"application_name", &application),
    ])
}

/// The system's libpq has it; the bundled one, which goes before it, has not.
const HAS_TLS: bool = cfg!(not(feature = "postgres"));

/// Why there is no connection, in plainer words; libpq's own have no password in them.
fn refused(place: &Place, message: &str) -> Error {
    let message = message.trim().replace('\n', " ");
    let has = |part: &str| message.contains(part);
    let is_refused = has("no pg_hba.conf entry") || has("pg_hba.conf rejects");
    let (kind, remedy) = if has("password authentication failed") || has("no password supplied") {
        (ErrorKind::Config, "check user and password (in the string, `PGPASSWORD`, `~/.pgpass`)")
    } else if is_refused && has("no encryption") {
        let remedy = match HAS_TLS {
            true => {
                "the server does not let this user in from here, at least not without TLS: see its \
                pg_hba.conf, or take `sslmode=verify-full`"
            }
            false => {
                "the server does not let this user in from here, at least not without TLS: see its \
                pg_hba.conf; for TLS use the feature `postgres-system` instead of `postgres`, since \
                the bundled libpq is built without"
            }
        };
        (ErrorKind::Config, remedy)
    } else if is_refused || has("authentication failed") {
        (ErrorKind::Config, "the server does not let this user in from here: see its pg_hba.conf")
    } else if has("role") && has("does not exist") {
        (ErrorKind::Config, "no such user: check the name, or create it")
    } else if has("database") && has("does not exist") {
        (ErrorKind::Config, "no such database: check the name, or create it")
    } else if !HAS_TLS && (has("SSL") || has("ssl")) {
        (
            ErrorKind::Config,
            "the bundled libpq is built without TLS: use the feature `postgres-system` instead of \
             `postgres` for the system's, or `sslmode=disable` on a network you trust",
        )
    } else if has("certificate") {
        (
            ErrorKind::Config,
            "there is no trust in the server's certificate: check that `sslrootcert` is the file of \
             the authority that has signed it, and that `host` is a name that it is for",
        )
    } else if has("SSL") || has("ssl") {
        (ErrorKind::Config, "no TLS: check `sslmode`, and whether the server has `ssl = on`")
    } else if has("out of memory") || has("Memory allocation failure") {
        (ErrorKind::Fatal, "there is no memory for it: leave more")
    } else if has("could not translate host name") {
        (ErrorKind::Config, "no such host: check its name")
    } else if has("timeout expired") {
        (
            ErrorKind::Transient,
            "it does not answer within `connect_timeout` (10 s unless the connection string says \
             otherwise): check host and port, and what lies between",
        )
    } else {
        (ErrorKind::Transient, "check that the server runs there and lets this machine in")
    };
    Error::new(kind, format!("{place}: can't connect; {remedy}")).caused_by(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_t_be_read_is_said_without_the_password() {
        for text in [
            "postgresql://me:secret%@h/db",
            "postgresql://me:a@secret@h/db",
            "host=x password=secret y",
            "secret",
        ] {
            let error = Address::parse(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        let address = Address::parse("postgresql://me:secret@db.example:5433/flights").unwrap();
        assert_eq!(
            address.place.to_string(),
            "PostgreSQL database `flights` at db.example:5433 (user `me`)"
        );
    }
}
