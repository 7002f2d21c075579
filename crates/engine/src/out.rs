//! What a transform writes to.

use crate::error::Result;
use crate::sink::{Encode, Sink};
use bumpalo::Bump;
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
    scratch: &'b mut String,
    emitted: u64,
}

impl<'b, K: Sink> Out<'b, K> {
    pub(crate) fn new(
        encoder: &'b K::Encoder,
        page: &'b mut K::Page,
        arena: &'b Bump,
        scratch: &'b mut String,
    ) -> Self {
        Out {
            encoder,
            page,
            arena,
            scratch,
            emitted: 0,
        }
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
        self.emitted += 1;
        K::encode(self.encoder, self.page, value)
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
        self.scratch.clear();
        Text {
            scratch: self.scratch,
            arena: self.arena,
        }
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
        f.debug_struct("Out")
            .field("emitted", &self.emitted)
            .finish_non_exhaustive()
    }
}

/// A text under construction; see [`Out::text`].
#[derive(Debug)]
#[must_use = "a text does nothing until `finish`"]
pub struct Text<'o, 'b> {
    // Built outside the arena: an arena grows its newest allocation by copying it, and would keep
    // every intermediate size.
    scratch: &'o mut String,
    arena: &'b Bump,
}

impl<'b> Text<'_, 'b> {
    /// Appends a string.
    #[inline]
    pub fn str(self, text: &str) -> Self {
        self.scratch.push_str(text);
        self
    }

    /// Appends a character.
    #[inline]
    pub fn char(self, character: char) -> Self {
        self.scratch.push(character);
        self
    }

    /// Appends an integer in decimal.
    #[inline]
    pub fn int(self, number: impl itoa::Integer) -> Self {
        self.scratch.push_str(itoa::Buffer::new().format(number));
        self
    }

    /// Appends a float in the shortest form that reads back to the same value.
    #[inline]
    pub fn float(self, number: f64) -> Self {
        self.scratch.push_str(zmij::Buffer::new().format(number));
        self
    }

    /// The text, in the arena.
    #[inline]
    pub fn finish(self) -> &'b str {
        self.arena.alloc_str(self.scratch)
    }

    /// The text where it was built, valid until the next text: for a value that is emitted at once.
    #[inline]
    pub fn as_str(&self) -> &str {
        self.scratch
    }
}

impl fmt::Write for Text<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.scratch.push_str(text);
        Ok(())
    }
}
