//! A body that is read as it arrives.

use super::client::{Client, Response};
use super::error::broken;
use super::url::public;
use crate::guarded::Closer;
use std::fmt;
use std::io::{Error, ErrorKind, Read, Result};
use ureq::BodyReader;

/// The bytes of an answer, unpacked when they came packed with gzip.
///
/// A body that breaks off before its end is an error, never an end, as far as the server said how
/// long it is: by `Content-Length` or in chunks.
pub struct Body {
    reader: BodyReader<'static>,
    url: String,
    bytes: u64,
    client: Client,
}

impl Body {
    pub(super) fn new(response: Response, url: &str, client: Client) -> Self {
        let reader = response.into_body().into_with_config().limit(u64::MAX).reader();
        Body { reader, url: public(url), bytes: 0, client }
    }

    pub(super) fn closer(&self) -> Closer {
        self.client.closer()
    }
}

impl Read for Body {
    fn read(&mut self, space: &mut [u8]) -> Result<usize> {
        match self.reader.read(space) {
            Ok(count) => {
                self.bytes += count as u64;
                Ok(count)
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => Err(error),
            Err(error) => {
                let kind = error.kind();
                let what = format!("{} broke off after {} bytes", self.url, self.bytes);
                let why = broken(&what, error.into());
                Err(Error::new(kind, why.to_string()))
            }
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body").field("url", &self.url).field("bytes", &self.bytes).finish()
    }
}
