//! Folds values in the workers, and the workers' results at the end.

use crate::error::Result;
use crate::page::Page;
use crate::sink::{Encode, Sink};
use std::fmt;
use std::sync::Arc;

/// Folds values in the workers: each batch starts from `init()`, takes its values with `fold`, and
/// the results are merged in the order of the batches with `merge`.
///
/// What a value has added can't be taken back: a row that emits and then fails has counted.
///
/// ```
/// use trommel::{Engine, Pipeline, sinks, sources};
/// let mut longest = sinks::fold(
///     String::new,
///     |longest: &mut String, word: &str| if word.len() > longest.len() { *longest = word.to_owned() },
///     |longest, other| if other.len() > longest.len() { *longest = other },
/// );
/// Pipeline::from(sources::iter(["sand", "gravel", "clay"]))
///     .transform(|word, out| out.emit(*word))
///     .load_into(&mut longest)
///     .run(&Engine::new()?)?;
/// assert_eq!(longest.into_value(), "gravel");
/// # Ok::<(), trommel::Error>(())
/// ```
pub fn fold<A, I, F, M>(init: I, fold: F, merge: M) -> Fold<A, I, F, M>
where
    A: Send,
    I: Fn() -> A + Send + Sync,
    M: FnMut(&mut A, A) + Send,
{
    Fold { value: None, encoder: Arc::new(FoldEncoder { init, fold }), merge }
}

/// See [`fold`].
pub struct Fold<A, I, F, M> {
    value: Option<A>,
    encoder: Arc<FoldEncoder<I, F>>,
    merge: M,
}

/// The two closures that the workers call.
pub struct FoldEncoder<I, F> {
    init: I,
    fold: F,
}

impl<A, I: Fn() -> A, F, M> Fold<A, I, F, M> {
    /// The result; `init()` when there were no values.
    pub fn into_value(self) -> A {
        self.value.unwrap_or_else(|| (self.encoder.init)())
    }
}

/// The accumulator of one batch.
#[derive(Debug)]
pub struct FoldPage<A>(Option<A>);

impl<A> Default for FoldPage<A> {
    fn default() -> Self {
        FoldPage(None)
    }
}

impl<A: Send> Page for FoldPage<A> {
    fn clear(&mut self) {
        self.0 = None;
    }
    fn bytes(&self) -> usize {
        0
    }
    fn mark(&self) -> usize {
        0
    }
    fn rewind(&mut self, _mark: usize) {}
}

impl<A, I, F, M> Sink for Fold<A, I, F, M>
where
    A: Send,
    I: Fn() -> A + Send + Sync,
    F: Send + Sync,
    M: FnMut(&mut A, A) + Send,
{
    type Page = FoldPage<A>;
    type Encoder = Arc<FoldEncoder<I, F>>;

    fn encoder(&mut self) -> Result<Self::Encoder> {
        Ok(Arc::clone(&self.encoder))
    }

    fn write(&mut self, page: &mut FoldPage<A>) -> Result<()> {
        match (&mut self.value, page.0.take()) {
            (Some(value), Some(part)) => (self.merge)(value, part),
            (value @ None, part) => *value = part,
            (Some(_), None) => {}
        }
        Ok(())
    }

    fn may_block(&self) -> bool {
        false
    }
}

impl<A, I, F, M, T> Encode<T> for Fold<A, I, F, M>
where
    A: Send,
    I: Fn() -> A + Send + Sync,
    F: Fn(&mut A, T) + Send + Sync,
    M: FnMut(&mut A, A) + Send,
{
    #[inline]
    fn encode(encoder: &Self::Encoder, page: &mut FoldPage<A>, value: T) -> Result<()> {
        (encoder.fold)(page.0.get_or_insert_with(&encoder.init), value);
        Ok(())
    }
}

impl<A: fmt::Debug, I, F, M> fmt::Debug for Fold<A, I, F, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fold").field("value", &self.value).finish_non_exhaustive()
    }
}

impl<I, F> fmt::Debug for FoldEncoder<I, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FoldEncoder")
    }
}
