//! A page, and what leads to the next one.

use super::url::public;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use trommel::{Error, ErrorKind, Result};

/// What to ask for: a URL, and headers beside those that every request has.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    pub(super) url: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) headers: Vec<(String, String)>,
}

impl Request {
    /// Asks for a URL; a relative one is meant from the page before.
    pub fn get(url: impl Into<String>) -> Self {
        Request { url: url.into(), headers: Vec::new() }
    }

    /// With a header. It becomes part of the position, which sinks store.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

/// Says no more than messages do: queries and headers may be secret.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("Request").field("url", &public(&self.url)).field("headers", &names).finish()
    }
}

/// A page, for finding the one that follows.
pub struct Page {
    pub(super) request: Request,
    /// Where the header `Link` leads.
    pub(super) link: Option<String>,
    pub(super) headers: ureq::http::HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Page {
    /// Where it was.
    pub fn url(&self) -> &str {
        &self.request.url
    }

    /// The first value of a header, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body, unpacked.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The text or number at a JSON pointer (`/paging/next`) in the body; `None` when there is
    /// nothing, null or an empty text.
    ///
    /// # Errors
    /// The body is not JSON.
    pub fn text_at(&self, pointer: &str) -> Result<Option<String>> {
        Ok(match find(&self.body, pointer).map_err(|error| self.not_json(error))? {
            Some(raw) => match serde_json::from_str(raw.get()).unwrap_or_default() {
                serde_json::Value::String(text) => Some(text).filter(|text| !text.is_empty()),
                serde_json::Value::Number(number) => Some(number.to_string()),
                _ => None,
            },
            None => None,
        })
    }

    /// The elements of the array at a JSON pointer, one per line.
    pub(super) fn items(&self, pointer: &str) -> Result<Vec<u8>> {
        let found = find(&self.body, pointer).map_err(|error| self.not_json(error))?;
        let array = found.filter(|value| value.get().starts_with('['));
        let Some(array) = array else {
            let message =
                format!("the page {} has no array at `{pointer}`", public(&self.request.url));
            return Err(Error::new(ErrorKind::Io, message));
        };
        let values: Vec<&RawValue> =
            serde_json::from_str(array.get()).map_err(|error| self.not_json(error))?;
        let mut lines = Vec::with_capacity(array.get().len() + 1);
        for value in values {
            // A line break in JSON is white space: within a text it is written `\n`.
            lines.extend(value.get().bytes().map(|byte| match byte {
                b'\n' | b'\r' => b' ',
                byte => byte,
            }));
            lines.push(b'\n');
        }
        Ok(lines)
    }

    fn not_json(&self, error: serde_json::Error) -> Error {
        let message = format!("the page {} is not JSON", public(&self.request.url));
        Error::new(ErrorKind::Io, message).caused_by(error)
    }
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page")
            .field("request", &self.request)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// The value at a JSON pointer, without decoding what is beside it.
fn find<'a>(json: &'a [u8], pointer: &str) -> serde_json::Result<Option<&'a RawValue>> {
    let mut value: &RawValue = serde_json::from_slice(json)?;
    for name in pointer.split('/').skip(1) {
        let name = name.replace("~1", "/").replace("~0", "~");
        let found = if value.get().starts_with('[') {
            let values: Vec<&RawValue> = serde_json::from_str(value.get())?;
            name.parse().ok().and_then(|index: usize| values.get(index).copied())
        } else if value.get().starts_with('{') {
            let values: HashMap<Cow<'_, str>, &RawValue> = serde_json::from_str(value.get())?;
            values.get(&*name).copied()
        } else {
            None
        };
        let Some(found) = found else { return Ok(None) };
        value = found;
    }
    Ok(Some(value))
}
