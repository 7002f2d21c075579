//! Faults and what sets them off.

use crate::error::{Error, ErrorKind, Result};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The message of every fault that a double raises.
const MESSAGE: &str = "a fault made for testing";

/// How something goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// An error of this kind.
    Error(ErrorKind),
    /// A panic.
    Panic,
}

impl Fault {
    /// An error that ends the run.
    pub const FATAL: Fault = Fault::Error(ErrorKind::Fatal);
    /// An error that concerns one row.
    pub const ROW: Fault = Fault::Error(ErrorKind::Row);
    /// An error that may pass.
    pub const TRANSIENT: Fault = Fault::Error(ErrorKind::Transient);

    /// Goes wrong.
    ///
    /// # Errors
    /// Always, unless it panics.
    ///
    /// # Panics
    /// When it is [`Fault::Panic`].
    pub fn raise(self) -> Result<()> {
        match self {
            Fault::Error(kind) => Err(Error::new(kind, MESSAGE)),
            Fault::Panic => panic!("{MESSAGE}"),
        }
    }
}

/// Counts steps and goes off at some of them. Clones count together.
///
/// ```
/// use trommel::testing::{Fault, Trap};
/// let trap = Trap::during(1..3, Fault::TRANSIENT);
/// let steps = [trap.step(), trap.step(), trap.step(), trap.step()];
/// assert_eq!(steps.map(|step| step.is_ok()), [true, false, false, true]);
/// assert_eq!(trap.steps(), 4);
/// ```
#[derive(Debug, Clone)]
pub struct Trap {
    steps: Arc<AtomicU64>,
    armed: Range<u64>,
    fault: Fault,
}

impl Trap {
    /// Goes off once, at step number `step`, the first being 0.
    pub fn at(step: u64, fault: Fault) -> Self {
        Self::during(step..step + 1, fault)
    }

    /// Goes off at `step` and ever after.
    pub fn from(step: u64, fault: Fault) -> Self {
        Self::during(step..u64::MAX, fault)
    }

    /// Goes off at each of these steps.
    pub fn during(steps: Range<u64>, fault: Fault) -> Self {
        Trap { steps: Arc::default(), armed: steps, fault }
    }

    /// One step.
    ///
    /// # Errors
    /// When it goes off, unless it panics.
    ///
    /// # Panics
    /// When it goes off and its fault is a panic.
    pub fn step(&self) -> Result<()> {
        let step = self.steps.fetch_add(1, Ordering::SeqCst);
        if self.armed.contains(&step) { self.fault.raise() } else { Ok(()) }
    }

    /// Steps so far.
    pub fn steps(&self) -> u64 {
        self.steps.load(Ordering::SeqCst)
    }
}
