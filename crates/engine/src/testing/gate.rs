//! Doors that tests open.

use parking_lot::{Condvar, Mutex};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A door: closed until [`open`](Self::open) is called, open for ever then. Clones are the same
/// door.
///
/// A transform, source or sink waits at it, and the test knows by
/// [`await_arrivals`](Self::await_arrivals) that it does.
///
/// ```
/// use trommel::testing::Gate;
/// let gate = Gate::new();
/// let behind = gate.clone();
/// let waiter = std::thread::spawn(move || behind.pass());
/// assert!(gate.await_arrivals(1)); // it stands at the door, for certain
/// gate.open();
/// waiter.join().unwrap();
/// ```
#[derive(Debug, Clone, Default)]
pub struct Gate(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    open: bool,
    arrivals: usize,
}

/// How long [`Gate::await_arrivals`] and [`Gate::pass_unless`] go on at most. Far longer than any
/// test should take, and short enough that a hang is reported rather than sat through.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often [`Gate::pass_unless`] asks.
const LOOK: Duration = Duration::from_millis(1);

impl Gate {
    /// A closed door.
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens it, for those who wait and for all who come.
    pub fn open(&self) {
        self.0.state.lock().open = true;
        self.0.changed.notify_all();
    }

    /// Whether it is open.
    pub fn is_open(&self) -> bool {
        self.0.state.lock().open
    }

    /// How many have come to the door so far.
    pub fn arrivals(&self) -> usize {
        self.0.state.lock().arrivals
    }

    /// Waits until it is open.
    pub fn pass(&self) {
        let mut state = self.arrive();
        while !state.open {
            self.0.changed.wait(&mut state);
        }
    }

    /// Waits until it is open or `stop` says so. Answers whether it was open.
    pub fn pass_unless(&self, stop: impl Fn() -> bool) -> bool {
        let mut state = self.arrive();
        while !state.open && !stop() {
            self.0.changed.wait_for(&mut state, LOOK);
        }
        state.open
    }

    /// Waits until `count` have come to the door; `false` when they have not within 20 seconds.
    #[must_use = "`false` means that nobody came"]
    pub fn await_arrivals(&self, count: usize) -> bool {
        let until = Instant::now() + PATIENCE;
        let mut state = self.0.state.lock();
        while state.arrivals < count {
            if self.0.changed.wait_until(&mut state, until).timed_out() {
                return state.arrivals >= count;
            }
        }
        true
    }

    fn arrive(&self) -> parking_lot::MutexGuard<'_, State> {
        let mut state = self.0.state.lock();
        state.arrivals += 1;
        self.0.changed.notify_all();
        state
    }
}
