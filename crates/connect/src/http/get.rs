//! Asking for a body.

use super::body::Body;
use super::client::{Call, Client};
use super::pages::PagesBuilder;
use super::settings::{Settings, setters};
use super::url::public;
use crate::guarded::Guarded;
use crate::lines;
use trommel::Result;

/// Reads what is at a URL.
pub fn get(url: impl Into<String>) -> Get {
    Get { url: url.into(), settings: Settings::default() }
}

/// A request for a body or for pages. Start with [`get`].
#[derive(Clone)]
#[must_use = "nothing is asked for until a source is made"]
pub struct Get {
    pub(super) url: String,
    pub(super) settings: Settings,
}

impl Get {
    setters!();

    /// The body, as it arrives. Nothing but the connection and the head of the answer are tried
    /// again: what has been read of a body can't be taken back.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](trommel::ErrorKind::Config) when the URL or a header can't be;
    /// [`ErrorKind::Io`](trommel::ErrorKind::Io) when there is no answer or it is no success, with
    /// status and head of the body.
    pub fn open(&self) -> Result<Body> {
        self.settings.check(&self.url)?;
        let client = Client::new(self.settings.clone(), 1);
        let response = client.send(Call { url: &self.url, headers: &[], body: None })?;
        Ok(Body::new(response, &self.url, client))
    }

    /// The body in any format: `open` is given a name for messages and the body.
    ///
    /// ```no_run
    /// # #[cfg(feature = "csv")] {
    /// use trommel_connect::{csv, http};
    /// let source = http::get("https://host/flights.csv").source(csv::Source::from_reader)?;
    /// # }
    /// # Ok::<(), trommel::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`open`](Self::open); and whatever `open` says.
    pub fn source<S>(&self, open: impl FnOnce(String, Body) -> Result<S>) -> Result<Guarded<S>> {
        let body = self.open()?;
        let closer = body.closer();
        Ok(Guarded::new(open(public(&self.url), body)?, closer))
    }

    /// The lines of the body.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn lines(&self) -> Result<Guarded<lines::Source>> {
        self.source(lines::Source::from_reader)
    }

    /// Page after page: one request leads to the next.
    pub fn pages(self) -> PagesBuilder {
        PagesBuilder::new(self)
    }
}

impl std::fmt::Debug for Get {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Get")
            .field("url", &public(&self.url))
            .field("settings", &self.settings)
            .finish()
    }
}
