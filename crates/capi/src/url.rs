//! `scheme:path?key=value&key=value`: what names a source or sink.

use engine::{Error, Result};
use std::time::Duration;

/// A source or sink by name, and its settings.
#[derive(Debug, Clone)]
pub(crate) struct Url {
    pub(crate) scheme: String,
    pub(crate) path: String,
    /// The path before its %-signs were read, for addresses that have rules of their own.
    pub(crate) as_written: String,
    settings: Vec<(String, String)>,
}

impl Url {
    /// Reads a URL. `%3F` and the like stand for bytes that would mean something else.
    pub(crate) fn parse(url: &str) -> Result<Self> {
        let Some((scheme, rest)) = url.split_once(':') else {
            return Err(Error::config(format!(
                "url: `{url}` has no scheme; write csv:PATH or sqlite:PATH?table=NAME"
            )));
        };
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut settings = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let Some((key, value)) = pair.split_once('=') else {
                return Err(Error::config(format!("url: `{pair}` is not KEY=VALUE")));
            };
            settings.push((decode(key)?, decode(value)?));
        }
        let as_written = path.to_owned();
        Ok(Url { scheme: scheme.to_owned(), path: decode(path)?, as_written, settings })
    }

    /// Sets or replaces a setting; `path` is the path.
    pub(crate) fn set(&mut self, key: &str, value: &str) {
        if key == "path" {
            value.clone_into(&mut self.path);
            value.clone_into(&mut self.as_written);
            return;
        }
        self.settings.retain(|(known, _)| known != key);
        self.settings.push((key.to_owned(), value.to_owned()));
    }

    /// What messages call it; an address that may hold a password is left out.
    pub(crate) fn called(&self) -> &str {
        match self.scheme.starts_with("postgres") || self.path.contains('@') {
            true => "the source",
            false => &self.path,
        }
    }

    /// The settings, to be taken one by one.
    pub(crate) fn settings(&self) -> Settings {
        Settings { scheme: self.scheme.clone(), left: self.settings.clone(), known: Vec::new() }
    }
}

fn decode(text: &str) -> Result<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digits = tail.get(..2).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let Some(byte) = byte else {
            let message = format!("url: `%` in `{text}` is not followed by two digits; write %25");
            return Err(Error::config(message));
        };
        bytes.push(byte);
        rest = &tail[2..];
    }
    String::from_utf8(bytes)
        .map_err(|error| Error::config(format!("url: `{text}` is not UTF-8")).caused_by(error))
}

/// Settings that a connector takes one by one; what is left in the end is unknown.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    scheme: String,
    left: Vec<(String, String)>,
    known: Vec<&'static str>,
}

impl Settings {
    pub(crate) fn take(&mut self, key: &'static str) -> Option<String> {
        self.known.push(key);
        let index = self.left.iter().position(|(known, _)| known == key)?;
        Some(self.left.remove(index).1)
    }

    /// A setting that is made of the text by `read`.
    pub(crate) fn read<T>(
        &mut self,
        key: &'static str,
        expected: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>> {
        let Some(text) = self.take(key) else { return Ok(None) };
        match read(&text) {
            Some(value) => Ok(Some(value)),
            None => Err(Error::config(format!("{key}: `{text}` is not {expected}"))),
        }
    }

    pub(crate) fn number(&mut self, key: &'static str) -> Result<Option<usize>> {
        self.read(key, "a whole number", |text| text.parse().ok())
    }

    /// A number of milliseconds.
    pub(crate) fn millis(&mut self, key: &'static str) -> Result<Option<Duration>> {
        self.read(key, "a whole number", |text| text.parse().ok().map(Duration::from_millis))
    }

    pub(crate) fn flag(&mut self, key: &'static str) -> Result<Option<bool>> {
        self.read(key, "true or false", |text| match text {
            "true" | "1" | "yes" => Some(true),
            "false" | "0" | "no" => Some(false),
            _ => None,
        })
    }

    /// One ASCII character; `\t` is a tabulator.
    pub(crate) fn byte(&mut self, key: &'static str) -> Result<Option<u8>> {
        self.read(key, "one ASCII character", |text| match text.as_bytes() {
            b"\\t" => Some(b'\t'),
            [byte] if byte.is_ascii() => Some(*byte),
            _ => None,
        })
    }

    /// Texts separated by commas.
    pub(crate) fn list(&mut self, key: &'static str) -> Option<Vec<String>> {
        self.take(key).map(|text| text.split(',').map(str::to_owned).collect())
    }

    /// Refuses settings that nobody has taken.
    pub(crate) fn end(self) -> Result<()> {
        match self.left.first() {
            None => Ok(()),
            Some((key, _)) => Err(Error::config(match self.known.is_empty() {
                true => format!("{key}: no such setting of {}:; it has none", self.scheme),
                false => format!(
                    "{key}: no such setting of {}:; there are {}",
                    self.scheme,
                    self.known.join(", ")
                ),
            })),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_paths_and_settings() {
        let mut url = Url::parse("csv:a%3Fb.csv?delimiter=%26&nulls=,NA").unwrap();
        assert_eq!((url.scheme.as_str(), url.path.as_str()), ("csv", "a?b.csv"));
        url.set("delimiter", ";");
        let mut settings = url.settings();
        assert_eq!(settings.byte("delimiter").unwrap(), Some(b';'));
        assert_eq!(settings.list("nulls").unwrap(), ["", "NA"]);
        settings.end().unwrap();
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (url, said) in [
            ("flights.csv", "no scheme"),
            ("csv:a%zz", "two digits"),
            // Which Rust reads as a number with a sign.
            ("csv:a%+f", "two digits"),
            ("csv:a?b", "KEY=VALUE"),
            ("csv:a?b=%ff", "not UTF-8"),
        ] {
            let error = Url::parse(url).unwrap_err();
            assert!(error.message().contains(said), "{error}");
        }
        let mut settings = Url::parse("csv:a?size=x&odd=1").unwrap().settings();
        assert!(settings.number("size").unwrap_err().message().starts_with("size: `x`"));
        assert!(settings.end().unwrap_err().message().contains("no such setting of csv:"));
    }
}
