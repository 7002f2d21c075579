//! The middle of a pipeline: steps on rows, and the transform at their end.

use crate::batch::Batch;
use crate::error::Result;
use crate::out::Out;
use crate::sink::{Encode, Sink};
use std::fmt;
use std::marker::PhantomData;

/// Steps between a batch's rows and the transform: `filter`, `map`, … Each pushes its items into
/// the next one, so that a chain compiles to one loop.
///
/// The steps are this crate's own; users write closures.
pub trait Step<B: Batch>: Sync {
    /// What comes out of the step.
    type Item<'b>;

    /// Pushes what becomes of `row` into `next`: nothing or one item.
    ///
    /// # Errors
    /// A row error of the step's closure, or the error of `next`.
    fn push<'b, N>(&self, row: B::Row<'b>, next: N) -> Result<()>
    where
        N: FnMut(Self::Item<'b>) -> Result<()>;
}

/// The rows themselves: no step yet.
#[derive(Debug, Clone, Copy)]
pub struct Rows;

impl<B: Batch> Step<B> for Rows {
    type Item<'b> = B::Row<'b>;

    #[inline]
    fn push<'b, N>(&self, row: B::Row<'b>, mut next: N) -> Result<()>
    where
        N: FnMut(<Self as Step<B>>::Item<'b>) -> Result<()>,
    {
        next(row)
    }
}

/// Lets some items pass. See [`Pipeline::filter`](crate::Pipeline::filter).
pub struct Filter<P, F> {
    pub(crate) before: P,
    pub(crate) keep: F,
}

impl<B: Batch, P: Step<B>, F> Step<B> for Filter<P, F>
where
    F: for<'i, 'b> Fn(&'i P::Item<'b>) -> bool + Sync,
{
    type Item<'b> = P::Item<'b>;

    #[inline]
    fn push<'b, N>(&self, row: B::Row<'b>, mut next: N) -> Result<()>
    where
        N: FnMut(<Self as Step<B>>::Item<'b>) -> Result<()>,
    {
        self.before.push(row, |item| if (self.keep)(&item) { next(item) } else { Ok(()) })
    }
}

/// Turns each item into a value of its own. See [`Pipeline::map`](crate::Pipeline::map).
pub struct Map<P, F, T> {
    pub(crate) before: P,
    pub(crate) make: F,
    pub(crate) makes: PhantomData<fn() -> T>,
}

impl<B: Batch, P: Step<B>, F, T> Step<B> for Map<P, F, T>
where
    F: for<'b> Fn(P::Item<'b>) -> T + Sync,
{
    type Item<'b> = T;

    #[inline]
    fn push<'b, N>(&self, row: B::Row<'b>, mut next: N) -> Result<()>
    where
        N: FnMut(<Self as Step<B>>::Item<'b>) -> Result<()>,
    {
        self.before.push(row, |item| next((self.make)(item)))
    }
}

/// Like [`Map`], for closures that can refuse a row. See
/// [`Pipeline::try_map`](crate::Pipeline::try_map).
pub struct TryMap<P, F, T> {
    pub(crate) before: P,
    pub(crate) make: F,
    pub(crate) makes: PhantomData<fn() -> T>,
}

impl<B: Batch, P: Step<B>, F, T> Step<B> for TryMap<P, F, T>
where
    F: for<'b> Fn(P::Item<'b>) -> Result<T> + Sync,
{
    type Item<'b> = T;

    #[inline]
    fn push<'b, N>(&self, row: B::Row<'b>, mut next: N) -> Result<()>
    where
        N: FnMut(<Self as Step<B>>::Item<'b>) -> Result<()>,
    {
        self.before.push(row, |item| next((self.make)(item)?))
    }
}

/// Changes records where they are, without making new ones.
///
/// ```
/// use trommel::{Engine, Pipeline, Result, ZeroCopyTransform, sources};
///
/// struct Birthday;
/// impl ZeroCopyTransform<u32> for Birthday {
///     fn apply(&self, age: &mut u32) -> Result<()> {
///         *age += 1;
///         Ok(())
///     }
/// }
/// let mut ages = [41, 17];
/// Pipeline::from(sources::slice_mut(&mut ages))
///     .transform_in_place(Birthday)
///     .run(&Engine::new()?)?;
/// assert_eq!(ages, [42, 18]);
/// # Ok::<(), trommel::Error>(())
/// ```
pub trait ZeroCopyTransform<T: ?Sized>: Sync {
    /// Changes one record.
    ///
    /// # Errors
    /// A row error rejects the record; what was changed in it stays changed.
    fn apply(&self, record: &mut T) -> Result<()>;
}

impl<T: ?Sized, F: Fn(&mut T) -> Result<()> + Sync> ZeroCopyTransform<T> for F {
    #[inline]
    fn apply(&self, record: &mut T) -> Result<()> {
        self(record)
    }
}

/// Applies a [`ZeroCopyTransform`] and passes the record on.
pub struct InPlace<P, Z, T: ?Sized> {
    pub(crate) before: P,
    pub(crate) change: Z,
    pub(crate) record: PhantomData<fn(&mut T)>,
}

impl<B: Batch, P, Z, T: ?Sized + 'static> Step<B> for InPlace<P, Z, T>
where
    P: for<'b> Step<B, Item<'b> = &'b mut T>,
    Z: ZeroCopyTransform<T>,
{
    type Item<'b> = &'b mut T;

    #[inline]
    fn push<'b, N>(&self, row: B::Row<'b>, mut next: N) -> Result<()>
    where
        N: FnMut(<Self as Step<B>>::Item<'b>) -> Result<()>,
    {
        self.before.push(row, |record: &'b mut T| {
            self.change.apply(record)?;
            next(record)
        })
    }
}

/// What the driver calls for each row: all steps and the transform.
pub trait Transform<B: Batch, K: Sink>: Sync {
    /// Transforms one row.
    ///
    /// # Errors
    /// A row error rejects the row, any other ends the run.
    fn apply<'b>(&self, row: B::Row<'b>, out: &mut Out<'b, K>) -> Result<()>;

    /// Transforms a stretch of rows at once, from index `from` on; see
    /// [`Job::by_stretches`](crate::Job::by_stretches).
    ///
    /// # Errors
    /// Any error ends the run.
    #[inline]
    fn stretch(
        &self,
        batch: &mut B,
        from: usize,
        encoder: &K::Encoder,
        page: &mut K::Page,
        room: usize,
    ) -> Result<Stretch> {
        let _ = (batch, from, encoder, page, room);
        Ok(Stretch::default())
    }
}

/// How many rows were transformed at once, and what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stretch {
    /// Rows, counted from where the stretch began. 0: the next row is not for a stretch.
    pub rows: usize,
    /// Values that lie in the page now, at most one for each row. Rows without one were filtered.
    pub values: usize,
}

/// A transform of single rows, and a closure for stretches of them.
pub struct ByStretches<T, F> {
    pub(crate) each: T,
    pub(crate) stretch: F,
}

impl<B, K, T, F> Transform<B, K> for ByStretches<T, F>
where
    B: Batch,
    K: Sink,
    T: Transform<B, K>,
    F: Fn(&mut B, usize, &K::Encoder, &mut K::Page, usize) -> Result<Stretch> + Sync,
{
    #[inline]
    fn apply<'b>(&self, row: B::Row<'b>, out: &mut Out<'b, K>) -> Result<()> {
        self.each.apply(row, out)
    }

    #[inline]
    fn stretch(
        &self,
        batch: &mut B,
        from: usize,
        encoder: &K::Encoder,
        page: &mut K::Page,
        room: usize,
    ) -> Result<Stretch> {
        (self.stretch)(batch, from, encoder, page, room)
    }
}

/// A closure at the end of the steps.
pub struct Closure<P, F> {
    pub(crate) steps: P,
    pub(crate) transform: F,
}

impl<B: Batch, K: Sink, P: Step<B>, F> Transform<B, K> for Closure<P, F>
where
    F: for<'b> Fn(P::Item<'b>, &mut Out<'b, K>) -> Result<()> + Sync,
{
    #[inline]
    fn apply<'b>(&self, row: B::Row<'b>, out: &mut Out<'b, K>) -> Result<()> {
        self.steps.push(row, |item| (self.transform)(item, out))
    }
}

/// Emits what the steps let pass: values, and rows that borrow from their batch.
#[derive(Debug)]
pub struct EmitAll<P> {
    pub(crate) steps: P,
}

impl<B: Batch, P: Step<B>, K> Transform<B, K> for EmitAll<P>
where
    K: Sink + for<'b> Encode<P::Item<'b>>,
{
    #[inline]
    fn apply<'b>(&self, row: B::Row<'b>, out: &mut Out<'b, K>) -> Result<()> {
        self.steps.push(row, |item| out.emit(item))
    }
}

macro_rules! opaque_debug {
    ($($name:ident<$($parameter:ident),*>),*) => {$(
        impl<$($parameter),*> fmt::Debug for $name<$($parameter),*> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    )*};
}
opaque_debug!(Filter<P, F>, Map<P, F, T>, TryMap<P, F, T>, InPlace<P, Z, T>, Closure<P, F>,
    ByStretches<T, F>);
