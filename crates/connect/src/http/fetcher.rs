//! Asking for pages while others are read.

use super::client::{Call, Client, Response};
use super::error::broken;
use super::link;
use super::page::{Page, Request};
use super::pages::PagesBuilder;
use super::url::{check, join, origin, public};
use crate::threads;
use std::io::Read;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;
use trommel::{Error, ErrorKind, Result};

/// How long to wait for a page before looking whether the run was cancelled.
const LOOK_UP: Duration = Duration::from_millis(10);

/// What came of a request.
pub(super) struct Fetched {
    pub(super) rows: Vec<u8>,
    pub(super) next: Option<Request>,
}

/// Asks for pages on a thread, since an answer can't be waited for and given up.
pub(super) struct Fetcher {
    requests: SyncSender<Request>,
    pages: Receiver<Result<Fetched>>,
}

impl Fetcher {
    pub(super) fn start(mut builder: PagesBuilder, client: Client) -> Result<Self> {
        let (requests, asked) = sync_channel::<Request>(2);
        let (send, pages) = sync_channel(2);
        let fetch = move || {
            for request in asked {
                if send.send(builder.fetch(&client, request)).is_err() {
                    return;
                }
            }
        };
        threads::start("trommel-http-pages", fetch)?;
        Ok(Fetcher { requests, pages })
    }

    pub(super) fn ask(&self, request: Request) -> Result<()> {
        self.requests.send(request).map_err(|_| died())
    }

    pub(super) fn poll(&self) -> Result<Option<Fetched>> {
        match self.pages.recv_timeout(LOOK_UP) {
            Ok(fetched) => fetched.map(Some),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(died()),
        }
    }
}

fn died() -> Error {
    Error::new(ErrorKind::Panic, "finding the next page panicked")
}

impl PagesBuilder {
    fn fetch(&mut self, client: &Client, request: Request) -> Result<Fetched> {
        let Request { url, headers } = &request;
        let response = client.send(Call { url, headers, body: None })?;
        let links = response.headers().get_all("link").into_iter();
        let link = links.filter_map(|value| link::next(value.to_str().ok()?)).next();
        let (link, page_headers) = (link.map(str::to_owned), response.headers().clone());
        let body = self.read(response, url)?;
        let page = Page { request, link, headers: page_headers, body };
        let next = match (self.next)(&page)? {
            Some(next) => Some(self.resolve(&page, next)?),
            None => None,
        };
        let rows = match &self.items {
            Some(pointer) => page.items(pointer)?,
            None => page.body,
        };
        Ok(Fetched { rows, next })
    }

    fn read(&self, response: Response, url: &str) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        let most = self.max_page_bytes as u64;
        let mut reader = response.into_body().into_with_config().limit(u64::MAX).reader();
        (&mut reader).take(most.saturating_add(1)).read_to_end(&mut body).map_err(|error| {
            let what = format!("the page {} broke off after {} bytes", public(url), body.len());
            broken(&what, error.into())
        })?;
        if body.len() as u64 > most {
            let message = format!(
                "the page {} is larger than the limit of {most} bytes; raise max_page_bytes",
                public(url)
            );
            return Err(Error::new(ErrorKind::Io, message));
        }
        Ok(body)
    }

    /// The request for the next page, as it is sent.
    fn resolve(&self, page: &Page, mut next: Request) -> Result<Request> {
        next.url = join(page.url(), &next.url);
        check(&next.url)?;
        if next == page.request {
            let message = format!("the page {} leads to itself", public(page.url()));
            return Err(Error::new(ErrorKind::Io, message));
        }
        if !self.other_hosts && origin(&next.url) != origin(page.url()) {
            let message = format!(
                "the page {} leads to another host, {}; allow it with other_hosts",
                public(page.url()),
                origin(&public(&next.url))
            );
            return Err(Error::new(ErrorKind::Io, message));
        }
        Ok(next)
    }
}
