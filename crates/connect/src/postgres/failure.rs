//! What went wrong between us and the server, and what to do about it.

use super::libpq::{Part, Response};
use std::fmt;
use trommel::{Error, ErrorKind};

/// The server as messages name it: never with a password.
#[derive(Debug, Clone)]
pub(super) struct Place(String);

impl Place {
    pub(super) fn new(user: &str, host: &str, port: &str, database: &str) -> Self {
        Place(format!("PostgreSQL database `{database}` at {host}:{port} (user `{user}`)"))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a call did not succeed.
#[derive(Debug)]
pub(super) enum Failure {
    /// The server refused; the connection goes on.
    Refused(Box<Report>),
    /// The connection is gone: what the server last said, or what libpq says.
    Lost(String),
    /// The server took longer than the limit; the statement was cancelled and the connection given
    /// up.
    TimedOut(std::time::Duration),
    /// The run was cancelled while the server kept us waiting.
    Cancelled,
}

/// An error report of the server.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) state: String,
    message: String,
    detail: Option<String>,
    hint: Option<String>,
    context: Option<String>,
    column: Option<String>,
    pub(super) constraint: Option<String>,
}

impl Report {
    pub(super) fn of(response: &Response) -> Self {
        Report {
            state: response.part(Part::State).unwrap_or_default(),
            message: response.part(Part::Message).unwrap_or_else(|| response.message()),
            detail: response.part(Part::Detail),
            hint: response.part(Part::Hint),
            context: response.part(Part::Context),
            column: response.part(Part::Column),
            constraint: response.part(Part::Constraint),
        }
    }

    /// Whether the error is a row's own fault: another row may well be stored.
    pub(super) fn is_row_fault(&self) -> bool {
        // 21 cardinality, 22 data, 23 integrity.
        matches!(self.state.get(..2), Some("21" | "22" | "23"))
    }

    /// Whether the server is going away, or has thrown this session out.
    fn ends_session(&self) -> bool {
        self.state.starts_with("57P")
            || self.state.starts_with("08")
            || self.state == "25P03"
            || self.state == "XX000" && self.message.contains("terminat")
    }

    /// The column, as the server names it: in a field of its own, or in the place of a `COPY`.
    pub(super) fn column(&self) -> Option<&str> {
        self.column.as_deref().or_else(|| {
            // `COPY t, line 3, column size: "x"`, also without a value.
            let (_, rest) = self.context.as_deref()?.lines().next()?.split_once(", column ")?;
            rest.split([':', ' ']).next()
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(detail) = &self.detail {
            write!(f, " ({detail})")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "; the server's hint: {hint}")?;
        }
        write!(f, " [SQLSTATE {}]", self.state)
    }
}

impl std::error::Error for Report {}

impl Failure {
    pub(super) fn of(response: &Response) -> Self {
        let report = Report::of(response);
        if report.state.is_empty() || report.ends_session() {
            // libpq makes reports of its own, without a state, when the connection breaks.
            return Failure::Lost(report.message.trim_end().to_owned());
        }
        Failure::Refused(Box::new(report))
    }

    /// SQLSTATE, when the server refused.
    pub(super) fn state(&self) -> Option<&str> {
        match self {
            Failure::Refused(report) => Some(&report.state),
            _ => None,
        }
    }

    /// Whether the connection is no more.
    pub(super) fn is_lost(&self) -> bool {
        !matches!(self, Failure::Refused(_))
    }

    /// The row's fault, when it is one.
    pub(super) fn row_fault(&self) -> Option<&Report> {
        match self {
            Failure::Refused(report) if report.is_row_fault() => Some(report),
            _ => None,
        }
    }

    /// An error that names the server, what was being done, and the remedy.
    pub(super) fn explain(self, place: &Place, what: &str) -> Error {
        let (kind, remedy, report) = match self {
            Failure::Lost(message) => {
                let message = match message.trim() {
                    "" => "the connection was closed".to_owned(),
                    message => message.replace('\n', " "),
                };
                return Error::transient(format!(
                    "{place}: {what}; the connection was lost: it is tried again as often as \
                     `Options::retry` says, and a run with `resumable` can be started again"
                ))
                .caused_by(message);
            }
            Failure::TimedOut(limit) => {
                return Error::transient(format!(
                    "{place}: {what}; the server did not move for {limit:?}: look for locks in \
                     `pg_stat_activity`, or raise `timeout`"
                ));
            }
            Failure::Cancelled => {
                return Error::new(
                    ErrorKind::Cancelled,
                    format!("{place}: {what}; cancelled while waiting for the server"),
                );
            }
            Failure::Refused(report) => {
                let (kind, remedy) = remedy(&report.state);
                (kind, remedy, report)
            }
        };
        let column = report.column().map(str::to_owned);
        let error = Error::new(kind, format!("{place}: {what}; {remedy}")).caused_by(report);
        match column {
            Some(column) => error.in_column(column),
            None => error,
        }
    }

    /// The error of one row that the table does not take; `None` when it is something else.
    pub(super) fn into_row_error(self, table: &str) -> Result<Error, Failure> {
        let report = match self {
            Failure::Refused(report) if report.is_row_fault() => report,
            other => return Err(other),
        };
        let what = match report.state.as_str() {
            "23505" => "has a row with this key already",
            "23502" => "does not take NULL here",
            "23514" => "has a CHECK that this row fails",
            "23503" => "refers to a row that does not exist",
            "23P01" => "has an exclusion constraint that this row fails",
            "22001" => "does not take a value of this length",
            "22003" => "does not take a number of this size",
            "22007" | "22008" | "22009" => "does not take this date or time",
            "22P02" | "22P03" => "does not take this value",
            "22021" | "22P05" => "does not take this text",
            _ => "does not take this row",
        };
        let column = report.column().map(str::to_owned);
        let constraint = report.constraint.as_ref();
        let by = constraint.map_or_else(String::new, |name| format!(" (constraint `{name}`)"));
        let error = Error::row(format!("table `{table}` {what}{by}")).caused_by(report);
        Ok(match column {
            Some(column) => error.in_column(column),
            None => error,
        })
    }
}

/// What a class of errors means for the run, and what to do.
fn remedy(state: &str) -> (ErrorKind, &'static str) {
    match state {
        "42P01" => (ErrorKind::Config, "check the table's name and schema, or declare its columns"),
        "3F000" => (ErrorKind::Config, "no such schema: check its name, or create it"),
        "42703" => (ErrorKind::Config, "check the column's name"),
        "42P10" => (
            ErrorKind::Config,
            "upsert needs a primary key or unique index on just the key columns",
        ),
        "42501" => (ErrorKind::Io, "the permission is missing: GRANT it to this user"),
        "25006" => (ErrorKind::Io, "the server is read-only: connect to the primary"),
        "53100" => (ErrorKind::Io, "the server's disk is full: free space there"),
        "40001" | "40P01" | "55P03" | "53300" | "53200" | "57014" => {
            (ErrorKind::Transient, "it may succeed later: another transaction is in the way")
        }
        _ if state.starts_with("42") => (ErrorKind::Config, "check table, columns and their types"),
        _ if state.starts_with("53") => (ErrorKind::Io, "the server is short of something"),
        _ => (ErrorKind::Fatal, "PostgreSQL refused"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_column_in_a_report_or_in_the_place_of_a_copy() {
        let at = |context: &str| Report { context: Some(context.into()), ..Report::default() };
        assert_eq!(at("COPY t, line 3, column size: \"x\"").column(), Some("size"));
        assert_eq!(at("COPY t, line 3, column size").column(), Some("size"));
        assert_eq!(at("COPY t, line 3").column(), None);
        let named = Report { column: Some("id".into()), ..Report::default() };
        assert_eq!(named.column(), Some("id"));
    }

    #[test]
    fn only_three_classes_are_rows_faults() {
        let faulty =
            |state: &str| Report { state: state.into(), ..Report::default() }.is_row_fault();
        assert!(["21000", "22003", "23505"].into_iter().all(faulty));
        assert!(!["42P01", "40001", "53100", "57P01", "", "2"].into_iter().any(faulty));
    }
}
