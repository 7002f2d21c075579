//! Counts values, or forgets them.

use crate::error::Result;
use crate::page::Page;
use crate::sink::{Encode, Sink};

/// Counts values of any type.
///
/// ```
/// # use trommel::{Engine, Pipeline, sinks, sources};
/// let mut even = sinks::count();
/// Pipeline::from(sources::generate(1_001, |id| id))
///     .filter(|id| id % 2 == 0)
///     .load_into(&mut even)
///     .run(&Engine::new()?)?;
/// assert_eq!(even.values(), 501);
/// # Ok::<(), trommel::Error>(())
/// ```
pub fn count() -> Count {
    Count { values: 0 }
}

/// Takes values of any type and keeps nothing: for measuring what comes before it.
///
/// ```
/// # use trommel::{Engine, Pipeline, sinks, sources};
/// let report = Pipeline::from(sources::generate(1_000, |id| id))
///     .load_into(sinks::null())
///     .run(&Engine::new()?)?;
/// assert_eq!(report.counts.loaded, 1_000);
/// # Ok::<(), trommel::Error>(())
/// ```
pub fn null() -> Null {
    Null(())
}

/// See [`count`].
#[derive(Debug, Default)]
pub struct Count {
    values: u64,
}

impl Count {
    /// Values so far.
    pub fn values(&self) -> u64 {
        self.values
    }
}

/// Values counted in one batch.
#[derive(Debug, Default)]
pub struct CountPage(u64);

impl Page for CountPage {
    fn clear(&mut self) {
        self.0 = 0;
    }
    fn bytes(&self) -> usize {
        0
    }
    fn mark(&self) -> usize {
        self.0 as usize
    }
    fn rewind(&mut self, mark: usize) {
        self.0 = mark as u64;
    }
}

impl Sink for Count {
    type Page = CountPage;
    type Encoder = ();

    fn encoder(&mut self) -> Result<()> {
        Ok(())
    }

    fn write(&mut self, page: &mut CountPage) -> Result<()> {
        self.values += page.0;
        Ok(())
    }

    fn may_block(&self) -> bool {
        false
    }
}

impl<T> Encode<T> for Count {
    #[inline]
    fn encode(_: &(), page: &mut CountPage, _: T) -> Result<()> {
        page.0 += 1;
        Ok(())
    }
}

/// See [`null`].
#[derive(Debug, Default)]
pub struct Null(());

impl Sink for Null {
    type Page = ();
    type Encoder = ();

    fn encoder(&mut self) -> Result<()> {
        Ok(())
    }

    fn write(&mut self, _: &mut ()) -> Result<()> {
        Ok(())
    }

    fn may_block(&self) -> bool {
        false
    }
}

impl<T> Encode<T> for Null {
    #[inline]
    fn encode(_: &(), _: &mut (), _: T) -> Result<()> {
        Ok(())
    }
}
