//! How fields are written: what stands between them, and when they are quoted.

use super::rules::is_end;
use super::shape::Shape;
use memchr::{memchr, memchr_iter, memchr3};
use trommel::{Error, Result};

/// Longest text that is looked through byte by byte: for less, preparing a search takes longer.
const SHORT: usize = 24;

/// What a text begins with that readers would take for a mark of the encoding.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Which fields of the output stand in quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum QuoteStyle {
    /// Those that would be read as something else without: with a delimiter, a quote or a line
    /// break in them, empty texts, and texts that look like a null.
    #[default]
    Necessary,
    /// All but nulls.
    Always,
    /// All but numbers, booleans and nulls.
    NonNumeric,
}

/// Everything about the form of the output, checked.
#[derive(Debug, Clone)]
pub(super) struct Dialect {
    pub(super) delimiter: u8,
    pub(super) quote: u8,
    pub(super) style: QuoteStyle,
    pub(super) null: Vec<u8>,
    pub(super) terminator: &'static [u8],
    /// Whether a number could be read as something else: the delimiter is a digit, say.
    odd_numbers: bool,
    /// The bytes that make quotes necessary.
    special: [bool; 256],
}

impl Dialect {
    pub(super) fn new() -> Self {
        Dialect {
            delimiter: b',',
            quote: b'"',
            style: QuoteStyle::Necessary,
            null: Vec::new(),
            terminator: b"\n",
            odd_numbers: false,
            special: [false; 256],
        }
    }

    /// Checks the options and prepares for writing.
    pub(super) fn prepare(&mut self) -> Result<()> {
        for (name, byte) in [("delimiter", self.delimiter), ("quote", self.quote)] {
            let shown = byte.escape_ascii();
            if is_end(byte) || !byte.is_ascii() {
                return Err(Error::config(format!(
                    "{name}: `{shown}` won't do; it must be an ASCII character and no line break"
                )));
            }
        }
        if self.delimiter == self.quote {
            let shown = self.quote.escape_ascii();
            return Err(Error::config(format!("quote: `{shown}` is the delimiter already")));
        }
        self.special = [false; 256];
        for byte in [self.delimiter, self.quote, b'\n', b'\r'] {
            self.special[usize::from(byte)] = true;
        }
        if self.has_special(&self.null) {
            return Err(Error::config(
                "null: the string for nulls can't hold a delimiter, a quote or a line break",
            ));
        }
        let is_odd = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
        self.odd_numbers = is_odd(self.delimiter) || is_odd(self.quote);
        Ok(())
    }

    /// Whether records of a source can be copied as they are.
    pub(super) fn copies(&self, from: &Shape) -> bool {
        let rules = &from.rules;
        self.style == QuoteStyle::Necessary
            && rules.delimiter == self.delimiter
            && rules.quote == Some(self.quote)
            && rules.double_quote
            && rules.escape.is_none()
            && !from.trim
            && !from.lenient_eof
    }

    #[inline]
    fn has_special(&self, text: &[u8]) -> bool {
        if text.len() <= SHORT {
            return text.iter().any(|byte| self.special[usize::from(*byte)]);
        }
        memchr3(self.delimiter, self.quote, b'\n', text).is_some() || memchr(b'\r', text).is_some()
    }

    /// Appends a text.
    #[inline]
    pub(super) fn text(&self, out: &mut Vec<u8>, text: &[u8]) {
        let needs_quotes = self.style != QuoteStyle::Necessary
            || self.has_special(text)
            || text == self.null
            || text.is_empty()
            || text.starts_with(BYTE_ORDER_MARK);
        match needs_quotes {
            true => self.quoted(out, text),
            false => out.extend_from_slice(text),
        }
    }

    /// Appends a number or a boolean.
    #[inline]
    pub(super) fn number(&self, out: &mut Vec<u8>, digits: &[u8]) {
        let needs_quotes = self.style == QuoteStyle::Always
            || self.odd_numbers && self.has_special(digits)
            || digits == self.null;
        match needs_quotes {
            true => self.quoted(out, digits),
            false => out.extend_from_slice(digits),
        }
    }

    /// Appends a field that was read from another file: a null or number stays one.
    pub(super) fn field(&self, out: &mut Vec<u8>, field: &[u8]) {
        let is_number = || {
            let text = std::str::from_utf8(field);
            text.is_ok_and(|text| text.parse::<f64>().is_ok())
        };
        if field.is_empty() {
            return;
        }
        match self.style {
            QuoteStyle::Necessary if !self.has_special(field) => {
                if field.starts_with(BYTE_ORDER_MARK) {
                    return self.quoted(out, field);
                }
                out.extend_from_slice(field);
            }
            QuoteStyle::NonNumeric if is_number() => self.number(out, field),
            _ => self.quoted(out, field),
        }
    }

    pub(super) fn null(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.null);
    }

    #[cold]
    pub(super) fn quoted(&self, out: &mut Vec<u8>, text: &[u8]) {
        out.reserve(text.len() + 2);
        out.push(self.quote);
        let mut done = 0;
        for at in memchr_iter(self.quote, text) {
            // The quote itself comes again with what follows.
            out.extend_from_slice(&text[done..=at]);
            done = at;
        }
        out.extend_from_slice(&text[done..]);
        out.push(self.quote);
    }

    /// The line that names the columns.
    pub(super) fn header(&self, names: &[String]) -> Vec<u8> {
        let mut line = Vec::new();
        for (index, name) in names.iter().enumerate() {
            if index > 0 {
                line.push(self.delimiter);
            }
            // A name that is empty needs no quotes: a header has no nulls.
            match name.is_empty() && names.len() > 1 && self.style == QuoteStyle::Necessary {
                true => {}
                false => self.text(&mut line, name.as_bytes()),
            }
        }
        line.extend_from_slice(self.terminator);
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(dialect: &Dialect, text: &str) -> String {
        let mut out = Vec::new();
        dialect.text(&mut out, text.as_bytes());
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn quotes_stand_where_they_are_needed() {
        let mut dialect = Dialect::new();
        dialect.prepare().unwrap();
        for plain in ["a", "a b", "it's", "ä;", "-", "a long text of more than twenty-four bytes"]
        {
            assert_eq!(text(&dialect, plain), plain);
        }
        for (given, written) in [
            ("", "\"\""),
            ("a,b", "\"a,b\""),
            ("a\rb", "\"a\rb\""),
            ("\"", "\"\"\"\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("twenty-four bytes and more,\r", "\"twenty-four bytes and more,\r\""),
            ("twenty-four bytes and more \r", "\"twenty-four bytes and more \r\""),
            ("\u{feff}", "\"\u{feff}\""),
        ] {
            assert_eq!(text(&dialect, given), written);
        }
        dialect.null = b"NA".to_vec();
        assert_eq!(text(&dialect, "NA"), "\"NA\"");
    }

    #[test]
    fn options_that_cannot_work_are_refused() {
        for (delimiter, quote, null) in [(b',', b',', ""), (b'\n', b'"', ""), (b',', b'"', "a,b")] {
            let mut dialect = Dialect::new();
            (dialect.delimiter, dialect.quote, dialect.null) = (delimiter, quote, null.into());
            assert!(dialect.prepare().is_err(), "{delimiter} {quote} {null}");
        }
    }
}
