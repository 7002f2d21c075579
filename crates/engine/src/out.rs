//! What a transform writes to.

use crate::error::Result;
use crate::sink::{Encode, Sink};
use bumpalo::Bump;
use bumpalo::collections::String;
use std::fmt;

/// The way out of a transform: emits values to the sink's page, makes scratch values in the arena.
///
/// `'b` is the time for which the batch is being transformed. What the arena hands out lives that
/// long, and may be emitted together with borrows from the row.
///
/// An arena value can't leave the batch:
/// ```compile_fail
/// use std::sync::Mutex;
/// use trommel::{Pipeline, sinks, sources};
/// let escaped: Mutex<Option<&str>> = Mutex::new(None);
/// Pipeline::from(sources::generate(10, |id| id))
///     .transform(|id, out| {
///         *escaped.lock().unwrap() = Some(out.text().int(id).finish());
///         out.emit(id)
///     })
///     .load_into(sinks::count());
/// ```
pub struct Out<'b, K: Sink> {
    encoder: &'b K::Encoder,
    page: &'b mut K::Page,
    arena: &'b Bump,
    text_capacity: &'b mut usize,
    emitted: u64,
}

impl<'b, K: Sink> Out<'b, K> {
    pub(crate) fn new(
        encoder: &'b K::Encoder,
        page: &'b mut K::Page,
        arena: &'b Bump,
        text_capacity: &'b mut usize,
    ) -> Self {
        Out { encoder, page, arena, text_capacity, emitted: 0 }
    }

    /// Gives a value to the sink. A row may emit none (it was filtered), one or many.
    ///
    /// # Errors
    /// Whatever the sink's encoder says of the value; passed on with `?` it rejects the row.
    #[inline]
    pub fn emit<T>(&mut self, value: T) -> Result<()>
    where
        K: Encode<T>,
    {
        K::encode(self.encoder, self.page, value)?;
        self.emitted += 1;
        Ok(())
    }

    /// The arena itself, for values that live as long as the batch is being transformed.
    #[inline]
    pub fn arena(&self) -> &'b Bump {
        self.arena
    }

    /// Builds a text piece by piece; the quick way (an integer costs about 5 ns, where
    /// [`format`](Self::format) takes about 60).
    ///
    /// ```
    /// # use trommel::{Engine, Pipeline, sinks, sources};
    /// let mut names = sinks::collect::<String>();
    /// Pipeline::from(sources::generate(2, |id| id))
    ///     .transform(|id, out| {
    ///         let name = out.text().str("user-").int(id).finish();
    ///         out.emit(name.to_owned())
    ///     })
    ///     .load_into(&mut names)
    ///     .run(&Engine::new()?)?;
    /// assert_eq!(names.into_vec(), ["user-0", "user-1"]);
    /// # Ok::<(), trommel::Error>(())
    /// ```
    #[inline]
    pub fn text(&mut self) -> Text<'_, 'b> {
        let text = String::with_capacity_in(*self.text_capacity, self.arena);
        Text { text, capacity: self.text_capacity }
    }

    /// Formats into the arena.
    ///
    /// # Panics
    /// When a `Display` implementation returns an error, as `format!` does.
    pub fn format(&mut self, arguments: fmt::Arguments<'_>) -> &'b str {
        let mut text = self.text();
        fmt::Write::write_fmt(&mut text, arguments)
            .expect("a Display implementation returned an error");
        text.finish()
    }

    #[inline]
    pub(crate) fn emitted(&self) -> u64 {
        self.emitted
    }

    #[inline]
    pub(crate) fn page(&self) -> &K::Page {
        self.page
    }

    pub(crate) fn page_mut(&mut self) -> &mut K::Page {
        self.page
    }

    pub(crate) fn take_back(&mut self, emitted: u64) {
        self.emitted = emitted;
    }
}

impl<K: Sink> fmt::Debug for Out<'_, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Out").field("emitted", &self.emitted).finish_non_exhaustive()
    }
}

/// Bytes that a text begins with, before any text has shown what is needed.
pub(crate) const TEXT_CAPACITY: usize = 32;
/// Longer texts grow when they must, instead of making every text begin this long.
const MAX_TEXT_CAPACITY: usize = 256;

/// A text under construction, in the arena; see [`Out::text`].
#[derive(Debug)]
#[must_use = "a text does nothing until `finish`"]
pub struct Text<'o, 'b> {
    text: String<'b>,
    /// What the next text begins with: as much as the longest of late, since an arena grows a text
    /// by copying it.
    capacity: &'o mut usize,
}

impl<'b> Text<'_, 'b> {
    /// Appends a string.
    #[inline]
    pub fn str(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Appends a character.
    #[inline]
    pub fn char(&mut self, character: char) -> &mut Self {
        self.text.push(character);
        self
    }

    /// Appends an integer in decimal.
    #[inline]
    pub fn int(&mut self, number: impl itoa::Integer) -> &mut Self {
        self.text.push_str(itoa::Buffer::new().format(number));
        self
    }

    /// Appends a float in the shortest form that reads back to the same value.
    #[inline]
    pub fn float(&mut self, number: f64) -> &mut Self {
        self.text.push_str(zmij::Buffer::new().format(number));
        self
    }

    /// The text. What is appended afterwards begins another one.
    #[inline]
    pub fn finish(&mut self) -> &'b str {
        let capacity = self.text.len().min(MAX_TEXT_CAPACITY);
        if capacity > *self.capacity {
            *self.capacity = capacity.next_multiple_of(16);
        }
        let next = String::new_in(self.text.bump());
        std::mem::replace(&mut self.text, next).into_bump_str()
    }
}

impl fmt::Write for Text<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.text.push_str(text);
        Ok(())
    }
}
