//! Keeps every value.

use crate::error::Result;
use crate::sink::{Encode, Sink};

/// Keeps every value, in order in an ordered run.
///
/// ```
/// # use trommel::{Engine, Pipeline, sinks, sources};
/// let mut squares = sinks::collect();
/// Pipeline::from(sources::generate(4, |id| id * id))
///     .load_into(&mut squares)
///     .run(&Engine::new()?)?;
/// assert_eq!(squares.into_vec(), [0, 1, 4, 9]);
/// # Ok::<(), trommel::Error>(())
/// ```
pub fn collect<T: Send>() -> Collect<T> {
    Collect { values: Vec::new() }
}

/// See [`collect`].
#[derive(Debug)]
pub struct Collect<T> {
    values: Vec<T>,
}

impl<T> Collect<T> {
    /// What was kept.
    pub fn into_vec(self) -> Vec<T> {
        self.values
    }

    /// What has been kept so far.
    pub fn as_slice(&self) -> &[T] {
        &self.values
    }
}

impl<T: Send> Sink for Collect<T> {
    type Page = Vec<T>;
    type Encoder = ();

    fn encoder(&mut self) -> Result<()> {
        Ok(())
    }

    fn write(&mut self, page: &mut Vec<T>) -> Result<()> {
        self.values.append(page);
        Ok(())
    }

    fn may_block(&self) -> bool {
        false
    }
}

impl<T: Send> Encode<T> for Collect<T> {
    #[inline]
    fn encode(_: &(), page: &mut Vec<T>, value: T) -> Result<()> {
        page.push(value);
        Ok(())
    }
}
