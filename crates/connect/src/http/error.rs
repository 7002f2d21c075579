//! What went wrong, in words.

use super::url::public;
use std::io;
use trommel::{Error, ErrorKind};

/// Bytes of a refusal that are shown.
pub(super) const SHOWN: usize = 500;

/// What became of one attempt that did not succeed.
pub(super) enum Failure {
    /// The server has answered with a status that is no success.
    Status { status: u16, head: String, retry_after: Option<std::time::Duration> },
    /// There was no answer, or not all of it.
    Broken(ureq::Error),
}

impl Failure {
    /// Whether the same request may succeed later.
    pub(super) fn passes(&self) -> bool {
        match self {
            Failure::Status { status, .. } => {
                matches!(status, 408 | 425 | 429 | 500 | 502 | 503 | 504)
            }
            Failure::Broken(error) => match error {
                ureq::Error::Io(error) => !matches!(
                    error.kind(),
                    io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData
                ),
                ureq::Error::Timeout(_)
                | ureq::Error::HostNotFound
                | ureq::Error::ConnectionFailed => true,
                _ => false,
            },
        }
    }

    /// Says it of a request, after so many attempts.
    pub(super) fn explain(self, method: &str, url: &str, attempts: u32) -> Error {
        let url = public(url);
        let tries = match attempts {
            0 | 1 => String::new(),
            many => format!(" in each of {many} attempts"),
        };
        match self {
            Failure::Status { status, head, .. } => {
                let head = if head.is_empty() { "an empty body".into() } else { head };
                let remedy = match status {
                    401 | 403 => " (check the credentials)",
                    404 | 410 => " (check the URL)",
                    _ => "",
                };
                let message = format!(
                    "{method} {url} was answered with status {status}{tries}{remedy}: {head}"
                );
                Error::new(ErrorKind::Io, message)
            }
            Failure::Broken(error) => broken(&format!("{method} {url} failed{tries}"), error),
        }
    }
}

/// An error of the client, without the URL that it may repeat.
pub(super) fn broken(what: &str, error: ureq::Error) -> Error {
    let fault = |kind, why: &str| Error::new(kind, format!("{what}: {why}"));
    match error {
        ureq::Error::BadUri(_) => fault(ErrorKind::Config, "not a URL that can be asked"),
        ureq::Error::Http(error) => {
            let why = format!("a header or the URL can't be sent: {error}");
            fault(ErrorKind::Config, &why)
        }
        ureq::Error::Io(error) => {
            let remedy = match error.to_string().contains("UnknownIssuer") {
                true => "; give the certificate of its authority with root_certificates",
                false => "",
            };
            Error::new(ErrorKind::Io, format!("{what}{remedy}")).caused_by(error)
        }
        ureq::Error::Timeout(which) => fault(ErrorKind::Io, &format!("timeout ({which})")),
        other => fault(ErrorKind::Io, &other.to_string()),
    }
}
