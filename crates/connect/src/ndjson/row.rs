//! One row.

use super::batch::{Batch, Index};
use super::options::Duplicates;
use super::path::{self, Step};
use super::scan::{self, Member};
use super::unique;
use serde::Deserialize;
use std::fmt;
use trommel::{Error, ErrorKind, Result};

/// One JSON value as the transform sees it, borrowed from its batch.
///
/// Nothing is parsed before it is asked for: [`decode`](Self::decode) makes a value of the whole
/// row, [`get`](Self::get) of a part of it.
///
/// ```
/// use serde::Deserialize;
/// use std::borrow::Cow;
/// use trommel::{Batch as _, Limit, Source as _};
/// use trommel_connect::ndjson;
///
/// #[derive(Deserialize, Debug, PartialEq)]
/// struct Person<'a> {
///     #[serde(borrow)]
///     name: Cow<'a, str>,
///     age: Option<u8>,
/// }
///
/// let text = r#"{"name":"Anna","age":36,"home":{"city":"Oslo","phones":[1,2]}}
/// {"name":"\"Bo\""}
/// "#;
/// let mut source = ndjson::Source::from_reader("people", text.as_bytes())?;
/// let mut batch = ndjson::Batch::default();
/// source.fill(&mut batch, &Limit::of_rows(10))?;
/// let mut seen = Vec::new();
/// batch.for_each(0, |row| {
///     let row = row?;
///     let phone = row.get::<Option<u64>>("home.phones[1]")?;
///     seen.push((row.decode::<Person>()?, phone));
///     Ok(())
/// })?;
/// assert_eq!(seen[0], (Person { name: "Anna".into(), age: Some(36) }, Some(2)));
/// assert_eq!(seen[1], (Person { name: "\"Bo\"".into(), age: None }, None));
/// # Ok::<(), trommel::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct Row<'a> {
    text: &'a str,
    batch: &'a Batch,
    index: u32,
}

impl<'a> Row<'a> {
    #[inline]
    pub(super) fn new(text: &'a str, batch: &'a Batch, index: u32) -> Self {
        Row { text, batch, index }
    }

    /// The whole row as a value that `serde` can make. Strings without escapes may be borrowed: a
    /// `Cow<str>` with `#[serde(borrow)]` takes all, a `&str` rejects rows with an escape.
    ///
    /// Numbers are read exactly: an integer that doesn't fit its type is an error, a fraction is the
    /// nearest number.
    ///
    /// # Errors
    /// [`ErrorKind::Row`] when the row is not valid JSON, is nested deeper than 127 arrays and
    /// objects, or is no `T`; it names the key concerned, as far as it lies at the top.
    #[inline]
    pub fn decode<T: Deserialize<'a>>(&self) -> Result<T> {
        serde_json::from_str(self.text).map_err(|error| self.not_decoded(&error))
    }

    /// The value at a path: a key, or keys and indices like `home.phones[0]`. A key that contains
    /// dots or brackets is found if it is at the top.
    ///
    /// What is not there is like `null`: `None` for an `Option`, an error for most others. The whole
    /// row is checked at the first call, so a part is never taken from a row that is not JSON.
    ///
    /// # Errors
    /// [`ErrorKind::Row`], naming the path, when the row is not valid JSON, the value is no `T`, or
    /// a key on the path occurs twice (see [`Builder::duplicates`](super::Builder::duplicates));
    /// [`ErrorKind::Config`] when `path` is not a path.
    #[inline]
    pub fn get<T: Deserialize<'a>>(&self, path: &str) -> Result<T> {
        match self.find(path)? {
            Some(text) => {
                serde_json::from_str(text).map_err(|error| self.not_a_value(path, text, &error))
            }
            None => serde_json::from_str("null").map_err(|_| {
                Error::row("the row has no such key, or nothing at this path").in_column(path)
            }),
        }
    }

    /// The JSON text of the value at a path, `None` when there is nothing. Otherwise as
    /// [`get`](Self::get).
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn find(&self, path: &str) -> Result<Option<&'a str>> {
        self.batch.with_index(self.index, self.text, |index| self.walk(index, path))
    }

    /// The row as it is written, without the blanks around. Nothing but its UTF-8 has been checked.
    #[inline]
    pub fn raw(&self) -> &'a str {
        self.text
    }

    /// Number of the row in its file or stream, from 0.
    pub fn record(&self) -> u64 {
        self.batch.first_record() + u64::from(self.index)
    }

    /// Line on which the row starts, the first line of the file being 1.
    ///
    /// Counted when asked for, from the start of the batch: not for the hot path.
    pub fn line(&self) -> u64 {
        self.batch.place(self.index).line
    }

    /// The row, if no key occurs twice in it.
    #[cold]
    pub(super) fn without_duplicates(self) -> Result<Self> {
        match unique::check(self.text) {
            Ok(()) => Ok(self),
            Err(error) => {
                let place = self.batch.place(self.index);
                Err(self.not_decoded(&error).at(self.batch.origin(place)))
            }
        }
    }

    fn walk(&self, index: &Index, path: &str) -> Result<Option<&'a str>> {
        // Most often the path is a key at the top.
        if index.is_object
            && let Some(found) = self.member(&index.members, self.text, path, path)?
        {
            return Ok(Some(found));
        }
        if !path.contains(['.', '[']) && !path.is_empty() {
            return Ok(None);
        }
        let mut text = self.text;
        let mut members = Vec::new();
        for (depth, step) in path::steps(path).enumerate() {
            let Some(step) = step else {
                let message = format!("`{path}` is not a path like `a.b[0]`");
                return Err(Error::new(ErrorKind::Config, message));
            };
            let found = match step {
                Step::Index(at) => {
                    scan::element(text.as_bytes(), at).map(|(from, to)| &text[from..to])
                }
                Step::Key(key) if depth == 0 && index.is_object => {
                    self.member(&index.members, text, key, path)?
                }
                Step::Key(key) => match scan::members(text.as_bytes(), &mut members) {
                    Ok(true) => self.member(&members, text, key, path)?,
                    _ => None,
                },
            };
            match found {
                Some(found) => text = found,
                None => return Ok(None),
            }
        }
        Ok(Some(text))
    }

    /// The value of `key` among the members of the object that `text` is.
    #[inline]
    fn member<'t>(
        &self,
        members: &[Member],
        text: &'t str,
        key: &str,
        path: &str,
    ) -> Result<Option<&'t str>> {
        let is_it = |member: &&Member| {
            let (from, to) = member.key;
            let raw = &text.as_bytes()[from as usize..to as usize];
            raw == key.as_bytes()
                || member.escaped
                    && path::unescape(&text[from as usize..to as usize], true).as_deref()
                        == Some(key)
        };
        let mut found = members.iter().filter(is_it);
        let Some(first) = found.next() else { return Ok(None) };
        let value = |member: &Member| &text[member.value.0 as usize..member.value.1 as usize];
        match self.batch.duplicates() {
            // Seen when the row was looked at first.
            Duplicates::RejectAll => Ok(Some(value(first))),
            Duplicates::First => Ok(Some(value(first))),
            Duplicates::Last => Ok(Some(value(found.next_back().unwrap_or(first)))),
            Duplicates::Reject => match found.next() {
                None => Ok(Some(value(first))),
                Some(again) => Err(Error::row(format!(
                    "the key `{key}` occurs twice, again at byte {} of the row",
                    text.as_ptr().addr() - self.text.as_ptr().addr() + again.key.0 as usize - 1
                ))
                .in_column(path)),
            },
        }
    }

    #[cold]
    fn not_a_value(&self, path: &str, text: &str, error: &serde_json::Error) -> Error {
        let start = text.as_ptr().addr() - self.text.as_ptr().addr();
        let message = format!("at byte {start} of the row: {}", reason(error));
        Error::row(message).in_column(path)
    }

    #[cold]
    fn not_decoded(&self, error: &serde_json::Error) -> Error {
        let at = self.offset(error);
        let message = match error.classify() {
            serde_json::error::Category::Data => {
                format!("at byte {at} of the row: {}", reason(error))
            }
            _ => format!("not valid JSON at byte {at} of the row: {}", reason(error)),
        };
        let mut members = Vec::new();
        let key = match scan::members(self.text.as_bytes(), &mut members) {
            Ok(true) => members.iter().find(|it| (it.key.0..it.value.1).contains(&(at as u32))),
            _ => None,
        };
        // In its quotes, and without the escapes that it may have.
        let key = key.and_then(|it| {
            let quoted = self.text.get(it.key.0 as usize - 1..=it.key.1 as usize)?;
            serde_json::from_str::<String>(quoted).ok()
        });
        // What is missing at the top is found out at the closing brace, behind all members.
        let said = error.to_string();
        let missing = said.strip_prefix("missing field `").and_then(|rest| rest.split_once('`'));
        let error = Error::row(message);
        match key.or_else(|| missing.map(|(name, _)| name.to_owned())) {
            Some(key) => error.in_column(key),
            None => error,
        }
    }

    /// The byte of the row that an error of `serde_json` is about.
    fn offset(&self, error: &serde_json::Error) -> usize {
        let line = error.line().saturating_sub(1);
        let lines = self.text.split_inclusive('\n').take(line);
        lines.map(str::len).sum::<usize>() + error.column().saturating_sub(1)
    }
}

/// The message without the place, which counts from the start of the text that was parsed.
fn reason(error: &serde_json::Error) -> String {
    let mut text = error.to_string();
    if let Some(end) = text.rfind(" at line ") {
        text.truncate(end);
    }
    if text.ends_with("expected a borrowed string") {
        // Of all strings those with escapes alone: rows before this one will have passed.
        text += ", which one with escapes (`\\n`, `\\\"`) can't be: use `String`, or `Cow<str>` with \
                 `#[serde(borrow)]`";
    }
    text
}

impl fmt::Debug for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Row({} {})", self.record(), self.text)
    }
}
