//! Pages: what a batch became.

/// The sink's encoded output of one batch; owned and recycled.
///
/// `Vec<T>` is a page of rows or bytes. A page keeps its capacity when cleared. What the values of a
/// `Vec<T>` own themselves does not count as its bytes.
///
/// # Examples
/// Words in one buffer instead of a `String` each, with the place where each of them ends:
/// ```
/// use trommel::{Encode, Engine, Error, Options, Page, Pipeline, RejectPolicy, Result, Sink, sources};
///
/// #[derive(Default)]
/// struct Words {
///     text: String,
///     ends: Vec<usize>,
/// }
///
/// impl Page for Words {
///     fn clear(&mut self) {
///         self.text.clear();
///         self.ends.clear();
///     }
///
///     fn bytes(&self) -> usize {
///         self.text.len() + size_of_val(&self.ends[..])
///     }
///
///     fn mark(&self) -> usize {
///         self.ends.len() // one number that says all
///     }
///
///     fn rewind(&mut self, mark: usize) {
///         self.ends.truncate(mark);
///         self.text.truncate(self.ends.last().copied().unwrap_or(0));
///     }
/// }
///
/// #[derive(Default)]
/// struct Joined(String);
///
/// impl Sink for Joined {
///     type Page = Words;
///     type Encoder = ();
///
///     fn encoder(&mut self) -> Result<()> {
///         Ok(())
///     }
///
///     fn write(&mut self, page: &mut Words) -> Result<()> {
///         self.0.push_str(&page.text);
///         Ok(())
///     }
/// }
///
/// impl Encode<&str> for Joined {
///     fn encode((): &(), page: &mut Words, word: &str) -> Result<()> {
///         page.text.push_str(word);
///         page.ends.push(page.text.len());
///         Ok(())
///     }
/// }
///
/// let mut joined = Joined::default();
/// Pipeline::from(sources::slice(&["one ", "two ", "three "]))
///     .options(Options::builder().on_reject(RejectPolicy::skip(1)).build()?)
///     .transform(|word, out| {
///         out.emit(*word)?;
///         // A row that fails is taken back, with what it has emitted.
///         if word.starts_with("two") { Err(Error::row("two")) } else { out.emit("and ") }
///     })
///     .load_into(&mut joined)
///     .run(&Engine::new()?)?;
/// assert_eq!(joined.0, "one and three and ");
/// # Ok::<(), trommel::Error>(())
/// ```
pub trait Page: Send + Default {
    /// Empties the page, keeping its capacity.
    fn clear(&mut self);

    /// Heap bytes in use, for the memory limit.
    fn bytes(&self) -> usize;

    /// A place to which [`rewind`](Self::rewind) can return, so that a row that fails after it has
    /// emitted something leaves nothing behind.
    fn mark(&self) -> usize;

    /// Takes back what was added since `mark`. An accumulator that can't may keep it.
    fn rewind(&mut self, mark: usize);

    /// Called in the worker when no more values come before the page is written: for what is done
    /// to all of them at once, such as compressing them.
    fn seal(&mut self) {}
}

impl<T: Send> Page for Vec<T> {
    fn clear(&mut self) {
        self.clear();
    }
    fn bytes(&self) -> usize {
        self.len() * size_of::<T>()
    }
    fn mark(&self) -> usize {
        self.len()
    }
    fn rewind(&mut self, mark: usize) {
        self.truncate(mark);
    }
}

/// The page of a sink that keeps nothing.
impl Page for () {
    fn clear(&mut self) {}
    fn bytes(&self) -> usize {
        0
    }
    fn mark(&self) -> usize {
        0
    }
    fn rewind(&mut self, _mark: usize) {}
}
