//! What a transform writes to.

use crate::error::Result;
use crate::sink::{Encode, Sink};
use crate::text::{Capacity, Line, Text, Texts};
use bumpalo::Bump;
use std::fmt;

/// The way out of a transform: emits values to the sink's page, makes scratch values in the arena.
///
/// `'b` is the time for which the batch is being transformed. What the arena hands out lives that
/// long, and may be emitted together with borrows from the row.
///
/// An arena value can't leave the batch:
/// ```compile_fail,E0521
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
/// A copy of it can:
/// ```
/// # use std::sync::Mutex;
/// # use trommel::{Engine, Pipeline, sinks, sources};
/// let escaped: Mutex<Option<String>> = Mutex::new(None);
/// Pipeline::from(sources::generate(10, |id| id))
///     .transform(|id, out| {
///         *escaped.lock().unwrap() = Some(out.text().int(id).finish().to_owned());
///         out.emit(id)
///     })
///     .load_into(sinks::count())
///     .run(&Engine::new()?)?;
/// # Ok::<(), trommel::Error>(())
/// ```
pub struct Out<'b, K: Sink> {
    pub(crate) encoder: &'b K::Encoder,
    pub(crate) page: &'b mut K::Page,
    arena: &'b Bump,
    capacity: &'b Capacity,
    pub(crate) line: &'b mut String,
    pub(crate) emitted: u64,
}

impl<'b, K: Sink> Out<'b, K> {
    pub(crate) fn new(
        encoder: &'b K::Encoder,
        page: &'b mut K::Page,
        arena: &'b Bump,
        texts: &'b mut Texts,
    ) -> Self {
        let Texts { capacity, line } = texts;
        Out { encoder, page, arena, capacity, line, emitted: 0 }
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
    ///         out.emit(out.text().str("user-").int(id).finish().to_owned())
    ///     })
    ///     .load_into(&mut names)
    ///     .run(&Engine::new()?)?;
    /// assert_eq!(names.into_vec(), ["user-0", "user-1"]);
    /// # Ok::<(), trommel::Error>(())
    /// ```
    #[inline]
    pub fn text(&self) -> Text<'b> {
        Text::new(self.capacity, self.arena)
    }

    /// Builds a line piece by piece and emits it; quicker still than [`text`](Self::text), since a
    /// line that nothing else needs takes no memory in the arena.
    ///
    /// ```
    /// # use trommel::{Engine, Pipeline, sinks, sources};
    /// let mut file = sinks::write(Vec::new());
    /// Pipeline::from(sources::generate(2, |id| id))
    ///     .transform(|id, out| out.line().int(id).char(',').float(0.5).char('\n').emit())
    ///     .load_into(&mut file)
    ///     .run(&Engine::new()?)?;
    /// assert_eq!(file.into_inner(), b"0,0.5\n1,0.5\n");
    /// # Ok::<(), trommel::Error>(())
    /// ```
    #[inline]
    pub fn line(&mut self) -> Line<'_, 'b, K> {
        Line::new(self)
    }

    /// Formats into the arena.
    ///
    /// # Panics
    /// When a `Display` implementation returns an error, as `format!` does.
    pub fn format(&self, arguments: fmt::Arguments<'_>) -> &'b str {
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
