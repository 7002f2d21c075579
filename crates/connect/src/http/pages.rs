//! One request leads to the next.

use super::client::Client;
use super::fetcher::Fetcher;
use super::get::Get;
use super::page::{Page, Request};
use super::url::public;
use crate::guarded::Guarded;
use crate::lines;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::io::Cursor;
use trommel::{Batch, Error, ErrorKind, Fill, Limit, Position, Result, Source};

/// Finds the request for the page that follows.
pub(super) type Next = Box<dyn FnMut(&Page) -> Result<Option<Request>> + Send>;

/// How one page leads to the next. Made by [`Get::pages`].
#[must_use = "nothing is asked for until a source is made"]
pub struct PagesBuilder {
    get: Get,
    pub(super) next: Next,
    pub(super) items: Option<String>,
    pub(super) max_page_bytes: usize,
    pub(super) other_hosts: bool,
}

impl PagesBuilder {
    pub(super) fn new(get: Get) -> Self {
        let next = |page: &Page| Ok(page.link.clone().map(Request::get));
        PagesBuilder {
            get,
            next: Box::new(next),
            items: None,
            max_page_bytes: 64 << 20,
            other_hosts: false,
        }
    }

    /// The next page's URL is in the body, at a JSON pointer such as `/paging/next`; there is no
    /// next page when there is nothing, null or an empty text. Default: it is in the header
    /// `Link: <…>; rel="next"`.
    pub fn next_at(self, pointer: impl Into<String>) -> Self {
        let pointer = pointer.into();
        self.next_by(move |page| Ok(page.text_at(&pointer)?.map(Request::get)))
    }

    /// Asks `next` for each page's next request, `None` being the end: for cursors, offsets, page
    /// numbers. It must not depend on anything but the page, or a resumed run goes elsewhere.
    ///
    /// ```no_run
    /// use trommel_connect::http::{self, Request};
    /// let pages = http::get("https://host/rows?cursor=").pages().next_by(|page| {
    ///     let cursor = page.text_at("/cursor")?;
    ///     Ok(cursor.map(|cursor| Request::get(format!("/rows?cursor={cursor}"))))
    /// });
    /// ```
    pub fn next_by(
        mut self,
        next: impl FnMut(&Page) -> Result<Option<Request>> + Send + 'static,
    ) -> Self {
        self.next = Box::new(next);
        self
    }

    /// The rows of a page are the elements of the array at a JSON pointer in its body, `""` for the
    /// body itself; the format is given one per line. Default: the body is what the format reads.
    pub fn items_at(mut self, pointer: impl Into<String>) -> Self {
        self.items = Some(pointer.into());
        self
    }

    /// Largest page, unpacked; two of them are in memory at a time. Default: 64 MiB.
    pub fn max_page_bytes(mut self, bytes: usize) -> Self {
        self.max_page_bytes = bytes;
        self
    }

    /// Whether a page may lead to another host, which is then sent the same headers. Default: no,
    /// that is an error.
    pub fn other_hosts(mut self, allowed: bool) -> Self {
        self.other_hosts = allowed;
        self
    }

    /// Reads each page with `open`, which is given a name for messages and the page's bytes.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when the URL can't be. The first page is asked for by the run.
    pub fn source<S, F>(self, open: F) -> Result<Guarded<Pages<S, F>>>
    where
        S: Source,
        F: FnMut(String, Cursor<Vec<u8>>) -> Result<S> + Send,
    {
        self.get.settings.check(&self.get.url)?;
        let client = Client::new(self.get.settings.clone(), 1);
        let closer = client.closer();
        let first = Request::get(self.get.url.clone());
        let pages = Pages {
            at: Place { request: first, rows: 0 },
            skip: 0,
            fetcher: Fetcher::start(self, client)?,
            asked: false,
            inner: None,
            open,
            bytes_read: 0,
        };
        Ok(Guarded::new(pages, closer))
    }

    /// Reads each page as lines, of which those of [`items_at`](Self::items_at) are JSON.
    ///
    /// # Errors
    /// As [`source`](Self::source).
    #[expect(clippy::type_complexity, reason = "the type of a function that is known here only")]
    pub fn lines(
        self,
    ) -> Result<Guarded<Pages<lines::Source, fn(String, Cursor<Vec<u8>>) -> Result<lines::Source>>>>
    {
        self.source(lines::Source::from_reader)
    }
}

impl fmt::Debug for PagesBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PagesBuilder").field("get", &self.get).finish_non_exhaustive()
    }
}

/// Rows of page after page; made by [`PagesBuilder::source`]. The page after the one that is being
/// read is fetched at the same time.
///
/// Its position is the request of a page and a row within it, so it can be resumed if pages stay
/// the same: a page that was begun is asked for again and passed over up to that row.
pub struct Pages<S, F> {
    at: Place,
    /// Rows of the page to come that an earlier run has loaded.
    skip: u64,
    fetcher: Fetcher,
    /// The page at `at` is on its way.
    asked: bool,
    inner: Option<Inner<S>>,
    open: F,
    bytes_read: u64,
}

/// The page that is being read.
struct Inner<S> {
    source: S,
    /// What follows it.
    next: Option<Request>,
}

/// Where a page begins, and rows of it that have been read.
#[derive(Serialize, Deserialize)]
struct Place {
    request: Request,
    rows: u64,
}

impl<S: Source, F: FnMut(String, Cursor<Vec<u8>>) -> Result<S> + Send> Pages<S, F> {
    /// Waits for the page at hand and opens it; `false` when there is nothing yet.
    fn open_page(&mut self) -> Result<bool> {
        if !self.asked {
            self.fetcher.ask(self.at.request.clone())?;
            self.asked = true;
        }
        let Some(fetched) = self.fetcher.poll()? else { return Ok(false) };
        self.asked = false;
        if let Some(next) = &fetched.next {
            // While this page is read.
            self.fetcher.ask(next.clone())?;
            self.asked = true;
        }
        self.bytes_read += fetched.rows.len() as u64;
        let name = public(&self.at.request.url);
        let source = (self.open)(name, Cursor::new(fetched.rows))?;
        self.inner = Some(Inner { source, next: fetched.next });
        Ok(true)
    }
}

impl<S: Source, F: FnMut(String, Cursor<Vec<u8>>) -> Result<S> + Send> Source for Pages<S, F> {
    type Batch = S::Batch;

    fn fill(&mut self, batch: &mut S::Batch, limit: &Limit<'_>) -> Result<Fill> {
        loop {
            let Some(inner) = &mut self.inner else {
                if !self.open_page()? && limit.is_cancelled() {
                    *batch = S::Batch::default();
                    return Ok(Fill::More);
                }
                continue;
            };
            let filled = if self.skip > 0 {
                let rows = usize::try_from(self.skip).unwrap_or(usize::MAX).min(limit.rows());
                let some = Limit::of_rows(rows).with_bytes(limit.bytes());
                let filled = inner.source.fill(batch, &some)?;
                self.skip = self.skip.saturating_sub(batch.len() as u64);
                if filled == Fill::End && self.skip > 0 {
                    let message = format!(
                        "the page {} has {} rows less than an earlier run has loaded of it; it \
                         can't be resumed from",
                        public(&self.at.request.url),
                        self.skip
                    );
                    return Err(Error::fatal(message));
                }
                *batch = S::Batch::default();
                filled
            } else {
                let filled = inner.source.fill(batch, limit)?;
                self.at.rows += batch.len() as u64;
                filled
            };
            let is_last = match filled {
                Fill::More => false,
                Fill::End => match self.inner.take().and_then(|inner| inner.next) {
                    Some(request) => {
                        self.at = Place { request, rows: 0 };
                        false
                    }
                    None => true,
                },
            };
            if is_last {
                // Asked again, it is at the end of the last page, which is empty from here on.
                self.skip = self.at.rows;
                return Ok(Fill::End);
            }
            if !batch.is_empty() || limit.is_cancelled() {
                return Ok(Fill::More);
            }
        }
    }

    fn position(&self) -> Option<Position> {
        serde_json::to_vec(&self.at).ok().map(|bytes| Position::from_bytes(&bytes))
    }

    fn seek(&mut self, position: &Position) -> Result<()> {
        if self.asked || self.inner.is_some() {
            return Err(Error::new(ErrorKind::Unsupported, "these pages have been begun already"));
        }
        let at: Place = serde_json::from_slice(position.as_bytes()).map_err(|error| {
            Error::new(ErrorKind::Unsupported, "not a position in pages").caused_by(error)
        })?;
        self.skip = at.rows;
        self.at = at;
        Ok(())
    }

    fn bytes_read(&self) -> u64 {
        self.bytes_read
    }
}

impl<S, F> fmt::Debug for Pages<S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages")
            .field("url", &public(&self.at.request.url))
            .field("rows", &self.at.rows)
            .finish_non_exhaustive()
    }
}
