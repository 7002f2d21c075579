//! What sources and sinks can set alike.

use super::url;
use crate::leave::Leave;
use std::fmt;
use std::time::Duration;
use trommel::{Error, Result, Retry};
use ureq::tls::{Certificate, PemItem, parse_pem};

#[derive(Clone)]
pub(super) struct Settings {
    pub(super) headers: Vec<(String, String)>,
    pub(super) connect_timeout: Duration,
    pub(super) answer_timeout: Duration,
    pub(super) idle_timeout: Duration,
    pub(super) retry: Retry,
    pub(super) longest_retry_after: Duration,
    pub(super) leave: Option<Leave>,
    /// PEM; empty for the built-in ones.
    pub(super) roots: Vec<u8>,
}

impl Settings {
    /// Refuses what can't be sent to a URL.
    pub(super) fn check(&self, url: &str) -> Result<()> {
        url::check(url)?;
        match self.roots.is_empty() || !self.certificates().is_empty() {
            true => Ok(()),
            false => Err(Error::config("root_certificates: there is no certificate in it (PEM)")),
        }
    }

    pub(super) fn certificates(&self) -> Vec<Certificate<'static>> {
        let items = parse_pem(&self.roots);
        let certificates = items.filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        });
        certificates.collect()
    }
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            headers: Vec::new(),
            connect_timeout: Duration::from_secs(10),
            answer_timeout: Duration::from_secs(60),
            idle_timeout: Duration::from_secs(60),
            retry: Retry {
                attempts: 5,
                initial: Duration::from_millis(200),
                max: Duration::from_secs(10),
            },
            longest_retry_after: Duration::from_secs(60),
            leave: None,
            roots: Vec::new(),
        }
    }
}

/// Names only: values may be secret.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("Settings")
            .field("headers", &headers)
            .field("connect_timeout", &self.connect_timeout)
            .field("answer_timeout", &self.answer_timeout)
            .field("idle_timeout", &self.idle_timeout)
            .field("retry", &self.retry)
            .field("longest_retry_after", &self.longest_retry_after)
            .finish_non_exhaustive()
    }
}

/// The setters, for a builder with a field `settings`.
macro_rules! setters {
    () => {
        /// Sends a header with each request. Its value appears in no message.
        pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
            self.settings.headers.push((name.into(), value.into()));
            self
        }

        /// Sends `Authorization: Bearer …` with each request; to the host of the URL only, not to
        /// one that it redirects to.
        pub fn bearer(self, token: impl std::fmt::Display) -> Self {
            self.header("Authorization", format!("Bearer {token}"))
        }

        /// Longest time to connect, TLS included. Default: 10 s; zero: as long as it takes.
        pub fn connect_timeout(mut self, timeout: std::time::Duration) -> Self {
            self.settings.connect_timeout = timeout;
            self
        }

        /// Longest time from the end of a request to the head of its answer. Default: 60 s; zero:
        /// as long as it takes.
        pub fn answer_timeout(mut self, timeout: std::time::Duration) -> Self {
            self.settings.answer_timeout = timeout;
            self
        }

        /// Longest time for which the other side may neither send nor take anything in the middle
        /// of a body. Default: 60 s; zero: for ever.
        pub fn idle_timeout(mut self, timeout: std::time::Duration) -> Self {
            self.settings.idle_timeout = timeout;
            self
        }

        /// How often a request that may succeed later is sent again, and the pauses before that
        /// (each shortened at random by up to half) when the server does not say. Default: 5 times,
        /// after 0.2 s, 0.4 s, … at most 10 s; [`Retry::NONE`](trommel::Retry::NONE) for a single
        /// attempt.
        pub fn retry(mut self, retry: trommel::Retry) -> Self {
            self.settings.retry = retry;
            self
        }

        /// Longest pause that a server may ask for with `Retry-After`; a longer one is an error.
        /// Default: 60 s.
        pub fn longest_retry_after(mut self, longest: std::time::Duration) -> Self {
            self.settings.longest_retry_after = longest;
            self
        }

        /// Trusts servers with a certificate of these authorities (PEM, one or more), and no others.
        /// Default: those that browsers trust, built in.
        pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
            self.settings.roots = pem.into();
            self
        }

        /// Listens to the token of [`Pipeline::cancel_with`](trommel::Pipeline::cancel_with): once it
        /// is cancelled pauses end, and a request of a sink that is on its way is given up after
        /// `grace` (keep it below [`OptionsBuilder::grace`](trommel::OptionsBuilder::grace)); only
        /// connecting goes on, up to [`connect_timeout`](Self::connect_timeout). Default: no token,
        /// so that a cancelled run waits for pauses, and for the server up to its timeouts.
        pub fn cancel_with(
            mut self,
            token: &trommel::CancelToken,
            grace: std::time::Duration,
        ) -> Self {
            self.settings.leave = Some(crate::leave::Leave::new(token, grace));
            self
        }
    };
}
pub(super) use setters;
