//! Texts built piece by piece, without formatting machinery and without an allocation each.

use crate::error::Result;
use crate::out::Out;
use crate::sink::{Encode, Sink};
use bumpalo::Bump;
use bumpalo::collections::String as ArenaString;
use std::cell::Cell;
use std::fmt;

/// Longer texts grow when they must, instead of making every text begin this long.
const MAX_CAPACITY: usize = 256;

/// What the texts of a lane share from row to row.
#[derive(Debug)]
pub(crate) struct Texts {
    /// As many bytes as the longest of late had, since an arena grows a text by copying it.
    pub(crate) capacity: Capacity,
    pub(crate) line: String,
}

/// Bytes that the next text begins with.
#[derive(Debug)]
pub(crate) struct Capacity(Cell<usize>);

impl Default for Texts {
    fn default() -> Self {
        Texts { capacity: Capacity(Cell::new(32)), line: String::new() }
    }
}

impl Texts {
    pub(crate) fn bytes(&self) -> usize {
        self.line.capacity()
    }

    /// Gives back a line's memory beyond `bytes`.
    pub(crate) fn shrink(&mut self, bytes: usize) {
        if self.line.capacity() > bytes {
            self.line = String::new();
        }
    }
}

impl Capacity {
    #[inline]
    fn remember(&self, bytes: usize) {
        let bytes = bytes.min(MAX_CAPACITY);
        if bytes > self.0.get() {
            self.0.set(bytes.next_multiple_of(16));
        }
    }
}

/// A text under construction, in the arena; see [`Out::text`].
#[must_use = "a text does nothing until `finish`"]
pub struct Text<'b> {
    text: ArenaString<'b>,
    capacity: &'b Capacity,
}

/// A line under construction, to be emitted at once; see [`Out::line`].
#[must_use = "a line does nothing until `emit`"]
pub struct Line<'o, 'b, K: Sink> {
    out: &'o mut Out<'b, K>,
}

// By reference, not by value: a builder that is moved from call to call is copied through memory
// each time.
macro_rules! pushes {
    ($($target:tt)+) => {
        /// Appends a string.
        #[inline]
        pub fn str(&mut self, text: &str) -> &mut Self {
            self.$($target)+.push_str(text);
            self
        }

        /// Appends a character.
        #[inline]
        pub fn char(&mut self, character: char) -> &mut Self {
            self.$($target)+.push(character);
            self
        }

        /// Appends an integer in decimal.
        #[inline]
        pub fn int(&mut self, number: impl itoa::Integer) -> &mut Self {
            self.$($target)+.push_str(itoa::Buffer::new().format(number));
            self
        }

        /// Appends a float in the shortest form that reads back to the same value.
        #[inline]
        pub fn float(&mut self, number: f64) -> &mut Self {
            self.$($target)+.push_str(zmij::Buffer::new().format(number));
            self
        }
    };
}

impl<'b> Text<'b> {
    #[inline]
    pub(crate) fn new(capacity: &'b Capacity, arena: &'b Bump) -> Self {
        Text { text: ArenaString::with_capacity_in(capacity.0.get(), arena), capacity }
    }

    pushes!(text);

    /// The text. What is appended afterwards begins another one.
    #[inline]
    pub fn finish(&mut self) -> &'b str {
        self.capacity.remember(self.text.len());
        let next = ArenaString::new_in(self.text.bump());
        std::mem::replace(&mut self.text, next).into_bump_str()
    }
}

impl<'o, 'b, K: Sink> Line<'o, 'b, K> {
    #[inline]
    pub(crate) fn new(out: &'o mut Out<'b, K>) -> Self {
        out.line.clear();
        Line { out }
    }

    pushes!(out.line);

    /// Emits the line. What is appended afterwards begins another one.
    ///
    /// # Errors
    /// As [`Out::emit`].
    #[inline]
    pub fn emit(&mut self) -> Result<()>
    where
        K: for<'t> Encode<&'t str>,
    {
        K::encode(self.out.encoder, self.out.page, self.out.line)?;
        self.out.line.clear();
        self.out.emitted += 1;
        Ok(())
    }
}

impl fmt::Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.text.push_str(text);
        Ok(())
    }
}

impl<K: Sink> fmt::Write for Line<'_, '_, K> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.out.line.push_str(text);
        Ok(())
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

impl<K: Sink> fmt::Debug for Line<'_, '_, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.out.line, f)
    }
}
