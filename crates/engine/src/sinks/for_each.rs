//! Calls a closure with each value, one at a time.

use crate::error::{Class, Error, Result};
use crate::sink::{Encode, Sink};
use std::fmt;
use std::marker::PhantomData;

/// Calls `take` with each value, on one thread, in order in an ordered run. A row error rejects the
/// value, any other ends the run: also one that passes, since the value is gone. What should be tried again
/// is tried again inside of `take`, or by a sink of your own.
///
/// ```
/// use trommel::{Engine, Pipeline, sinks, sources};
/// let mut seen = Vec::new();
/// Pipeline::from(sources::generate(3, |id| id))
///     .map(|id| id * 10)
///     .load_into(sinks::for_each(|value: u64| {
///         seen.push(value);
///         Ok(())
///     }))
///     .run(&Engine::new()?)?;
/// assert_eq!(seen, [0, 10, 20]);
/// # Ok::<(), trommel::Error>(())
/// ```
pub fn for_each<T, F>(take: F) -> ForEach<T, F>
where
    T: Send,
    F: FnMut(T) -> Result<()> + Send,
{
    ForEach { take, faults: Vec::new(), takes: PhantomData }
}

/// See [`for_each`].
pub struct ForEach<T, F> {
    take: F,
    faults: Vec<(usize, Error)>,
    takes: PhantomData<fn(T)>,
}

impl<T: Send, F: FnMut(T) -> Result<()> + Send> Sink for ForEach<T, F> {
    type Page = Vec<T>;
    type Encoder = ();

    fn encoder(&mut self) -> Result<()> {
        Ok(())
    }

    fn write(&mut self, page: &mut Vec<T>) -> Result<()> {
        for (index, value) in page.drain(..).enumerate() {
            match (self.take)(value) {
                Ok(()) => {}
                Err(error) if error.class() == Class::Row => self.faults.push((index, error)),
                // The value is gone, and with it what a retry could try again.
                Err(error) if error.class() == Class::Transient => {
                    let message = "for_each gave a value away, so that it can't be tried again";
                    return Err(Error::fatal(message).caused_by(error));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn refuses_values(&self) -> bool {
        true
    }

    fn take_faults(&mut self, faults: &mut Vec<(usize, Error)>) {
        faults.append(&mut self.faults);
    }
}

impl<T: Send, F: FnMut(T) -> Result<()> + Send> Encode<T> for ForEach<T, F> {
    #[inline]
    fn encode(_: &(), page: &mut Vec<T>, value: T) -> Result<()> {
        page.push(value);
        Ok(())
    }
}

impl<T, F> fmt::Debug for ForEach<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ForEach")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Engine, Options, Pipeline, RejectPolicy, sinks, sources};

    /// Symptom: of 29 values that the closure refused 4 were counted, one for each batch, and the
    /// others were called loaded. Cause: the sink did not say that it refuses values, so that nobody
    /// had noted whose they were and all were taken for the batch's first row. Fixed: it says so.
    #[test]
    fn each_refused_value_is_a_reject() {
        let options = Options::builder().fixed_batch_size(50).on_reject(RejectPolicy::skip(100));
        let report = Pipeline::from(sources::generate(200, |id| id))
            .options(options.build().unwrap())
            .load_into(sinks::for_each(|id: u64| match id % 7 {
                0 => Err(Error::row("a multiple of 7")),
                _ => Ok(()),
            }))
            .run(&Engine::new().unwrap())
            .unwrap();
        assert_eq!((report.counts.loaded, report.counts.rejected), (171, 29));
    }
}
