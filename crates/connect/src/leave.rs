//! How long a cancelled run waits for a peer that does not move.

use std::time::{Duration, Instant};
use trommel::CancelToken;

/// Longest time between two looks at a token.
pub(crate) const NAP: Duration = Duration::from_millis(10);

/// The run's token, and how long what is under way may go on once it is cancelled.
#[derive(Debug, Clone)]
pub(crate) struct Leave {
    token: CancelToken,
    grace: Duration,
    /// When it was first seen to be cancelled.
    since: Option<Instant>,
}

impl Leave {
    pub(crate) fn new(token: &CancelToken, grace: Duration) -> Self {
        Leave { token: token.clone(), grace, since: None }
    }

    /// Whether the run is cancelled.
    pub(crate) fn is_asked_for(&self) -> bool {
        self.token.is_cancelled()
    }

    /// Whether the grace, which the first look after the cancel begins, is over.
    pub(crate) fn is_due(&mut self) -> bool {
        self.is_asked_for() && self.since.get_or_insert_with(Instant::now).elapsed() >= self.grace
    }
}

/// Waits, unless the run is cancelled or `stops`: then it answers `false`.
pub(crate) fn pause(pause: Duration, leave: Option<&Leave>, stops: impl Fn() -> bool) -> bool {
    let until = Instant::now() + pause;
    loop {
        if stops() || leave.is_some_and(Leave::is_asked_for) {
            return false;
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return true;
        }
        std::thread::sleep(left.min(NAP));
    }
}
