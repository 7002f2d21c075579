//! Sends requests, again if need be.

use super::error::{Failure, SHOWN};
use super::settings::Settings;
use crate::backoff;
use crate::guarded::Closer;
use crate::leave;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};
use trommel::{Error, ErrorKind, Result};
use ureq::http;
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body};

pub(super) type Response = http::Response<Body>;

#[derive(Clone)]
pub(super) struct Client {
    agent: Agent,
    settings: Settings,
    stopped: Arc<AtomicBool>,
}

/// One request.
#[derive(Clone, Copy)]
pub(super) struct Call<'a> {
    pub(super) url: &'a str,
    /// Beside those of the settings.
    pub(super) headers: &'a [(String, String)],
    /// `POST` when there is one.
    pub(super) body: Option<&'a [u8]>,
}

impl Call<'_> {
    fn method(&self) -> &'static str {
        if self.body.is_some() { "POST" } else { "GET" }
    }
}

/// Why a request was given up.
pub(super) struct Unsent {
    pub(super) failure: Failure,
    attempts: u32,
    waiting: Waiting,
}

enum Waiting {
    /// It would be no use, or has been tried often enough.
    Enough,
    TooLong(Duration, Duration),
    Cancelled,
}

impl Unsent {
    pub(super) fn explain(self, call: Call<'_>) -> Error {
        let error = self.failure.explain(call.method(), call.url, self.attempts);
        match self.waiting {
            Waiting::Enough => error,
            Waiting::TooLong(asked, longest) => {
                let message = format!(
                    "the server asks to wait for {asked:?}, longer than longest_retry_after \
                     ({longest:?})"
                );
                Error::new(ErrorKind::Io, message).caused_by(error)
            }
            Waiting::Cancelled => {
                let message = "cancelled while a request was on its way, or to be sent again";
                Error::new(ErrorKind::Cancelled, message).caused_by(error)
            }
        }
    }
}

impl Client {
    pub(super) fn new(settings: Settings, connections: usize) -> Self {
        let limit = |timeout: Duration| Some(timeout).filter(|timeout| !timeout.is_zero());
        let roots = match settings.roots.is_empty() {
            true => RootCerts::WebPki,
            false => RootCerts::new_with_certs(&settings.certificates()),
        };
        let config = Agent::config_builder()
            .tls_config(TlsConfig::builder().root_certs(roots).build())
            .http_status_as_error(false)
            .user_agent(concat!("trommel/", env!("CARGO_PKG_VERSION")))
            .accept("*/*")
            .timeout_connect(limit(settings.connect_timeout))
            .timeout_resolve(limit(settings.connect_timeout))
            .timeout_recv_response(limit(settings.answer_timeout))
            .timeout_per_read(limit(settings.idle_timeout))
            .timeout_per_write(limit(settings.idle_timeout))
            .max_idle_connections(connections)
            .max_idle_connections_per_host(connections)
            .build();
        Client { agent: config.new_agent(), settings, stopped: Arc::default() }
    }

    /// Ends what this client and its clones wait for, now and in future.
    pub(super) fn closer(&self) -> Closer {
        let Client { agent, stopped, .. } = self.clone();
        Closer::new(move || {
            stopped.store(true, Ordering::Relaxed);
            agent.clone().shutdown();
        })
    }

    /// Tries nothing again from now on.
    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Sends until there is a success, or nothing to hope for.
    pub(super) fn send(&self, call: Call<'_>) -> Result<Response> {
        self.try_send(call).map_err(|unsent| unsent.explain(call))
    }

    /// As [`send`](Self::send), with what has failed as it is.
    pub(super) fn try_send(&self, call: Call<'_>) -> Result<Response, Unsent> {
        let mut attempts = 0;
        loop {
            let failure = match self.once(call) {
                Ok(response) => return Ok(response),
                Err(failure) => failure,
            };
            attempts += 1;
            if self.is_stopped() {
                return Err(Unsent { failure, attempts, waiting: Waiting::Cancelled });
            }
            if !failure.passes() || attempts > self.settings.retry.attempts {
                return Err(Unsent { failure, attempts, waiting: Waiting::Enough });
            }
            let asked = match &failure {
                Failure::Status { retry_after, .. } => *retry_after,
                Failure::Broken(_) => None,
            };
            let longest = self.settings.longest_retry_after;
            if let Some(asked) = asked.filter(|asked| *asked > longest) {
                return Err(Unsent {
                    failure,
                    attempts,
                    waiting: Waiting::TooLong(asked, longest),
                });
            }
            let pause = asked.unwrap_or_else(|| backoff::pause(&self.settings.retry, attempts - 1));
            if !self.pause(pause) {
                return Err(Unsent { failure, attempts, waiting: Waiting::Cancelled });
            }
        }
    }

    fn once(&self, call: Call<'_>) -> Result<Response, Failure> {
        let headers = self.settings.headers.iter().chain(call.headers);
        let sent = match call.body {
            None => {
                let mut request = self.agent.get(call.url);
                for (name, value) in headers {
                    request = request.header(name, value);
                }
                request.call()
            }
            Some(body) => {
                let mut request = self.agent.post(call.url);
                for (name, value) in headers {
                    request = request.header(name, value);
                }
                request.send(body)
            }
        };
        let response = sent.map_err(Failure::Broken)?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let retry_after = response.headers().get("retry-after").and_then(|value| {
            let value = value.to_str().ok()?;
            value.trim().parse().ok().map(Duration::from_secs).or_else(|| until(value))
        });
        Err(Failure::Status { status: status.as_u16(), head: head(response), retry_after })
    }

    /// Whether it was waited to the end.
    fn pause(&self, pause: Duration) -> bool {
        leave::pause(pause, self.settings.leave.as_ref(), || self.is_stopped())
    }

    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.settings.fmt(f)
    }
}

/// The beginning of a refusal, on one line.
fn head(response: Response) -> String {
    let mut bytes = Vec::new();
    // A refusal that can't be read is a refusal all the same.
    let _ = response.into_body().into_reader().take(SHOWN as u64 + 1).read_to_end(&mut bytes);
    let cut = bytes.len() > SHOWN;
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(SHOWN)]);
    let mut line: String =
        text.trim().chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    if cut {
        line.push('…');
    }
    line
}

/// Time left until a date as HTTP writes it: `Sun, 06 Nov 1994 08:49:37 GMT`.
fn until(date: &str) -> Option<Duration> {
    let then = seconds(date)?;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs();
    Some(Duration::from_secs(then.saturating_sub(now)))
}

/// Seconds since 1970 of such a date.
fn seconds(date: &str) -> Option<u64> {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let mut words = date.split_once(", ")?.1.split([' ', ':']);
    let mut number = || words.next()?.parse::<u64>().ok();
    let day = number()?;
    let month = MONTHS.find(words.next().filter(|name| name.len() == 3)?)? as u64 / 3;
    let mut number = || words.next()?.parse::<u64>().ok();
    let (year, hours, minutes, seconds) = (number()?, number()?, number()?, number()?);
    if !(1970..10_000).contains(&year) || day == 0 || day > 31 {
        return None;
    }
    // Days from 1 March of the year 0, so that the leap day comes last.
    let (shifted, month) = if month < 2 { (year - 1, month + 10) } else { (year, month - 2) };
    let days = 365 * shifted + shifted / 4 - shifted / 100 + shifted / 400;
    let days = days + (153 * month + 2) / 5 + day - 1;
    days.checked_sub(719_468).map(|days| ((days * 24 + hours) * 60 + minutes) * 60 + seconds)
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn dates_are_understood() {
        assert_eq!(seconds("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(seconds("Thu, 29 Feb 2024 23:59:59 GMT"), Some(1_709_251_199));
        for nonsense in
            ["", "soon", "Sun, 06 Foo 1994 08:49:37 GMT", "Sun, 0 Nov 1994 08:49:37 GMT"]
        {
            assert_eq!(seconds(nonsense), None, "{nonsense}");
        }
    }
}
